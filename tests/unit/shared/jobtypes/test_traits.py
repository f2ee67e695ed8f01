"""The finer points of traits: what they share, whom they yield to, and what they refuse."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.contracts.completion import holds
from shared.jobtypes.base import RenderError, Rendering
from shared.jobtypes.builtin import BUILTIN
from shared.jobtypes.rules import rule_for
from shared.jobtypes.scaling import released
from tests.support import goldens

Document = dict[str, Any]
Render = Callable[[Document], Rendering]
Webservice = Callable[..., Document]

POD_TRAITS = sorted(
    name
    for name in BUILTIN.traits
    if name
    not in {
        "annotations",
        "claim-templates",
        "cpuscaler",
        "expose",
        "gateway",
        "hpa",
        "http-routes",
        "ingress",
        "ingress-1-20",
        "json-merge-patch",
        "json-patch",
        "k8s-update-strategy",
        "keda-auto-scaler",
        "labels",
        "nocalhost",
        "object-labels",
        "pure-ingress",
        "scaler",
        "volume-claims",
    }
)


def _service(rendering: Rendering, name: str = "web") -> Document:
    (service,) = [o for o in rendering.others if o["kind"] == "Service" and o["metadata"]["name"] == name]
    return service


@pytest.mark.parametrize("trait", ["expose", "gateway", "ingress", "ingress-1-20", "nocalhost"])
@pytest.mark.parametrize("other", ["expose", "nocalhost"])
def test_whoever_asks_for_the_components_service_shares_it(
    render: Render, webservice: Webservice, trait: str, other: str
) -> None:
    wanted: dict[str, Document] = {
        "expose": {"ports": [{"port": 81}]},
        "gateway": {"http": {"/": 82}, "class": "nginx"},
        "ingress": {"http": {"/": 83}, "domain": "a.example.com"},
        "ingress-1-20": {"http": {"/": 84}, "domain": "a.example.com"},
        "nocalhost": {"port": 85, "image": "go"},
    }
    numbers = {"expose": 81, "gateway": 82, "ingress": 83, "ingress-1-20": 84, "nocalhost": 85}
    pair = [(trait, wanted[trait]), (other, wanted[other])]
    for traits in (pair, pair[::-1]):
        component = webservice(*traits, ports=[{"port": 80, "expose": True}])
        ports = _service(render(component))["spec"]["ports"]
        assert {port["port"] for port in ports} == {80, numbers[trait], numbers[other]}


@pytest.mark.parametrize(
    ("ports", "path", "code"),
    [
        ([{"port": 80, "name": "a"}, {"port": 80, "name": "b"}], "ports[1].name", "PortConflict"),
        ([{"port": 80, "name": "a"}, {"port": 81, "name": "a"}], "ports[1]", "PortNameNotUnique"),
    ],
)
def test_number_or_name_of_two_meanings_is_refused(
    render: Render, webservice: Webservice, ports: list[Document], path: str, code: str
) -> None:
    assert _refused(render, webservice(("expose", {"ports": ports}))) == (path, code)


def test_port_that_leads_elsewhere_already_is_refused(render: Render, webservice: Webservice) -> None:
    exposed = [{"port": 80, "containerPort": 8080, "expose": True}]
    component = webservice(("expose", {"ports": [{"port": 80}]}), ports=exposed)
    assert _refused(render, component) == ("ports[0]", "PortConflict")


def test_a_given_name_of_a_port_beats_a_made_one_in_either_order(render: Render, webservice: Webservice) -> None:
    named = ("expose", {"ports": [{"port": 80, "name": "http"}]})
    made = ("expose", {"port": [80]})
    for traits in ((named, made), (made, named)):
        (port,) = _service(render(webservice(*traits)))["spec"]["ports"]
        assert port["name"] == "http"


@pytest.mark.parametrize("scaler_first", [True, False])
@pytest.mark.parametrize("trait", ["hpa", "cpuscaler", "keda-auto-scaler"])
def test_autoscaler_owns_the_number_of_replicas_in_either_order(
    render: Render, webservice: Webservice, trait: str, *, scaler_first: bool
) -> None:
    properties = {"triggers": [{"type": "cpu", "metadata": {"value": "50"}}]} if "keda" in trait else {}
    traits = [("scaler", {"replicas": 3}), (trait, properties)]
    rendering = render(webservice(*(traits if scaler_first else reversed(traits))))
    assert rendering.workload is not None
    assert "replicas" not in rendering.workload["spec"]
    assert [warning.code for warning in rendering.warnings] == ["ReplicasAutoscaled"]


def test_replicas_of_written_objects_are_left_to_their_autoscaler(render: Render) -> None:
    def deployment(name: str) -> Document:
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": 2}}

    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "scaled"}
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "scaled"},
        "spec": {"scaleTargetRef": reference},
    }
    objects = [deployment("fixed"), deployment("scaled"), autoscaler]
    rendering = released(render({"name": "extra", "type": "k8s-objects", "properties": {"objects": objects}}))
    assert rendering.workload == {**deployment("fixed"), "metadata": {"name": "fixed", "namespace": "shop-prod"}}
    assert rendering.others[0]["spec"] == {}


@pytest.mark.parametrize(("trait", "spec"), [("scaler", {"replicas": 3}), ("hpa", None)])
def test_an_object_that_is_written_without_its_spec_is_scaled(
    render: Render, trait: str, spec: Document | None
) -> None:
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
    traits = [{"type": trait, "properties": {"replicas": 3} if trait == "scaler" else {}}]
    component = {"name": "d", "type": "k8s-objects", "properties": {"objects": [deployment]}, "traits": traits}
    workload = render(component).workload
    assert workload is not None
    assert workload.get("spec") == spec


@pytest.mark.parametrize("trait", POD_TRAITS)
def test_trait_changes_the_pods_of_a_cron_job(render: Render, trait: str) -> None:
    """In KubeVela most write a useless spec.template there."""
    golden = goldens.component_of(goldens.paths(f"trait-{trait}")[-1])
    component = {**golden, "type": "cron-task", "properties": {"image": "a", "schedule": "0 4 * * *"}}
    rest = [entry for entry in component["traits"] if entry["type"] != trait]
    without = render({**component, "traits": rest}).workload
    workload = render(component).workload
    assert workload is not None
    assert without is not None
    assert "template" not in workload["spec"]
    assert workload["spec"]["jobTemplate"]["spec"]["template"] != without["spec"]["jobTemplate"]["spec"]["template"]


def _refused(render: Render, component: Document) -> tuple[str, str]:
    with pytest.raises(RenderError) as refused:
        render(component)
    assert refused.value.message
    return refused.value.path, refused.value.code


PATCHES_NAME = [{"op": "replace", "path": "/metadata/name", "value": "other"}]
PROBE = {"tcpSocket": {"port": 80}}


@pytest.mark.parametrize(
    ("traits", "path", "code"),
    [
        ([("hpa", {}), ("cpuscaler", {})], "", "AutoscalerNotUnique"),
        ([("hpa", {"targetKind": "StatefulSet"})], "targetKind", "TargetMismatch"),
        (
            [("keda-auto-scaler", {"triggers": [{"type": "cron", "metadata": {}}], "scaleTargetRef": {"name": "b"}})],
            "scaleTargetRef.name",
            "TargetMismatch",
        ),
        ([("expose", {"port": [80], "type": "ExternalName"})], "type", "ExternalNameMissing"),
        ([("expose", {})], "ports", "PortsMissing"),
        (
            [("expose", {"port": [80], "type": "NodePort"}), ("expose", {"port": [80], "type": "LoadBalancer"})],
            "type",
            "ServiceTypeConflict",
        ),
        (
            [("expose", {"port": [80]}), ("expose", {"port": [80], "matchLabels": {}})],
            "matchLabels",
            "SelectorConflict",
        ),
        ([("pure-ingress", {"domain": "a", "http": {"b": 80}})], 'http["b"]', "PathNotAbsolute"),
        (
            [("gateway", {"http": {"/": 80}}), ("ingress", {"domain": "a", "http": {"/": 80}})],
            "",
            "GatewayNotUnique",
        ),
        ([("labels", {"app.oam.dev/component": "other"})], '["app.oam.dev/component"]', "LabelReserved"),
        ([("startup-probe", PROBE), ("startup-probe", {"tcpSocket": {"port": 81}})], "", "Conflict"),
        (
            [("lifecycle", {"preStop": PROBE}), ("lifecycle", {"preStop": {"tcpSocket": {"port": 81}}})],
            "preStop",
            "Conflict",
        ),
        ([("podsecuritycontext", {"runAsUser": 1}), ("podsecuritycontext", {"runAsUser": 2})], "", "Conflict"),
        (
            [("securitycontext", {"privileged": True, "allowPrivilegeEscalation": False})],
            "allowPrivilegeEscalation",
            "PrivilegeConflict",
        ),
        (
            [("service-account", {"name": "a", "privileges": [{"verbs": ["get"]}]})],
            "privileges[0]",
            "PrivilegeIncomplete",
        ),
        (
            [("service-account", {"name": "a", "privileges": [{"verbs": ["get"], "nonResourceURLs": ["/a"]}]})],
            "privileges[0].nonResourceURLs",
            "ScopeConflict",
        ),
        ([("k8s-update-strategy", {"strategy": {"type": "OnDelete"}})], "strategy.type", "StrategyNotAllowed"),
        (
            [("k8s-update-strategy", {"targetKind": "DaemonSet", "strategy": {"type": "OnDelete"}})],
            "targetKind",
            "TargetMismatch",
        ),
        ([("json-patch", {"operations": [{"op": "remove", "path": "/nothing"}]})], "operations[0]", "PatchFailed"),
        ([("json-patch", {"operations": PATCHES_NAME})], "operations", "IdentityNotPatchable"),
        ([("json-patch", {"operations": [{"op": "add", "path": "", "value": 1}]})], "operations", "PatchFailed"),
        ([("json-merge-patch", {"kind": "ClusterRole"})], "", "IdentityNotPatchable"),
        (
            [("volumes", {"volumes": [{"name": "a"}, {"name": "a", "medium": "Memory"}]})],
            "volumes[1].name",
            "VolumeConflict",
        ),
        ([("claim-templates", {"templates": [{"name": "a"}]})], "", "NoClaimTemplates"),
        ([("command", {"containerName": "nobody", "args": []})], "containerName", "ContainerNotFound"),
        (
            [("startup-probe", {"probes": [{"containerName": "nobody", **PROBE}]})],
            "probes[0].containerName",
            "ContainerNotFound",
        ),
    ],
)
def test_trait_that_cannot_be_had_is_refused(
    render: Render, webservice: Webservice, traits: list[tuple[str, Document]], path: str, code: str
) -> None:
    assert _refused(render, webservice(*traits)) == (path, code)


@pytest.mark.parametrize(
    ("trait", "properties"),
    [
        ("env", {}),
        ("env", {"env": {}, "containers": []}),
        ("env", {"env": {}, "unknown": 1}),
        ("command", {"args": [], "addArgs": []}),
        ("command", {"containers": [{"containerName": ""}]}),
        ("container-image", {"imagePullPolicy": "Always"}),
        ("container-ports", {"containers": [{"ports": []}]}),
        ("startup-probe", {"periodSeconds": 1}),
        ("startup-probe", {"tcpSocket": {"port": 80}, "exec": {"command": []}}),
        ("lifecycle", {"preStop": {}}),
        ("lifecycle", {"preStop": {"exec": {"command": []}, "unknown": 1}}),
        ("affinity", {"podAffinity": {"preferred": [{"weight": 101, "podAffinityTerm": {"topologyKey": "a"}}]}}),
        ("affinity", {"podAffinity": {"required": [{"topologyKey": "a", "unknown": 1}]}}),
        ("hpa", {"min": 3, "max": 2}),
        ("labels", {"a": 1}),
        ("service-account", {"name": "a", "privileges": [{"verbs": [], "unknown": 1}]}),
        ("service-binding", {"envMappings": {"A": {"secret": "a", "unknown": 1}}}),
        ("podsecuritycontext", {"seccompProfile": {"type": "Localhost"}}),
        ("k8s-update-strategy", {"strategy": {}}),
        ("json-patch", {"operations": [{"op": "add", "path": "/a"}]}),
        ("json-patch", {"operations": [{"op": "move", "path": "/a", "from": None}]}),
        ("pvc", {"claimName": "a", "accessModes": [], "resources": {"requests": {"storage": "1Gi"}}}),
        ("volumes", {"volumes": [{"name": "a", "type": "pvc"}]}),
        ("env-from", {"envFrom": [{"configMapRef": {"name": "a"}, "secretRef": {"name": "b"}}]}),
        ("init-container", {"name": "a", "image": "b", "appMountPath": "/a"}),
    ],
)
def test_parameters_that_are_refused(trait: str, properties: Document) -> None:
    with pytest.raises(ValidationError):
        BUILTIN.traits[trait].parameters.model_validate(properties)


def test_values_of_secrets_are_never_patched_in(render: Render) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}
    for trait, properties in (("json-patch", {"operations": []}), ("json-merge-patch", {"data": {"a": "Yg=="}})):
        component = {
            "name": "a",
            "type": "raw",
            "properties": secret,
            "traits": [{"type": trait, "properties": properties}],
        }
        assert _refused(render, component) == ("", "SecretNotPatchable")


def test_deprecated_traits_name_a_successor_that_is_there() -> None:
    successors = {name: trait.successor for name, trait in BUILTIN.traits.items() if trait.successor}
    assert set(successors) == {
        "configmap",
        "ingress",
        "ingress-1-20",
        "node-affinity",
        "pure-ingress",
        "pvc",
        "service-binding",
        "volumes",
    }
    assert all(successor.partition(" ")[0] in BUILTIN.traits for successor in successors.values())


@pytest.mark.parametrize(
    ("kind", "spec", "status", "healthy"),
    [
        ("v1/Service", {"type": "LoadBalancer"}, {}, False),
        ("v1/Service", {"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"hostname": "a"}]}}, True),
        ("v1/Service", {"type": "ClusterIP"}, {}, True),
        ("networking.k8s.io/v1/Ingress", {}, {}, True),
        ("keda.sh/v1alpha1/ScaledObject", {}, {"conditions": [{"type": "Ready", "status": "False"}]}, False),
        ("keda.sh/v1alpha1/ScaledObject", {}, {"conditions": [{"type": "Ready", "status": "True"}]}, True),
    ],
)
def test_health_of_what_traits_make(kind: str, spec: Document, status: Document, *, healthy: bool) -> None:
    version, _, name = kind.rpartition("/")
    rule = rule_for({"apiVersion": version, "kind": name, "spec": spec})
    assert rule is not None
    assert holds(rule.success, {"spec": spec, "status": status}) is healthy


def test_autoscalers_are_not_waited_for() -> None:
    for version, kind in (("autoscaling/v2", "HorizontalPodAutoscaler"), ("keda.sh/v1alpha1", "ScaledObject")):
        rule = rule_for({"apiVersion": version, "kind": kind})
        assert rule is not None
        assert rule.health_only


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
containers = json_values | st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["web", "log"])},
        optional=dict.fromkeys(
            ("args", "env", "envFrom", "ports", "resources", "securityContext", "lifecycle"), json_values
        ),
    ),
    max_size=2,
)
pods = json_values | st.fixed_dictionaries(
    {"containers": containers},
    optional=dict.fromkeys(("volumes", "initContainers", "affinity", "tolerations", "hostAliases"), json_values),
)
specs = json_values | st.fixed_dictionaries(
    {"template": json_values | st.fixed_dictionaries({"spec": pods}, optional={"metadata": json_values})},
    optional=dict.fromkeys(("replicas", "selector", "volumeClaimTemplates", "ports", "strategy"), json_values),
)
ALL_PROPERTIES = [(name, p) for name in sorted(BUILTIN.traits) for p in goldens.properties_given(f"trait-{name}")]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)
@given(
    kind=st.sampled_from(["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Pod", "Rollout"]),
    spec=specs,
    metadata=st.fixed_dictionaries({"name": st.just("web")}, optional={"labels": json_values}),
    applied=st.lists(st.sampled_from(ALL_PROPERTIES), min_size=1, max_size=3),
)
def test_whatever_an_object_holds_every_trait_applies_or_refuses(
    kind: str, spec: Any, metadata: Document, applied: list[tuple[str, Document]]
) -> None:
    properties = {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}
    traits = [{"type": name, "properties": given_} for name, given_ in applied]
    component = {"name": "web", "type": "raw", "properties": properties, "traits": traits}
    with contextlib.suppress(RenderError):
        released(goldens.rendered(component))
