"""The status of a Deployment (k8s.io/kubernetes/pkg/controller/deployment/{sync,progress}.go). Pure."""

from collections.abc import Sequence
from datetime import datetime

from dev.simulator.controllers.pods import set_condition, without_zeros
from dev.simulator.controllers.rollout import bounds
from dev.simulator.objects import Object, dig, find_condition, name_of, seconds_between, timestamp

_COUNTS = ("replicas", "readyReplicas", "availableReplicas")


def deployment_status(deployment: Object, new: Object | None, owned: Sequence[Object], now: datetime) -> Object:
    """Sum up the ReplicaSets of a Deployment."""
    totals = {count: sum(dig(one, "status", count) or 0 for one in owned) for count in _COUNTS}
    status = without_zeros(
        {
            **totals,
            "observedGeneration": deployment["metadata"]["generation"],
            "updatedReplicas": (dig(new, "status", "replicas") or 0) if new else 0,
            "unavailableReplicas": max(
                max(sum(one["spec"]["replicas"] for one in owned), totals["replicas"]) - totals["availableReplicas"], 0
            ),
        }
    )
    status["terminatingReplicas"] = sum(dig(one, "status", "terminatingReplicas") or 0 for one in owned)
    status["conditions"] = _conditions(deployment, status, new, now)
    return status


def complete(deployment: Object, status: Object) -> bool:
    """Tell whether all replicas are new and available, and nothing else is left."""
    desired = deployment["spec"]["replicas"]
    counts = (status.get(count, 0) for count in ("updatedReplicas", "replicas", "availableReplicas"))
    return all(count == desired for count in counts) and (
        status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    )


def progress_deadline_in(deployment: Object, status: Object, now: datetime) -> float | None:
    """Return in how many seconds the rollout will have taken too long; None while it is not under way."""
    progressing = find_condition({"status": status}, "Progressing")
    deadline_s = deployment["spec"].get("progressDeadlineSeconds")
    if progressing is None or deadline_s is None or progressing["status"] != "True" or deployment["spec"].get("paused"):
        return None
    if progressing["reason"] == "NewReplicaSetAvailable":
        return None
    # Times are kept in whole seconds: one more, or we would look just before it.
    return float(max(deadline_s - seconds_between(progressing["lastUpdateTime"], now), 0) + 1)


def _conditions(deployment: Object, status: Object, new: Object | None, now: datetime) -> list[Object]:
    conditions = dig(deployment, "status", "conditions") or []
    at = timestamp(now)
    conditions = _update(conditions, _available(deployment, status), at)
    progressing = _progressing(deployment, status, new, now)
    if progressing is not None:
        conditions = _update(conditions, progressing, at)
    failure = find_condition(new, "ReplicaFailure") if new else None
    if failure is not None:
        fields = ("type", "status", "reason", "message")
        return _update(conditions, {field: failure[field] for field in fields}, at)
    return [condition for condition in conditions if condition["type"] != "ReplicaFailure"]


def _update(conditions: list[Object], new: Object, at: str) -> list[Object]:
    present = find_condition({"status": {"conditions": conditions}}, new["type"])
    if present and all(present.get(field) == new[field] for field in ("status", "reason")) and "touched" not in new:
        return conditions
    fields = {key: value for key, value in new.items() if key != "touched"}
    return set_condition(conditions, {**fields, "lastUpdateTime": at}, at)


def _available(deployment: Object, status: Object) -> Object:
    spec = deployment["spec"]
    rolling = spec["strategy"].get("rollingUpdate") or {}
    unavailable = 0
    if spec["strategy"]["type"] == "RollingUpdate":
        limits = bounds(spec["replicas"], rolling.get("maxSurge", "25%"), rolling.get("maxUnavailable", "25%"))
        unavailable = min(limits.unavailable, spec["replicas"])
    if status.get("availableReplicas", 0) >= spec["replicas"] - unavailable:
        return {
            "type": "Available",
            "status": "True",
            "reason": "MinimumReplicasAvailable",
            "message": "Deployment has minimum availability.",
        }
    return {
        "type": "Available",
        "status": "False",
        "reason": "MinimumReplicasUnavailable",
        "message": "Deployment does not have minimum availability.",
    }


def _progressing(deployment: Object, status: Object, new: Object | None, now: datetime) -> Object | None:
    """Return what is new to say of the rollout; None when that is nothing."""
    present = find_condition(deployment, "Progressing")
    name = name_of(new) if new else ""
    if deployment["spec"].get("paused"):
        return _progress("Unknown", "DeploymentPaused", "Deployment is paused")
    if deployment["spec"].get("progressDeadlineSeconds") is None or new is None:
        return None
    if present is None:
        return _progress("True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
    if complete(deployment, status):
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return _progress("True", "NewReplicaSetAvailable", message)
    was_complete = present["reason"] == "NewReplicaSetAvailable" and not _has_changed(deployment)
    if was_complete and status.get("updatedReplicas", 0) == status.get("replicas", 0):
        return None  # Pods that fail later do not undo a rollout that was complete.
    return _advancing(deployment, status, present, name) or _timed_out(deployment, present, name, now)


def _advancing(deployment: Object, status: Object, present: Object, name: str) -> Object | None:
    moved = _advanced(deployment.get("status") or {}, status) or _has_changed(deployment)
    if not moved and present["status"] != "Unknown":
        return None
    message = f'ReplicaSet "{name}" is progressing.'
    return {**_progress("True", "ReplicaSetUpdated", message), "touched": True}


def _timed_out(deployment: Object, present: Object, name: str, now: datetime) -> Object | None:
    waited_s = seconds_between(present["lastUpdateTime"], now)
    if present["status"] == "True" and waited_s > deployment["spec"]["progressDeadlineSeconds"]:
        return _progress("False", "ProgressDeadlineExceeded", f'ReplicaSet "{name}" has timed out progressing.')
    return None


def _progress(status: str, reason: str, message: str) -> Object:
    return {"type": "Progressing", "status": status, "reason": reason, "message": message}


def _has_changed(deployment: Object) -> bool:
    observed = dig(deployment, "status", "observedGeneration") or 0
    return bool(observed < deployment["metadata"]["generation"])


def _advanced(before: Object, after: Object) -> bool:
    """Tell whether replicas have come or gone in the wanted direction since the last status."""

    def old_replicas(status: Object) -> int:
        return int(status.get("replicas", 0) - status.get("updatedReplicas", 0))

    return old_replicas(after) < old_replicas(before) or any(
        after.get(count, 0) > before.get(count, 0)
        for count in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )
