"""Rules for workloads (k8s.io/kubernetes/pkg/apis/apps/validation and pkg/apis/batch/validation)."""

import re
from collections.abc import Iterable

from dev.simulator import kinds
from dev.simulator.errors import (
    ApiError,
    FieldError,
    field_forbidden,
    field_invalid,
    field_required,
    field_unsupported,
    unsupported,
)
from dev.simulator.kinds import Kind
from dev.simulator.names import label_errors
from dev.simulator.objects import Object, dig
from dev.simulator.pod_validation import pod_spec_errors
from dev.simulator.selectors import label_selector

IMMUTABLE = "field is immutable"

_JOB_POLICIES = ("OnFailure", "Never")
_STATEFUL_SET_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_SCHEDULING_DIRECTIVES = frozenset(("nodeSelector", "affinity", "tolerations", "schedulingGates"))
_NOT_SIMULATED_IN_JOBS = ("podFailurePolicy", "successPolicy", "managedBy", "backoffLimitPerIndex", "maxFailedIndexes")
_SCHEDULE = re.compile(r"@(yearly|annually|monthly|weekly|daily|midnight|hourly|every .+)|\S+(\s+\S+){4}")


def workload_errors(kind: Kind, obj: Object, old: Object | None) -> list[FieldError]:
    """Check a Deployment, ReplicaSet, StatefulSet or DaemonSet."""
    spec = obj.get("spec") or {}
    errors = _selector_errors(spec)
    template = spec.get("template") or {}
    claims = [dig(claim, "metadata", "name") or "" for claim in spec.get("volumeClaimTemplates") or ()]
    errors += _template_errors("spec.template", template, claims)
    policy = dig(spec, "template", "spec", "restartPolicy")
    if policy is not None and policy != "Always":
        errors.append(field_unsupported("spec.template.spec.restartPolicy", policy, ("Always",)))
    errors += _count_errors(spec, ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"))
    if kind is kinds.DEPLOYMENT:
        errors += _strategy_errors(spec)
    if old is None:
        return errors
    before = old["spec"]
    if kind is kinds.STATEFUL_SET:
        return errors + _stateful_set_update_errors(spec, before)
    if spec.get("selector") != before.get("selector"):
        errors.append(field_invalid("spec.selector", spec.get("selector"), IMMUTABLE))
    return errors


def _selector_errors(spec: Object) -> list[FieldError]:
    selector = spec.get("selector")
    labels = dig(spec, "template", "metadata", "labels")
    mismatch = field_invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    if selector is None:
        return [field_required("spec.selector"), mismatch]
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        return [field_invalid("spec.selector", selector, "empty selector is invalid for deployment")]
    if not label_selector(selector)(labels or {}):
        return [mismatch]
    return label_errors("spec.selector.matchLabels", selector.get("matchLabels"))


def _template_errors(field: str, template: Object, claim_templates: Iterable[str] = ()) -> list[FieldError]:
    errors = label_errors(f"{field}.labels", dig(template, "metadata", "labels"))
    spec = template.get("spec")
    return errors + (
        pod_spec_errors(f"{field}.spec", spec, claim_templates)
        if spec
        else [field_required(f"{field}.spec.containers")]
    )


def _count_errors(spec: Object, fields: tuple[str, ...]) -> list[FieldError]:
    return [
        field_invalid(f"spec.{field}", spec[field], "must be greater than or equal to 0")
        for field in fields
        if isinstance(spec.get(field), int) and spec[field] < 0
    ]


def _strategy_errors(spec: Object) -> list[FieldError]:
    strategy = spec.get("strategy") or {}
    type_ = strategy.get("type")
    if type_ not in {"Recreate", "RollingUpdate"}:
        return [field_unsupported("spec.strategy.type", type_, ("Recreate", "RollingUpdate"))]
    if type_ == "Recreate" and strategy.get("rollingUpdate") is not None:
        return [
            field_forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
        ]
    rolling = strategy.get("rollingUpdate") or {}
    if all(rolling.get(field) in {0, "0%"} for field in ("maxUnavailable", "maxSurge")) and rolling:
        why = "may not be 0 when `maxSurge` is 0"
        return [field_invalid("spec.strategy.rollingUpdate.maxUnavailable", rolling["maxUnavailable"], why)]
    return []


def _stateful_set_update_errors(spec: Object, before: Object) -> list[FieldError]:
    def fixed(one: Object) -> Object:
        return {field: value for field, value in one.items() if field not in _STATEFUL_SET_MUTABLE}

    if _without_claim_status(fixed(spec)) == _without_claim_status(fixed(before)):
        return []
    fields = ", ".join(f"'{field}'" for field in _STATEFUL_SET_MUTABLE[:-1])
    why = f"updates to statefulset spec for fields other than {fields} and '{_STATEFUL_SET_MUTABLE[-1]}' are forbidden"
    return [field_forbidden("spec", why)]


def _without_claim_status(spec: Object) -> Object:
    claims = [
        {key: value for key, value in one.items() if key != "status"} for one in spec.get("volumeClaimTemplates") or ()
    ]
    return {**spec, "volumeClaimTemplates": claims}


def job_errors(obj: Object, old: Object | None) -> list[FieldError]:
    """Check a Job."""
    spec = obj.get("spec") or {}
    errors = job_spec_errors("spec", spec)
    if old is None:
        return errors
    before = old["spec"]
    for field in ("completions", "completionMode", "selector", "template"):
        if spec.get(field) != before.get(field) and not _may_change(field, spec, old):
            errors.append(field_invalid(f"spec.{field}", spec.get(field), IMMUTABLE))
    return errors


def _may_change(field: str, spec: Object, old: Object) -> bool:
    """Tell whether only scheduling directives of the template change, in a suspended Job that never ran."""
    if field != "template" or not old["spec"].get("suspend") or dig(old, "status", "startTime"):
        return False
    return _without_directives(spec["template"]) == _without_directives(old["spec"]["template"])


def _without_directives(template: Object) -> Object:
    kept = {key: value for key, value in template["spec"].items() if key not in _SCHEDULING_DIRECTIVES}
    metadata = template.get("metadata") or {}
    return {"spec": kept, "metadata": {**metadata, "labels": None, "annotations": None}}


def job_spec_errors(field: str, spec: Object) -> list[FieldError]:
    """Check the spec of a Job, also that inside a CronJob."""
    template = spec.get("template")
    if not template or not template.get("spec"):
        return [field_required(f"{field}.template.spec.containers")]
    errors = _template_errors(f"{field}.template", template)
    if template["spec"].get("restartPolicy") == "Always":
        shown = ", ".join(f'"{one}"' for one in _JOB_POLICIES)
        errors.append(field_required(f"{field}.template.spec.restartPolicy", f"valid values: {shown}"))
    counts = ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished")
    return errors + [
        FieldError(error.field.replace("spec", field, 1), error.reason, error.message)
        for error in _count_errors(spec, counts)
    ]


def refuse_unsimulated_stateful_set(spec: Object) -> ApiError | None:
    """Return the refusal of a StatefulSet that is legal but beyond the controller here."""
    policy = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    if any(value != "Retain" for value in policy.values()):
        return unsupported("spec.persistentVolumeClaimRetentionPolicy other than Retain of StatefulSets")
    if dig(spec, "ordinals", "start"):
        return unsupported("spec.ordinals of StatefulSets")
    return None


def refuse_unsimulated_job(spec: Object) -> ApiError | None:
    """Return the refusal of a Job that is legal but beyond the job controller here."""
    for field in _NOT_SIMULATED_IN_JOBS:
        if field in spec:
            return unsupported(f"spec.{field} of Jobs")
    if spec.get("completionMode", "NonIndexed") != "NonIndexed":
        return unsupported(f"spec.completionMode {spec['completionMode']} of Jobs")
    if spec.get("manualSelector"):
        return unsupported("spec.manualSelector of Jobs")
    return None


def cron_job_errors(obj: Object, _old: Object | None) -> list[FieldError]:
    """Check a CronJob."""
    spec = obj.get("spec") or {}
    schedule = spec.get("schedule", "")
    errors = []
    if not schedule:
        errors.append(field_required("spec.schedule"))
    elif not _SCHEDULE.fullmatch(schedule):
        errors.append(
            field_invalid(
                "spec.schedule", schedule, f"expected exactly 5 fields, found {len(schedule.split())}: [{schedule}]"
            )
        )
    policies = ("Allow", "Forbid", "Replace")
    if spec.get("concurrencyPolicy") not in policies:
        errors.append(field_unsupported("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), policies))
    return errors + job_spec_errors("spec.jobTemplate.spec", dig(spec, "jobTemplate", "spec") or {})


def pod_errors(obj: Object, old: Object | None) -> list[FieldError]:
    """Check a Pod."""
    spec = obj.get("spec") or {}
    if old is None:
        return pod_spec_errors("spec", spec)
    if _mutable_parts_removed(spec) != _mutable_parts_removed(old["spec"]):
        why = (
            "pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
            "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
            "negative)"
        )
        return [field_forbidden("spec", why)]
    return pod_spec_errors("spec", spec)


def _mutable_parts_removed(spec: Object) -> Object:
    kept = {
        key: value for key, value in spec.items() if key not in {"activeDeadlineSeconds", "tolerations", "nodeName"}
    }
    for section in ("containers", "initContainers"):
        if section in kept:
            kept[section] = [{**container, "image": ""} for container in kept[section]]
    return kept
