"""One of every message on the bus, as it travels."""

import base64
from typing import Any

from nats.aio.msg import Msg
from pydantic import BaseModel, TypeAdapter

from dev.generated.asyncapi import CHANNELS
from shared.bus.delivery import Delivery
from shared.bus.messages import decode, open_delivery
from shared.bus.parked import MessageParked
from shared.bus.replaying import Replayed, ReplayParked
from shared.contracts import subjects
from shared.contracts.commands import COMMAND, ApplyStep
from shared.contracts.desired import SPEC_EVENT
from shared.contracts.differences import DIFF, CheckSlice, CompareSteps, SliceChecked, StepsCompared
from shared.contracts.envelope import unwrap, wrap
from shared.contracts.facts import BEAT, FACT, PROGRESS_FACT
from shared.contracts.identity import AppRef, ClusterName, StepId
from shared.contracts.nudge import NUDGE
from shared.contracts.reads import OBJECTS, ObjectsNotRead, ObjectsRead, ReadObjects
from shared.contracts.runs import RUN_EVENT
from tests.compatibility.filled import NOW, filled

APP = AppRef(tenant="acme", namespace="acme-dev", name="shop")
EAST = ClusterName("east")
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LARGE = "ApplyStep-compressed"
_LARGE_CHARACTERS = 40_000
_STORED = ("SPECS", "RUNS", "STEPS", "STATUS", "PROGRESS", "BEATS")

_SUBJECTS: dict[str, str] = {
    "SPECS": subjects.spec(APP),
    "RUNS": subjects.run(APP),
    "STEPS": subjects.step(EAST, APP, StepId("web")),
    "STATUS": subjects.status(EAST, APP),
    "PROGRESS": subjects.progress(EAST, APP, StepId("web")),
    "BEATS": subjects.beat(EAST, "executor"),
    "PARKED": subjects.parked("planner-facts"),
    "replay": subjects.replay("planner-facts"),
    "objects": subjects.rpc(EAST, OBJECTS),
    "diff": subjects.rpc(EAST, DIFF),
    "nudge": subjects.nudge(EAST),
}
_READERS: dict[str, TypeAdapter[Any]] = {
    "SPECS": SPEC_EVENT,
    "RUNS": RUN_EVENT,
    "STEPS": COMMAND,
    "STATUS": FACT,
    "PROGRESS": PROGRESS_FACT,
    "BEATS": BEAT,
    "PARKED": TypeAdapter(MessageParked),
    "replay": TypeAdapter(ReplayParked | Replayed),
    "objects": TypeAdapter(ReadObjects | ObjectsRead | ObjectsNotRead),
    "diff": TypeAdapter(CheckSlice | SliceChecked | CompareSteps | StepsCompared),
    "nudge": NUDGE,
}


def messages() -> dict[str, tuple[str, BaseModel]]:
    """Name → channel and message; one of them is large enough to be compressed."""
    found: dict[str, tuple[str, BaseModel]] = {
        model.__name__: (name, filled(model)) for name, channel in CHANNELS.items() for model in channel.messages
    }
    step = filled(ApplyStep)
    manifest = {"kind": "ConfigMap", "data": {"text": "x" * _LARGE_CHARACTERS}}
    large = step.model_copy(update={"objects": (step.objects[0].model_copy(update={"manifest": manifest}),)})
    return {**found, LARGE: ("STEPS", large)}


def on_the_wire(channel: str, message: BaseModel) -> dict[str, Any]:
    """Subject, headers and payload, as the bus gets them."""
    payload = wrap(message, id_="0f8fad5b", source="kubemin/test/1", time=NOW, traceparent=TRACEPARENT)
    headers = {"Nats-Msg-Id": "cause-1"} if channel in ("RUNS", "STEPS") else {}
    sent: dict[str, Any] = {"channel": channel, "subject": _SUBJECTS[channel], "headers": headers}
    try:
        return {**sent, "payload": payload.decode("ascii")}
    except UnicodeDecodeError:
        return {**sent, "payload_base64": base64.b64encode(payload).decode()}


def payload_of(fixture: dict[str, Any]) -> bytes:
    """The bytes."""
    kept = fixture.get("payload_base64")
    return base64.b64decode(kept) if kept is not None else str(fixture["payload"]).encode()


def read(fixture: dict[str, Any]) -> BaseModel:
    """Read it as its consumer does: identity first, then the contract."""
    reader, payload = _READERS[fixture["channel"]], payload_of(fixture)
    stored = fixture["channel"] in _STORED
    envelope = open_delivery(_delivery(fixture, payload)) if stored else unwrap(payload)
    message: BaseModel = decode(reader, envelope)
    return message


def _delivery(fixture: dict[str, Any], payload: bytes) -> Delivery:
    sequence = Msg.Metadata.SequencePair(consumer=1, stream=1)
    return Delivery(
        _Delivered(
            fixture["subject"],
            payload,
            dict(fixture["headers"]),
            Msg.Metadata(
                sequence=sequence,
                num_pending=0,
                num_delivered=1,
                timestamp=NOW,
                stream=fixture["channel"],
                consumer="c",
            ),
        )
    )


class _Delivered:
    """A message as nats-py delivers one; nobody settles it."""

    def __init__(self, subject: str, data: bytes, headers: dict[str, str], metadata: Msg.Metadata) -> None:
        self.subject, self.data, self.headers, self.metadata = subject, data, headers, metadata

    async def ack(self) -> None:
        raise NotImplementedError

    async def nak(self, delay: float | None = None) -> None:
        raise NotImplementedError(delay)

    async def in_progress(self) -> None:
        raise NotImplementedError

    async def term(self) -> None:
        raise NotImplementedError
