from typing import Any

import pytest

from dev.simulator import kinds
from dev.simulator.defaults import apply_defaults
from dev.simulator.errors import ApiError
from dev.simulator.kinds import Kind
from dev.simulator.shapes import check_shape
from dev.simulator.validation import validate
from shared.contracts.cloning import clone

Object = dict[str, Any]


def made(kind: Kind, name: str = "x", **fields: Any) -> Object:
    obj: Object = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": {"name": name, "namespace": "d"}}
    obj.update(clone(fields))
    apply_defaults(kind, obj)
    return obj


def template(*, labels: dict[str, str] | None = None, **spec: Any) -> Object:
    containers = spec.pop("containers", [{"name": "a", "image": "x"}])
    return {"metadata": {"labels": labels or {"app": "x"}}, "spec": {"containers": containers, **spec}}


def deployment(name: str = "x", **spec: Any) -> Object:
    selector = {"matchLabels": {"app": "x"}}
    return made(kinds.DEPLOYMENT, name, spec={"selector": selector, "template": template(), **spec})


def job(name: str = "x", **spec: Any) -> Object:
    return made(kinds.JOB, name, spec={"template": template(restartPolicy="Never"), **spec})


def claim(**spec: Any) -> Object:
    requests = {"resources": {"requests": {"storage": "1Gi"}}}
    return made(kinds.CLAIM, spec={"accessModes": ["ReadWriteOnce"], **requests, **spec})


def refusal(kind: Kind, obj: Object, old: Object | None = None) -> ApiError:
    with pytest.raises(ApiError) as caught:
        validate(kind, obj, old)
    return caught.value


def fields_of(error: ApiError) -> list[str]:
    assert error.details is not None
    return [cause["field"] for cause in error.details["causes"]]


def test_good_objects_pass() -> None:
    validate(kinds.DEPLOYMENT, deployment(), None)
    validate(kinds.JOB, job("j" * 63), None)
    validate(kinds.CLAIM, claim(), None)
    validate(kinds.SERVICE, made(kinds.SERVICE, spec={"ports": [{"port": 80}]}), None)
    validate(kinds.CLUSTER_ROLE, made(kinds.CLUSTER_ROLE, "system:anything:Goes"), None)


def test_refusal_lists_every_violation_with_its_field() -> None:
    error = refusal(kinds.DEPLOYMENT, deployment("Bad_Name", template=template(containers=[{"name": "a"}])))

    assert (error.code, error.reason) == (422, "Invalid")
    assert fields_of(error) == ["metadata.name", "spec.template.spec.containers[0].image"]
    assert error.message.startswith(
        'Deployment.apps "Bad_Name" is invalid: [metadata.name: Invalid value: "Bad_Name": '
    )
    assert error.details is not None
    assert (error.details["group"], error.details["kind"], error.details["name"]) == ("apps", "Deployment", "Bad_Name")


@pytest.mark.parametrize(
    ("kind", "obj", "field"),
    [
        (kinds.SERVICE, made(kinds.SERVICE, "web.", spec={"ports": [{"port": 80}]}), "metadata.name"),
        (kinds.SERVICE, made(kinds.SERVICE, spec={}), "spec.ports"),
        (kinds.SERVICE, made(kinds.SERVICE, spec={"ports": [{"port": 70000}]}), "spec.ports[0].port"),
        (kinds.DEPLOYMENT, deployment(template=template(labels={"app": "y"})), "spec.template.metadata.labels"),
        (kinds.DEPLOYMENT, deployment(template=template(restartPolicy="Never")), "spec.template.spec.restartPolicy"),
        (kinds.DEPLOYMENT, deployment(replicas=-1), "spec.replicas"),
        (kinds.JOB, made(kinds.JOB, spec={"template": template()}), "spec.template.spec.restartPolicy"),
        (kinds.CONFIG_MAP, made(kinds.CONFIG_MAP, data={"a b": ""}), "data[a b]"),
        (kinds.CLAIM, claim(accessModes=[]), "spec.accessModes"),
        (kinds.CLAIM, claim(resources={}), "spec.resources[storage]"),
        (kinds.INGRESS, made(kinds.INGRESS, spec={}), "spec"),
    ],
)
def test_wrong_field_is_named(kind: Kind, obj: Object, field: str) -> None:
    assert fields_of(refusal(kind, obj)) == [field]


def test_cron_job_name_leaves_room_for_its_jobs() -> None:
    spec = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template(restartPolicy="Never")}}}

    validate(kinds.CRON_JOB, made(kinds.CRON_JOB, "c" * 52, spec=spec), None)
    error = refusal(kinds.CRON_JOB, made(kinds.CRON_JOB, "c" * 53, spec=spec))

    assert "must be no more than 52 characters" in error.message


