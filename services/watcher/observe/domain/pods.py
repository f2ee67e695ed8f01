"""What is kept of a pod: a small record with the one trouble that its status tells.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.watcher.observe.domain.causes import Cause, clipped, first
from shared.contracts.facts import PodPhase
from shared.contracts.phases import Reason

Object = dict[str, Any]

_KEPT_MESSAGE_BYTES = 512
"""Thousands of pods may wait for one image, each with the same words."""

WAITING: dict[str, Reason] = {
    "ImagePullBackOff": Reason.IMAGE_PULL_BACK_OFF,
    "ErrImagePull": Reason.ERR_IMAGE_PULL,
    "ErrImageNeverPull": Reason.ERR_IMAGE_PULL,
    "ImageInspectError": Reason.ERR_IMAGE_PULL,
    "RegistryUnavailable": Reason.ERR_IMAGE_PULL,
    "SignatureValidationFailed": Reason.ERR_IMAGE_PULL,
    "InvalidImageName": Reason.INVALID_IMAGE_NAME,
    "CreateContainerConfigError": Reason.CREATE_CONTAINER_CONFIG_ERROR,
    "CreateContainerError": Reason.CREATE_CONTAINER_ERROR,
    "PreCreateHookError": Reason.CREATE_CONTAINER_ERROR,
    "PreStartHookError": Reason.RUN_CONTAINER_ERROR,
    "PostStartHookError": Reason.RUN_CONTAINER_ERROR,
    "RunContainerError": Reason.RUN_CONTAINER_ERROR,
}
"""A container's waiting reason as the kubelet writes it, and what we call it."""

_ON_THE_WAY = frozenset({"", "ContainerCreating", "PodInitializing"})
_VOLUME_WORDS = ("persistentvolumeclaim", "volume node affinity", "persistent volumes to bind")
"""The scheduler has no reason of its own for volumes; these are its words, in lower case."""


@dataclass(frozen=True, slots=True)
class PodRecord:
    """One pod."""

    uid: str
    name: str
    owner: str
    """uid of its controller; empty for a bare pod."""
    phase: PodPhase
    ready: bool
    started: bool
    """Its containers were started, whatever became of them."""
    node: str
    """Empty until it is scheduled."""
    restarts: int
    terminating: bool
    cause: Cause | None
    """None for a pod that is well, or on its way to be."""


