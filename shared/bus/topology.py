"""Every stream and durable of the system, as data, and how the centre brings them about."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from shared.bus.backoff import backoff_s
from shared.bus.connection import Bus
from shared.bus.credentials import Storage
from shared.bus.errors import LIBRARY_ERRORS, translate
from shared.contracts import subjects
from shared.contracts.identity import ClusterName
from shared.errors import Fatal, Retryable
from shared.logging import get_logger
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

ACK_WAIT_S = 60.0
"""Of every durable; calls to other systems time out below half of it."""
MAX_ACK_PENDING = 5000
DUPLICATE_WINDOW_S = 120.0

DURABLE_PLANNER_SPECS = "planner-specs"
DURABLE_PLANNER_FACTS = "planner-facts"
DURABLE_RECORD_RUNS = "record-runs"
DURABLE_RECORD_FACTS = "record-facts"
DURABLE_RECORD_PROGRESS = "record-progress"

_DAY_S = 24 * 3600.0
_ENSURE_INTERVAL_S = 15
_ENSURE_PAUSE_S = 0.2
_STREAM_FIELDS = (
    "subjects",
    "discard",
    "max_bytes",
    "max_age",
    "max_msgs_per_subject",
    "duplicate_window",
    "num_replicas",
)
_DURABLE_FIELDS = ("filter_subject", "ack_policy", "ack_wait", "max_deliver", "max_ack_pending")


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One stream.

    Every stream discards its oldest messages when it is full, and each says below why that does no harm: refusing new
    ones would stop the whole system until an operator comes, and none of the streams is the truth about anything.
    """

    name: str
    subjects: str
    share: float
    """Of the storage that all streams on the same medium may take: its max_bytes."""
    when_full: str
    """What losing its oldest messages means."""
    max_age_s: float = 0.0
    """0: for ever."""
    max_per_subject: int = -1
    work_queue: bool = False
    memory: bool = False


