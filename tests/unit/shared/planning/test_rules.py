"""Rules of policies: which objects they mean, what they say of them, and how several policies become one."""

from typing import Any

import pytest

from shared.contracts.plan import Collection, KeptField, Retention, Treatment
from shared.planning import DocumentRejected, check_document
from shared.planning.policies import POLICY_TYPES
from shared.planning.policies.base import Made
from shared.planning.policies.selectors import Selector
from tests.support.planning import REGISTRY, Document, component, document, holds, planned

MADE = Made(
    components=frozenset({"web-a", "web"}),
    component_types=frozenset({"app", "application"}),
    trait_types=frozenset({"holds"}),
    kind="ConfigMap",
    name="c",
)


def policy(type_: str, *rules: Document, **properties: Any) -> Document:
    return {"type": type_, "properties": ({"rules": list(rules)} if rules else {}) | properties}


def rule(strategy: Any = None, **selector: list[str]) -> Document:
    return {"selector": selector, **({} if strategy is None else {"strategy": strategy})}


def treatments(*policies: Document, key: str = "") -> dict[str, Treatment]:
    web = component("web", "app", holds(configs={"c": {"a": "b"}}, volumes=["v"]), properties={"ports": [{"port": 80}]})
    plan = planned(document(web, component("job", "once"), policies=list(policies)))
    return {f"{o.key.kind}/{s.component}": o.treatment for s in plan.steps for o in s.objects if key in o.key.kind}


def meant(**selector: list[str]) -> set[str]:
    found = treatments(policy("take-over", rule(**selector)))
    return {name for name, treatment in found.items() if treatment.take_over}


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ({}, set()),
        ({"componentNames": ["job"]}, {"Job/job"}),
        (
            {"componentTypes": ["application"]},
            {"Deployment/web", "Service/web", "ConfigMap/web", "PersistentVolumeClaim/web"},
        ),
        ({"oamTypes": ["WORKLOAD"]}, {"Deployment/web", "Job/job"}),
        ({"oamTypes": ["TRAIT"]}, {"Service/web", "ConfigMap/web", "PersistentVolumeClaim/web"}),
        ({"traitTypes": ["holds"]}, {"ConfigMap/web", "PersistentVolumeClaim/web"}),
        ({"traitTypes": ["AuxiliaryWorkload"]}, {"Service/web"}),
        ({"resourceTypes": ["Job", "Service"]}, {"Job/job", "Service/web"}),
        ({"resourceNames": ["web"]}, {"Deployment/web", "Service/web"}),
        ({"resourceNames": ["web"], "resourceTypes": ["Service"]}, {"Service/web"}),
        ({"resourceNames": ["web"], "resourceTypes": ["Job"]}, set()),
    ],
)
def test_all_that_is_given_must_match_and_nothing_matches_nothing(
    selector: dict[str, list[str]], names: set[str]
) -> None:
    assert meant(**selector) == names


def test_a_copy_answers_to_the_name_of_its_component() -> None:
    assert Selector(componentNames=["web"]).matches(MADE)
    assert Selector(componentNames=["web-a"]).matches(MADE)
    assert not Selector(componentNames=["web-b"]).matches(MADE)


def test_the_first_rule_that_matches_counts_over_several_policies() -> None:
    found = treatments(
        policy("garbage-collect", rule("never", resourceTypes=["ConfigMap"]), keepLegacyResource=True),
        policy("garbage-collect", rule("onAppDelete", componentNames=["web"]), order="dependency"),
    )
    assert found["ConfigMap/web"].disposal.retention is Retention.NEVER
    assert found["Deployment/web"].disposal.retention is Retention.ON_APP_DELETE
    assert found["Job/job"] == Treatment()


def test_of_several_policies_true_beats_false_and_else_the_first_counts() -> None:
    policies = [
        policy("garbage-collect", keepLegacyResource=False, continueOnFailure=True),
        policy("garbage-collect", keepLegacyResource=True, order="dependency"),
    ]
    plan = planned(document(component("web"), policies=policies))
    assert plan.collection == Collection(keep_legacy=True, on_failure=True, by_dependency=True)
    assert planned(document(component("web"))).collection == Collection()


def test_a_rule_without_strategy_deletes_volumes_with_the_update() -> None:
    orphans = {**rule(resourceTypes=["PersistentVolumeClaim"]), "propagation": "orphan"}
    found = treatments(policy("garbage-collect", orphans), key="PersistentVolumeClaim")
    disposal = found["PersistentVolumeClaim/web"].disposal
    assert (disposal.retention, disposal.orphan_dependents) == (Retention.ON_APP_UPDATE, True)


