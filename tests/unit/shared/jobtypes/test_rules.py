"""What each kind waits for, told by statuses as Kubernetes writes them."""

from typing import Any, Literal

import pytest

from shared.contracts.completion import RULE, CompletionRule, holds, operand
from shared.jobtypes.builtin import BUILTIN
from shared.jobtypes.rules import rule_for

Manifest = dict[str, Any]
Verdict = Literal["done", "failed", "progressing"]


def _rule(manifest: Manifest) -> CompletionRule:
    rule = rule_for({"metadata": {"name": "a"}, **manifest})
    assert rule is not None
    assert RULE.validate_json(RULE.dump_json(rule)) == rule, "a rule travels as JSON"
    assert RULE.validate_json(RULE.dump_json(rule, exclude_none=True)) == rule, "and to observers in an annotation"
    return rule


def _verdict(manifest: Manifest, live: Manifest) -> Verdict:
    """Judge the live object by the rule of the manifest, as an observer does."""
    rule = _rule(manifest)
    if rule.failure is not None and holds(rule.failure, live):
        return "failed"
    return "done" if holds(rule.success, live) else "progressing"


def _manifest(api_version: str, kind: str, **spec: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "spec": spec}


def _conditions(**statuses: str) -> list[Manifest]:
    return [{"type": type_, "status": status} for type_, status in statuses.items()]


def _live(generation: int = 1, spec: Manifest | None = None, **status: Any) -> Manifest:
    return {"metadata": {"generation": generation}, "spec": spec or {}, "status": status}


DEPLOYED = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3}
OVERDUE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ({}, "progressing"),
        (DEPLOYED, "done"),
        ({**DEPLOYED, "observedGeneration": 1}, "progressing"),
        ({**DEPLOYED, "updatedReplicas": 2}, "progressing"),
        ({**DEPLOYED, "readyReplicas": 2}, "progressing"),
        ({**DEPLOYED, "replicas": 4}, "progressing"),
        ({**DEPLOYED, "readyReplicas": 2, "conditions": [OVERDUE]}, "failed"),
        ({**DEPLOYED, "observedGeneration": 1, "conditions": [OVERDUE]}, "progressing"),
        ({**DEPLOYED, "readyReplicas": 2, "conditions": [{**OVERDUE, "reason": "Paused"}]}, "progressing"),
        ({**DEPLOYED, "conditions": _conditions(Progressing="True", Available="True")}, "done"),
    ],
)
def test_deployment(status: Manifest, verdict: Verdict) -> None:
    manifest = _manifest("apps/v1", "Deployment", replicas=3)
    assert _verdict(manifest, _live(2, {"replicas": 3}, **status)) == verdict


def test_deployment_without_replicas_wants_one_and_scaled_to_none_wants_none() -> None:
    manifest = _manifest("apps/v1", "Deployment")
    one = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
    assert _verdict(manifest, _live(1, {}, **one)) == "done"
    assert _verdict(manifest, _live(1, {"replicas": 0}, observedGeneration=1)) == "done"
    assert _verdict(manifest, _live(1, {"replicas": 0}, **one)) == "progressing"


def test_progress_of_a_deployment_is_ready_of_desired() -> None:
    rule = _rule(_manifest("apps/v1", "Deployment"))
    assert rule.ready is not None
    assert rule.desired is not None
    live = _live(1, {"replicas": 3}, readyReplicas=2)
    assert (operand(rule.ready, live), operand(rule.desired, live)) == (2, 3)
    assert (operand(rule.ready, _live()), operand(rule.desired, _live())) == (0, 1)


@pytest.mark.parametrize(
    ("spec", "updated", "verdict"),
    [
        ({}, 2, "done"),
        ({}, 1, "progressing"),
        ({"updateStrategy": {"type": "OnDelete"}}, 0, "done"),
        ({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}}, 1, "done"),
        ({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}, 1, "progressing"),
    ],
)
def test_stateful_set(spec: Manifest, updated: int, verdict: Verdict) -> None:
    live = _live(1, {"replicas": 2}, observedGeneration=1, replicas=2, readyReplicas=2, updatedReplicas=updated)
    assert _verdict(_manifest("apps/v1", "StatefulSet", **spec), live) == verdict


