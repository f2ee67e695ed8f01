"""Pods as workload controllers see them: made from templates, counted, and told apart by their template's hash."""

import hashlib
import json
from datetime import datetime
from typing import Any

from dev.simulator import kinds
from dev.simulator.objects import (
    Object,
    condition_is,
    controller_reference,
    dig,
    find_condition,
    is_deleting,
    name_of,
    name_suffix,
    namespace_of,
    seconds_between,
)
from dev.simulator.store import Store
from shared.contracts.cloning import clone

HASH_LABEL = "pod-template-hash"
REVISION_LABEL = "controller-revision-hash"


def template_hash(template: Object) -> str:
    """Return a short hash of a pod template, written with letters that a name may hold."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return name_suffix(int.from_bytes(digest[:8], "big"), length=10)


def new_pod(owner: Object, template: Object, name: str = "", labels: dict[str, str] | None = None) -> Object:
    """Make a pod from a template; without a name it gets a new one that begins with its owner's."""
    metadata = clone(template.get("metadata") or {})
    if name:
        metadata["name"] = name
    else:
        metadata["generateName"] = f"{name_of(owner)}-"
    metadata["namespace"] = namespace_of(owner)
    metadata["ownerReferences"] = [controller_reference(owner)]
    metadata["labels"] = {**(metadata.get("labels") or {}), **(labels or {})}
    return {"metadata": metadata, "spec": clone(template["spec"])}


def pods_of(store: Store, owner: Object) -> list[Object]:
    """Return the pods that an owner controls."""
    return store.dependents(owner["metadata"]["uid"], kinds.POD)


def phase(pod: Object) -> str:
    """Return the phase of a pod."""
    return str(dig(pod, "status", "phase"))


def is_active(pod: Object) -> bool:
    """Tell whether a pod has neither ended nor is about to."""
    return not is_deleting(pod) and phase(pod) not in {"Succeeded", "Failed"}


def is_ready(pod: Object) -> bool:
    """Tell whether a pod is ready."""
    return condition_is(pod, "Ready")


def available_in(pod: Object, min_ready_s: int, now: datetime) -> float | None:
    """Return in how many seconds a ready pod counts as available (0: it does); None while it is not ready."""
    ready = find_condition(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return None
    return max(min_ready_s - seconds_between(ready["lastTransitionTime"], now), 0) if min_ready_s else 0


def worth(pod: Object) -> tuple[bool, bool, bool]:
    """Rank pods for scaling down: those that do least come first."""
    return (bool(pod["spec"].get("nodeName")), phase(pod) == "Running", is_ready(pod))


def set_condition(conditions: list[Object], new: Object, now: str) -> list[Object]:
    """Return conditions with one of them replaced or added; the transition time moves with the status."""
    merged: list[Object] = []
    found = False
    for condition in conditions:
        if condition["type"] != new["type"]:
            merged.append(condition)
            continue
        found = True
        since = condition["lastTransitionTime"] if condition["status"] == new["status"] else now
        merged.append({**new, "lastTransitionTime": since})
    return merged if found else [*merged, {**new, "lastTransitionTime": now}]


def without_zeros(status: dict[str, Any]) -> Object:
    """Leave out counts of zero, as `omitempty` does."""
    return {key: value for key, value in status.items() if value not in (0, None, [])}
