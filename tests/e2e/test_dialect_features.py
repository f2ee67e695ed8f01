"""Every line of the dialect, delivered."""

import json
from typing import Any

import pytest

from tests.e2e import surroundings
from tests.e2e.system import Document, System
from tests.support import dialect_features as features
from tests.support.dialect_features import Feature

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240, func_only=True)]


async def made_outside(system: System, namespace: str) -> None:
    """What features refer to and nobody creates."""
    config, claim = features.OUTSIDE
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    for kind, name, content in (
        ("ConfigMap", config, {"data": {"app.yaml": "a: b"}}),
        ("PersistentVolumeClaim", claim, {"spec": spec}),
    ):
        manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, **content}
        await system.kube[system.clusters[0]].create(manifest, field_manager="somebody-else")


async def seen(system: System, namespace: str, given: tuple[Feature, ...]) -> dict[str, Any]:
    """What of it differs from what is expected, by object and place."""
    differs: dict[str, Any] = {}
    for kind, name, place, value in (entry for feature in given for entry in feature.expected):
        found: Document | None = await system.object(kind, name, namespace)
        actual = None if found is None else features.at(found, place)
        if found is None or actual != value:
            differs[f"{kind} {name} {place}"] = actual
    return differs


@pytest.mark.parametrize("group", features.GROUPS)
async def test_every_line_of_the_dialect_is_delivered(system: System, namespace: str, group: str) -> None:
    await made_outside(system, namespace)
    given = features.GROUPS[group]
    if any(kind == "ClusterRole" for feature in given for kind, *_ in feature.expected):
        await surroundings.trust(system.kube[system.clusters[0]], namespace)
    run = await system.delivered(json.dumps(features.application(group, given, namespace=namespace)))
    assert {one["phase"] for one in run["steps"]} == {"Succeeded"}
    assert not await seen(system, namespace, (*features.DATA, *given))
    existing = await system.object("PersistentVolumeClaim", "existing", namespace)
    assert existing is not None
    assert existing["spec"]["resources"]["requests"]["storage"] == "1Gi"
