"""Following a run over HTTP while it is decided, archived, published and projected."""

import asyncio
import socket
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from shared.bus import Bus
from shared.contracts import subjects
from shared.contracts.facts import ObservationOrder, PodsObserved
from shared.contracts.identity import AppRef, AppUid, ClusterName, RunId, StepId, parse_run_id
from shared.contracts.phases import RunPhase, StepPhase
from shared.contracts.projection import ProjectedRun
from shared.contracts.runs import Action, RunAccepted, RunEvent, RunPhaseChanged, StepOutline, StepPhaseChanged
from shared.store.archive import Archive
from shared.store.projections import Projections
from tests.integration.services.gateway.conftest import Team
from tests.support.gateway import Event, GatewayStack

EAST = ClusterName("east")


@dataclass
class Decider:
    """Archives and publishes events as the planner does, and projects them as record does."""

    gateway: GatewayStack
    bus: Bus
    app: AppRef
    uid: AppUid
    run: RunId
    events: list[RunEvent] = field(default_factory=list)

    async def accept(self) -> None:
        outline = StepOutline.model_validate(
            {
                "cluster": "east",
                "namespace": self.app.namespace,
                "step": "web",
                "component": "web",
                "job_type": "worker",
            }
        )
        await self._happen(
            RunAccepted(
                app=self.app,
                uid=self.uid,
                run=self.run,
                generation=1,
                at=datetime.now(UTC),
                n=1,
                action=Action.DEPLOY,
                requested_by="ann",
                steps=(outline,),
            )
        )

    async def step(self, phase: StepPhase, *, publish: bool = True) -> None:
        await self._happen(
            StepPhaseChanged(
                app=self.app,
                uid=self.uid,
                run=self.run,
                generation=1,
                at=datetime.now(UTC),
                n=len(self.events) + 1,
                cluster=EAST,
                step=StepId("web"),
                phase=phase,
            ),
            publish=publish,
        )

    async def end(self, phase: RunPhase = RunPhase.SUCCEEDED) -> None:
        await self._happen(
            RunPhaseChanged(
                app=self.app,
                uid=self.uid,
                run=self.run,
                generation=1,
                at=datetime.now(UTC),
                n=len(self.events) + 1,
                phase=phase,
            )
        )

    async def project(self) -> None:
        first, *rest = self.events
        assert isinstance(first, RunAccepted)
        projected = ProjectedRun.accepted(first)
        for event in rest:
            projected.fold(event)
        await Projections(self.gateway.database).save_runs([projected.current()])

    async def pods(self, total: int) -> None:
        order = ObservationOrder(incarnation="i", transitions=1, counter=total)
        observed = PodsObserved(
            app=self.app,
            uid=self.uid,
            cluster=EAST,
            step=StepId("web"),
            order=order,
            at=datetime.now(UTC),
            pods=(),
            total=total,
        )
        agent = await self.gateway.bus.connect("cluster-east")
        await agent.publish(subjects.progress(EAST, self.app, StepId("web")), observed)

    async def _happen(self, event: RunEvent, *, publish: bool = True) -> None:
        self.events.append(event)
        await Archive(self.gateway.database).add_run_events([event])
        if publish:
            await self.bus.publish(subjects.run(self.app), event, msg_id=f"{self.uid}:{event.n}")


@pytest.fixture
async def decider(gateway: GatewayStack, team: Team) -> Decider:
    run = RunId((await team.ann.apply(team.document())).body["run"])
    app = AppRef(tenant=team.name, namespace=team.namespace, name="shop")
    return Decider(gateway, await gateway.bus.connect("planner"), app, parse_run_id(run)[0], run)


async def test_a_run_is_followed_from_before_its_beginning_to_its_end(decider: Decider, team: Team) -> None:
    async with team.ann.events(decider.run) as stream, asyncio.timeout(20):
        first = await anext(stream)
        assert (first.name, first.id, first.data["phase"]) == ("state", "0", "Accepted")
        await decider.accept()
        accepted = await anext(stream)
        assert (accepted.name, accepted.id, accepted.data["type"]) == ("change", "1", "RunAccepted")
        await decider.step(StepPhase.APPLYING)
        assert (await anext(stream)).data["phase"] == "Applying"
        await decider.pods(1)
        pods = await anext(stream)
        assert (pods.name, pods.id, pods.data["total"]) == ("progress", "", 1)
        await decider.step(StepPhase.SUCCEEDED)
        await decider.end()
        rest = [event async for event in stream]
    assert [(event.name, event.id) for event in rest] == [("change", "3"), ("change", "4"), ("end", "4")]
    assert rest[-1].data["phase"] == "Succeeded"


async def test_a_reader_that_comes_back_gets_what_it_missed(decider: Decider, team: Team) -> None:
    await decider.accept()
    await decider.project()
    async with team.ann.events(decider.run) as stream, asyncio.timeout(20):
        state = await anext(stream)
        assert (state.name, state.id) == ("state", "1")
    await decider.step(StepPhase.APPLYING)
    await decider.step(StepPhase.RUNNING)
    async with team.ann.events(decider.run, after=1) as stream, asyncio.timeout(20):
        await decider.end(RunPhase.FAILED)
        told = [event async for event in stream]
    assert [(event.name, event.id) for event in told] == [
        ("change", "2"),
        ("change", "3"),
        ("change", "4"),
        ("end", "4"),
    ]


async def test_changes_that_the_bus_never_carried_arrive_all_the_same(decider: Decider, team: Team) -> None:
    await decider.accept()
    await decider.project()
    async with team.ann.events(decider.run) as stream, asyncio.timeout(20):
        await anext(stream)
        await decider.step(StepPhase.APPLYING, publish=False)
        assert (await anext(stream)).id == "2"


async def test_streams_outlive_a_restart_of_the_bus(gateway: GatewayStack, decider: Decider, team: Team) -> None:
    await decider.accept()
    await decider.project()
    async with team.ann.events(decider.run) as stream, asyncio.timeout(40):
        await anext(stream)
        await gateway.bus.server.kill()
        await decider.step(StepPhase.APPLYING, publish=False)
        assert (await anext(stream)).id == "2"
        await gateway.bus.server.start()
        await decider.step(StepPhase.RUNNING, publish=False)
        assert (await anext(stream)).id == "3"
    # The next tests have the same one.
    await gateway.ready()


async def test_a_reader_that_does_not_read_hinders_nobody(decider: Decider, team: Team) -> None:
    await decider.accept()
    await decider.project()
    host, port = team.ann.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as idle:
        token = team.ann.headers["Authorization"]
        request = f"GET /api/v1/runs/{decider.run}/events HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n"
        idle.sendall(request.encode())
        async with team.ann.events(decider.run) as stream, asyncio.timeout(20):
            await anext(stream)
            for _ in range(50):
                await decider.step(StepPhase.RUNNING)
            await decider.end()
            told = [event async for event in stream]
    assert [event.id for event in told if event.name == "change"] == [str(n) for n in range(2, 53)]


async def test_many_readers_are_told_the_same(decider: Decider, team: Team) -> None:
    await decider.accept()
    await decider.project()

    async def follow() -> list[Event]:
        async with team.ann.events(decider.run) as stream, aclosing(stream), asyncio.timeout(30):
            return [event async for event in stream]

    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(follow()) for _ in range(20)]
        for _ in range(20):
            await decider.step(StepPhase.RUNNING)
        await decider.end()
    for reader in readers:
        told = reader.result()
        numbers = [int(event.id) for event in told if event.name in {"state", "change"}]
        assert numbers == list(range(numbers[0], 23))
        assert (told[0].name, told[-1].name) == ("state", "end")


async def test_the_status_is_read_with_what_was_projected(decider: Decider, team: Team) -> None:
    await decider.accept()
    await decider.step(StepPhase.RUNNING)
    await decider.project()
    view = (await team.ann.get(team.path())).body
    assert (view["run"]["n"], view["steps"][0]["phase"]) == (2, "Running")
    assert view["cluster_health"][0]["cluster"] == "east"
    run = (await team.ann.get(f"/api/v1/runs/{decider.run}")).body
    assert run["steps"][0]["phase"] == "Running"