@pytest.mark.parametrize(
    ("spec", "status", "verdict"),
    [
        ({}, {}, "progressing"),
        ({}, {"updatedNumberScheduled": 3}, "done"),
        ({}, {"updatedNumberScheduled": 2}, "progressing"),
        ({}, {"updatedNumberScheduled": 3, "numberReady": 2}, "progressing"),
        ({}, {"updatedNumberScheduled": 3, "currentNumberScheduled": 2}, "progressing"),
        ({"updateStrategy": {"type": "OnDelete"}}, {"updatedNumberScheduled": 0}, "done"),
    ],
)
def test_daemon_set(spec: Manifest, status: Manifest, verdict: Verdict) -> None:
    base = {"observedGeneration": 1, "desiredNumberScheduled": 3, "numberReady": 3, "currentNumberScheduled": 3}
    live = _live(1, {}, **(base | status if status else {}))
    assert _verdict(_manifest("apps/v1", "DaemonSet", **spec), live) == verdict


def test_daemon_set_with_no_node_for_it_is_done() -> None:
    live = _live(1, {}, observedGeneration=1, desiredNumberScheduled=0)
    assert _verdict(_manifest("apps/v1", "DaemonSet"), live) == "done"


@pytest.mark.parametrize(
    ("spec", "status", "verdict"),
    [
        ({"completions": 2}, {}, "progressing"),
        ({"completions": 2}, {"succeeded": 1}, "progressing"),
        ({"completions": 2}, {"succeeded": 2}, "done"),
        ({"completions": 2}, {"conditions": _conditions(Complete="True")}, "done"),
        ({"completions": 2}, {"succeeded": 1, "conditions": _conditions(Failed="True")}, "failed"),
        ({"completions": 2}, {"succeeded": 1, "conditions": _conditions(Failed="False")}, "progressing"),
        ({"parallelism": 3}, {"succeeded": 1}, "progressing"),
        ({"parallelism": 3}, {"succeeded": 1, "conditions": _conditions(Complete="True")}, "done"),
    ],
)
def test_job(spec: Manifest, status: Manifest, verdict: Verdict) -> None:
    assert _verdict(_manifest("batch/v1", "Job", **spec), _live(1, spec, **status)) == verdict


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ({"phase": "Pending"}, "progressing"),
        ({"phase": "Running", "conditions": _conditions(Ready="False")}, "progressing"),
        ({"phase": "Running", "conditions": _conditions(Ready="True")}, "done"),
        ({"phase": "Succeeded"}, "done"),
        ({"phase": "Failed"}, "failed"),
    ],
)
def test_pod(status: Manifest, verdict: Verdict) -> None:
    assert _verdict(_manifest("v1", "Pod"), _live(1, {}, **status)) == verdict


def test_claim_completes_its_step_when_created_and_is_healthy_when_bound() -> None:
    manifest = _manifest("v1", "PersistentVolumeClaim")
    assert _rule(manifest).health_only
    assert _verdict(manifest, _live(phase="Pending")) == "progressing"
    assert _verdict(manifest, _live(phase="Bound")) == "done"
    assert _verdict(manifest, _live(phase="Lost")) == "failed"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ({}, "progressing"),
        ({"loadBalancer": {}}, "progressing"),
        ({"loadBalancer": {"ingress": []}}, "progressing"),
        ({"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}, "done"),
        ({"loadBalancer": {"ingress": [{"hostname": "lb"}]}}, "done"),
    ],
)
def test_load_balancer_waits_for_an_address(status: Manifest, verdict: Verdict) -> None:
    manifest = _manifest("v1", "Service", type="LoadBalancer")
    assert not _rule(manifest).health_only
    assert _verdict(manifest, _live(**status)) == verdict


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("v1", "Service"), ("networking.k8s.io/v1", "Ingress"), ("batch/v1", "CronJob")],
)
def test_what_is_there_at_once_is_done_and_still_watched(api_version: str, kind: str) -> None:
    manifest = _manifest(api_version, kind)
    assert _rule(manifest).health_only
    assert _verdict(manifest, _live()) == "done"


