"""Every type shows how it is used, and what it shows works: it is planned without any finding, and does something."""

from typing import Any

import pytest

from shared.catalogue.entries import Catalogue
from shared.contracts.catalogue import TypeView
from shared.contracts.desired import CopiedObjects
from shared.contracts.plan import Finding, Plan
from shared.jobtypes.base import JobType, Trait
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, check_document, destinations_of
from shared.planning.policies import POLICY_TYPES
from shared.planning.policies.base import PolicyType
from tests.support.planning import component, document, planned

Document = dict[str, Any]

CATALOGUE = Catalogue(BUILTIN, POLICY_TYPES)
JOB_TYPES = sorted({entry.name: entry for entry in BUILTIN.job_types.values()}.values(), key=lambda entry: entry.name)
TRAITS = sorted({entry.name: entry for entry in BUILTIN.traits.values()}.values(), key=lambda entry: entry.name)
READ = CopiedObjects(
    component="it", objects=({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}},)
)
"""What was found for a component whose type seeks objects."""
OF_STATEFULSETS = {"claim-templates"}
"""Traits that no Deployment can have."""


def a_component(name: str = "web", type_: str = "webservice", **properties: Any) -> Document:
    return component(name, type_, properties={"image": "registry.example/shop:1", **properties})


def with_trait(trait: str, *examples: Document) -> Document:
    """A component with the trait once for each example, without it where there is none."""
    web = a_component(type_="statefulset" if trait in OF_STATEFULSETS else "webservice")
    return document(web | {"traits": [{"type": trait, "properties": dict(example)} for example in examples]})


def with_policy(policy: str, *examples: Document) -> Document:
    """What the examples of policies speak of, with the policy once for each example."""
    settings = component("settings", "config", properties={"data": {"level": "info"}})
    schema, legacy = a_component("schema", "task"), a_component("legacy")
    files = component(
        "files",
        "k8s-objects",
        properties={
            "objects": [
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cluster-info"}, "data": {"a": "b"}}
            ]
        },
    )
    policies = [{"name": f"p{i}", "type": policy, "properties": dict(one)} for i, one in enumerate(examples)]
    return document(a_component(), settings, schema, legacy, files, policies=policies)


def findings(plan: Plan) -> list[Finding]:
    """What there is to say of it, apart from what is older."""
    return [warning for warning in plan.warnings if warning.code != "Deprecated"]


@pytest.mark.parametrize("view", CATALOGUE.views, ids=lambda view: f"{view.kind.value}-{view.name}")
def test_every_type_has_an_example(view: TypeView) -> None:
    assert view.examples
    assert view.parameters["examples"] == list(view.examples)


@pytest.mark.parametrize("job_type", JOB_TYPES, ids=lambda entry: entry.name)
def test_examples_of_a_component_type_are_planned(job_type: JobType[Any]) -> None:
    for example in job_type.examples:
        job_type.parameters.model_validate(dict(example))
        doc = document(component("it", job_type.name, properties=dict(example)))
        if job_type.refusal:
            with pytest.raises(DocumentRejected) as refused:
                planned(doc, registry=BUILTIN)
            assert [one.code for one in refused.value.findings] == ["Unsupported"]
        else:
            plan = planned(doc, registry=BUILTIN, copies=[] if job_type.seeks is None else [READ])
            assert findings(plan) == []
            assert any(step.objects for step in plan.steps)


@pytest.mark.parametrize("trait", TRAITS, ids=lambda entry: entry.name)
def test_examples_of_a_trait_render_on_a_component(trait: Trait[Any]) -> None:
    without = planned(with_trait(trait.name), registry=BUILTIN)
    for example in trait.examples:
        trait.parameters.model_validate(dict(example))
        plan = planned(with_trait(trait.name, dict(example)), registry=BUILTIN)
        assert findings(plan) == []
        assert plan.steps != without.steps


@pytest.mark.parametrize("policy", POLICY_TYPES.values(), ids=lambda entry: entry.name)
def test_examples_of_a_policy_change_something(policy: PolicyType[Any]) -> None:
    plain = with_policy(policy.name)
    for example in policy.examples:
        policy.parameters.model_validate(dict(example))
        doc = with_policy(policy.name, dict(example))
        plan = planned(doc, registry=BUILTIN)
        assert findings(plan) == []
        before, after = (check_document(one, BUILTIN)[0] for one in (plain, doc))
        changed = plan.steps != planned(plain, registry=BUILTIN).steps
        assert changed or destinations_of(after) != destinations_of(before)
