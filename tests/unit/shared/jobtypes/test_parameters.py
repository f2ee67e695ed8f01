"""What the parameter models accept: strict types, no nulls, open and closed where KubeVela is."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.jobtypes.builtin import BUILTIN

Properties = dict[str, Any]


def _component(type_: str, properties: Properties) -> None:
    BUILTIN.job_types[type_].parameters.model_validate(properties)


def _trait(type_: str, properties: Properties) -> None:
    BUILTIN.traits[type_].parameters.model_validate(properties)


@pytest.mark.parametrize(
    ("type_", "properties", "place"),
    [
        ("webservice", {}, ("image",)),
        ("webservice", {"image": ""}, ("image",)),
        ("webservice", {"image": None}, ("image",)),
        ("webservice", {"image": "a", "cpu": 1}, ("cpu",)),
        ("webservice", {"image": "a", "cpu": "one"}, ("cpu",)),
        ("webservice", {"image": "a", "cpu": None}, ("cpu",)),
        ("webservice", {"image": "a", "labels": {"a": 1}}, ("labels", "a")),
        ("webservice", {"image": "a", "labels": {"a": None}}, ("labels", "a")),
        ("webservice", {"image": "a", "labels": None}, ("labels",)),
        ("webservice", {"image": "a", "env": [{"name": "A", "value": 80}]}, ("env", 0, "value")),
        ("webservice", {"image": "a", "env": [{"value": "b"}]}, ("env", 0, "name")),
        ("webservice", {"image": "a", "ports": [{"port": "80"}]}, ("ports", 0, "port")),
        ("webservice", {"image": "a", "ports": [{"port": 0}]}, ("ports", 0, "port")),
        ("webservice", {"image": "a", "ports": [{"port": True}]}, ("ports", 0, "port")),
        ("webservice", {"image": "a", "ports": [{"port": 80, "protocol": "HTTP"}]}, ("ports", 0, "protocol")),
        ("webservice", {"image": "a", "exposeType": "ExternalName"}, ("exposeType",)),
        ("webservice", {"image": "a", "imagePullPolicy": "Sometimes"}, ("imagePullPolicy",)),
        ("webservice", {"image": "a", "volumes": [{"name": "v", "mountPath": "/v", "type": "pvc"}]}, ("volumes", 0)),
        (
            "webservice",
            {"image": "a", "livenessProbe": {"tcpSocket": {"port": 80, "timeout": 1}}},
            ("livenessProbe", "tcpSocket", "timeout"),
        ),
        (
            "worker",
            {"image": "a", "livenessProbe": {"httpGet": {"path": "/", "port": 80, "host": "h"}}},
            ("livenessProbe", "httpGet", "host"),
        ),
        ("task", {"image": "a", "restart": "Always"}, ("restart",)),
        ("task", {"image": "a", "count": 1.0}, ("count",)),
        ("k8s-objects", {}, ("objects",)),
        ("k8s-objects", {"objects": []}, ("objects",)),
        ("raw", {"kind": "ConfigMap"}, ("apiVersion",)),
    ],
)
def test_component_with_a_wrong_parameter_is_refused_there(
    type_: str, properties: Properties, place: tuple[str | int, ...]
) -> None:
    with pytest.raises(ValidationError) as refused:
        _component(type_, properties)
    assert [error["loc"] for error in refused.value.errors()] == [place]


@pytest.mark.parametrize(
    ("type_", "properties", "place"),
    [
        ("scaler", {"replicas": "2"}, ("replicas",)),
        ("scaler", {"replicas": -1}, ("replicas",)),
        ("env", {}, ()),
        ("env", {"env": {"A": 1}}, ("env", "A")),
        ("env", {"env": {"A": "b"}, "container": "web"}, ("container",)),
        ("env", {"env": {"A": "b"}, "containers": []}, ()),
        ("env", {"containers": [{"env": {"A": "b"}}]}, ("containers", 0, "containerName")),
        ("resource", {}, ()),
        ("resource", {"cpu": 1, "memory": "0Mi"}, ("memory",)),
        ("resource", {"cpu": 1, "memory": 512}, ("memory",)),
        ("gateway", {}, ("http",)),
        ("gateway", {"http": {}}, ("http",)),
        ("gateway", {"http": {"/": "80"}}, ("http", "/")),
        ("sidecar", {"name": "a"}, ("image",)),
        ("init-container", {"name": "a", "image": "b", "initMountPath": "/i"}, ()),
        ("storage", {"pvc": [{"name": "data"}]}, ("pvc", 0, "mountPath")),
        ("storage", {"pvc": [{"name": "d", "mountPath": "/d", "volumeMode": "Raw"}]}, ("pvc", 0, "volumeMode")),
        (
            "storage",
            {"pvc": [{"name": "d", "mountPath": "/d", "resources": {"requests": {"storage": "1.5Gi"}}}]},
            ("pvc", 0, "resources", "requests", "storage"),
        ),
        ("storage", {"pvc": [{"name": "d", "mountPath": "/d", "volumeMode": "Block", "subPath": "x"}]}, ("pvc", 0)),
        ("storage", {"configMap": [{"name": "c", "data": {"a": 1}}]}, ("configMap", 0, "data", "a")),
        ("storage", {"secret": [{"name": "s", "stringData": {"a": 1}}]}, ("secret", 0, "stringData", "a")),
        ("storage", {"secret": None}, ("secret",)),
    ],
)
def test_trait_with_a_wrong_parameter_is_refused_there(
    type_: str, properties: Properties, place: tuple[str | int, ...]
) -> None:
    with pytest.raises(ValidationError) as refused:
        _trait(type_, properties)
    assert [error["loc"] for error in refused.value.errors()] == [place]


def test_unknown_keys_are_left_alone_where_kubevela_is_open() -> None:
    _component("webservice", {"image": "a", "imagee": "b", "ports": [{"port": 80, "comment": "c"}]})
    _trait("gateway", {"http": {"/": 80}, "note": "n"})


def test_pull_policy_of_a_worker_may_be_empty_as_in_kubevela() -> None:
    _component("worker", {"image": "a", "imagePullPolicy": ""})


def test_class_of_a_gateway_is_read_from_its_documented_name() -> None:
    parameters = BUILTIN.traits["gateway"].parameters.model_validate({"http": {"/": 80}, "class": "traefik"})
    assert parameters.class_ == "traefik"


@pytest.mark.parametrize("cpu", ["500m", "0.5", ".5", "1", "2e3", "1Ki", "100n"])
def test_quantity_in_any_spelling_of_kubernetes_is_accepted(cpu: str) -> None:
    _component("webservice", {"image": "a", "cpu": cpu})


def test_every_parameter_is_documented() -> None:
    """Docstrings beneath fields become the documentation; what the model says itself is not repeated."""
    models = [
        *(job_type.parameters for job_type in BUILTIN.job_types.values()),
        *(trait.parameters for trait in BUILTIN.traits.values()),
    ]
    schemas = [model.model_json_schema() for model in models]
    every = [*schemas, *(nested for schema in schemas for nested in schema.get("$defs", {}).values())]
    undocumented = [
        f"{schema['title']}.{field}"
        for schema in every
        for field, described in schema.get("properties", {}).items()
        if not described.get("description")
    ]
    assert undocumented == []
