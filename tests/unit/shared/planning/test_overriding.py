"""Override and replication: which components a plan has, and where their mistakes are told."""

from typing import Any

import pytest

from shared.contracts.plan import PlannedStep
from shared.planning import DocumentRejected, check_document, secret_locations
from shared.planning.policies.meant import matching
from shared.planning.policies.override import merged
from tests.support.planning import REGISTRY, Document, component, document, holds, planned, steps, waits

PROPERTIES = "spec.policies[0].properties"


def override(*components: Document, **more: Any) -> Document:
    return {"type": "override", "properties": {"components": list(components), **more}}


def replication(keys: list[str], *selector: str) -> Document:
    return {"type": "replication", "properties": {"keys": keys, "selector": list(selector)}}


def plan_of(*components: Document, policies: list[Document]) -> dict[str, PlannedStep]:
    return steps(planned(document(*components, policies=policies)))


def image(step: PlannedStep) -> str:
    return str(step.objects[0].manifest["spec"]["template"]["spec"]["containers"][0]["image"])


def findings(*components: Document, policies: list[Document]) -> set[tuple[str, str]]:
    with pytest.raises(DocumentRejected) as caught:
        check_document(document(*components, policies=policies), REGISTRY)
    return {(f.path, f.code) for f in caught.value.findings}


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("web", ["web"]),
        ("web*", ["web", "web-admin"]),
        ("*web", ["web", "old-web"]),
        ("w*b", ["web"]),
        ("*", ["web", "web-admin", "old-web"]),
        ("w.b", []),
        ("*e*a*", ["web-admin"]),
        ("*w*w*", []),
        ("web*web", []),
        ("**", ["web", "web-admin", "old-web"]),
    ],
)
def test_a_name_is_meant_as_a_whole(pattern: str, names: list[str]) -> None:
    assert matching(pattern, ("web", "web-admin", "old-web")) == names


def test_a_name_of_nothing_but_stars_takes_no_time() -> None:
    assert not matching("*a" * 31 + "*b", ["a" * 63])


def test_properties_are_merged_and_lists_replaced() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": "x"}
    assert merged(base, {"a": {"b": 0, "c": [3]}, "d": None}) == {"a": {"b": 0, "c": [3]}, "d": None}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": "x"}


def test_what_is_meant_by_name_type_or_at_all_is_overridden_in_order() -> None:
    made = plan_of(
        component("web"),
        component("web-admin"),
        component("job", "once"),
        policies=[
            override({"properties": {"image": "all"}}, {"type": "once", "properties": {"image": "jobs"}}),
            override({"name": "web", "properties": {"image": "web"}}),
        ],
    )
    assert {id_: image(step) for id_, step in made.items()} == {"web": "web", "web-admin": "all", "job": "jobs"}


def test_a_required_value_may_come_from_an_override() -> None:
    doc = document(
        {"name": "web", "type": "app"}, policies=[override({"name": "web", "properties": {"image": "nginx:2"}})]
    )
    assert image(planned(doc).steps[0]) == "nginx:2"


def test_a_component_of_another_type_is_replaced_and_keeps_name_and_order() -> None:
    made = plan_of(
        component("db"),
        component("web", properties={"replicas": 7}, dependsOn=["db"]),
        policies=[override({"name": "web", "type": "once", "properties": {"image": "job"}})],
    )
    assert made["web"].job_type == "once"
    assert made["web"].depends_on == ("db",)
    assert "replicas" not in made["web"].objects[0].manifest["spec"]


def test_a_replaced_component_has_the_traits_of_the_override_alone() -> None:
    traits = [{"type": "holds", "properties": {"volumes": ["off"]}, "disable": True}, holds(volumes=["new"])]
    over = {"name": "web", "type": "once", "properties": {"image": "job"}, "traits": traits}
    made = plan_of(component("web", "app", holds(volumes=["old"])), policies=[override(over)])
    assert set(made) == {"web", "web=pvc=new"}


def test_an_alias_is_the_same_type() -> None:
    made = plan_of(
        component("web", properties={"replicas": 7}), policies=[override({"name": "web", "type": "application"})]
    )
    assert made["web"].objects[0].manifest["spec"]["replicas"] == 7


def test_a_component_that_is_not_there_is_added_with_its_traits() -> None:
    added = {"name": "new", "type": "app", "properties": {"image": "x"}, "traits": [holds(volumes=["v"])]}
    made = plan_of(component("web", dependsOn=["new"]), policies=[override(added)])
    assert set(made) == {"web", "new", "new=pvc=v"}


def test_traits_pair_by_type_are_added_or_taken_out() -> None:
    web = component("web", "app", holds(configs={"c": {"a": "1", "b": "1"}}), holds(volumes=["v"]))
    over = {"name": "web", "traits": [holds(configs={"c": {"a": "2"}})]}
    made = plan_of(web, policies=[override(over)])
    assert made["web=configmap=c"].objects[0].manifest["data"] == {"a": "2", "b": "1"}
    assert "web=pvc=v" in made
    three = {"name": "web", "traits": [holds(), holds(), holds(volumes=["third"])]}
    assert "web=pvc=third" in plan_of(web, policies=[override(three)])
    off = {"name": "web", "traits": [{"type": "holds", "disable": True}]}
    assert set(plan_of(web, policies=[override(off)])) == {"web"}


