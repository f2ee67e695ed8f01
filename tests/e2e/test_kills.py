"""One SIGKILL of each part in the middle of a delivery: it converges after the restart, and no Job has run twice."""

import pytest

from shared.kube.kinds import GroupVersionKind
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
    run_id = await system.apply(chain(namespace))
    if moment == "under way":
        await system.until(
            lambda: system.run(run_id), lambda r: any(s["phase"] == "Succeeded" for s in r.get("steps", []))
        )
    await kill(system, part)
    run = await system.ended(run_id, timeout_s=150)
    assert run["phase"] == "Succeeded", describe(run)
    api = system.kube[system.clusters[0]]
    jobs = (await api.list_objects(GroupVersionKind("batch/v1", "Job"), namespace=namespace)).objects
    assert len(jobs) == 1
    pods = (await api.list_objects(GroupVersionKind("v1", "Pod"), namespace=namespace)).objects
    owners = [owner["name"] for pod in pods for owner in pod["metadata"].get("ownerReferences", [])]
    assert owners.count(jobs[0]["metadata"]["name"]) == 1
