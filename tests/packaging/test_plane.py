"""The manifests on the real control plane: every object accepted, pods admitted under their security standard."""

from functools import partial

import pytest

from dev.plane.control_plane import ControlPlane
from tests.packaging.control_plane import Operator
from tests.packaging.rendering import Manifests, Object, named, of_kind
from tests.support.conditions import until
from tests.support.definitions import KEDA, MONGODB, downloaded, served

pytestmark = [pytest.mark.plane, pytest.mark.timeout(240, func_only=True)]

_READY_S = 60.0


@pytest.fixture(scope="module")
def operator(plane: ControlPlane) -> Operator:
    return Operator(plane)


@pytest.fixture(scope="module")
async def definitions(plane: ControlPlane, operator: Operator) -> None:
    """KEDA's and MongoDB's kinds, served by the control plane."""
    for wanted in (KEDA, MONGODB):
        definition = await downloaded(wanted)
        operator.apply([definition])
        await served(plane.api, definition)


async def _applied(operator: Operator, objects: list[Object]) -> None:
    """Try, apply, and see that nothing is left to change; what a controller writes meanwhile is no difference."""
    operator.apply(of_kind(objects, "Namespace"))
    operator.apply(objects, "--dry-run=server")
    operator.apply(objects)
    await until(lambda: not operator.differences(objects), timeout_s=_READY_S)


async def _pods_run(operator: Operator, objects: list[Object]) -> None:
    """Wait until every Deployment has its pods: admission let them in, and they were scheduled."""
    for wanted in of_kind(objects, "Deployment"):
        namespace, name = wanted["metadata"]["namespace"], wanted["metadata"]["name"]
        operator.run("--namespace", namespace, "rollout", "status", f"deployment/{name}", f"--timeout={_READY_S:.0f}s")
    for wanted in of_kind(objects, "StatefulSet"):
        await until(partial(_has_its_pods, operator, wanted), timeout_s=_READY_S)


def _has_its_pods(operator: Operator, wanted: Object) -> bool:
    metadata = wanted["metadata"]
    selector = f"--selector=app.kubernetes.io/name={metadata['name']}"
    pods = operator.get("--namespace", metadata["namespace"], "pods", selector)["items"]
    return len(pods) >= int(wanted["spec"]["replicas"])


@pytest.mark.parametrize("overlay", ["overlays/dev", "agent"])
async def test_overlay_is_accepted_and_its_pods_are_admitted(
    operator: Operator, manifests: Manifests, overlay: str
) -> None:
    objects = manifests.render(overlay)
    try:
        await _applied(operator, objects)
        await _pods_run(operator, objects)
    finally:
        operator.delete(objects)
        await _gone(operator, objects)


@pytest.mark.usefixtures("definitions")
async def test_production_is_accepted_with_the_kinds_of_keda_and_mongodb(
    operator: Operator, manifests: Manifests
) -> None:
    objects = [*manifests.render("overlays/production"), *manifests.render("overlays/production-agent")]
    try:
        await _applied(operator, objects)
        assert len(operator.get("--all-namespaces", "scaledobjects.keda.sh")["items"]) == 3
        # Their number is KEDA's business: without it there is one of each.
        await _pods_run(operator, objects)
    finally:
        operator.delete(objects)
        await _gone(operator, objects)


@pytest.mark.usefixtures("definitions")
async def test_unknown_fields_of_those_kinds_are_refused(operator: Operator, manifests: Manifests) -> None:
    """So that the test above can fail."""
    objects = manifests.render("overlays/production")
    for kind, name in (("ScaledObject", "planner"), ("MongoDBCommunity", "mongodb")):
        wrong = named(objects, kind, name)
        wrong["metadata"]["namespace"] = "default"
        wrong["spec"]["maximumReplicas"] = 3
        with pytest.raises(AssertionError, match="maximumReplicas"):
            operator.apply([wrong], "--dry-run=server")


async def _gone(operator: Operator, objects: list[Object]) -> None:
    names = [each["metadata"]["name"] for each in of_kind(objects, "Namespace")]
    arguments = ("--ignore-not-found", *(f"namespace/{name}" for name in names))
    await until(lambda: not operator.run("get", "--output=name", *arguments).strip(), timeout_s=_READY_S)