def test_a_selector_filters_after_overriding() -> None:
    made = plan_of(
        component("web"),
        component("web-admin"),
        component("db"),
        policies=[override({"properties": {"image": "x"}}, selector=["web*"])],
    )
    assert {id_: image(step) for id_, step in made.items()} == {"web": "x", "web-admin": "x"}


def test_mistakes_are_told_where_they_stand() -> None:
    web = component("web", properties={"pull": "Always"})
    wrong = {"name": "web", "properties": {"replicas": "many", "imgae": "x"}, "traits": [holds(volumes="v")]}
    assert findings(web, policies=[override(wrong)]) == {
        (f"{PROPERTIES}.components[0].properties.replicas", "WrongType"),
        (f"{PROPERTIES}.components[0].traits[0].properties.volumes", "WrongType"),
    }
    doc = document(web, policies=[override({"name": "web", "properties": {"imgae": "x"}})])
    _, warnings = check_document(doc, REGISTRY)
    assert [(w.path, w.code) for w in warnings] == [(f"{PROPERTIES}.components[0].properties.imgae", "UnknownKey")]
    replaced = {"name": "web", "type": "nothing"}
    assert findings(web, policies=[override(replaced)]) == {(f"{PROPERTIES}.components[0].type", "UnknownType")}


@pytest.mark.parametrize(
    ("policy", "path", "code"),
    [
        (override({"name": "wob", "properties": {}}), "components[0].name", "UnknownComponent"),
        (override({"name": "wob*"}), "components[0]", "UnknownComponent"),
        (override({"type": "once"}), "components[0]", "UnknownComponent"),
        (override({"name": "Web"}), "components[0].name", "InvalidName"),
        (override({"name": "-x", "type": "app"}), "components[0].name", "InvalidName"),
        (override({"nome": "web"}), "components[0].nome", "UnknownKey"),
        (override(selector=["nobody"]), "selector[0]", "UnknownComponent"),
        (replication(["a"], "nobody"), "selector[0]", "UnknownComponent"),
        (replication([], "web"), "keys", "TooShort"),
        (replication(["A b"], "web"), "keys[0]", "InvalidFormat"),
    ],
)
def test_what_means_nothing_is_an_error_with_its_place(policy: Document, path: str, code: str) -> None:
    assert (f"{PROPERTIES}.{path}", code) in findings(component("web"), policies=[policy])


def test_a_dependency_on_what_was_left_out_is_told() -> None:
    policies = [override(selector=["web"])]
    with pytest.raises(DocumentRejected, match="left out") as caught:
        check_document(document(component("db"), component("web", dependsOn=["db"]), policies=policies), REGISTRY)
    assert [f.path for f in caught.value.findings] == ["spec.components[1].dependsOn[0]"]


def test_copies_are_components_of_their_own_and_wait_for_their_own_kind() -> None:
    doc = document(
        component("db"),
        component("web", dependsOn=["db"]),
        component("end", dependsOn=["web"]),
        policies=[replication(["a", "b"], "db", "web")],
        metadata={"annotations": {"kubemin.dev/start-timeout.web": "90s"}},
    )
    plan = planned(doc)
    assert waits(plan) == {
        "db-a": [],
        "db-b": [],
        "web-a": ["db-a"],
        "web-b": ["db-b"],
        "end": ["web-a", "web-b"],
    }
    assert [o.key.name for o in steps(plan)["web-b"].objects] == ["web-b"]
    assert steps(plan)["web-b"].deadlines.start_s == 90


def test_copies_must_not_meet_a_component_of_their_name() -> None:
    found = findings(component("web"), component("web-a"), policies=[replication(["a"], "web")])
    assert (f"{PROPERTIES}.keys", "DuplicateComponent") in found


def test_secret_values_in_overrides_are_located() -> None:
    over: list[Document] = [
        {"name": "web*", "traits": [holds(secrets={"s": {"p": "x"}})]},
        {
            "name": "all",
            "properties": {"objects": [{"kind": "Secret", "metadata": {"name": "t"}, "data": {"k": "eA=="}}]},
        },
    ]
    first = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "t"}, "data": {"k": "eA=="}}
    over[1]["properties"]["objects"][0]["apiVersion"] = "v1"
    doc = document(
        component("web"),
        component("all", "objects", properties={"objects": [first]}),
        policies=[override(*over, selector=["web"])],
    )
    app, _ = check_document(doc, REGISTRY)
    base = ("spec", "policies", 0, "properties", "components")
    assert [(located.path, located.secret, located.key) for located in secret_locations(app, REGISTRY)] == [
        (("spec", "components", 1, "properties", "objects", 0, "data", "k"), "t", "k"),
        ((*base, 0, "traits", 0, "properties", "secrets", "s", "p"), "s", "p"),
        ((*base, 1, "properties", "objects", 0, "data", "k"), "t", "k"),
    ]