def pod_record(pod: Object) -> PodRecord:
    """Read a pod."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    phase = _phase(status)
    statuses = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    ready = condition(status, "Ready").get("status") == "True"
    cause = _cause(spec, status, phase, ready=ready)
    return PodRecord(
        uid=metadata["uid"],
        name=metadata["name"],
        owner=controller(metadata),
        phase=phase,
        ready=ready,
        started=_started(status, phase),
        node=sys.intern(spec.get("nodeName") or ""),
        restarts=sum(int(s.get("restartCount") or 0) for s in statuses),
        terminating=bool(metadata.get("deletionTimestamp")),
        cause=cause and Cause(cause.reason, sys.intern(clipped(cause.message, _KEPT_MESSAGE_BYTES))),
    )


def controller(metadata: Object) -> str:
    """The uid of the owner that is its controller; empty where it has none."""
    owners = metadata.get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("controller")), "")


def condition(status: Object, type_: str) -> Object:
    """The condition of that type; empty where there is none, or where conditions are not what Kubernetes calls so."""
    conditions = status.get("conditions")
    listed = conditions if isinstance(conditions, list) else ()
    return next((c for c in listed if isinstance(c, dict) and c.get("type") == type_), {})


def _phase(status: Object) -> PodPhase:
    try:
        return PodPhase(status.get("phase") or "Pending")
    except ValueError:
        return PodPhase.UNKNOWN


def _started(status: Object, phase: PodPhase) -> bool:
    if phase is PodPhase.FAILED:
        # A node may refuse a pod before any of its containers has started.
        return any("terminated" in (s.get("state") or {}) for s in status.get("containerStatuses") or ())
    return phase in (PodPhase.RUNNING, PodPhase.SUCCEEDED)


def _cause(spec: Object, status: Object, phase: PodPhase, *, ready: bool) -> Cause | None:
    if phase is PodPhase.SUCCEEDED:
        return None
    troubles = [*_container_causes(status)]
    if phase is PodPhase.FAILED:
        return first(troubles) or _pod_failure(status)
    if not spec.get("nodeName"):
        return _unscheduled(status)
    if troubles:
        return first(troubles)
    if phase is PodPhase.RUNNING and not ready:
        return Cause(Reason.NOT_READY, _not_ready(status))
    return None


def _unscheduled(status: Object) -> Cause | None:
    scheduled = condition(status, "PodScheduled")
    if scheduled.get("status") != "False":
        return None
    message = str(scheduled.get("message") or scheduled.get("reason") or "")
    about_volumes = any(word in message.lower() for word in _VOLUME_WORDS)
    return Cause(Reason.VOLUME_PENDING if about_volumes else Reason.UNSCHEDULABLE, message)


def _pod_failure(status: Object) -> Cause:
    """A pod that failed although no container says so: evicted, refused by its node, out of time."""
    said = str(status.get("reason") or "")
    message = str(status.get("message") or "")
    reason = {"Evicted": Reason.EVICTED, "DeadlineExceeded": Reason.DEADLINE_EXCEEDED}.get(said, Reason.FAILED)
    return Cause(reason, ": ".join(part for part in (said, message) if part) or "the pod failed")


def _container_causes(status: Object) -> Iterator[Cause]:
    for field, word in (("initContainerStatuses", "init container"), ("containerStatuses", "container")):
        for container in status.get(field) or ():
            cause = _container_cause(container, f'{word} "{container.get("name", "")}"')
            if cause is not None:
                yield cause


def _container_cause(container: Object, named: str) -> Cause | None:
    state, last = container.get("state") or {}, (container.get("lastState") or {}).get("terminated") or {}
    if "waiting" in state:
        return _waiting_cause(state["waiting"], last, named)
    if "terminated" in state:
        return _exit_cause(state["terminated"], named)
    if "running" in state and not container.get("ready") and container.get("restartCount"):
        return _exit_cause(last, named, suffix=" and was started again")
    return None


def _waiting_cause(waiting: Object, last: Object, named: str) -> Cause | None:
    said, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    if said in _ON_THE_WAY:
        return _exit_cause(last, named, suffix=" and is started again")
    if said == "CrashLoopBackOff":
        return _crash_loop(last, message, named)
    if said in WAITING:
        return Cause(WAITING[said], f"{named}: {message or said}")
    return Cause(Reason.PROGRESSING, f"{named} is waiting: {': '.join(part for part in (said, message) if part)}")


def _crash_loop(last: Object, message: str, named: str) -> Cause:
    """Told by how the container ended: the kubelet's own words change with every back-off."""
    suffix = "; it is restarted with back-off (CrashLoopBackOff)"
    ended = _exit_cause(last, named, suffix)
    if ended is not None:
        return ended if ended.reason is Reason.OOM_KILLED else Cause(Reason.CRASH_LOOP_BACK_OFF, ended.message)
    words = f"{named} exited with code 0{suffix}" if last.get("exitCode") == 0 else f"{named}: {message}"
    return Cause(Reason.CRASH_LOOP_BACK_OFF, words)


def _exit_cause(terminated: Object, named: str, suffix: str = "") -> Cause | None:
    """The end of a container; None when it ended well.

    Its own last words (`message`) are left out: they may hold anything that the program writes.
    """
    code, said = terminated.get("exitCode"), str(terminated.get("reason") or "")
    if said == "OOMKilled":
        return Cause(Reason.OOM_KILLED, f"{named} was OOMKilled (exit code {code}){suffix}")
    if not code:
        return None
    because = "" if said in ("", "Error") else f" ({said})"
    return Cause(Reason.CONTAINER_FAILED, f"{named} exited with code {code}{because}{suffix}")


def _not_ready(status: Object) -> str:
    unready = [f'"{s.get("name", "")}"' for s in status.get("containerStatuses") or () if not s.get("ready")]
    if unready:
        return f"running, but not ready: container {', '.join(unready)}"
    said = (c.get("message") for c in status.get("conditions") or () if c.get("status") == "False")
    return f"running, but not ready: {next(filter(None, said), 'no container says why')}"
