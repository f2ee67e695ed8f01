"""What an entry says of itself reaches the author: deprecated, without effect, or not carried out yet."""

from typing import Annotated, Any

import pytest

from shared.contracts.identity import AppRef, Namespace
from shared.contracts.plan import Finding, Placement
from shared.jobtypes.base import JobType, Parameters, Registry, Trait, nothing_rendered
from shared.jobtypes.builtin import BUILTIN
from shared.jobtypes.fields import Deprecated, NoEffect
from shared.planning import Application, DocumentRejected, check_document, make_plan, secret_locations
from tests.support.planning import DEV, UID, component, document, planned, rule_for, steps, waits

Document = dict[str, Any]


class OldParameters(Parameters):
    size: int = 1
    length: Annotated[int | None, Deprecated("size")] = None
    colour: Annotated[bool, NoEffect("nobody looks")] = False
    inner: list["OldParameters"] | None = None


def _entry(name: str, **fields: Any) -> JobType[Any]:
    return JobType(
        name=name,
        title=name,
        parameters=OldParameters,
        render=nothing_rendered,
        kinds=frozenset({"*"}),
        completion=rule_for,
        **fields,
    )


LATER = _entry("later", refusal="a later version does this", successor="k8s-objects")
NEXT = Trait(
    name="next",
    title="next",
    parameters=OldParameters,
    apply=lambda _context, _parameters, rendering: rendering,
    refusal="a later version does that",
)
OLD = Trait(
    name="old",
    title="old",
    parameters=OldParameters,
    apply=lambda _context, _parameters, rendering: rendering,
    successor="the trait new",
)
REGISTRY = Registry.of((LATER, BUILTIN.job_types["worker"]), (NEXT, OLD))


def _errors(*components: Document) -> list[tuple[str, str, str]]:
    with pytest.raises(DocumentRejected) as rejected:
        check_document(document(*components), REGISTRY)
    return [(f.path, f.code, f.message) for f in rejected.value.findings]


def _warnings(*traits: Document) -> list[Finding]:
    worker = component("web", "worker", *traits, properties={"image": "a"})
    return check_document(document(worker), REGISTRY)[1]


def test_type_of_a_later_version_is_answered_with_one_sentence() -> None:
    assert _errors(component("a", "later")) == [
        ("spec.components[0].type", "Unsupported", "a later version does this"),
    ]


def test_document_that_was_accepted_once_is_refused_where_its_type_is_not_carried_out() -> None:
    """As when a planner of another version reads what a gateway has stored."""
    app = Application.model_validate(document(component("a", "later")))
    with pytest.raises(DocumentRejected) as rejected:
        make_plan(
            app,
            ref=AppRef(tenant="acme", namespace="demo", name="shop"),
            uid=UID,
            generation=1,
            placements=[Placement(cluster=DEV, namespace=Namespace("demo"))],
            registry=REGISTRY,
        )
    assert [f.message for f in rejected.value.findings] == ["a later version does this"]


def test_parameters_of_a_later_type_are_checked_as_well() -> None:
    assert _errors(component("a", "later", properties={"size": "big"})) == [
        ("spec.components[0].type", "Unsupported", "a later version does this"),
        ("spec.components[0].properties.size", "WrongType", "must be a whole number, but is a text"),
    ]


def test_trait_of_a_later_version_is_answered_with_one_sentence() -> None:
    worker = component("a", "worker", {"type": "next"}, properties={"image": "a"})
    assert _errors(worker) == [("spec.components[0].traits[0].type", "Unsupported", "a later version does that")]


@pytest.mark.parametrize("name", ["helmchart", "helm", "kustomize"])
def test_built_in_types_of_a_later_version_check_their_examples_and_say_so(name: str) -> None:
    entry = BUILTIN.job_types[name]
    with pytest.raises(DocumentRejected) as rejected:
        planned(document({"name": "a", "type": name, "properties": dict(entry.examples[0])}), registry=BUILTIN)
    assert [(f.code, f.message) for f in rejected.value.findings] == [("Unsupported", entry.refusal)]


def test_deprecated_trait_is_warned_of_with_its_successor() -> None:
    (warning,) = _warnings({"type": "old", "properties": {}})
    assert (warning.path, warning.code) == ("spec.components[0].traits[0].type", "Deprecated")
    assert warning.remedy == "Use the trait new."


def test_deprecated_parameters_and_those_without_effect_are_warned_of_at_any_depth() -> None:
    properties = {"length": 1, "inner": [{"size": 2, "colour": True}, {"colour": False}]}
    old, length, colour = _warnings({"type": "old", "properties": properties})
    assert old.code == "Deprecated"
    assert (length.path, length.code, length.remedy) == (
        "spec.components[0].traits[0].properties.length",
        "Deprecated",
        "Use size.",
    )
    assert (colour.path, colour.code, colour.message) == (
        "spec.components[0].traits[0].properties.inner[0].colour",
        "NoEffect",
        "'colour' has no effect: nobody looks",
    )


def test_raw_names_its_successor() -> None:
    raw = {"name": "a", "type": "raw", "properties": {"apiVersion": "v1", "kind": "ConfigMap"}}
    _, warnings = check_document(document(raw), BUILTIN)
    assert [(w.code, w.remedy) for w in warnings] == [("Deprecated", "Use k8s-objects.")]


@pytest.mark.parametrize("name", ["webservice@v1", "store@v1", "statefulset@v1"])
def test_pinned_revision_and_alias_lead_to_the_type(name: str) -> None:
    plan = planned(document({"name": "db", "type": name, "properties": {"image": "a"}}), registry=BUILTIN)
    assert [step.step for step in plan.steps] == ["db"]


def test_config_secret_and_volume_are_there_before_those_who_use_them() -> None:
    mounts = {
        "pvc": [{"name": "m", "mountPath": "/m", "claimName": "media"}],
        "configMap": [{"name": "s", "mountPath": "/s", "cmName": "settings"}],
    }
    key = {"name": "K", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}}
    plan = planned(
        document(
            component("web", "worker", properties={"image": "a", "volumeMounts": mounts, "env": [key]}),
            component("media", "volume"),
            component("settings", "config", properties={"data": {"a": "b"}}),
            component("keys", "secret", properties={"stringData": {"k": "v"}}),
        ),
        registry=BUILTIN,
    )
    needed = ["media=pvc=media", "settings=configmap=settings", "keys=secret=keys"]
    assert waits(plan)["web"] == needed
    assert steps(plan)["web"].references == ()
    assert [steps(plan)[step].objects[0].volume for step in needed] == [True, False, False]


def test_value_of_a_secret_component_is_sealed_for_the_secret_of_its_name() -> None:
    named = component("b", "secret", properties={"name": "other", "data": {"k": "dg=="}})
    app, _ = check_document(document(component("a", "secret", properties={"stringData": {"k": "v"}}), named), BUILTIN)
    assert [(s.secret, s.key, s.path) for s in secret_locations(app, BUILTIN)] == [
        ("a", "k", ("spec", "components", 0, "properties", "stringData", "k")),
        ("other", "k", ("spec", "components", 1, "properties", "data", "k")),
    ]
