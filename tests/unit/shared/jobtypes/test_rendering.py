"""What holds for every rendering, and the finer points of single traits."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.canonical import canonical_json
from shared.contracts.identity import AppUid, Namespace, Tenant
from shared.contracts.plan import ApplyMode
from shared.jobtypes.base import JobType, Registry, RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.builtin import BUILTIN
from tests.support import goldens

Document = dict[str, Any]
Render = Callable[[Document], Rendering]
Webservice = Callable[..., Document]

_CONTEXT = RenderContext(
    tenant=Tenant("acme"),
    namespace=Namespace("shop-prod"),
    app_name="shop",
    app_uid=AppUid("a1b2c3"),
    component="web",
    path="spec.components[0]",
)

ENTRIES: tuple[JobType[Any] | Trait[Any], ...] = (*BUILTIN.job_types.values(), *BUILTIN.traits.values())

names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
texts = st.text(max_size=8)
paths = names.map(lambda name: f"/{name}")
key_values = st.dictionaries(names, texts, max_size=3)


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Document]:
    return st.fixed_dictionaries({}, optional=fields)


variables = st.lists(
    st.fixed_dictionaries({"name": names}, optional={"value": texts})
    | st.fixed_dictionaries({"name": names, "valueFrom": st.just({"fieldRef": {"fieldPath": "metadata.name"}})})
)
ports = st.lists(
    st.fixed_dictionaries(
        {"port": st.integers(1, 65535)},
        optional={"expose": st.booleans(), "protocol": st.sampled_from(["TCP", "UDP"]), "name": names},
    ),
    max_size=3,
)
mounts = _some(
    pvc=st.lists(st.fixed_dictionaries({"name": names, "mountPath": paths, "claimName": names}), max_size=2),
    secret=st.lists(st.fixed_dictionaries({"name": names, "mountPath": paths, "secretName": names}), max_size=2),
)
components = st.one_of(
    st.tuples(st.sampled_from(["webservice", "statefulset"]), _some(ports=ports, volumeMounts=mounts)),
    st.tuples(st.just("worker"), _some(volumeMounts=mounts)),
    st.tuples(st.just("task"), _some(count=st.integers(0, 5))),
).flatmap(
    lambda drawn: _some(env=variables, cmd=st.lists(texts, max_size=2), cpu=st.sampled_from(["1", "500m"])).map(
        lambda shared: {"name": "web", "type": drawn[0], "properties": {"image": "a", **drawn[1], **shared}}
    )
)
traits = st.one_of(
    st.tuples(st.just("scaler"), _some(replicas=st.integers(0, 9))),
    st.tuples(
        st.just("env"), st.fixed_dictionaries({"env": key_values}, optional={"unset": st.lists(names, max_size=2)})
    ),
    st.tuples(st.just("resource"), st.just({"cpu": 1, "memory": "1Gi"})),
    st.tuples(st.just("sidecar"), st.fixed_dictionaries({"name": names, "image": names})),
    st.tuples(
        st.just("gateway"), st.fixed_dictionaries({"http": st.dictionaries(paths, st.integers(1, 99), min_size=1)})
    ),
    st.tuples(
        st.just("init-container"),
        st.fixed_dictionaries({"name": names, "image": names, "appMountPath": paths, "initMountPath": paths}),
    ),
    st.tuples(
        st.just("storage"),
        _some(
            pvc=st.lists(st.fixed_dictionaries({"name": names, "mountPath": paths}), max_size=2),
            configMap=st.lists(
                st.fixed_dictionaries({"name": names}, optional={"mountPath": paths, "data": key_values})
            ),
            secret=st.lists(st.fixed_dictionaries({"name": names}, optional={"stringData": key_values}), max_size=2),
        ),
    ),
)


def _bytes(component: Document, applied: list[tuple[str, Document]]) -> bytes:
    """The outcome as bytes, be it objects or a refusal. No trait may change what it gets."""
    job_type = BUILTIN.job_types[component["type"]]
    try:
        rendering = job_type.render(_CONTEXT, job_type.parameters.model_validate(component["properties"]))
        for name, properties in applied:
            trait = BUILTIN.traits[name]
            before = copy.deepcopy(rendering)
            after = trait.apply(_CONTEXT, trait.parameters.model_validate(properties), rendering)
            assert rendering == before
            rendering = after
    except RenderError as error:
        return repr((error.path, error.code, error.message)).encode()
    declared = [(d.kind_token, d.manifest, d.mode, d.path, d.volume) for d in rendering.declared]
    return canonical_json([rendering.workload, rendering.others, declared])


@given(components, st.lists(traits, max_size=4))
def test_rendering_is_pure(component: Document, applied: list[tuple[str, Document]]) -> None:
    before = copy.deepcopy((component, applied))
    first = _bytes(component, applied)
    assert _bytes(copy.deepcopy(component), copy.deepcopy(applied)) == first
    assert (component, applied) == before


@given(components, st.lists(traits, max_size=4))
def test_lists_that_kubernetes_merges_by_key_hold_each_key_once(
    component: Document, applied: list[tuple[str, Document]]
) -> None:
    job_type = BUILTIN.job_types[component["type"]]
    try:
        rendering = job_type.render(_CONTEXT, job_type.parameters.model_validate(component["properties"]))
        for name, properties in applied:
            trait = BUILTIN.traits[name]
            rendering = trait.apply(_CONTEXT, trait.parameters.model_validate(properties), rendering)
    except RenderError:
        return
    assert rendering.workload is not None
    pod = rendering.workload["spec"]["template"]["spec"]
    every = [*pod["containers"], *pod.get("initContainers", ())]
    _unique(every, "name")
    _unique(pod.get("volumes", ()), "name")
    for container in every:
        _unique(container.get("env", ()), "name")
        _unique(container.get("ports", ()), "containerPort", "protocol")
    for service in (o for o in rendering.others if o["kind"] == "Service"):
        _unique(service["spec"].get("ports", ()), "port", "protocol")
        _unique(service["spec"].get("ports", ()), "name")
    _unique([{"key": (d.kind_token, d.manifest["metadata"]["name"])} for d in rendering.declared], "key")


def _unique(items: Any, *keys: str) -> None:
    found = [tuple(item[key] for key in keys) for item in items]
    assert len(found) == len(set(found)), found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["v1", "apps/v1", "batch/v1"]),
        "kind": st.sampled_from(["Pod", "Secret", "Job", "Service"]),
    },
    optional={
        "metadata": json_values | st.fixed_dictionaries({"name": json_values}, optional={"annotations": json_values}),
        "spec": json_values
        | _some(
            containers=json_values
            | st.lists(st.fixed_dictionaries({"name": json_values}, optional={"env": json_values})),
            ttlSecondsAfterFinished=json_values,
            ports=json_values,
            selector=json_values,
        ),
        "data": json_values,
        "stringData": json_values,
    },
)


@given(st.lists(objects, min_size=1, max_size=2), st.lists(traits, max_size=2))
def test_whatever_objects_hold_they_render_or_are_refused(
    given_objects: list[Document], applied: list[tuple[str, Document]]
) -> None:
    component = {"type": "k8s-objects", "properties": {"objects": given_objects}}
    before = copy.deepcopy(component)
    _bytes(component, applied)
    assert component == before


@given(json_values | _some(objects=json_values, secret=json_values, data=json_values, stringData=json_values))
def test_whatever_properties_hold_their_secrets_can_be_looked_for(properties: Any) -> None:
    for entry in ENTRIES:
        if isinstance(properties, dict):
            list(entry.secrets(properties))


def test_names_and_aliases_are_unique_and_lead_to_their_entries() -> None:
    assert BUILTIN.job_types["store"] is BUILTIN.job_types["statefulset"]
    for name, job_type in BUILTIN.job_types.items():
        assert name in (job_type.name, *job_type.aliases)
    for name, trait in BUILTIN.traits.items():
        assert name in (trait.name, *trait.aliases)


def test_registry_refuses_two_entries_of_one_name() -> None:
    task = BUILTIN.job_types["task"]
    with pytest.raises(ValueError, match="'task'"):
        Registry.of((task, replace(BUILTIN.job_types["worker"], aliases=("task",))), ())


@pytest.mark.parametrize("path", goldens.rendering_paths(), ids=lambda path: path.stem)
def test_entries_render_only_the_kinds_they_announce(path: Path) -> None:
    component = goldens.component_of(path)
    announced = set(BUILTIN.job_types[component["type"]].kinds)
    announced |= {kind for trait in component.get("traits", ()) for kind in BUILTIN.traits[trait["type"]].kinds}
    kinds = {f"{m['apiVersion']}/{m['kind']}" for m in goldens.manifests(goldens.rendered(component))}
    assert "*" in announced or kinds <= announced


def test_one_volume_can_be_mounted_at_two_places(render: Render, webservice: Webservice) -> None:
    claim = {"name": "data", "mountOnly": True}
    trait = ("storage", {"pvc": [{**claim, "mountPath": "/a", "subPath": "a"}, {**claim, "mountPath": "/b"}]})
    workload = render(webservice(trait)).workload
    assert workload is not None
    pod = workload["spec"]["template"]["spec"]
    assert len(pod["volumes"]) == 1
    assert [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]] == ["/a", "/b"]


def test_of_two_declarations_of_one_name_the_later_with_data_stays(render: Render, webservice: Webservice) -> None:
    first = ("storage", {"configMap": [{"name": "c", "data": {"a": "1"}}], "pvc": [{"name": "p", "mountPath": "/p"}]})
    second = ("storage", {"configMap": [{"name": "c", "data": {"a": "2"}}, {"name": "c"}]})
    third = ("storage", {"pvc": [{"name": "p", "mountPath": "/p", "storageClassName": "fast"}]})
    declared = {d.kind_token: d for d in render(webservice(first, second, third)).declared}
    assert declared["configmap"].manifest["data"] == {"a": "2"}
    assert declared["configmap"].mode is ApplyMode.APPLY
    assert "storageClassName" not in declared["pvc"].manifest["spec"]


def test_limit_without_request_is_a_limit_alone(render: Render, webservice: Webservice) -> None:
    workload = render(webservice(limit={"cpu": "1"})).workload
    assert workload is not None
    assert workload["spec"]["template"]["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1"}}


def test_resource_without_memory_leaves_memory_and_other_resources_alone(render: Render) -> None:
    resources = {"requests": {"memory": "1Gi", "nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "1"}}
    spec = {"template": {"spec": {"containers": [{"name": "a", "resources": resources}]}}}
    component = {
        "name": "gpu",
        "type": "raw",
        "properties": {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec},
        "traits": [{"type": "resource", "properties": {"cpu": 2}}],
    }
    workload = render(component).workload
    assert workload is not None
    assert workload["spec"]["template"]["spec"]["containers"][0]["resources"] == {
        "requests": {"memory": "1Gi", "nvidia.com/gpu": "1", "cpu": "2"},
        "limits": {"nvidia.com/gpu": "1", "cpu": "2"},
    }


def test_traits_reach_the_pods_of_a_cron_job(render: Render) -> None:
    pod = {"spec": {"containers": [{"name": "tick", "image": "a"}]}}
    component = {
        "name": "tick",
        "type": "raw",
        "properties": {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": pod}}},
        },
        "traits": [{"type": "env", "properties": {"env": {"A": "b"}}}],
    }
    workload = render(component).workload
    assert workload is not None
    assert "template" not in workload["spec"]
    container = workload["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "A", "value": "b"}]


def test_port_added_to_a_service_that_was_given_leaves_every_port_named(render: Render) -> None:
    component = {
        "name": "web",
        "type": "k8s-objects",
        "properties": {
            "objects": [
                {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}},
                {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}},
            ]
        },
        "traits": [{"type": "gateway", "properties": {"http": {"/": 80, "/b": 81}}}],
    }
    service, _ingress = render(component).others
    assert [(port["name"], port["port"]) for port in service["spec"]["ports"]] == [("port-80", 80), ("port-81", 81)]


def test_port_added_to_a_service_gets_a_name_that_is_not_taken(render: Render, webservice: Webservice) -> None:
    ports = [{"port": 80, "name": "port-9000", "expose": True}]
    service, _ingress = render(webservice(("gateway", {"http": {"/": 9000}}), ports=ports)).others
    assert [port["name"] for port in service["spec"]["ports"]] == ["port-9000", "gateway-9000"]


def test_long_gateway_name_is_shortened_alike_for_service_and_ingress(render: Render, webservice: Webservice) -> None:
    service, ingress = render(webservice(("gateway", {"http": {"/": 80}, "name": "x" * 70}))).others
    assert service["metadata"]["name"] == ingress["metadata"]["name"]
    assert len(service["metadata"]["name"]) <= 63


def test_task_runs_once_and_services_do_not() -> None:
    assert [name for name, job_type in BUILTIN.job_types.items() if job_type.runs_once] == ["task"]


def test_objects_as_given_keep_an_empty_namespace(render: Render) -> None:
    """So a document can say that an object of a kind unknown here lives in no namespace."""
    properties = {"apiVersion": "example.com/v1", "kind": "Fleet", "metadata": {"name": "a", "namespace": ""}}
    workload = render({"name": "fleet", "type": "raw", "properties": properties}).workload
    assert workload is not None
    assert workload["metadata"]["namespace"] == ""
