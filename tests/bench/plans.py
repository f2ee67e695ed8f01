"""`kubemin plan` without the clusters' part: from a request's bytes to the answer's, on one core."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from services.gateway.adapters.sealing import SodiumSealer
from services.gateway.comparing import Comparing
from services.gateway.copying import Copying
from services.gateway.domain.access import Principal
from services.gateway.domain.addresses import AllowedAddresses
from services.gateway.domain.refusals import DocumentUnreadable
from services.gateway.drafting import Drafting
from shared.contracts.differences import CheckSlice, CompareSteps, SliceChecked, StepsCompared
from shared.contracts.identity import AppUid, Tenant
from shared.contracts.registry import ClusterRecord, Role
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DEFAULT_LIMITS
from shared.sealing import generate, public_key_of
from tests.bench.figures import Aim, Figure
from tests.bench.settings import Settings
from tests.support.comparisons import all_created

if TYPE_CHECKING:
    from services.gateway.ports import ApplicationReader, ClusterObjects, Files, Projections

_SIZES = (125, 500, 2_000)
_AIMED = 500
_TOO_MANY = 10_000
_ANN = Principal(tenant=Tenant("acme"), actor="ann", role=Role.DEPLOYER)


class _Registry:
    """One tenant and one cluster."""

    def __init__(self) -> None:
        key = public_key_of(generate())
        self._cluster = ClusterRecord(name="edge", sealing_key=key, created_at=datetime.now(UTC))

    async def tenant_of(self, namespace: str) -> Tenant | None:
        """Everything is ours."""
        del namespace
        return _ANN.tenant

    async def namespaces_of(self, tenant: Tenant) -> list[str]:
        """The one of the documents."""
        del tenant
        return ["demo"]

    async def clusters(self) -> list[ClusterRecord]:
        """The one."""
        return [self._cluster]


class _Empty:
    """Clusters of which nothing is asked that takes time."""

    async def check(self, request: CheckSlice) -> SliceChecked:
        """Nothing speaks against it."""
        return SliceChecked(cluster=request.cluster)

    async def compare(self, request: CompareSteps) -> StepsCompared:
        """Nothing is there to compare with."""
        return all_created(request)


class _Gateway:
    """The gateway's own part."""

    def __init__(self) -> None:
        self._drafting = Drafting(
            registry=_Registry(),
            applications=cast("ApplicationReader", None),
            sealer=SodiumSealer(b"k" * 32),
            copier=Copying(cast("ClusterObjects", None), cast("Files", None), AllowedAddresses()),
            job_types=BUILTIN,
            limits=DEFAULT_LIMITS,
            parallel=1,
        )
        self._comparing = Comparing(_Empty(), cast("Projections", None), within_s=8)

    async def plan(self, raw: bytes) -> bytes:
        """The answer to a dry run of a new application."""
        draft = await self._drafting.draft(_ANN, raw, strict=False)
        _, plan = await self._drafting.seal(draft, None, AppUid("u"))
        view = await self._comparing.compared(plan, None, lambda: None)
        return view.model_dump_json().encode()


async def plans(settings: Settings) -> list[Figure]:
    """Seconds of processor time at several sizes; the last is more than a document may have."""
    rounds = 2 if settings.quick else 3
    gateway = _Gateway()
    sizes = _SIZES[:1] if settings.quick else _SIZES
    figures = [await _planned(gateway, size, rounds) for size in sizes]
    if not settings.quick:
        figures.append(_growth(figures))
    return [*figures, await _refused(gateway, rounds)]


async def _planned(gateway: _Gateway, size: int, rounds: int) -> Figure:
    raw = _document(size)
    answer = await gateway.plan(raw)
    measured, baseline = [], []
    for _ in range(rounds):
        started = time.process_time()
        await gateway.plan(raw)
        measured.append(time.process_time() - started)
        baseline.append(_round_trip(answer))
    return Figure(
        name=f"plan: {size:,} components",
        unit="s",
        measured=measured,
        baseline=baseline,
        of_baseline="a JSON round trip of the answer's bytes",
        aim=Aim("measured", "≤", 1) if size == _AIMED else None,
        note="Services with a port and a sealed secret each, in chains of ten; without the clusters' part",
        details={"document_bytes": len(raw), "answer_bytes": len(answer)},
    )


def _growth(figures: Sequence[Figure]) -> Figure:
    """What a component costs in the largest document, beside what one costs in the smallest."""
    least, most = figures[0], figures[-1]
    return Figure(
        name=f"plan: a component of {_SIZES[-1]:,}",
        unit="s",
        measured=[seconds / _SIZES[-1] for seconds in most.measured],
        baseline=[seconds / _SIZES[0] for seconds in least.measured],
        of_baseline=f"a component of {_SIZES[0]:,}",
        aim=Aim("ratio", "≤", 1.5),
        note="Linear: it costs the same in a document of any size",
    )


async def _refused(gateway: _Gateway, rounds: int) -> Figure:
    raw = _bare(_TOO_MANY)
    measured, baseline = [], []
    for _ in range(rounds):
        started = time.process_time()
        try:
            await gateway.plan(raw)
        except DocumentUnreadable:
            measured.append(time.process_time() - started)
        baseline.append(_round_trip(raw))
    return Figure(
        name=f"plan: {_TOO_MANY:,} components refused",
        unit="s",
        measured=measured,
        baseline=baseline,
        of_baseline="a JSON round trip of the document",
        note=f"A document may have {DEFAULT_LIMITS.components:,} components",
    )


def _round_trip(text: bytes) -> float:
    started = time.process_time()
    json.dumps(json.loads(text))
    return time.process_time() - started


def _document(size: int) -> bytes:
    return _written([_component(i) for i in range(size)])


def _bare(size: int) -> bytes:
    return _written([{"name": f"c{i}", "type": "worker", "properties": {"image": "a"}} for i in range(size)])


def _component(i: int) -> dict[str, Any]:
    secret = {"name": f"s{i}", "mountPath": "/login", "stringData": {"password": f"p{i}"}}
    return {
        "name": f"c{i}",
        "type": "webservice",
        "properties": {"image": "registry.example/app:1", "ports": [{"port": 80, "expose": True}]},
        "traits": [{"type": "storage", "properties": {"secret": [secret]}}],
        "dependsOn": [f"c{i - 1}"] if i % 10 else [],
    }


def _written(components: list[dict[str, Any]]) -> bytes:
    document = {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": "big", "namespace": "demo"},
        "spec": {"components": components},
    }
    return json.dumps(document, separators=(",", ":")).encode()