STREAMS: tuple[Stream, ...] = (
    Stream(
        name=subjects.STREAM_SPECS,
        subjects=f"{subjects.ROOT}.spec.>",
        share=0.15,
        max_per_subject=1,
        when_full="The planner finds unobserved desired records in MongoDB without their message.",
    ),
    Stream(
        name=subjects.STREAM_RUNS,
        subjects=f"{subjects.ROOT}.run.>",
        share=0.25,
        max_age_s=7 * _DAY_S,
        when_full="The planner archived every run event in MongoDB before it published it; a reader sees the gap in n.",
    ),
    Stream(
        name=subjects.STREAM_STEPS,
        subjects=f"{subjects.ROOT}.step.>",
        share=0.15,
        max_per_subject=1,
        work_queue=True,
        when_full="The planner sends unanswered commands again.",
    ),
    Stream(
        name=subjects.STREAM_STATUS,
        subjects=f"{subjects.ROOT}.status.>",
        share=0.35,
        max_age_s=7 * _DAY_S,
        when_full="Agents state the present facts again at every nudge and reconnect.",
    ),
    Stream(
        name=subjects.STREAM_PARKED,
        subjects=f"{subjects.ROOT}.parked.>",
        share=0.1,
        max_age_s=30 * _DAY_S,
        # One consumer's flood must not push out what the others parked.
        max_per_subject=10_000,
        when_full="The oldest evidence is lost; the alert on parked messages came long before.",
    ),
    Stream(
        name=subjects.STREAM_PROGRESS,
        subjects=f"{subjects.ROOT}.progress.>",
        share=0.9,
        max_per_subject=1,
        memory=True,
        when_full="Pod chatter is stated again when pods change.",
    ),
    Stream(
        name=subjects.STREAM_BEATS,
        subjects=f"{subjects.ROOT}.beat.>",
        share=0.1,
        max_per_subject=1,
        memory=True,
        when_full="The next beat comes within seconds.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Durable:
    """One durable pull consumer, from the first message on, redelivering for ever: we park by ourselves."""

    stream: str
    name: str
    subjects: str = ""
    """Filter; empty: everything."""


def executor_durable(cluster: ClusterName) -> str:
    """The durable that the executor of a cluster pulls its commands from; no dots may stand in it."""
    return f"executor-{subjects.token(cluster)}"


def parked_by(consumer: str) -> str:
    """Return the subject that a durable, or another consumer, parks on."""
    # A durable's name holds a cluster's with its dots written as in a subject.
    return subjects.parked(consumer.replace("_", "."))


def auditor_durable(auditor: str, stream: str) -> str:
    """The durable by which an auditor reads a stream."""
    return f"audit-{auditor}-{stream.lower()}"


AUDITED_STREAMS = (subjects.STREAM_SPECS, subjects.STREAM_RUNS, subjects.STREAM_STATUS)


def durables(clusters: Sequence[ClusterName], auditors: Sequence[str] = ()) -> tuple[Durable, ...]:
    """Return every durable for the clusters and auditors."""
    return (
        Durable(stream=subjects.STREAM_SPECS, name=DURABLE_PLANNER_SPECS),
        Durable(stream=subjects.STREAM_STATUS, name=DURABLE_PLANNER_FACTS),
        Durable(stream=subjects.STREAM_RUNS, name=DURABLE_RECORD_RUNS),
        Durable(stream=subjects.STREAM_STATUS, name=DURABLE_RECORD_FACTS),
        Durable(stream=subjects.STREAM_PROGRESS, name=DURABLE_RECORD_PROGRESS),
        *(
            Durable(stream=subjects.STREAM_STEPS, name=executor_durable(cluster), subjects=subjects.steps_of(cluster))
            for cluster in clusters
        ),
        *(
            Durable(stream=stream, name=auditor_durable(auditor, stream))
            for auditor in auditors
            for stream in AUDITED_STREAMS
        ),
    )


class TopologyConflict(Fatal):
    """Something of ours exists in a form that cannot be changed in place."""

    def __init__(self, what: str, problem: str) -> None:
        self.what = what
        super().__init__(f"{what} exists in another form and cannot be changed: {problem}")


async def ensure(bus: Bus, clusters: Sequence[ClusterName]) -> None:
    """Create what is missing and update what differs; harmless to repeat and to run in several processes at once.

    Raises:
        TopologyConflict: a stream of ours exists with another retention or storage.
        Retryable: the bus is not available.

    """
    credentials = bus.credentials
    jetstream = bus.jetstream
    try:
        for stream in STREAMS:
            await _ensure_stream(jetstream, stream_config(stream, credentials.storage))
        for durable in durables(clusters, credentials.auditors):
            await _ensure_durable(jetstream, durable)
    except LIBRARY_ERRORS as error:
        raise translate(error, "creating streams and durables") from error


async def keep(
    bus: Bus,
    clusters: Callable[[], Awaitable[Sequence[ClusterName]]],
    stopping: Stopping,
) -> None:
    """Ensure at the start, at every reconnect, whenever a stream was missed, and every 15 s for new clusters."""
    failures = 0
    while not stopping.is_set():
        bus.topology_suspect.clear()
        try:
            await ensure(bus, await clusters())
        except Retryable as error:
            failures += 1
            log = logger.warning if failures == 1 else logger.debug
            log("topology_not_ensured", error=str(error), failures=failures)
            await stopping.sleep(backoff_s(failures, limit_s=5.0))
            continue
        failures = 0
        # Many may miss the same stream at once.
        await stopping.sleep(_ENSURE_PAUSE_S)
        await _wait_suspect(bus, stopping)


async def _wait_suspect(bus: Bus, stopping: Stopping) -> None:
    for _ in range(_ENSURE_INTERVAL_S):
        if stopping.is_set():
            return
        try:
            async with asyncio.timeout(1.0):
                await bus.topology_suspect.wait()
        except TimeoutError:
            continue
        return


def stream_config(stream: Stream, storage: Storage) -> StreamConfig:
    """Return the stream as JetStream takes it."""
    room_bytes = storage.memory_bytes if stream.memory else storage.file_bytes
    return StreamConfig(
        name=stream.name,
        subjects=[stream.subjects],
        retention=RetentionPolicy.WORK_QUEUE if stream.work_queue else RetentionPolicy.LIMITS,
        storage=StorageType.MEMORY if stream.memory else StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_bytes=int(stream.share * room_bytes),
        max_age=stream.max_age_s,
        max_msgs_per_subject=stream.max_per_subject,
        duplicate_window=DUPLICATE_WINDOW_S,
        num_replicas=storage.replicas,
    )


async def _ensure_stream(jetstream: JetStreamContext, wanted: StreamConfig) -> None:
    name = str(wanted.name)
    try:
        present = (await jetstream.stream_info(name)).config
    except nats.js.errors.NotFoundError:
        await jetstream.add_stream(wanted)
        logger.info("stream_created", stream=name)
        return
    if (present.retention, present.storage) != (wanted.retention, wanted.storage):
        raise TopologyConflict(f"stream {name}", f"{present.retention} and {present.storage} are fixed at creation")
    if any(getattr(present, field) != getattr(wanted, field) for field in _STREAM_FIELDS):
        await jetstream.update_stream(wanted)
        logger.info("stream_updated", stream=name)


async def _ensure_durable(jetstream: JetStreamContext, durable: Durable) -> None:
    wanted = ConsumerConfig(
        name=durable.name,
        durable_name=durable.name,
        filter_subject=durable.subjects or None,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_S,
        max_deliver=-1,
        max_ack_pending=MAX_ACK_PENDING,
    )
    try:
        present = (await jetstream.consumer_info(durable.stream, durable.name)).config
    except nats.js.errors.NotFoundError:
        await jetstream.add_consumer(durable.stream, wanted)
        logger.info("durable_created", stream=durable.stream, durable=durable.name)
        return
    if any(getattr(present, field) != getattr(wanted, field) for field in _DURABLE_FIELDS):
        await jetstream.add_consumer(durable.stream, wanted)
        logger.info("durable_updated", stream=durable.stream, durable=durable.name)
