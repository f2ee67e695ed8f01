"""What a plan is made of: steps, their order, names, labels, references and sealed values."""

import copy
import json
from typing import Any

import pytest

from shared.contracts import annotations
from shared.contracts.canonical import canonical_json, digest
from shared.contracts.identity import AppRef, ObjectKey
from shared.contracts.naming import job_name
from shared.contracts.plan import ApplyMode, Deadlines, Finding, Placement, Plan, PlannedObject
from shared.contracts.subjects import step_token
from shared.planning import (
    DocumentRejected,
    Limits,
    check_document,
    destinations_of,
    make_plan,
    plan_document,
    plan_view,
    with_attempt,
)
from tests.support.planning import (
    DEV,
    REGISTRY,
    RULE,
    UID,
    Document,
    component,
    document,
    holds,
    placement,
    planned,
    sealed_value,
    steps,
    waits,
)

REF = AppRef(tenant="acme", namespace="demo", name="shop")


def job_of(plan: Plan) -> PlannedObject:
    (obj,) = steps(plan)["init"].objects
    return obj


def refused(doc: Document, *clusters: str, **limits: int) -> list[Finding]:
    app, _ = check_document(doc, REGISTRY)
    placements = [placement(c) for c in clusters or ("dev",)]
    with pytest.raises(DocumentRejected) as caught:
        make_plan(
            app, ref=REF, uid=UID, generation=1, placements=placements, registry=REGISTRY, limits=Limits(**limits)
        )
    return list(caught.value.findings)


def test_a_component_is_one_step_with_its_objects_in_order_of_application() -> None:
    plan = planned(document(component("web", properties={"ports": [{"port": 80}]})))
    (step,) = plan.steps
    assert (step.step, step.component, step.job_type, step.job_type_version) == ("web", "web", "app", 2)
    assert [str(o.key) for o in step.objects] == ["Deployment demo/web", "Service demo/web"]
    assert [o.rule for o in step.objects] == [RULE, RULE]
    assert (plan.run, plan.generation, plan.uid) == ("uid-1-3", 3, UID)


def test_what_a_component_declares_are_steps_of_their_own_before_it() -> None:
    held = holds(configs={"c": {"a": "b"}}, secrets={"s": {"a": "b"}}, volumes=["v"])
    plan = planned(document(component("web", "app", held)))
    assert [(s.step, s.job_type) for s in plan.steps] == [
        ("web=configmap=c", "config"),
        ("web=secret=s", "secret"),
        ("web=pvc=v", "volume"),
        ("web", "app"),
    ]
    assert waits(plan)["web"] == ["web=configmap=c", "web=secret=s", "web=pvc=v"]
    claim = steps(plan)["web=pvc=v"].objects[0]
    assert (claim.volume, claim.mode, claim.rule) == (True, ApplyMode.CREATE, None)
    assert steps(plan)["web=configmap=c"].objects[0].mode is ApplyMode.APPLY


def test_a_claim_is_created_and_never_changed_wherever_it_stands() -> None:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "v"}}
    plan = planned(document(component("raw", "objects", properties={"objects": [claim]})))
    (obj,) = plan.steps[0].objects
    assert (obj.volume, obj.mode, obj.rule) == (True, ApplyMode.CREATE, None)


def test_a_component_waits_for_its_dependencies() -> None:
    plan = planned(
        document(
            component("web", dependsOn=["db", "init"]), component("init", "once", dependsOn=["db"]), component("db")
        )
    )
    assert [s.step for s in plan.steps] == ["db", "init", "web"]
    assert waits(plan) == {"db": [], "init": ["db"], "web": ["db", "init"]}


def test_whoever_refers_to_a_declared_object_waits_for_it() -> None:
    pod = {"volumes": [{"name": "x", "configMap": {"name": "c"}}, {"name": "y", "secret": {"secretName": "other"}}]}
    plan = planned(
        document(component("api", properties={"pod": pod}), component("web", "app", holds(configs={"c": {"a": "b"}})))
    )
    assert waits(plan)["api"] == ["web=configmap=c"]
    assert [(r.kind, r.name) for r in steps(plan)["api"].references] == [("Secret", "other")]


def test_whoever_refers_to_what_another_component_makes_waits_for_that_component() -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
    doc = document(
        component("api", properties={"pod": {"serviceAccountName": "robot"}}),
        component("raw", "objects", properties={"objects": [account]}),
    )
    plan = planned(doc)
    assert waits(plan)["api"] == ["raw"]
    assert steps(plan)["api"].references == ()


