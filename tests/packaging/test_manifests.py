"""The rendered manifests: complete, locked down, and in step with the code."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from dev.repo.tree import ROOT
from shared.bus.accounts import CENTRE
from shared.bus.topology import durables
from shared.contracts.annotations import LABEL_MANAGED_BY
from shared.contracts.identity import ClusterName
from tests.packaging.flows import Flows
from tests.packaging.rendering import CLUSTER, OVERLAYS, Manifests, Object, named, of_kind
from tests.packaging.settings import SETTINGS, misnamed, missing

BROUGHT = {
    "kubemin-nats-accounts",
    "kubemin-nats-gateway",
    "kubemin-nats-planner",
    "kubemin-nats-record",
    "kubemin-nats-tls",
    "kubemin-nats-route-tls",
    "kubemin-gateway",
    "kubemin-mongodb",
}
"""Secrets that whoever installs for production brings, as docs/operations/packaging.md lists them."""


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def objects(manifests: Manifests, overlay: str) -> list[Object]:
    return manifests.render(overlay)


def workloads(objects: list[Object]) -> Iterator[tuple[str, Object, Object]]:
    """Name, pod template and its only container."""
    for each in of_kind(objects, "Deployment", "StatefulSet"):
        template = each["spec"]["template"]
        [container] = template["spec"]["containers"]
        yield each["metadata"]["name"], template, container


def test_pods_are_locked_down(objects: list[Object]) -> None:
    for name, template, container in workloads(objects):
        pod = template["spec"]["securityContext"]
        assert pod["runAsNonRoot"], name
        assert pod["runAsUser"] > 0
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert template["spec"]["automountServiceAccountToken"] == (name in {"executor", "observe"})


def test_containers_have_probes_and_limits(objects: list[Object]) -> None:
    for name, _, container in workloads(objects):
        assert {"livenessProbe", "readinessProbe"} <= set(container), name
        assert {"cpu", "memory"} == set(container["resources"]["requests"]) == set(container["resources"]["limits"])
        if name in SETTINGS:
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
            startup = container["startupProbe"]
            # A service waits for NATS before it listens, and one of the centre for MongoDB then.
            fields = SETTINGS[name].model_fields
            deadline_s = sum(fields[field].default for field in fields if field.endswith("_connect_deadline_s"))
            assert startup["periodSeconds"] * startup["failureThreshold"] > deadline_s


def test_images_have_a_version_and_name_no_registry(objects: list[Object]) -> None:
    for name, _, container in workloads(objects):
        assert re.fullmatch(r"(kubemin/)?[a-z]+:\d[\w.-]*", container["image"]), name


def test_settings_exist_and_are_complete(objects: list[Object]) -> None:
    for name, _, container in workloads(objects):
        if name in SETTINGS:
            given = {entry["name"] for entry in container["env"]}
            assert misnamed(name, given) == set()
            assert missing(name, given) == set()


def test_files_that_settings_name_are_mounted(objects: list[Object]) -> None:
    for _, template, container in workloads(objects):
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        mounts = {mount["mountPath"]: volumes.get(mount["name"], {}) for mount in container["volumeMounts"]}
        for entry in container["env"]:
            value = entry.get("value", "")
            if value.startswith("/run/secrets"):
                directory, _, file = value.rpartition("/")
                items = mounts[directory]["secret"].get("items")
                assert items is None or file in {item["path"] for item in items}


def test_what_pods_mount_is_there(overlay: str, objects: list[Object]) -> None:
    known = {(o["kind"], o["metadata"]["name"]) for o in of_kind(objects, "Secret", "ConfigMap")}
    known |= {("Secret", name) for name in BROUGHT} if overlay == "overlays/production" else set()
    for _, template, _ in workloads(objects):
        for volume in template["spec"]["volumes"]:
            if "secret" in volume:
                assert ("Secret", volume["secret"]["secretName"]) in known
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in known


def test_replicas_are_spread_and_protected(objects: list[Object]) -> None:
    budgets = {each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] for each in _budgets(objects)}
    for name, template, _ in workloads(objects):
        if name != "mongodb":
            assert name in budgets
            assert template["spec"]["topologySpreadConstraints"], name


def _budgets(objects: list[Object]) -> list[Object]:
    return of_kind(objects, "PodDisruptionBudget")


def test_what_selects_pods_finds_those_of_its_name(objects: list[Object]) -> None:
    for name, template, container in workloads(objects):
        labels = template["metadata"]["labels"].items()
        for constraint in template["spec"].get("topologySpreadConstraints", []):
            assert constraint["labelSelector"]["matchLabels"].items() <= labels, name
        for budget in _budgets(objects):
            if budget["metadata"]["name"] == name:
                assert budget["spec"]["selector"]["matchLabels"].items() <= labels
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for service in of_kind(objects, "Service"):
            if service["spec"]["selector"].items() <= labels:
                targets = [port.get("targetPort", port["port"]) for port in service["spec"]["ports"]]
                assert all(target in ports or target in ports.values() for target in targets), name
        probes = [
            each["httpGet"]["port"] for each in container.values() if isinstance(each, dict) and "httpGet" in each
        ]
        assert set(probes) <= set(ports)
    selected = {each["metadata"]["name"].removesuffix("-clients") for each in of_kind(objects, "Service")}
    assert selected <= {name for name, *_ in workloads(objects)} | {"mongodb"}


def test_pods_have_the_time_that_a_stop_takes(objects: list[Object]) -> None:
    for name, template, container in workloads(objects):
        if name in SETTINGS:
            before_s = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            stop_s = SETTINGS[name].model_fields["stop_grace_s"].default
            # 3 s for the connection to NATS.
            assert template["spec"]["terminationGracePeriodSeconds"] > before_s + stop_s + 3, name


def test_nothing_of_ours_looks_like_a_delivered_object(objects: list[Object]) -> None:
    for each in objects:
        assert LABEL_MANAGED_BY not in each["metadata"].get("labels", {})


def test_namespace_enforces_a_pod_security_standard(overlay: str, objects: list[Object]) -> None:
    [namespace] = of_kind(objects, "Namespace")
    expected = "baseline" if overlay == "overlays/production" else "restricted"
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == expected


def test_scaling_asks_for_consumers_that_exist(manifests: Manifests) -> None:
    known = {(durable.stream, durable.name) for durable in durables([ClusterName(CLUSTER)], ())}
    asked: dict[str, set[tuple[str, str]]] = {}
    for overlay in ("overlays/production", "overlays/production-agent"):
        rendered = manifests.render(overlay)
        for scaled in of_kind(rendered, "ScaledObject"):
            target = scaled["spec"]["scaleTargetRef"]["name"]
            assert "replicas" not in named(rendered, "Deployment", target)["spec"]
            metadata = [trigger["metadata"] for trigger in scaled["spec"]["triggers"]]
            assert {each["account"] for each in metadata} == {CENTRE}
            asked[target] = {(each["stream"], each["consumer"]) for each in metadata}
            assert all(consumer.startswith(f"{target}-") for _, consumer in asked[target])
    assert set(asked) == {"planner", "record", "executor"}
    assert set.union(*asked.values()) == known


def pod(objects: list[Object], name: str) -> dict[str, str]:
    """The labels of a workload's pods."""
    labels: dict[str, dict[str, str]] = {each: t["metadata"]["labels"] for each, t, _ in workloads(objects)}
    return labels[name]


