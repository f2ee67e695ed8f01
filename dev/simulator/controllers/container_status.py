"""Statuses of containers and pods, with the fields that kubelet sets. Pure."""

from dev.simulator.objects import Object


def container_status(
    container: Object, state: Object, *, ready: bool = False, restarts: int = 0, last_state: Object | None = None
) -> Object:
    """State one container."""
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": f"simulated://{container['image']}" if "waiting" not in state or last_state else "",
        "state": state,
        "lastState": last_state or {},
        "ready": ready,
        "restartCount": restarts,
        "started": "running" in state,
    }


def waiting(reason: str, message: str = "") -> Object:
    """State that a container has not started."""
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


def running(at: str) -> Object:
    """State that a container runs."""
    return {"running": {"startedAt": at}}


def terminated(exit_code: int, reason: str, started: str, finished: str) -> Object:
    """State that a container has ended."""
    return {
        "terminated": {"exitCode": exit_code, "reason": reason, "startedAt": started, "finishedAt": finished},
    }


def met(*types: str) -> dict[str, Object]:
    """Return conditions that are True."""
    return {type_: {"type": type_, "status": "True", "lastProbeTime": None} for type_ in types}


def not_ready(pod: Object) -> dict[str, Object]:
    """Return the conditions of a pod whose containers are not ready."""
    names = " ".join(container["name"] for container in pod["spec"]["containers"])
    return unmet("ContainersNotReady", f"containers with unready status: [{names}]", "Ready", "ContainersReady")


def unmet(reason: str, message: str, *types: str) -> dict[str, Object]:
    """Return conditions that are False."""
    explained: Object = {"status": "False", "lastProbeTime": None}
    explained |= ({"reason": reason} if reason else {}) | ({"message": message} if message else {})
    return {type_: {"type": type_, **explained} for type_ in types}
