"""The status of a Job and the rules of its end (k8s.io/kubernetes/pkg/controller/job/job_controller.go). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dev.simulator.controllers.pods import is_active, is_ready, without_zeros
from dev.simulator.objects import Object, dig, find_condition, is_deleting, seconds_between

_TERMINAL = ("Complete", "Failed")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a Job has failed."""

    reason: str
    message: str


def finished_at(job: Object) -> str | None:
    """Return when a Job has completed or failed; None while it has not."""
    for type_ in _TERMINAL:
        condition = find_condition(job, type_)
        if condition is not None and condition["status"] == "True":
            return str(condition["lastTransitionTime"])
    return None


def failure_of(job: Object, pods: Sequence[Object], *, failed: int, now: datetime) -> Failure | None:
    """Return why the Job fails, if it does; what has been announced stays."""
    spec = job["spec"]
    if (announced := find_condition(job, "FailureTarget")) is not None:
        return Failure(announced["reason"], announced["message"])
    if find_condition(job, "SuccessCriteriaMet") is not None:
        return None
    if failed > spec["backoffLimit"] or _restarted_too_often(job, pods):
        return Failure("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    start, limit_s = dig(job, "status", "startTime"), spec.get("activeDeadlineSeconds")
    if start and limit_s is not None and not spec["suspend"] and seconds_between(start, now) >= limit_s:
        return Failure("DeadlineExceeded", "Job was active longer than specified deadline")
    return None


def _restarted_too_often(job: Object, pods: Sequence[Object]) -> bool:
    if dig(job, "spec", "template", "spec", "restartPolicy") != "OnFailure":
        return False
    restarts = sum(
        one["restartCount"] for pod in pods if is_active(pod) for one in dig(pod, "status", "containerStatuses") or ()
    )
    limit = job["spec"]["backoffLimit"]
    return bool(restarts > 0 if limit == 0 else restarts >= limit)


def is_complete(job: Object, pods: Sequence[Object], *, succeeded: int) -> bool:
    """Tell whether enough pods have succeeded."""
    if find_condition(job, "SuccessCriteriaMet") is not None:
        return True
    completions = job["spec"].get("completions")
    if completions is None:
        return succeeded > 0 and not any(is_active(pod) for pod in pods)
    return bool(succeeded >= completions)


def pods_wanted(job: Object, *, active: int, succeeded: int) -> int:
    """Return how many pods shall be active."""
    parallelism = int(job["spec"]["parallelism"])
    completions: int | None = job["spec"].get("completions")
    if completions is None:
        return min(active, parallelism) if succeeded else parallelism
    return min(parallelism, completions - succeeded)


def job_status(
    job: Object,
    pods: Sequence[Object],
    *,
    succeeded: int,
    failed: int,
    failure: Failure | None,
    ended: bool,
    now: str,
) -> Object:
    """Sum up the pods of a Job, and state its end once none of them is active any more."""
    present = job.get("status") or {}
    suspended = job["spec"]["suspend"]
    active = [pod for pod in pods if is_active(pod)]
    terminating = sum(is_deleting(pod) for pod in pods)
    status = without_zeros({"active": len(active), "succeeded": succeeded, "failed": failed})
    status |= {
        "ready": sum(is_ready(pod) for pod in active),
        "terminating": terminating,
        "uncountedTerminatedPods": {},
    }
    if start := None if suspended else present.get("startTime") or now:
        status["startTime"] = start
    conditions = _suspension(present.get("conditions") or [], suspended=suspended, now=now)
    if ended:
        conditions = _ending(conditions, failure, now, final=not active and not terminating)
    if any(condition["type"] == "Complete" for condition in conditions):
        status["completionTime"] = now
    if conditions:
        status["conditions"] = conditions
    return status


def _suspension(conditions: list[Object], *, suspended: bool, now: str) -> list[Object]:
    present = find_condition({"status": {"conditions": conditions}}, "Suspended")
    if suspended == (present is not None and present["status"] == "True"):
        return conditions
    others = [condition for condition in conditions if condition["type"] != "Suspended"]
    word = "suspended" if suspended else "resumed"
    reason = "JobSuspended" if suspended else "JobResumed"
    return [*others, _condition("Suspended", reason, f"Job {word}", now, status="True" if suspended else "False")]


def _ending(conditions: list[Object], failure: Failure | None, now: str, *, final: bool) -> list[Object]:
    """Add the condition that announces the end, and the terminal one once all pods have ended."""
    if failure is None:
        announcing, terminal = "SuccessCriteriaMet", "Complete"
        reason, message = "CompletionsReached", "Reached expected number of succeeded pods"
    else:
        announcing, terminal = "FailureTarget", "Failed"
        reason, message = failure.reason, failure.message
    known = {condition["type"] for condition in conditions}
    wanted = (announcing, terminal) if final else (announcing,)
    return conditions + [_condition(type_, reason, message, now) for type_ in wanted if type_ not in known]


def _condition(type_: str, reason: str, message: str, now: str, *, status: str = "True") -> Object:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastProbeTime": now,
        "lastTransitionTime": now,
    }