@pytest.mark.parametrize(
    ("api_version", "kind", "status", "verdict"),
    [
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, "progressing"),
        (
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            {"conditions": _conditions(NamesAccepted="True", Established="True")},
            "done",
        ),
        (
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            {"conditions": _conditions(NamesAccepted="False")},
            "failed",
        ),
        ("autoscaling/v2", "HorizontalPodAutoscaler", {}, "done"),
        (
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            {"conditions": _conditions(AbleToScale="True", ScalingActive="False")},
            "progressing",
        ),
        ("apiregistration.k8s.io/v1", "APIService", {"conditions": _conditions(Available="False")}, "progressing"),
        ("policy/v1", "PodDisruptionBudget", {"observedGeneration": 1, "desiredHealthy": 2}, "progressing"),
        ("policy/v1", "PodDisruptionBudget", {"observedGeneration": 1, "currentHealthy": 1}, "done"),
        ("v1", "Namespace", {"phase": "Terminating"}, "progressing"),
        ("apps/v1", "ReplicaSet", {"observedGeneration": 1, "replicas": 1}, "progressing"),
        ("apps/v1", "ReplicaSet", {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1}, "done"),
        # A kind of that name in another group is another kind.
        ("serving.knative.dev/v1", "Service", {"conditions": _conditions(Ready="Unknown")}, "progressing"),
        ("serving.knative.dev/v1", "Service", {"conditions": _conditions(Ready="True")}, "done"),
    ],
)
def test_other_kinds(api_version: str, kind: str, status: Manifest, verdict: Verdict) -> None:
    assert _verdict(_manifest(api_version, kind), _live(1, {}, **status)) == verdict


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ({}, "done"),
        ({"observedGeneration": 2}, "done"),
        ({"observedGeneration": 1}, "progressing"),
        ({"conditions": _conditions(Ready="True")}, "done"),
        ({"conditions": _conditions(Ready="False")}, "progressing"),
        ({"conditions": _conditions(Ready="Unknown")}, "progressing"),
        ({"conditions": _conditions(Ready="True", Reconciling="True")}, "progressing"),
        ({"conditions": _conditions(Reconciling="False", Stalled="False")}, "done"),
        ({"conditions": _conditions(Stalled="True")}, "failed"),
        ({"conditions": _conditions(Failed="True")}, "failed"),
        ({"observedGeneration": 1, "conditions": _conditions(Failed="True")}, "progressing"),
    ],
)
def test_kind_that_nobody_has_heard_of(status: Manifest, verdict: Verdict) -> None:
    assert _verdict(_manifest("example.com/v1", "Database"), _live(2, {}, **status)) == verdict


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("v1", "ServiceAccount"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
    ],
)
def test_kinds_without_a_status_have_no_rule(api_version: str, kind: str) -> None:
    assert rule_for(_manifest(api_version, kind)) is None


def test_object_whose_health_check_is_switched_off_is_done_once_it_is_there() -> None:
    annotations = {"app.oam.dev/disable-health-check": "true"}
    manifest = {**_manifest("apps/v1", "Deployment"), "metadata": {"name": "a", "annotations": annotations}}
    assert _rule(manifest).health_only
    assert _verdict(manifest, _live()) == "done"


def test_every_job_type_judges_by_these_rules() -> None:
    manifest = {"metadata": {"name": "a"}, **_manifest("apps/v1", "Deployment")}
    for job_type in BUILTIN.job_types.values():
        assert job_type.completion(manifest) == rule_for(manifest)


@pytest.mark.parametrize("annotations", [None, 0.5, "x", ["app.oam.dev/disable-health-check"]])
def test_annotations_that_are_none_say_nothing_of_health(annotations: Any) -> None:
    """Planning refuses them; whoever asks for the rule before gets that of the kind."""
    odd = {**_manifest("apps/v1", "Deployment"), "metadata": {"name": "a", "annotations": annotations}}
    assert rule_for(odd) == _rule(_manifest("apps/v1", "Deployment"))