def test_a_reference_never_closes_a_circle() -> None:
    def objects(name: str, refers_to: str) -> Document:
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"volumes": [{"configMap": {"name": refers_to}}]},
        }
        return component(name, "objects", properties={"objects": [config, pod]})

    plan = planned(document(objects("a", "b"), objects("b", "a")))
    assert waits(plan) == {"a": [], "b": []}
    assert [w.code for w in plan.warnings] == ["NotWaitedFor", "NotWaitedFor"]
    assert [s.references for s in plan.steps] == [(), ()]


def test_of_several_carriers_the_one_that_depends_on_the_others_wins() -> None:
    doc = document(
        component("late", "app", holds(configs={"c": {"a": "late"}}), dependsOn=["early"]),
        component("early", "app", holds(configs={"c": {"a": "early"}})),
    )
    plan = planned(doc)
    by_id = steps(plan)
    assert by_id["early=configmap=c"].overridden_by == "late=configmap=c"
    assert by_id["late=configmap=c"].overridden_by is None
    assert waits(plan)["early"] == ["late=configmap=c", "early=configmap=c"]
    (override,) = plan.overrides
    assert (override.loser_path, override.winner_path) == (
        "spec.components[1].traits[0].properties.configs.c",
        "spec.components[0].traits[0].properties.configs.c",
    )
    assert str(override.key) == "ConfigMap demo/c"


def test_of_unrelated_carriers_the_last_in_the_document_wins() -> None:
    user = component("user", properties={"pod": {"volumes": [{"configMap": {"name": "c"}}]}})
    carriers = [component(n, "app", holds(configs={"c": {"a": n}})) for n in ("x", "y", "z")]
    plan = planned(document(user, *carriers))
    losers = {s.step: s.overridden_by for s in plan.steps if s.overridden_by}
    assert losers == {"x=configmap=c": "z=configmap=c", "y=configmap=c": "z=configmap=c"}
    assert waits(plan)["user"] == ["z=configmap=c"]
    assert "z=configmap=c" in waits(plan)["x"]


def test_who_only_wants_a_config_to_exist_waits_for_who_writes_it() -> None:
    doc = document(
        component("web", "app", holds(configs={"c": None})),
        component("api", "app", holds(configs={"c": {"a": "b"}})),
    )
    plan = planned(doc)
    assert waits(plan)["web=configmap=c"] == ["api=configmap=c"]
    assert plan.overrides == ()


def test_who_only_wants_a_config_to_exist_waits_for_the_component_that_makes_it() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}}
    doc = document(
        component("web", "app", holds(configs={"c": None})),
        component("raw", "objects", properties={"objects": [config]}),
    )
    assert waits(planned(doc))["web=configmap=c"] == ["raw"]


def test_the_same_volume_twice_is_harmless() -> None:
    doc = document(*(component(n, "app", holds(volumes=["v", "v"])) for n in ("a", "b")))
    plan = planned(doc)
    assert [s.step for s in plan.steps] == ["a=pvc=v", "a", "b=pvc=v", "b"]
    assert plan.overrides == ()


def test_one_component_that_carries_a_config_twice_keeps_the_later() -> None:
    plan = planned(document(component("a", "app", holds(configs={"c": {"k": "1"}}), holds(configs={"c": {"k": "2"}}))))
    assert [s.step for s in plan.steps] == ["a=configmap=c", "a"]
    assert plan.steps[0].objects[0].manifest["data"] == {"k": "2"}
    (override,) = plan.overrides
    assert override.loser_path == "spec.components[0].traits[0].properties.configs.c"


def test_two_components_that_make_one_object_are_refused() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    doc = document(
        component("web", properties={"ports": [{"port": 80}]}),
        component("raw", "objects", properties={"objects": [service]}),
    )
    with pytest.raises(DocumentRejected) as caught:
        check_document(doc, REGISTRY)
    (finding,) = caught.value.findings
    assert (finding.code, finding.path) == ("DuplicateObject", "spec.components[1]")
    assert "Service demo/web" in finding.message
    assert "'web' (spec.components[0])" in finding.message


def test_a_config_with_data_beside_an_object_of_that_name_is_refused() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    doc = document(
        component("web", "app", holds(configs={"c": {"a": "b"}})),
        component("raw", "objects", properties={"objects": [config]}),
    )
    with pytest.raises(DocumentRejected) as caught:
        check_document(doc, REGISTRY)
    assert [f.path for f in caught.value.findings] == ["spec.components[0].traits[0].properties.configs.c"]


