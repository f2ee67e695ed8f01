import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from shared.kube import KubeApi, Leadership, LeaseElection
from shared.kube.lease import LeaseTimes
from tests.support.clusters import RunningCluster, key, manifest
from tests.support.conditions import until
from tests.support.faulty_wire import FaultyWire

QUICK = LeaseTimes(duration_s=2.0, renew_deadline_s=1.2, retry_s=0.2)
LASTING = LeaseTimes(duration_s=60.0, renew_deadline_s=50.0, retry_s=0.2)
"""Not lost because the machine is busy."""
LEASE = "coordination.k8s.io/v1"


class Candidate:
    """A process that takes part."""

    def __init__(self, api: KubeApi, namespace: str, identity: str, times: LeaseTimes = LASTING) -> None:
        self.election = LeaseElection(api, namespace=namespace, name="observe", identity=identity, times=times)
        self.stopping = asyncio.Event()
        self.terms: list[int] = []
        self.leading = asyncio.Event()
        self.lost = asyncio.Event()

    async def run(self) -> None:
        await self.election.run(self._work, self.stopping)

    async def _work(self, term: Leadership) -> None:
        self.terms.append(term.transitions)
        self.leading.set()
        try:
            await self.stopping.wait()
        except asyncio.CancelledError:
            self.lost.set()
            raise
        finally:
            self.leading.clear()


@pytest.fixture
async def wire(cluster: RunningCluster) -> AsyncIterator[FaultyWire]:
    async with FaultyWire(*cluster.address) as wire:
        yield wire


async def lease(kube: KubeApi, namespace: str) -> dict[str, object]:
    found = await kube.get(key("Lease", "observe", namespace, LEASE))
    spec: dict[str, object] = found["spec"]
    return spec


async def test_one_leads_and_the_other_follows_when_it_stops(kube: KubeApi, kube_namespace: str) -> None:
    first, second = Candidate(kube, kube_namespace, "first"), Candidate(kube, kube_namespace, "second")
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(first.run())
        await first.leading.wait()
        group.create_task(second.run())
        await renewed(kube, kube_namespace, times=3)
        assert not second.terms
        first.stopping.set()
        await second.leading.wait()
        assert (await lease(kube, kube_namespace))["holderIdentity"] == "second"
        second.stopping.set()

    assert second.terms == [first.terms[0] + 1]
    assert (await lease(kube, kube_namespace))["holderIdentity"] == ""


async def test_leader_that_cannot_renew_stops_before_another_leads(
    kube: KubeApi, kube_namespace: str, cluster: RunningCluster, wire: FaultyWire, tmp_path: Path
) -> None:
    wired = await KubeApi.connect(kubeconfig=str(cluster.through(wire.port, tmp_path / "kubeconfig")))
    first = Candidate(wired, kube_namespace, "first", QUICK)
    second = Candidate(kube, kube_namespace, "second", QUICK)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(first.run())
        await first.leading.wait()
        group.create_task(second.run())
        wire.hold()
        await second.leading.wait()
        assert first.lost.is_set()
        wire.release()
        first.stopping.set()
        second.stopping.set()
    await wired.close()

    assert second.terms[0] > first.terms[0]


async def test_deleted_lease_does_not_count_lower(kube: KubeApi, kube_namespace: str) -> None:
    where = key("Lease", "observe", kube_namespace, LEASE)
    long_lived = manifest("Lease", "observe", kube_namespace, LEASE, spec={"leaseTransitions": 100_000})
    await kube.create(long_lived, field_manager="other")
    await kube.delete(where)
    candidate = Candidate(kube, kube_namespace, "first")

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(candidate.run())
        await candidate.leading.wait()
        candidate.stopping.set()

    assert candidate.terms[0] > 100_000


async def test_transitions_written_by_others_as_nothing_are_read_as_zero(kube: KubeApi, kube_namespace: str) -> None:
    other = manifest("Lease", "observe", kube_namespace, LEASE, spec={"holderIdentity": ""})
    await kube.create(other, field_manager="other")
    candidate = Candidate(kube, kube_namespace, "first")
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(candidate.run())
        await candidate.leading.wait()
        candidate.stopping.set()

    assert candidate.terms == [1]


async def test_work_that_fails_ends_the_election_with_its_own_error(kube: KubeApi, kube_namespace: str) -> None:
    async def work(_term: Leadership) -> None:
        raise LookupError("broken")

    election = LeaseElection(kube, namespace=kube_namespace, name="observe", identity="first", times=LASTING)

    with pytest.raises(LookupError, match="broken"):
        await election.run(work, asyncio.Event())


async def renewed(kube: KubeApi, namespace: str, *, times: int) -> None:
    for _ in range(times):
        before = (await lease(kube, namespace))["renewTime"]
        await until(partial(renewed_since, kube, namespace, before))


async def renewed_since(kube: KubeApi, namespace: str, before: object) -> bool:
    return (await lease(kube, namespace))["renewTime"] != before
