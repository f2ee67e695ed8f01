"""The bus loses what it had acknowledged, in the middle of a delivery: it converges, and nothing runs twice."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from yarl import URL

from cli.client import Client
from cli.context import Target
from cli.sse import ServerEvent, SseParser
from shared.contracts import subjects
from shared.contracts.identity import AppUid, ObjectKey
from shared.kube.kinds import GroupVersionKind
from tests.chaos import checking
from tests.chaos.counting import counting
from tests.chaos.losing import Loss, RemovedUnderTheServer, RemovedWhileStopped, StreamDeleted, TailCutOff
from tests.e2e.system import Document, System, application, component, describe, glimpse, simulate

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240, func_only=True)]

_SETTLE_S = 60.0
STREAMS = (
    subjects.STREAM_SPECS,
    subjects.STREAM_RUNS,
    subjects.STREAM_STEPS,
    subjects.STREAM_STATUS,
    subjects.STREAM_PROGRESS,
    subjects.STREAM_BEATS,
)
LOSSES: dict[str, Callable[[System], Loss]] = {
    "removed under the server": RemovedUnderTheServer,
    "removed while stopped": RemovedWhileStopped,
    **{f"{stream} deleted": partial(StreamDeleted, stream=stream) for stream in STREAMS},
    "tail cut off": partial(TailCutOff, consumers=False),
    "tail cut off, consumers too": partial(TailCutOff, consumers=True),
}


def under_way(namespace: str) -> Document:
    """One Job that is soon done, one that runs until it is told, and what waits for both."""
    return application(
        namespace,
        component("done", "task"),
        component("slow", "task", **simulate("hang")),
        component("last", "worker", after=["done", "slow"]),
    )


async def read(system: System, run: str, begun: asyncio.Event) -> list[ServerEvent]:
    """What one connection tells of a run, until the gateway ends it."""
    found: list[ServerEvent] = []
    async with Client(
        Target(server=URL(system.stack.server), token=system.stack.token, token_source="the stack")
    ) as client:
        async for event in client.events(run, SseParser()):
            found.append(event)
            begun.set()
    return found


async def end_slow_pod(system: System, namespace: str) -> None:
    """Let the Job complete that runs until it is told."""
    api = system.kube[system.clusters[0]]
    pods = (await api.list_objects(GroupVersionKind("v1", "Pod"), namespace=namespace)).objects
    (name,) = [pod["metadata"]["name"] for pod in pods if pod["metadata"]["name"].startswith("slow-")]
    key = ObjectKey(api_version="v1", kind="Pod", namespace=namespace, name=name)
    await api.patch(key, {"status": {"phase": "Succeeded"}}, field_manager="kubelet", subresource="status")


@pytest.mark.parametrize("loss", LOSSES)
async def test_delivery_survives_the_loss_of_the_bus(system: System, namespace: str, loss: str) -> None:
    lost = LOSSES[loss](system)
    await lost.prepare()
    async with counting(system.kube, namespace) as ledger, asyncio.TaskGroup() as group:
        run_id = await system.apply(under_way(namespace))
        await system.until(
            lambda: system.run(run_id),
            lambda r: (glimpse(r, "done").get("phase"), glimpse(r, "slow").get("phase")) == ("Succeeded", "Running"),
        )
        begun = asyncio.Event()
        reading = group.create_task(read(system, run_id, begun))
        await begun.wait()
        await lost.strike()
        late = await system.apply(application(namespace, component("late"), name="late"))
        await end_slow_pod(system, namespace)
        await lost.finish()
        for run in (await system.ended(run_id, timeout_s=150), await system.ended(late, timeout_s=150)):
            assert run["phase"] == "Succeeded", describe(run)
        uids = [AppUid((await system.healthy(namespace, name))["uid"]) for name in ("app", "late")]
    assert (len(ledger.uids), ledger.again, ledger.crowded, ledger.gaps) == (2, [], [], [])
    check_read(reading.result())
    assert [check for check in await checking.history(system.database, uids) if not check.ok] == []
    await system.until(
        lambda: checking.projections(system.database, uids),
        lambda checks: all(c.ok for c in checks),
        timeout_s=_SETTLE_S,
    )


def check_read(events: list[ServerEvent]) -> None:
    """The state, every change in order, the end."""
    told = [event for event in events if event.name in ("state", "change", "end")]
    assert [told[0].name, told[-1].name] == ["state", "end"]
    numbers = [int(event.id) for event in told if event.name == "change"]
    first = int(told[0].id) + 1
    assert numbers == list(range(first, first + len(numbers)))
