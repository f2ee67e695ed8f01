"""Volumes, configs and secrets that a component declares: each becomes a step of its own."""

from collections.abc import Iterable

from shared.contracts.plan import ApplyMode, Manifest
from shared.jobtypes.base import DeclaredObject, RenderContext, Rendering

_TOKENS = {"ConfigMap": "configmap", "Secret": "secret", "PersistentVolumeClaim": "pvc"}


def nothing_but(context: RenderContext, manifest: Manifest) -> Rendering:
    """Render a component that is nothing but a ConfigMap, a Secret or a volume.

    It is declared, not rendered as a workload: where several components carry the same one, the last of them counts.
    """
    volume = manifest["kind"] == "PersistentVolumeClaim"
    declared = DeclaredObject(
        kind_token=_TOKENS[manifest["kind"]],
        manifest=manifest,
        mode=ApplyMode.CREATE if volume else ApplyMode.APPLY,
        path=f"{context.path}.properties",
        volume=volume,
    )
    return Rendering(workload=None, declared=(declared,))


def declared_once(declared: Iterable[DeclaredObject], new: Iterable[DeclaredObject]) -> tuple[DeclaredObject, ...]:
    """Join declarations of one component: of several of one kind and name, one stays.

    The later with data stays, and one without data yields to it: a second volume of the same name is a no-op.
    """
    by_key: dict[tuple[str, str], DeclaredObject] = {}
    for one in (*declared, *new):
        key = (one.kind_token, one.manifest["metadata"]["name"])
        if key not in by_key or one.mode is ApplyMode.APPLY:
            by_key[key] = one
    return tuple(by_key.values())
