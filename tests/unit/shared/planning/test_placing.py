"""Topology: which steps a plan has for several placements, how they are told apart, and what is forced into them."""

import pytest

from shared.contracts import annotations, subjects
from shared.contracts.identity import AppRef, ClusterName, StepId
from shared.contracts.plan import Plan, PlannedStep
from shared.planning import DocumentRejected, check_document, destinations_of
from shared.planning.policies.base import Destination
from tests.support.planning import REGISTRY, Document, component, document, holds, planned, sealed_value

APP = AppRef(tenant="acme", namespace="demo", name="shop")


def topology(**properties: object) -> Document:
    return {"type": "topology", "properties": properties}


def destinations(*policies: Document) -> tuple[Destination, ...]:
    app, _ = check_document(document(component("web"), policies=list(policies)), REGISTRY)
    return destinations_of(app)


def by_key(plan: Plan) -> dict[str, PlannedStep]:
    return {f"{s.cluster}/{s.step}": s for s in plan.steps}


def test_each_topology_is_a_destination_and_without_any_there_is_one() -> None:
    assert destinations() == (Destination(),)
    one, two = destinations(topology(clusters=["east"], namespace="blue"), topology(clusterLabelSelector={"a": "b"}))
    assert (one.clusters, one.namespace, one.labels) == (("east",), "blue", None)
    assert (two.clusters, two.labels, two.allow_empty) == ((), {"a": "b"}, False)
    assert two.path == "spec.policies[1].properties"


def test_clusters_that_are_named_win_over_labels_with_a_warning() -> None:
    doc = document(component("web"), policies=[topology(clusters=["east"], clusterLabelSelector={"a": "b"})])
    app, warnings = check_document(doc, REGISTRY)
    assert destinations_of(app)[0].labels is None
    assert [(w.path, w.code) for w in warnings] == [("spec.policies[0].properties.clusterLabelSelector", "NoEffect")]


def test_two_namespaces_of_one_cluster_are_told_apart_by_step_and_annotation() -> None:
    doc = document(component("db", "app", holds(volumes=["v"])), component("web", dependsOn=["db"]))
    plan = planned(doc, "east", "east/blue")
    steps = by_key(plan)
    assert list(steps) == [
        "east/db=pvc=v",
        "east/db",
        "east/web",
        "east/db=pvc=v@blue",
        "east/db@blue",
        "east/web@blue",
    ]
    blue = steps["east/web@blue"]
    assert (blue.namespace, blue.depends_on, blue.component) == ("blue", ("db@blue",), "web")
    assert {o.key.namespace for o in blue.objects} == {"blue"}
    assert blue.objects[0].manifest["metadata"]["annotations"][annotations.ANNOTATION_STEP] == "web@blue"
    notes = blue.objects[0].manifest["metadata"]["annotations"]
    assert notes[annotations.ANNOTATION_NAMESPACE] == "demo"


def test_a_placement_keeps_its_step_ids_whatever_else_is_placed() -> None:
    doc = document(component("web"))
    alone = planned(doc, "east/blue")
    beside = planned(doc, "east", "east/blue", "west/green")
    assert alone.steps[0] == beside.steps[1]
    assert planned(doc, "east/demo").steps[0].step == "web"


def test_step_ids_of_placements_are_tokens_and_nothing_else_is() -> None:
    token = subjects.step(ClusterName("east"), APP, StepId("web=configmap=a.b@blue"))
    assert token == "kubemin.step.east.acme.demo.shop.web=configmap=a_b@blue"
    for wrong in ("web@", "@blue", "web@blue@green", "web@a.b", "=prepare@blue"):
        with pytest.raises(ValueError, match="no step id"):
            subjects.step_token(StepId(wrong))


def test_the_namespace_of_a_topology_overrides_that_of_an_object_and_leaves_cluster_scoped_ones() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "elsewhere"}}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}
    doc = document(component("all", "objects", properties={"objects": [config, role]}))
    assert [o.key.namespace for o in planned(doc, "east").steps[0].objects] == ["elsewhere", ""]
    assert [o.key.namespace for o in planned(doc, "east/blue").steps[0].objects] == ["blue", ""]


def test_an_object_of_the_whole_cluster_cannot_be_made_for_two_namespaces_of_it() -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}
    doc = document(component("all", "objects", properties={"objects": [role]}))
    planned(doc, "east/blue", "west/green")
    with pytest.raises(DocumentRejected, match="ClusterRole r") as caught:
        planned(doc, "east/blue", "east/green")
    assert [(f.path, f.code) for f in caught.value.findings] == [("spec.policies", "DuplicateObject")]


def test_overrides_of_carriers_are_listed_for_each_namespace() -> None:
    one, two = (component(name, "app", holds(configs={"c": {"from": name}})) for name in ("a", "b"))
    plan = planned(document(one, two), "east", "west", "east/blue")
    assert [(o.loser, o.winner) for o in plan.overrides] == [
        ("a=configmap=c", "b=configmap=c"),
        ("a=configmap=c@blue", "b=configmap=c@blue"),
    ]
    steps = by_key(plan)
    assert steps["east/a=configmap=c@blue"].overridden_by == "b=configmap=c@blue"


def test_each_placement_gets_its_own_part_of_a_sealed_value() -> None:
    value = sealed_value("east", "east/blue")
    doc = document(component("web", "app", holds(secrets={"s": {"p": value}})))
    plan = planned(doc, "east", "east/blue")
    home, blue = (s.objects[0].manifest["stringData"]["p"] for s in plan.steps if "secret" in s.step)
    assert home == sealed_value("east")
    assert '"east":' in blue
    with pytest.raises(DocumentRejected, match="not sealed"):
        planned(doc, "east/green")
