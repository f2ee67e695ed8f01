"""Where each kind of workload has its pod template: the one place that knows."""

from typing import Any

from shared.contracts.plan import Manifest

_TEMPLATE = ("spec", "template")
TEMPLATES: dict[str, tuple[str, ...]] = {
    "Deployment": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "ReplicaSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "Job": _TEMPLATE,
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
"""Kind → where its pod template stands."""


def pod_template(manifest: Manifest) -> dict[str, Any] | None:
    """The part with `metadata` and `spec` of a pod, itself for a Pod; None where there is none."""
    path = TEMPLATES.get(manifest["kind"])
    return None if path is None else _at(manifest, path)


def template_path(manifest: Manifest) -> tuple[str, ...] | None:
    """Where the pod template is, also in kinds that nobody here has heard of and that have the usual form."""
    known = TEMPLATES.get(manifest["kind"])
    if known is not None:
        return known if _at(manifest, known) is not None else None
    return _TEMPLATE if isinstance((_at(manifest, _TEMPLATE) or {}).get("spec"), dict) else None


def _at(manifest: Manifest, path: tuple[str, ...]) -> dict[str, Any] | None:
    found: Any = manifest
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None
