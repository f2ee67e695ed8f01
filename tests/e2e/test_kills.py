"""One SIGKILL of each part in the middle of a delivery: it converges, no Job runs twice, people read the truth."""

import pytest

from shared.contracts.identity import AppUid
from tests.chaos import checking
from tests.chaos.counting import counting
from tests.e2e.system import Document, System, application, component, describe

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240, func_only=True)]

PARTS = ("gateway", "planner", "record", "executor", "observe", "nats", "mongodb")


def chain(namespace: str) -> Document:
    """A task in the middle of a chain, so that something runs once, something waits and something is done."""
    return application(
        namespace,
        component("first", "webservice", ports=[{"port": 80, "expose": True}]),
        component("init", "task", after=["first"]),
        component("second", "worker", after=["init"]),
        component("third", "worker", after=["second"]),
    )


async def kill(system: System, part: str) -> None:
    """End a part with SIGKILL and start it again."""
    if part == "nats":
        await system.stack.nats.kill()
        await system.stack.nats.start()
    elif part == "mongodb":
        await system.stack.mongodb.kill()
        await system.stack.mongodb.start()
    else:
        name = part if part in system.stack.services else f"{part}-{system.clusters[0]}"
        service = system.stack.services[name]
        await service.process.kill()
        await service.start()
        await service.ready()


@pytest.mark.parametrize("moment", ["at once", "under way"])
@pytest.mark.parametrize("part", PARTS)
async def test_delivery_survives_the_death_of_a_part(system: System, namespace: str, part: str, moment: str) -> None:
    async with counting(system.kube, namespace) as ledger:
        run_id = await system.apply(chain(namespace))
        if moment == "under way":
            await system.until(
                lambda: system.run(run_id), lambda r: any(s["phase"] == "Succeeded" for s in r.get("steps", []))
            )
        await kill(system, part)
        run = await system.ended(run_id, timeout_s=150)
        assert run["phase"] == "Succeeded", describe(run)
    # Watched all the time: what was deleted meanwhile counts as well.
    assert (len(ledger.uids), ledger.again, ledger.crowded, ledger.gaps) == (1, [], [], [])
    assert [len(pods) for pods in ledger.pods.values()] == [1]
    uids = [AppUid(run["uid"])]
    assert [check for check in await checking.history(system.database, uids) if not check.ok] == []
    await system.until(
        lambda: checking.projections(system.database, uids), lambda checks: all(c.ok for c in checks), timeout_s=90
    )
