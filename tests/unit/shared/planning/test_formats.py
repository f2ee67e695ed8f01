"""What a real API server would certainly refuse is refused with its place, in one sentence, all at once."""

from typing import Any

import pytest

from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, check_document
from tests.support.planning import component, document

Properties = dict[str, Any]
LONG = "a" * 64


def found(type_: str, properties: Properties, *traits: tuple[str, Properties]) -> dict[str, str]:
    """Code by place, beneath the component."""
    given = {
        **component("web", type_, properties=properties),
        "traits": [{"type": trait, "properties": values} for trait, values in traits],
    }
    try:
        check_document(document(given), BUILTIN)
    except DocumentRejected as rejected:
        return {one.path.removeprefix("spec.components[0]."): one.code for one in rejected.findings}
    return {}


COMPONENTS: list[tuple[str, Properties, dict[str, str]]] = [
    (
        "webservice",
        {
            "image": "x",
            "labels": {"team": "a team", "a b": "c", "tier": LONG},
            "annotations": {"a b": "anything at all"},
            "env": [
                {"name": "A=B", "value": "c"},
                {"name": "C", "valueFrom": {"secretKeyRef": {"name": "S", "key": "/"}}},
            ],
            "ports": [{"port": 80, "name": "far-too-long-a-name"}, {"port": 81, "name": "My_Port"}],
            "cpu": "-1",
            "volumeMounts": {
                "emptyDir": [{"name": "My_Volume", "mountPath": "", "subPath": "../a"}],
                "configMap": [
                    {
                        "name": "v",
                        "mountPath": "/v",
                        "cmName": "c",
                        "defaultMode": 512,
                        "items": [{"key": "k", "path": "/a"}],
                    }
                ],
                "hostPath": [{"name": "h", "mountPath": "/h", "path": "/a/../b"}],
            },
            "hostAliases": [{"ip": "nowhere", "hostnames": ["A"]}],
            "livenessProbe": {"exec": {"command": []}, "successThreshold": 2},
            "readinessProbe": {
                "httpGet": {"path": "/", "port": 80, "scheme": "ftp", "httpHeaders": [{"name": "a b", "value": ""}]}
            },
        },
        {
            "properties.labels.team": "InvalidFormat",
            'properties.labels["a b"]': "InvalidFormat",
            "properties.labels.tier": "InvalidFormat",
            'properties.annotations["a b"]': "InvalidFormat",
            "properties.env[0].name": "InvalidFormat",
            "properties.env[1].valueFrom.secretKeyRef.name": "InvalidFormat",
            "properties.env[1].valueFrom.secretKeyRef.key": "InvalidFormat",
            "properties.ports[0].name": "InvalidFormat",
            "properties.ports[1].name": "InvalidFormat",
            "properties.cpu": "InvalidFormat",
            "properties.volumeMounts.emptyDir[0].name": "InvalidFormat",
            "properties.volumeMounts.emptyDir[0].mountPath": "TooShort",
            "properties.volumeMounts.emptyDir[0].subPath": "InvalidFormat",
            "properties.volumeMounts.configMap[0].defaultMode": "OutOfRange",
            "properties.volumeMounts.configMap[0].items[0].path": "InvalidFormat",
            "properties.volumeMounts.hostPath[0].path": "InvalidFormat",
            "properties.hostAliases[0].ip": "InvalidFormat",
            "properties.hostAliases[0].hostnames[0]": "InvalidFormat",
            "properties.livenessProbe.exec.command": "TooShort",
            "properties.livenessProbe.successThreshold": "NotAllowed",
            "properties.readinessProbe.httpGet.scheme": "NotAllowed",
            "properties.readinessProbe.httpGet.httpHeaders[0].name": "InvalidFormat",
        },
    ),
    (
        "worker",
        {"image": "x", "env": [{"name": "A", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
        {"properties.env[0]": "InvalidValue"},
    ),
    ("worker", {"image": "x", "env": [{"name": "A", "valueFrom": {}}]}, {"properties.env[0]": "InvalidValue"}),
    (
        "worker",
        {"image": "x", "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.nmae"}}}]},
        {"properties.env[0].valueFrom.fieldRef.fieldPath": "InvalidFormat"},
    ),
    ("worker", {"image": "x", "imagePullPolicy": "Sometimes"}, {"properties.imagePullPolicy": "NotAllowed"}),
    (
        "config",
        {"name": "My_C", "data": {"..a": "b"}},
        {"properties.name": "InvalidFormat", 'properties.data["..a"]': "InvalidFormat"},
    ),
    ("secret", {"type": "kubernetes.io/tls", "stringData": {"tls.crt": "a"}}, {"properties": "Required"}),
    (
        "volume",
        {"accessModes": ["ReadWriteOncePod", "ReadWriteOnce"], "size": "8K", "storageClassName": "My_C"},
        {
            "properties.accessModes": "InvalidValue",
            "properties.size": "InvalidFormat",
            "properties.storageClassName": "InvalidFormat",
        },
    ),
    ("cron-task", {"image": "x", "schedule": "0 24 * * *"}, {"properties.schedule": "InvalidFormat"}),
    ("task", {"image": "x", "backoffLimit": 2**31}, {"properties.backoffLimit": "OutOfRange"}),
    (
        "k8s-objects",
        {"objects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {"team": "a team"}}}]},
        {'properties.objects[0].metadata.labels["team"]': "InvalidFormat"},
    ),
    (
        "k8s-objects",
        {"objects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"annotations": {"a": 1}}}]},
        {'properties.objects[0].metadata.annotations["a"]': "WrongType"},
    ),
]

TRAITS: list[tuple[str, Properties, dict[str, str]]] = [
    ("labels", {"a b": "c", "team": "a team"}, {'["a b"]': "InvalidFormat", ".team": "InvalidFormat"}),
    ("object-labels", {"team": "a team"}, {".team": "InvalidFormat"}),
    ("annotations", {"a b": "c"}, {'["a b"]': "InvalidFormat"}),
    ("gateway", {"domain": "10.0.0.1", "http": {"/": 80}}, {".domain": "InvalidFormat"}),
    ("gateway", {"name": "My_G", "http": {"/": 80}}, {".name": "InvalidFormat"}),
    ("gateway", {"class": "My_C", "classInSpec": True, "http": {"/": 80}}, {".class": "InvalidFormat"}),
    ("gateway", {"http": {"/a//b": 80}, "pathType": "Prefix"}, {'.http["/a//b"]': "InvalidFormat"}),
    ("ingress", {"domain": "Shop.example", "http": {"/": 80}}, {".domain": "InvalidFormat"}),
    (
        "http-routes",
        {
            "className": "My_C",
            "tls": [{"secretName": "My_S", "hosts": ["*"]}],
            "routes": [{"host": "a_b", "serviceName": "My_S", "servicePort": 0}],
        },
        {
            ".className": "InvalidFormat",
            ".tls[0].secretName": "InvalidFormat",
            ".tls[0].hosts[0]": "InvalidFormat",
            ".routes[0].host": "InvalidFormat",
            ".routes[0].serviceName": "InvalidFormat",
            ".routes[0].servicePort": "OutOfRange",
        },
    ),
    (
        "expose",
        {"ports": [{"port": 80, "name": "My_P"}], "matchLabels": {"a": "b c"}},
        {".ports[0].name": "InvalidFormat", ".matchLabels.a": "InvalidFormat"},
    ),
    (
        "storage",
        {
            "pvc": [{"name": "My_V", "mountPath": "/v", "accessModes": ["Sometimes"]}],
            "configMap": [{"name": "c", "data": {"a b": "c"}, "mountToEnv": {"envName": "A=", "configMapKey": "a"}}],
            "emptyDir": [{"name": "My_Dir", "mountPath": "/e"}],
        },
        {
            ".pvc[0].name": "InvalidFormat",
            ".pvc[0].accessModes[0]": "NotAllowed",
            '.configMap[0].data["a b"]': "InvalidFormat",
            ".configMap[0].mountToEnv.envName": "InvalidFormat",
            ".emptyDir[0].name": "InvalidFormat",
        },
    ),
    ("env", {"env": {"A=": "b"}}, {'.env["A="]': "InvalidFormat"}),
    (
        "env-from",
        {"envFrom": [{"prefix": "=", "secretRef": {"name": "My_S"}}]},
        {".envFrom[0].prefix": "InvalidFormat", ".envFrom[0].secretRef.name": "InvalidFormat"},
    ),
    (
        "container-resources",
        {"requests": {"disk": "1", "cpu": "-1"}},
        {".requests.disk": "InvalidFormat", ".requests.cpu": "InvalidFormat"},
    ),
    (
        "rbac",
        {"roleName": "a/b", "rules": [{"verbs": []}]},
        {".roleName": "InvalidFormat", ".rules[0].verbs": "TooShort"},
    ),
    ("rbac", {"rules": [{"verbs": ["get"]}]}, {".rules[0]": "PrivilegeIncomplete"}),
    ("rbac", {"rules": [{"verbs": ["get"], "resources": ["pods"]}]}, {".rules[0].apiGroups": "PrivilegeIncomplete"}),
    ("service-account", {"name": "My_A"}, {".name": "InvalidFormat"}),
    ("sidecar", {"name": "My_S", "image": "x"}, {".name": "InvalidFormat"}),
    ("hpa", {"podCustomMetrics": [{"name": "a/b", "value": "1"}]}, {".podCustomMetrics[0].name": "InvalidFormat"}),
    ("scaler", {"replicas": 2**31}, {".replicas": "OutOfRange"}),
    ("podsecuritycontext", {"runAsUser": -1}, {".runAsUser": "OutOfRange"}),
    (
        "k8s-update-strategy",
        {"strategy": {"rollingStrategy": {"maxSurge": "some"}}},
        {".strategy.rollingStrategy.maxSurge": "InvalidFormat"},
    ),
    (
        "k8s-update-strategy",
        {"strategy": {"rollingStrategy": {"maxSurge": "0", "maxUnavailable": "0%"}}},
        {".strategy.rollingStrategy": "StrategyNotAllowed"},
    ),
    (
        "affinity",
        {
            "podAffinity": {"required": [{"topologyKey": "a b", "labelSelector": {"matchLabels": {"a": "b c"}}}]},
            "nodeAffinity": {
                "required": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}]
                }
            },
            "tolerations": [{"value": "a"}, {"key": "a", "operator": "Exists", "value": "b"}],
        },
        {
            ".podAffinity.required[0].topologyKey": "InvalidFormat",
            ".podAffinity.required[0].labelSelector.matchLabels.a": "InvalidFormat",
            ".nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0]": "InvalidValue",
            ".tolerations[0]": "Required",
            ".tolerations[1]": "InvalidValue",
        },
    ),
]