def test_apply_once_keeps_paths_of_rules_or_the_whole_object() -> None:
    strategy = {"path": ["spec.replicas", "spec.template"], "affect": "onStateKeep"}
    named = policy("apply-once", rule(strategy, resourceTypes=["Deployment"]), enable=True)
    kept = tuple(KeptField(path=path, on_update=False) for path in ("spec.replicas", "spec.template"))
    found = treatments(named)
    assert (found["Deployment/web"].kept, found["Service/web"].kept) == (kept, ())
    whole = treatments(policy("apply-once", enable=True))
    assert whole["Job/job"].kept == (KeptField(path="*", on_update=False),)


def test_apply_once_that_is_not_enabled_does_nothing_and_says_so() -> None:
    doc = document(component("web"), policies=[policy("apply-once", rule({"path": ["*"]}, componentNames=["web"]))])
    _, warnings = check_document(doc, REGISTRY)
    assert [(w.path, w.code) for w in warnings] == [("spec.policies[0].properties", "NoEffect")]
    assert planned(doc).steps[0].objects[0].treatment == Treatment()


def test_apply_once_is_enabled_by_any_of_its_policies() -> None:
    given = [
        policy("apply-once", rule({"path": ["*"]}, componentNames=["web"])),
        policy("apply-once", enable=True),
    ]
    doc = document(component("web"), policies=given)
    assert check_document(doc, REGISTRY)[1] == []
    assert planned(doc).steps[0].objects[0].treatment.kept == (KeptField(path="*"),)


def test_updates_that_replace_or_make_anew() -> None:
    strategy = {"op": "replace", "recreateFields": ["spec.selector", 'metadata.annotations["a.b/c"]']}
    found = treatments(policy("resource-update", rule(strategy, resourceTypes=["Deployment"])))["Deployment/web"]
    assert found == Treatment(replace=True, recreate_fields=tuple(strategy["recreateFields"]))


def test_policies_of_different_types_add_up() -> None:
    selected = rule(resourceTypes=["Deployment"])
    policies = [policy(type_, selected) for type_ in ("take-over", "shared-resource", "read-only")]
    found = treatments(*policies)["Deployment/web"]
    assert (found.take_over, found.shared, found.read_only) == (True, True, True)


@pytest.mark.parametrize(
    ("wrong", "path", "code"),
    [
        (policy("take-over", {}), "rules[0].selector", "Required"),
        (
            policy("apply-once", rule({"path": ["a..b"]}, componentNames=["web"])),
            "rules[0].strategy.path[0]",
            "InvalidValue",
        ),
        (policy("apply-once", rule({"path": []}, componentNames=["web"])), "rules[0].strategy.path", "TooShort"),
        (
            policy("resource-update", rule({"recreateFields": ["*"]})),
            "rules[0].strategy.recreateFields[0]",
            "InvalidValue",
        ),
        (policy("garbage-collect", rule("later", componentNames=["web"])), "rules[0].strategy", "NotAllowed"),
        (policy("read-only", rule(oamTypes=["workload"])), "rules[0].selector.oamTypes[0]", "NotAllowed"),
        (policy("garbage-collect", order="alphabet"), "order", "NotAllowed"),
    ],
)
def test_mistakes_are_told_with_their_place(wrong: Document, path: str, code: str) -> None:
    with pytest.raises(DocumentRejected) as caught:
        check_document(document(component("web"), policies=[wrong]), REGISTRY)
    assert (f"spec.policies[0].properties.{path}", code) in {(f.path, f.code) for f in caught.value.findings}


@pytest.mark.parametrize("type_", ["take-over", "read-only"])
def test_of_an_object_that_is_there_already_only_what_changes_is_written(type_: str) -> None:
    partial = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"selector": {}}}
    written = component("raw", "objects", properties={"objects": [partial]})
    plan = planned(document(written, policies=[policy(type_, rule(resourceTypes=["Deployment"]))]))
    assert [o.manifest["spec"] for s in plan.steps for o in s.objects] == [{"selector": {}}]
    with pytest.raises(DocumentRejected, match="the Deployment has no pod template"):
        check_document(document(written, policies=[policy(type_, rule(resourceTypes=["Job"]))]), REGISTRY)


def test_unknown_keys_are_warnings_with_the_nearest_name() -> None:
    typo = {"selector": {"componentName": ["web"]}}
    doc = document(component("web"), policies=[policy("take-over", typo, roles=[])])
    _, warnings = check_document(doc, REGISTRY)
    assert {(w.path, w.remedy) for w in warnings} == {
        ("spec.policies[0].properties.rules[0].selector.componentName", "Did you mean 'componentNames'?"),
        ("spec.policies[0].properties.roles", "Did you mean 'rules'?"),
    }


def test_every_policy_type_has_a_title_and_documented_parameters() -> None:
    for name, entry in POLICY_TYPES.items():
        assert entry.name == name
        assert entry.title
        assert entry.parameters.__doc__
        assert any((entry.place, entry.compose, entry.treat, entry.collect))
