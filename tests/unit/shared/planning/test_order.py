"""Random applications: every plan is in a sound order, whole, and the same each time."""

import random
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.canonical import canonical_json
from shared.contracts.identity import StepId
from shared.contracts.plan import ApplyMode, Plan
from shared.planning import graph
from tests.support.planning import Document, component, document, holds, planned

NAMES = [f"c{i}" for i in range(8)]
CONFIGS = ["one", "two", "three"]


@st.composite
def applications(draw: st.DrawFn) -> Document:
    """Components in any order of declaration, with acyclic dependencies, shared configs and references."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    declared = draw(st.permutations(names))
    made = [_component(draw, name, names[:i]) for i, name in enumerate(names)]
    by_name = {c["name"]: c for c in made}
    return document(*(by_name[name] for name in declared))


def _component(draw: st.DrawFn, name: str, before: list[str]) -> Document:
    depends_on = draw(st.lists(st.sampled_from(before), unique=True)) if before else []
    configs: dict[str, Any] = {
        c: draw(st.none() | st.just({"from": name})) for c in draw(st.lists(st.sampled_from(CONFIGS), unique=True))
    }
    volumes = draw(st.lists(st.sampled_from(["v", "w"]), unique=True))
    refers = draw(st.lists(st.sampled_from([*CONFIGS, "missing"]), unique=True))
    pod = {"volumes": [{"name": r, "configMap": {"name": r}} for r in refers]}
    type_ = draw(st.sampled_from(["app", "once"]))
    return component(
        name, type_, holds(configs=configs, volumes=volumes), dependsOn=depends_on, properties={"pod": pod}
    )


def reachable(plan: Plan) -> dict[StepId, set[StepId]]:
    """Everything that each step waits for, directly or not."""
    waits: dict[StepId, set[StepId]] = {}
    for step in plan.steps:
        waits[step.step] = set(step.depends_on).union(*(waits[d] for d in step.depends_on))
    return waits


@given(applications())
def test_every_step_comes_once_and_after_all_that_it_waits_for(doc: Document) -> None:
    plan = planned(doc)
    seen: set[StepId] = set()
    for step in plan.steps:
        assert set(step.depends_on) <= seen
        assert step.step not in seen
        seen.add(step.step)
    assert {c["name"] for c in doc["spec"]["components"]} <= seen


@given(applications())
def test_components_wait_for_what_they_depend_on_and_for_what_they_declare(doc: Document) -> None:
    waits = reachable(planned(doc))
    for each in doc["spec"]["components"]:
        held = each["traits"][0]["properties"]
        assert set(each["dependsOn"]) <= waits[each["name"]]
        assert {f"{each['name']}=configmap={c}" for c in held["configs"]} <= waits[each["name"]]
        assert {f"{each['name']}=pvc={v}" for v in held["volumes"]} <= waits[each["name"]]


@given(applications())
def test_of_all_carriers_of_a_config_one_is_applied_and_all_its_users_wait_for_it(doc: Document) -> None:
    plan = planned(doc)
    waits = reachable(plan)
    components = doc["spec"]["components"]
    for config in CONFIGS:
        carriers = [s for s in plan.steps if s.step.endswith(f"=configmap={config}")]
        writers = [s for s in carriers if s.objects[0].mode is ApplyMode.APPLY]
        winners = [s for s in writers if s.overridden_by is None]
        assert len(winners) == min(1, len(writers))
        for winner in winners:
            assert {s.overridden_by for s in writers if s is not winner} <= {winner.step}
            assert all(winner.component not in _needed(doc, s.component) for s in writers if s is not winner)
            for each in components:
                refers = {v["configMap"]["name"] for v in each["properties"]["pod"]["volumes"]}
                if config in refers or config in each["traits"][0]["properties"]["configs"]:
                    assert winner.step in waits[StepId(each["name"])]
        if carriers:
            assert all(r.name != config for s in plan.steps for r in s.references)
    assert len(plan.overrides) == sum(s.overridden_by is not None for s in plan.steps)


def _needed(doc: Document, name: str) -> set[str]:
    needs = {c["name"]: c["dependsOn"] for c in doc["spec"]["components"]}
    return graph.strictly_needed([name], needs)


@given(applications())
def test_the_same_document_gives_the_same_bytes(doc: Document) -> None:
    def written() -> bytes:
        return canonical_json(planned(doc).model_dump(mode="json"))

    assert written() == written()


@given(applications())
def test_the_order_of_keys_in_the_document_does_not_matter(doc: Document) -> None:
    turned = {k: doc[k] for k in reversed(doc)}
    turned["spec"] = {"components": [{k: c[k] for k in reversed(c)} for c in doc["spec"]["components"]]}
    one, other = planned(doc), planned(turned)
    assert canonical_json(one.model_dump(mode="json")) == canonical_json(other.model_dump(mode="json"))


@given(st.integers(0, 2**32), st.integers(1, 30), st.floats(0, 0.3))
def test_strongly_connected_components_are_the_sets_that_reach_each_other(seed: int, size: int, density: float) -> None:
    chance = random.Random(seed)
    nodes = list(range(size))
    needs = {n: [m for m in nodes if chance.random() < density] for n in nodes}
    reach = {n: graph.strictly_needed([n], needs) | {n} for n in nodes}
    numbers = graph.components(nodes, needs)
    for one in nodes:
        way = graph.cycle(one, needs)
        assert bool(way) == (one in graph.strictly_needed([one], needs))
        assert all(b in needs[a] for a, b in pairwise(way))
        for other in nodes:
            assert (numbers[one] == numbers[other]) == (other in reach[one] and one in reach[other])