@pytest.mark.parametrize(("type_", "properties", "expected"), COMPONENTS)
def test_component_is_refused_with_every_place(type_: str, properties: Properties, expected: dict[str, str]) -> None:
    assert found(type_, properties) == expected


@pytest.mark.parametrize(
    ("type_", "properties", "expected"), TRAITS, ids=lambda given: given if isinstance(given, str) else ""
)
def test_trait_is_refused_with_every_place(type_: str, properties: Properties, expected: dict[str, str]) -> None:
    places = {f"traits[0].properties{place}": code for place, code in expected.items()}
    assert found("webservice", {"image": "x"}, (type_, properties)) == places


def test_name_that_is_nearly_right_is_told_with_the_right_one() -> None:
    given = component(
        "web",
        "webservice",
        properties={"image": "x", "volumeMounts": {"emptyDir": [{"name": "My_V", "mountPath": "/v"}]}},
    )
    with pytest.raises(DocumentRejected) as rejected:
        check_document(document(given), BUILTIN)
    assert [one.remedy for one in rejected.value.findings] == ["Call it 'my-v'."]


def test_what_kubernetes_takes_is_taken() -> None:
    properties = {
        "image": "x",
        "labels": {"a": "", "example.com/b": "C_d.e"},
        "annotations": {"Example.com/a": "anything at all"},
        "env": [{"name": "a name.with-odd:characters", "value": ""}],
        "ports": [{"port": 80, "name": ""}],
        "cpu": "0",
        "hostAliases": [{"ip": "::1", "hostnames": ["a"]}],
    }
    storage = {"emptyDir": [{"name": "a.b", "mountPath": "/e"}], "secret": [{"name": "a.b", "mountOnly": True}]}
    gateway = {"domain": "*.example.com", "http": {"/(.*)": 80}, "class": "My_C"}
    assert found("webservice", properties, ("storage", storage), ("gateway", gateway)) == {}
