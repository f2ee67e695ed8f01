"""Parameters that are well-formed one by one and cannot be rendered: where, and by which code."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.jobtypes.base import RenderError, Rendering

Document = dict[str, Any]
Render = Callable[[Document], Rendering]
Webservice = Callable[..., Document]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "legacy"},
    "spec": {"template": {"spec": {"containers": [{"name": "legacy"}]}}},
}


def _refused(render: Render, component: Document) -> tuple[str, str]:
    with pytest.raises(RenderError) as refused:
        render(component)
    assert refused.value.message
    return refused.value.path, refused.value.code


@pytest.mark.parametrize(
    ("properties", "path", "code"),
    [
        ({"labels": {"app.oam.dev/component": "other"}}, 'labels["app.oam.dev/component"]', "LabelReserved"),
        ({"livenessProbe": {"periodSeconds": 5}}, "livenessProbe", "ProbeHandlerNotUnique"),
        (
            {"readinessProbe": {"tcpSocket": {"port": 1}, "exec": {"command": ["a"]}}},
            "readinessProbe",
            "ProbeHandlerNotUnique",
        ),
        (
            {"ports": [{"port": 80, "expose": True}, {"port": 80, "containerPort": 81, "expose": True}]},
            "ports[1].port",
            "PortNotUnique",
        ),
        (
            {"ports": [{"port": 80, "containerPort": 8080, "expose": True}, {"port": 8080, "expose": True}]},
            "ports[1].name",
            "PortNameNotUnique",
        ),
        ({"ports": [{"port": 1, "name": "a"}, {"port": 2, "name": "a"}]}, "ports[1].name", "PortNameNotUnique"),
    ],
)
def test_webservice_that_kubernetes_would_refuse_is_refused_first(
    render: Render, webservice: Webservice, properties: Document, path: str, code: str
) -> None:
    assert _refused(render, webservice(**properties)) == (path, code)


def test_label_that_agrees_with_the_selector_is_no_conflict(render: Render, webservice: Webservice) -> None:
    render(webservice(labels={"app.oam.dev/component": "web"}))


@pytest.mark.parametrize(
    ("objects", "path", "code"),
    [
        ([{"kind": "ConfigMap"}], "objects[0].apiVersion", "ObjectIncomplete"),
        ([{"apiVersion": "v1", "kind": ""}], "objects[0].kind", "ObjectIncomplete"),
        ([{"apiVersion": "v1", "kind": "List", "items": []}], "objects[0].kind", "ListNotAllowed"),
        ([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": "a"}], "objects[0].metadata", "ObjectMalformed"),
        (
            [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": 1}}],
            "objects[0].metadata.name",
            "ObjectIncomplete",
        ),
        (
            [{"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "a-"}}],
            "objects[0].metadata.generateName",
            "GenerateNameNotAllowed",
        ),
        (
            [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "kube-system"}}],
            "objects[0].metadata.namespace",
            "NamespaceNotAllowed",
        ),
        ([{"apiVersion": "v1", "kind": "Secret"}], "objects[0].metadata.name", "ObjectIncomplete"),
        (
            [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": "?"}}],
            'objects[0].data["k"]',
            "InvalidBase64",
        ),
        (
            [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"k": 1}}],
            "objects[0].stringData",
            "SecretValueInvalid",
        ),
        (
            [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "annotations": {LAST_APPLIED: "{}"}}}],
            f'objects[0].metadata.annotations["{LAST_APPLIED}"]',
            "SecretValueInOpen",
        ),
        ([DEPLOYMENT, DEPLOYMENT], "objects[1]", "ObjectNotUnique"),
    ],
)
def test_object_that_cannot_be_applied_is_refused(
    render: Render, objects: list[Document], path: str, code: str
) -> None:
    component = {"name": "extra", "type": "k8s-objects", "properties": {"objects": objects}}
    assert _refused(render, component) == (path, code)


def test_raw_object_in_another_namespace_is_refused(render: Render) -> None:
    properties = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}
    component = {"name": "extra", "type": "raw", "properties": properties}
    assert _refused(render, component) == ("metadata.namespace", "NamespaceNotAllowed")


PVC = {"name": "data", "mountPath": "/data", "mountOnly": True}


@pytest.mark.parametrize(
    ("traits", "path", "code"),
    [
        ([("env", {"containerName": "nobody", "env": {}})], "containerName", "ContainerNotFound"),
        (
            [("env", {"containers": [{"containerName": "nobody", "env": {}}]})],
            "containers[0].containerName",
            "ContainerNotFound",
        ),
        ([("sidecar", {"name": "web", "image": "b"})], "name", "ContainerNotUnique"),
        (
            [("sidecar", {"name": "b", "image": "b", "livenessProbe": {}})],
            "livenessProbe",
            "ProbeHandlerNotUnique",
        ),
        (
            [
                ("init-container", {"name": "i", "image": "b", "appMountPath": "/a", "initMountPath": "/b"}),
                ("init-container", {"name": "i", "image": "b", "appMountPath": "/a", "initMountPath": "/b"}),
            ],
            "name",
            "ContainerNotUnique",
        ),
        (
            [
                ("storage", {"emptyDir": [{"name": "x", "mountPath": "/x"}]}),
                (
                    "init-container",
                    {
                        "name": "i",
                        "image": "b",
                        "mountName": "emptydir-x",
                        "appMountPath": "/a",
                        "initMountPath": "/b",
                    },
                ),
            ],
            "mountName",
            "VolumeConflict",
        ),
        (
            [("storage", {"pvc": [PVC, {**PVC, "name": "other"}]})],
            "pvc[1].mountPath",
            "MountConflict",
        ),
        (
            [("storage", {"pvc": [{**PVC, "volumeMode": "Block"}, {**PVC, "name": "b", "volumeMode": "Block"}]})],
            "pvc[1].mountPath",
            "MountConflict",
        ),
        (
            [
                (
                    "storage",
                    {
                        "configMap": [
                            {"name": "c", "mountPath": "/a"},
                            {"name": "c", "mountPath": "/b", "defaultMode": 256},
                        ]
                    },
                )
            ],
            "configMap[1].name",
            "VolumeConflict",
        ),
        (
            [("storage", {"secret": [{"name": "s", "data": {"k": "not base64"}}]})],
            'secret[0].data["k"]',
            "InvalidBase64",
        ),
        (
            [("storage", {"secret": [{"name": "s", "mountOnly": True, "data": {"k": "not base64"}}]})],
            'secret[0].data["k"]',
            "InvalidBase64",
        ),
        ([("gateway", {"http": {"/": 80}, "secretName": "tls"})], "secretName", "DomainMissing"),
        ([("gateway", {"http": {"api": 80}})], 'http["api"]', "PathNotAbsolute"),
        ([("gateway", {"http": {"/": 80}}), ("gateway", {"http": {"/": 80}})], "name", "GatewayNotUnique"),
        (
            [("gateway", {"http": {"/": 80}, "annotations": {"kubernetes.io/ingress.class": "traefik"}})],
            'annotations["kubernetes.io/ingress.class"]',
            "IngressClassConflict",
        ),
    ],
)
def test_trait_that_clashes_is_refused(
    render: Render, webservice: Webservice, traits: list[tuple[str, Document]], path: str, code: str
) -> None:
    assert _refused(render, webservice(*traits)) == (path, code)


@pytest.mark.parametrize("trait", ["env", "resource", "sidecar", "init-container", "storage"])
def test_trait_for_pods_is_refused_on_an_object_without_any(render: Render, trait: str) -> None:
    given: dict[str, Document] = {
        "env": {"env": {}},
        "resource": {"cpu": 1},
        "sidecar": {"name": "b", "image": "b"},
        "init-container": {"name": "i", "image": "b", "appMountPath": "/a", "initMountPath": "/b"},
        "storage": {},
    }
    component = {
        "name": "extra",
        "type": "raw",
        "properties": {"apiVersion": "v1", "kind": "ConfigMap"},
        "traits": [{"type": trait, "properties": given[trait]}],
    }
    assert _refused(render, component) == ("", "NoPodTemplate")


@pytest.mark.parametrize(
    ("type_", "properties"),
    [
        ("task", {"image": "busybox"}),
        ("raw", {"apiVersion": "apps/v1", "kind": "DaemonSet", "spec": {}}),
        ("raw", {"apiVersion": "v1", "kind": "ConfigMap"}),
    ],
)
def test_what_has_no_replicas_cannot_be_scaled(render: Render, type_: str, properties: Document) -> None:
    component = {"name": "a", "type": type_, "properties": properties, "traits": [{"type": "scaler"}]}
    assert _refused(render, component) == ("", "NotScalable")


def test_init_container_needs_a_container_of_the_components_name(render: Render) -> None:
    properties = {"name": "i", "image": "b", "appMountPath": "/a", "initMountPath": "/b"}
    component = {
        "name": "extra",
        "type": "raw",
        "properties": DEPLOYMENT,
        "traits": [{"type": "init-container", "properties": properties}],
    }
    assert _refused(render, component) == ("", "ContainerNotFound")
