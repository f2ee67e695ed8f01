"""Messages that no consumer can take: parked with their reason, and every service goes on."""

import base64
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

import pytest
from pydantic import BaseModel

from dev.layout import TENANT
from shared.bus import Bus
from shared.bus.parked import MessageParked, Parked, list_parked
from shared.bus.topology import executor_durable, parked_by
from shared.contracts import subjects
from shared.contracts.commands import PruneObjects
from shared.contracts.desired import ApplicationChanged
from shared.contracts.facts import ObjectsPruned, ObservationOrder, PodsObserved, Unsupported
from shared.contracts.identity import PRUNE, AppRef, AppUid, ClusterName, StepId, run_id
from shared.contracts.phases import RunPhase
from shared.contracts.runs import RunPhaseChanged
from shared.store.applications import Applications
from shared.store.archive import Archive
from tests.e2e.system import System, application, component
from tests.support.records import a_record
from tests.support.strangers import broken, connected, newer, unknown

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]

SERVICES = ("planner", "record", "gateway", "executor", "observe")
WEB = StepId("web")


@dataclass(frozen=True)
class Writer:
    """Makes messages about applications of one namespace, as if they were of one cluster."""

    namespace: str
    cluster: ClusterName

    def app(self, name: str) -> AppRef:
        return AppRef(tenant=TENANT, namespace=self.namespace, name=name)

    def desired(self, app: AppRef) -> BaseModel:
        return ApplicationChanged(record=a_record(uid=uid(app)).model_copy(update={"app": app}))

    def run_event(self, app: AppRef) -> BaseModel:
        return RunPhaseChanged(
            app=app, uid=uid(app), n=1, run=run_id(uid(app), 1), generation=1, at=now(), phase=RunPhase.RUNNING
        )

    def fact(self, app: AppRef) -> ObjectsPruned:
        return ObjectsPruned(
            app=app,
            uid=uid(app),
            run=run_id(uid(app), 1),
            generation=1,
            cluster=self.cluster,
            step=PRUNE,
            attempt=1,
            nonce=1,
            at=now(),
            gone=(),
        )

    def pods(self, app: AppRef) -> BaseModel:
        order = ObservationOrder(incarnation="x", transitions=1, counter=1)
        return PodsObserved(
            app=app, uid=uid(app), cluster=self.cluster, step=WEB, order=order, at=now(), pods=(), total=0
        )

    def command(self, app: AppRef) -> BaseModel:
        return PruneObjects(
            app=app,
            uid=uid(app),
            run=run_id(uid(app), 1),
            generation=1,
            cluster=self.cluster,
            step=PRUNE,
            nonce=1,
            not_after=now() + timedelta(minutes=5),
            objects=(),
        )


def now() -> datetime:
    return datetime.now(UTC)


def uid(app: AppRef) -> AppUid:
    """One for each application that there is not."""
    return AppUid(f"{app.namespace}-{app.name}".replace("-", ""))


class Way(NamedTuple):
    """How messages of a kind go."""

    user: str
    consumers: tuple[str, ...]
    subject: str
    message: BaseModel


def ways(writer: Writer, name: str) -> dict[str, Way]:
    """Every kind of message, about an application of that name."""
    app, cluster = writer.app(name), writer.cluster
    agent = f"cluster-{cluster}"
    facts = ("planner-facts", "record-facts")
    return {
        "desired": Way("gateway", ("planner-specs",), subjects.spec(app), writer.desired(app)),
        "run": Way("planner", ("record-runs",), subjects.run(app), writer.run_event(app)),
        "fact": Way(agent, facts, subjects.status(cluster, app), writer.fact(app)),
        "pods": Way(agent, ("record-progress",), subjects.progress(cluster, app, WEB), writer.pods(app)),
        "command": Way(
            "planner", (executor_durable(cluster),), subjects.step(cluster, app, PRUNE), writer.command(app)
        ),
    }


class Bad(NamedTuple):
    """A message, and what becomes of it."""

    way: Way
    payload: bytes
    reason: str
    answered: bool = False
    """By the executor, to whom it was a command: not parked."""


def bad_messages(bus: Bus, writer: Writer) -> Iterator[Bad]:
    """All kinds in all forms; each about an application of its own, for some streams keep the last of a subject."""
    kinds = tuple(ways(writer, "x"))
    for kind in kinds:
        for number, form in enumerate(broken(b"")):
            way = ways(writer, f"broken-{number}")[kind]
            yield Bad(way, broken(bus.wrap(way.message))[form], "Malformed")
        other = ways(writer, "mismatch")[kind]
        yield Bad(other, bus.wrap(ways(writer, "another")[kind].message), "IdentityMismatch")
        way = ways(writer, "unknown")[kind]
        payload = unknown(bus.wrap(way.message), type(way.message).__name__)
        # Where a stream has one type of message only, the type is a value like any other.
        reason = "UnknownType" if kind in {"run", "fact", "command"} else "UnknownValue"
        yield Bad(way, payload, reason, answered=kind == "command")
        way = ways(writer, "newer")[kind]
        yield Bad(way, newer(bus.wrap(way.message)), "NewerVersion", answered=kind == "command")


