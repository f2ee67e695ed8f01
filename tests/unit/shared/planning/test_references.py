from typing import Any

import pytest

from shared.contracts.plan import Reference
from shared.planning.places import Places
from shared.planning.references import place_of, references

CONTAINER = {
    "env": [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "k"}}},
        {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c1", "key": "k", "optional": True}}},
        {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "x"}}},
        {"name": "D", "value": "s0"},
    ],
    "envFrom": [{"secretRef": {"name": "s2", "optional": True}}, {"configMapRef": {"name": "c2"}}],
}


def read(pod: dict[str, Any], kind: str = "Deployment") -> set[tuple[str, str, bool]]:
    spec: dict[str, Any] = {"template": {"spec": pod}}
    manifest = {
        "apiVersion": "x",
        "kind": kind,
        "spec": {"jobTemplate": {"spec": spec}} if kind == "CronJob" else pod if kind == "Pod" else spec,
    }
    return {(r.kind, r.name, r.optional) for r in references(manifest, "demo")}


@pytest.mark.parametrize("group", ["containers", "initContainers", "ephemeralContainers"])
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"])
def test_variables_refer_to_secrets_and_configs(kind: str, group: str) -> None:
    assert read({group: [CONTAINER]}, kind) == {
        ("Secret", "s1", False),
        ("ConfigMap", "c1", True),
        ("Secret", "s2", True),
        ("ConfigMap", "c2", False),
    }


@pytest.mark.parametrize(
    ("volume", "found"),
    [
        ({"secret": {"secretName": "x"}}, ("Secret", "x", False)),
        ({"secret": {"secretName": "x", "optional": True}}, ("Secret", "x", True)),
        ({"configMap": {"name": "x"}}, ("ConfigMap", "x", False)),
        ({"persistentVolumeClaim": {"claimName": "x"}}, ("PersistentVolumeClaim", "x", False)),
        ({"projected": {"sources": [{"secret": {"name": "x", "optional": True}}]}}, ("Secret", "x", True)),
        ({"projected": {"sources": [{"configMap": {"name": "x"}}]}}, ("ConfigMap", "x", False)),
        ({"csi": {"nodePublishSecretRef": {"name": "x"}}}, ("Secret", "x", False)),
        ({"rbd": {"secretRef": {"name": "x"}}}, ("Secret", "x", False)),
        ({"azureFile": {"secretName": "x"}}, ("Secret", "x", False)),
    ],
)
def test_volumes_refer_to_what_they_show(volume: dict[str, Any], found: tuple[str, str, bool]) -> None:
    assert read({"volumes": [{"name": "v", **volume}]}) == {found}


@pytest.mark.parametrize(
    "pod",
    [
        {
            "volumes": [
                {"emptyDir": {}},
                {"ephemeral": {"volumeClaimTemplate": {}}},
                {"secret": {"secretName": ""}},
                {},
                None,
            ]
        },
        {"serviceAccountName": "default"},
        {"containers": None, "volumes": "nonsense", "imagePullSecrets": [7]},
        {"containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": 7}}}]}]},
    ],
)
def test_what_refers_to_nothing_is_no_reference(pod: dict[str, Any]) -> None:
    assert read(pod) == set()


def test_pull_secrets_are_optional_and_accounts_are_not() -> None:
    pod = {"imagePullSecrets": [{"name": "pull"}], "serviceAccountName": "robot"}
    assert read(pod) == {("Secret", "pull", True), ("ServiceAccount", "robot", False)}


def test_claim_templates_are_no_references() -> None:
    manifest = {
        "kind": "StatefulSet",
        "spec": {"template": {"spec": {}}, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]},
    }
    assert references(manifest, "demo") == []


def test_a_certificate_of_an_ingress_is_optional() -> None:
    manifest = {"kind": "Ingress", "spec": {"tls": [{"hosts": ["a"], "secretName": "cert"}, {}]}}
    assert references(manifest, "demo") == [Reference(kind="Secret", namespace="demo", name="cert", optional=True)]


def test_a_reference_is_optional_only_where_every_mention_is() -> None:
    once = {"secret": {"secretName": "x", "optional": True}}
    assert read({"volumes": [once, {"secret": {"secretName": "x"}}, once]}) == {("Secret", "x", False)}


def test_a_reference_is_located_beneath_a_key_that_speaks_of_its_kind() -> None:
    properties = {"name": "x", "volumeMounts": {"configMap": [{"cmName": "x"}], "secret": [{"secretName": "x"}]}}
    places = Places([("p", properties)], "elsewhere")

    def place(kind: str, name: str = "x") -> str:
        return place_of(Reference(kind=kind, namespace="demo", name=name), places)

    assert place("Secret") == "p.volumeMounts.secret[0].secretName"
    assert place("ConfigMap") == "p.volumeMounts.configMap[0].cmName"
    assert place("ServiceAccount") == "elsewhere"
    assert place("Secret", "y") == "elsewhere"