def test_objects_say_whose_they_are_and_pods_bear_the_selector_alone() -> None:
    doc = document(
        component("web", "app", holds(volumes=["v"]), properties={"labels": {"tier": "front"}}),
        metadata={
            "labels": {"team": "blue", "app.oam.dev/x": "y"},
            "annotations": {"note": "n", "kubemin.dev/start-timeout": "1m"},
        },
    )
    plan = planned(doc)
    manifest = steps(plan)["web"].objects[0].manifest
    assert manifest["metadata"]["namespace"] == "demo"
    assert manifest["metadata"]["labels"] == {
        "team": "blue",
        "app.oam.dev/name": "shop",
        "app.oam.dev/component": "web",
        "app.kubernetes.io/managed-by": "kubemin",
    }
    assert manifest["metadata"]["annotations"] == {
        "note": "n",
        "kubemin.dev/tenant": "acme",
        "kubemin.dev/app-namespace": "demo",
        "kubemin.dev/app": "shop",
        "kubemin.dev/app-uid": UID,
        "kubemin.dev/step": "web",
    }
    selector = {"app.oam.dev/name": "shop", "app.oam.dev/component": "web", "kubemin.dev/track": "stable"}
    assert manifest["spec"]["template"]["metadata"] == {"labels": {"tier": "front", **selector}}
    assert manifest["spec"]["selector"]["matchLabels"] == selector
    claim = steps(plan)["web=pvc=v"].objects[0].manifest
    assert claim["metadata"]["annotations"][annotations.ANNOTATION_STEP] == "web=pvc=v"


def test_objects_given_as_they_are_keep_their_pods_and_lose_only_what_is_not_theirs_to_say() -> None:
    deployment: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "d",
            "uid": "x",
            "resourceVersion": "7",
            "managedFields": [],
            "labels": {"app": "d"},
            "annotations": {annotations.ANNOTATION_GENERATION: "99", "own": "kept"},
        },
        "spec": {"selector": {"matchLabels": {"app": "d"}}, "template": {"metadata": {"labels": {"app": "d"}}}},
    }
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a:b"}}
    custom = {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": ""}}
    plan = planned(document(component("raw", "objects", properties={"objects": [deployment, role, custom]})))
    first, second, third = plan.steps[0].objects
    assert first.manifest["spec"] == deployment["spec"]
    assert set(first.manifest["metadata"]) == {"name", "namespace", "labels", "annotations"}
    assert annotations.ANNOTATION_GENERATION not in first.manifest["metadata"]["annotations"]
    assert first.manifest["metadata"]["annotations"]["own"] == "kept"
    assert (second.key.namespace, third.key.namespace) == ("", "")


def test_a_job_is_named_by_what_it_runs_and_its_attempt() -> None:
    obj = job_of(planned(document(component("init", "once"))))
    assert obj.job_name_base == "init"
    assert obj.key.name.startswith("init-")
    assert obj.key.name.endswith("-1")
    assert obj.digest == digest(obj.manifest)
    again = with_attempt(obj, 2)
    assert again.key.name == obj.key.name[:-1] + "2"
    assert again.key == ObjectKey.of(again.manifest)
    assert again.digest == digest(again.manifest) != obj.digest
    assert with_attempt(again, 1) == obj
    other = job_of(planned(document(component("init", "once", properties={"image": "other"}))))
    assert other.key.name[:-2] != obj.key.name[:-2]


def test_a_job_keeps_its_name_when_only_the_application_s_labels_change() -> None:
    plain = job_of(planned(document(component("init", "once"))))
    labelled = job_of(planned(document(component("init", "once"), metadata={"labels": {"a": "b"}})))
    assert plain == labelled


def test_the_longest_component_name_still_gives_a_job_name() -> None:
    obj = planned(document(component("i" * 63, "once"))).steps[0].objects[0]
    assert len(with_attempt(obj, 10).key.name) == 63
    assert obj.key.name == job_name("i" * 63, obj.key.name.split("-")[-2], 1)


def test_an_object_not_under_our_naming_has_no_attempts() -> None:
    obj = planned(document(component("web"))).steps[0].objects[0]
    assert with_attempt(obj, 5) is obj


def test_deadlines_hold_for_all_components_or_for_one() -> None:
    given = {
        "kubemin.dev/queue-timeout": "1h30m",
        "kubemin.dev/start-timeout": "1.5m",
        "kubemin.dev/start-timeout.web": "500ms",
        "kubemin.dev/reference-timeout.web": "24h",
    }
    plan = planned(
        document(component("web", "app", holds(volumes=["v"])), component("api"), metadata={"annotations": given})
    )
    deadlines = {str(s.step): s.deadlines for s in plan.steps}
    assert deadlines["api"] == Deadlines(queue_s=5400, start_s=90, reference_s=0)
    assert deadlines["web"] == deadlines["web=pvc=v"] == Deadlines(queue_s=5400, start_s=0.5, reference_s=86400)
    assert planned(document(component("web"))).steps[0].deadlines == Deadlines()


def test_references_come_from_pods_traits_and_are_located_in_the_document() -> None:
    pod = {
        "imagePullSecrets": [{"name": "pull"}],
        "containers": [
            {"name": "c", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "web", "key": "k"}}}]}
        ],
    }
    plan = planned(document(component("web", "app", {"type": "refers"}, properties={"pod": pod})))
    found = {(r.kind, r.name): (r.optional, r.path) for r in plan.steps[0].references}
    base = "spec.components[0].properties.pod"
    assert found == {
        ("Secret", "web"): (False, f"{base}.containers[0].env[0].valueFrom.secretKeyRef.name"),
        ("Secret", "pull"): (True, f"{base}.imagePullSecrets[0].name"),
        ("ServiceAccount", "robot"): (False, "somewhere"),
    }