def test_label_value_is_at_most_63_characters() -> None:
    obj = made(kinds.CONFIG_MAP)
    obj["metadata"]["labels"] = {"a": "v" * 64}

    assert fields_of(refusal(kinds.CONFIG_MAP, obj)) == ["metadata.labels"]


@pytest.mark.parametrize(
    ("container", "field"),
    [
        ({"volumeMounts": [{"name": "gone", "mountPath": "/a"}]}, "volumeMounts[0].name"),
        ({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}, "resources.requests"),
        ({"resources": {"requests": {"example.org/gpu": "1"}}}, "resources.limits"),
        ({"resources": {"limits": {"memory": "1 Gi"}}}, "resources.limits[memory]"),
        ({"ports": [{"containerPort": 0}]}, "ports[0].containerPort"),
        ({"env": [{"value": "1"}]}, "env[0].name"),
        ({"livenessProbe": {}}, "livenessProbe"),
    ],
)
def test_wrong_field_of_a_container_is_named(container: Object, field: str) -> None:
    error = refusal(
        kinds.DEPLOYMENT, deployment(template=template(containers=[{"name": "a", "image": "x", **container}]))
    )

    assert f"spec.template.spec.containers[0].{field}" in fields_of(error)


def test_selector_of_a_workload_is_immutable() -> None:
    new = deployment(selector={"matchLabels": {"app": "x", "b": "c"}}, template=template(labels={"app": "x", "b": "c"}))

    error = refusal(kinds.DEPLOYMENT, new, deployment())

    assert error.message == (
        'Deployment.apps "x" is invalid: spec.selector: Invalid value: '
        '{"matchLabels":{"app":"x","b":"c"}}: field is immutable'
    )


def test_template_of_a_job_is_immutable() -> None:
    new = job(template=template(restartPolicy="Never", containers=[{"name": "a", "image": "y"}]))

    error = refusal(kinds.JOB, new, job())

    assert fields_of(error) == ["spec.template"]
    assert "field is immutable" in error.message


def test_job_may_get_a_time_to_live_later() -> None:
    validate(kinds.JOB, job(ttlSecondsAfterFinished=1), job())


def test_bound_claim_may_only_ask_for_more() -> None:
    old = {**claim(), "status": {"phase": "Bound"}}

    validate(kinds.CLAIM, {**claim(resources={"requests": {"storage": "2Gi"}})}, old)
    assert fields_of(refusal(kinds.CLAIM, claim(accessModes=["ReadWriteMany"]), old)) == ["spec"]


def test_stateful_set_says_what_may_change() -> None:
    fields = {"selector": {"matchLabels": {"app": "x"}}, "template": template()}
    old = made(kinds.STATEFUL_SET, spec={**fields, "serviceName": "a"})

    error = refusal(kinds.STATEFUL_SET, made(kinds.STATEFUL_SET, spec={**fields, "serviceName": "b"}), old)

    assert "updates to statefulset spec for fields other than 'replicas'" in error.message


def test_claim_template_counts_as_a_volume() -> None:
    container = {"name": "a", "image": "x", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    spec = {
        "selector": {"matchLabels": {"app": "x"}},
        "template": template(containers=[container]),
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}],
    }

    validate(kinds.STATEFUL_SET, made(kinds.STATEFUL_SET, spec=spec), None)


def test_secret_data_must_be_base64() -> None:
    error = refusal(kinds.SECRET, made(kinds.SECRET, data={"a": "not base64!"}))

    assert error.code == 400
    assert "illegal base64 data" in error.message


def test_what_the_job_controller_cannot_do_is_refused_in_words() -> None:
    error = refusal(kinds.JOB, job(completionMode="Indexed", completions=2))

    assert error.code == 501
    assert error.message == "the simulator does not support spec.completionMode Indexed of Jobs"


@pytest.mark.parametrize(
    ("obj", "field"),
    [
        ({"spec": {"replicas": "3"}}, "spec.replicas"),
        ({"spec": {"template": {"spec": {"containers": {"name": "a"}}}}}, "spec.template.spec.containers"),
        ({"spec": {"template": {"spec": {"containers": [{"env": [{"name": "A", "value": 1}]}]}}}}, "value"),
        ({"metadata": {"labels": {"a": 1}}}, "metadata.labels"),
        ({"spec": []}, "spec"),
    ],
)
def test_value_of_a_wrong_type_is_refused_as_undecodable(obj: Object, field: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_shape(kinds.DEPLOYMENT, obj)

    assert caught.value.code == 400
    assert f"{field} of type" in caught.value.message
