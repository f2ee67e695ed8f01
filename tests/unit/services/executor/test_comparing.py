"""Answers about plans when the cluster does not play along; the rest is seen against clusters."""

import asyncio
from typing import Any

import pytest

from services.executor.app import build_comparing
from services.executor.domain.grants import Grants
from services.executor.handlers.comparing import Comparing
from shared.contracts.canonical import digest
from shared.contracts.commands import ObjectToApply, PreparedObject, PreparedStep
from shared.contracts.differences import (
    Change,
    CheckSlice,
    CompareSteps,
    ObjectDifference,
    SliceChecked,
    StepsCompared,
    StepToCompare,
)
from shared.contracts.identity import ClusterName, Namespace, ObjectKey, StepId
from shared.contracts.phases import Reason
from shared.contracts.plan import ApplyMode
from shared.kube import ApiUnavailable, Impersonation
from shared.kube.errors import Conflict, Invalid, KubeError, NotFound
from shared.kube.kinds import Object
from tests.unit.services.executor.test_commands import ACCOUNT, APP, UID

EDGE = ClusterName("edge")
MANIFEST: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": APP.namespace}}
KEY = ObjectKey.of(MANIFEST)
_RBAC = "rbac.authorization.k8s.io/v1"


class Cluster:
    """An API server that has the tenant's account; reads hang, or writes are answered by an error."""

    def __init__(self, error: KubeError | None) -> None:
        self.error = error
        self.writes: list[bool] = []

    async def find(
        self, key: ObjectKey, *, acting_as: Impersonation | None = None, metadata_only: bool = False
    ) -> Object | None:
        del acting_as, metadata_only
        if key.kind == "ServiceAccount":
            return ACCOUNT
        if self.error is None:
            await asyncio.Event().wait()
        return None

    async def apply(self, manifest: Object, *, dry_run: bool = False, **given: Any) -> Object:
        del manifest, given
        self.writes.append(dry_run)
        assert self.error is not None
        raise self.error

    async def resource(self, gvk: Any) -> Any:
        del gvk

    async def may(self, *asked: Any, **given: Any) -> bool:
        del asked, given
        return True


def comparing(cluster: Any) -> Comparing:
    grants = Grants({}, frozenset({"v1/ConfigMap", f"{_RBAC}/Role", f"{_RBAC}/ClusterRole", f"{_RBAC}/RoleBinding"}))
    return build_comparing(cluster, name=EDGE, grants=grants, open_sealed=lambda _text, _place: b"")


async def compared(cluster: Cluster, *manifests: Object, within_s: float = 5) -> ObjectDifference:
    """What is told of the first manifest, or else of MANIFEST."""
    wanted = tuple(
        ObjectToApply(key=ObjectKey.of(m), manifest=m, digest=digest(m), generation=1, mode=ApplyMode.APPLY)
        for m in manifests or (MANIFEST,)
    )
    step = StepToCompare(
        step=StepId("a"), component="a", namespace=Namespace(APP.namespace), job_type="x", objects=wanted
    )
    request = CompareSteps(app=APP, uid=UID, generation=1, cluster=EDGE, within_s=within_s, steps=(step,))
    answer = await comparing(cluster).answer(request)
    assert isinstance(answer, StepsCompared)
    return answer.objects[0]


async def test_an_api_server_that_hangs_is_told_in_time() -> None:
    started = asyncio.get_running_loop().time()
    told = await compared(Cluster(None), within_s=0.4)
    assert (told.change, told.reason) == (Change.UNKNOWN, Reason.API_UNAVAILABLE)
    step = PreparedStep(
        step=StepId("a"),
        component="a",
        namespace=Namespace(APP.namespace),
        job_type="x",
        objects=(PreparedObject(key=KEY, mode=ApplyMode.APPLY),),
        references=(),
    )
    request = CheckSlice(app=APP, uid=UID, generation=1, cluster=EDGE, within_s=0.4, steps=(step,))
    checked = await comparing(Cluster(None)).answer(request)
    assert isinstance(checked, SliceChecked)
    assert checked.trouble == "the Kubernetes API did not answer in time"
    assert asyncio.get_running_loop().time() - started < 15


@pytest.mark.parametrize(
    ("error", "change", "reason"),
    [
        (ApiUnavailable("HTTP 500"), Change.UNKNOWN, Reason.API_UNAVAILABLE),
        (Conflict("it was written meanwhile"), Change.UNKNOWN, Reason.CONFLICT),
        (Invalid("field is immutable"), Change.REFUSED, Reason.IMMUTABLE),
        (Invalid('admission webhook "w" does not support dry run'), Change.UNKNOWN, Reason.INVALID),
        (Invalid("x" * 50_000), Change.REFUSED, Reason.INVALID),
    ],
    ids=["it fails", "it is written all the time", "it is immutable", "a webhook has effects", "at length"],
)
async def test_what_the_server_says_becomes_of_the_object(error: KubeError, change: Change, reason: Reason) -> None:
    cluster = Cluster(error)
    told = await compared(cluster)
    assert (told.change, told.reason) == (change, reason)
    assert len(told.message) < 2100
    assert cluster.writes
    assert all(cluster.writes), "every write was a dry run"


def _of_rbac(kind: str, namespace: str | None = APP.namespace, **fields: Any) -> Object:
    metadata = {"name": "a"} if namespace is None else {"name": "a", "namespace": namespace}
    return {"apiVersion": _RBAC, "kind": kind, "metadata": metadata, **fields}


def _binding(kind: str) -> Object:
    return _of_rbac("RoleBinding", roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "a"})


ROLE, CLUSTER_ROLE = _of_rbac("Role"), _of_rbac("ClusterRole", None)


@pytest.mark.parametrize(
    ("others", "kind", "change"),
    [
        ((ROLE,), "Role", Change.CREATED),
        ((CLUSTER_ROLE,), "ClusterRole", Change.CREATED),
        ((ROLE,), "ClusterRole", Change.REFUSED),
        ((), "Role", Change.REFUSED),
    ],
    ids=["made with it", "made with it for the cluster", "another one is made", "made by nobody"],
)
async def test_a_binding_whose_role_is_only_planned_would_be_created(
    others: tuple[Object, ...], kind: str, change: Change
) -> None:
    absent = NotFound('rolebindings.rbac.authorization.k8s.io "a" not found', kind="rolebindings", name="a")
    assert (await compared(Cluster(absent), _binding(kind), *others)).change is change
    forbidden = Invalid("the subject is no subject")
    assert (await compared(Cluster(forbidden), _binding(kind), *others)).change is Change.REFUSED