async def parked_about(bus: Bus, namespace: str) -> list[Parked]:
    return [entry async for entry in list_parked(bus) if f".{namespace}." in entry.message.subject]


async def test_bad_messages_are_parked_and_every_service_goes_on(system: System, namespace: str) -> None:
    cluster = ClusterName(system.clusters[0])
    writer = Writer(namespace, cluster)
    before = {name: service.process.pid for name, service in system.stack.services.items()}
    async with AsyncExitStack() as open_:
        bus = {
            user: await open_.enter_async_context(connected(system.stack, user))
            for user in ("gateway", "planner", f"cluster-{cluster}", "admin")
        }
        bad = list(bad_messages(bus["admin"], writer))
        for message in bad:
            await bus[message.way.user].publish_raw(message.way.subject, message.payload, headers={})
        expected = Counter((c, m.reason) for m in bad for c in m.way.consumers if not m.answered)
        await system.until(
            lambda: parked_about(bus["admin"], namespace),
            lambda found: Counter((entry.message.consumer, entry.message.reason) for entry in found) == expected,
        )
        for name in ("unknown", "newer"):
            app = writer.app(name)
            await system.until(
                lambda app=app: Archive(system.database).facts(uid(app)),  # type: ignore[misc]  # mypy: lambda default
                lambda facts: any(isinstance(fact, Unsupported) for fact in facts),
            )
        await system.delivered(application(namespace, component("web")))
    assert {name: service.process.pid for name, service in system.stack.services.items()} == before
    await every_one_can_be_looked_at_and_dropped(system, namespace, sum(expected.values()))


async def every_one_can_be_looked_at_and_dropped(system: System, namespace: str, count: int) -> None:
    sequences: list[int] = []
    token: str | None = ""
    while token is not None:
        page = await system.call("GET", f"/parked?limit=50&continue={token}")
        assert page.status == 200
        sequences += [item["sequence"] for item in page.body["items"] if item["namespace"] == namespace]
        token = page.body["continue"]
    assert len(sequences) == count
    for sequence in sequences:
        assert (await system.call("GET", f"/parked/{sequence}")).body["namespace"] == namespace
        assert (await system.call("DELETE", f"/parked/{sequence}")).status == 200
    async with connected(system.stack, "admin") as admin:
        assert await parked_about(admin, namespace) == []


def set_aside(bus: Bus, consumer: str, subject: str, message: BaseModel, reason: str, id_: str) -> MessageParked:
    """As a build parked it that did not understand it, or whose handler broke."""
    return MessageParked(
        consumer=consumer,
        subject=subject,
        payload=base64.b64encode(bus.wrap(message, id_=id_)),
        reason=reason,
        error="an older build could not read it",
        stream="STATUS",
        stream_sequence=1,
        parked_at=now(),
    )


async def test_what_an_older_build_parked_is_taken_up_by_itself(system: System, namespace: str) -> None:
    await system.delivered(application(namespace, component("web")))
    stored = await Applications(system.database).by_name(namespace, "app")
    assert stored is not None
    writer = Writer(namespace, ClusterName(system.clusters[0]))
    app = writer.app("later")
    fact, desired = writer.fact(app), ApplicationChanged(record=stored.record)
    async with (
        connected(system.stack, "record") as record,
        connected(system.stack, "planner") as planner,
    ):
        for bus, consumer, subject, message in (
            (record, "record-facts", subjects.status(writer.cluster, app), fact),
            (planner, "planner-facts", subjects.status(writer.cluster, app), fact),
            (planner, "planner-specs", subjects.spec(stored.record.app), desired),
        ):
            aside = set_aside(bus, consumer, subject, message, "NewerVersion", uuid4().hex)
            await bus.publish(parked_by(consumer), aside)
        await system.until(lambda: parked_about(planner, namespace), lambda found: not found)
    assert fact in await Archive(system.database).facts(uid(app))


async def test_a_parked_fact_is_replayed_on_request(system: System, namespace: str) -> None:
    writer = Writer(namespace, ClusterName(system.clusters[0]))
    app = writer.app("again")
    fact = writer.fact(app)
    async with connected(system.stack, "record") as record:
        subject = subjects.status(writer.cluster, app)
        aside = set_aside(record, "record-facts", subject, fact, "HandlerFailed", uuid4().hex)
        await record.publish(parked_by("record-facts"), aside)
        (entry,) = await parked_about(record, namespace)
        answer = await system.call("POST", f"/parked/{entry.sequence}/replay")
        assert (answer.status, answer.body["outcome"]) == (200, "handled")
        assert await parked_about(record, namespace) == []
    assert fact in await Archive(system.database).facts(uid(app))