def test_warnings_of_the_check_and_of_the_plan_are_joined() -> None:
    doc = document(component("web", properties={"replica": 1}))
    plan = plan_document(doc, ref=REF, uid=UID, generation=1, placements=[Placement(cluster=DEV)], registry=REGISTRY)
    assert [w.code for w in plan.warnings] == ["UnknownKey"]


def test_a_plan_with_too_many_steps_is_refused() -> None:
    (finding,) = refused(document(component("a"), component("b")), "one", "two", steps=3)
    assert (finding.code, finding.message) == ("TooMany", "the plan has 4 steps over all clusters, 3 are allowed")


def test_planning_checks_again_what_order_depends_on() -> None:
    app, _ = check_document(document(component("a"), component("b")), REGISTRY)
    first, second = app.spec.components
    cyclic = (first.model_copy(update={"depends_on": ("b",)}), second.model_copy(update={"depends_on": ("a",)}))
    broken = app.model_copy(update={"spec": app.spec.model_copy(update={"components": cyclic})})
    with pytest.raises(DocumentRejected) as caught:
        make_plan(broken, ref=REF, uid=UID, generation=1, placements=[Placement(cluster=DEV)], registry=REGISTRY)
    assert [f.code for f in caught.value.findings] == ["DependencyCycle"]


@pytest.mark.parametrize(
    ("policies", "clusters"),
    [
        ([], [()]),
        ([{"type": "topology", "properties": {"clusters": ["b", "a"]}}], [("b", "a")]),
        ([{"type": "topology", "properties": {"clusters": [n]}} for n in ("a", "b")], [("a",), ("b",)]),
        ([{"type": "topology"}], [()]),
        ([{"type": "topology", "properties": {"clusters": ["local", "dev-2"]}}], [("local", "dev-2")]),
    ],
)
def test_topology_policies_name_the_clusters(policies: list[Document], clusters: list[tuple[str, ...]]) -> None:
    app, _ = check_document(document(component("web"), policies=policies), REGISTRY)
    assert [d.clusters for d in destinations_of(app)] == clusters


def test_planning_is_pure() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "uid": "x"}, "data": {"a": "b"}}
    doc = document(
        component("raw", "objects", properties={"objects": [config]}),
        component("web", "app", holds(secrets={"s": {"p": sealed_value("dev")}}), dependsOn=["raw"]),
    )
    before = copy.deepcopy(doc)
    app, _ = check_document(doc, REGISTRY)
    one = make_plan(app, ref=REF, uid=UID, generation=1, placements=[Placement(cluster=DEV)], registry=REGISTRY)
    plan_view(one)
    assert doc == before
    two = planned(json.loads(json.dumps(doc)))
    assert canonical_json(one.model_dump(mode="json")["steps"]) == canonical_json(two.model_dump(mode="json")["steps"])


def test_step_ids_can_be_written_into_subjects() -> None:
    plan = planned(document(component("web", "app", holds(configs={"a.b.c": {"a": "b"}}, volumes=["v" * 253]))))
    assert [step_token(s.step) for s in plan.steps] == ["web=configmap=a_b_c", f"web=pvc={'v' * 253}", "web"]