def test_policies_of_the_centre_let_through_what_is_needed_and_no_more(manifests: Manifests) -> None:
    objects = manifests.render("overlays/dev")
    flows = Flows(of_kind(objects, "NetworkPolicy"))
    nats, mongodb = pod(objects, "nats"), pod(objects, "mongodb")
    for name in ("gateway", "planner", "record"):
        assert flows.allow(pod(objects, name), nats, 4222)
        assert flows.allow(pod(objects, name), mongodb, 27017)
        assert not flows.allow(pod(objects, name), nats, 8222)
        assert not flows.lets_out(pod(objects, name), 443)
        assert flows.lets_in(pod(objects, name), 8080, namespace={"kubemin.dev/scrapes": "true"})
    assert flows.lets_in(pod(objects, "gateway"), 8080, namespace={})
    for name, port in (("planner", 8080), ("record", 8080), ("mongodb", 27017), ("nats", 8222), ("nats", 6222)):
        assert not flows.lets_in(pod(objects, name), port, namespace={}), name
    assert flows.lets_in(nats, 4222, namespace={})
    assert not flows.allow(nats, mongodb, 27017)
    assert not flows.lets_out(mongodb, 443)


def test_policies_of_production_join_the_servers(manifests: Manifests) -> None:
    objects = manifests.render("overlays/production")
    flows = Flows(of_kind(objects, "NetworkPolicy"))
    member = named(objects, "MongoDBCommunity", "mongodb")["spec"]["statefulSet"]["spec"]["template"]["metadata"]
    nats = pod(objects, "nats")
    assert flows.allow(nats, nats, 6222)
    assert flows.allow(member["labels"], member["labels"], 27017)
    assert flows.allow(pod(objects, "planner"), member["labels"], 27017)
    assert not flows.allow(pod(objects, "planner"), nats, 6222)


def test_policies_of_an_agent_lead_to_its_cluster_and_the_bus(manifests: Manifests) -> None:
    objects = manifests.render("agent")
    flows = Flows(of_kind(objects, "NetworkPolicy"))
    for name in ("executor", "observe"):
        assert all(flows.lets_out(pod(objects, name), port) for port in (443, 6443, 4222))
        assert not flows.lets_out(pod(objects, name), 27017)
        assert not flows.lets_in(pod(objects, name), 8080, namespace={})


def test_observer_gets_no_sealing_key(manifests: Manifests) -> None:
    objects = manifests.render("agent")
    items: dict[str, set[str]] = {}
    for name, template, _ in workloads(objects):
        [volume] = template["spec"]["volumes"]
        items[name] = {item["key"] for item in volume["secret"]["items"]}
    assert items == {"executor": {"credentials.json", "sealing.key"}, "observe": {"credentials.json"}}


def test_rights_of_agents_hold_no_wildcard(manifests: Manifests) -> None:
    roles = of_kind(manifests.render("agent"), "ClusterRole", "Role")
    rules: list[dict[str, Any]] = [rule for role in roles for rule in role.get("rules") or ()]
    assert rules
    for rule in rules:
        assert "*" not in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])
        assert not set(rule["verbs"]) & {"delete", "patch", "escalate", "bind"}


def test_document_lists_every_secret_that_production_needs() -> None:
    text = (ROOT / "docs" / "operations" / "packaging.md").read_text("utf-8")
    assert set(re.findall(r"`(kubemin-[a-z-]+)`", text)) >= BROUGHT
