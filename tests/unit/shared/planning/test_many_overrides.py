"""Policies can make much work of a small document: what would be too much is refused with its place."""

import json
from typing import Any

import pytest

from shared.contracts.plan import Finding
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DEFAULT_LIMITS, DocumentRejected, check_document, parse_document
from tests.support.planning import Document, component, document

COMPONENTS = 200
PROPERTIES = "spec.policies[0].properties"
WEBS = tuple(f"web-{i}" for i in range(COMPONENTS))
VALUES = [{"name": f"A{i}", "value": "x"} for i in range(2000)]


def policy(type_: str, **properties: Any) -> Document:
    return {"name": type_, "type": type_, "properties": properties}


def overrides(*components: Document, **more: Any) -> Document:
    return policy("override", components=list(components), **more)


def webs(*policies: Document) -> Document:
    named = [{**one, "name": f"p{i}"} for i, one in enumerate(policies)]
    return document(*(component(name, "webservice", properties={"image": "x"}) for name in WEBS), policies=named)


def refused(doc: Document) -> Finding:
    """As the door has it."""
    with pytest.raises(DocumentRejected) as caught:
        check_document(parse_document(json.dumps(doc).encode()), BUILTIN)
    return caught.value.findings[0]


ALLOWED = {
    "names": overrides(*({"name": name, "properties": {"cpu": "1"}} for name in WEBS)),
    "patterns": overrides(*({"name": f"*b-{i}", "properties": {"cpu": "1"}} for i in range(COMPONENTS))),
    "types": overrides(*[{"type": "webservice", "properties": {"cpu": "1"}}] * 20),
    "choice": overrides(selector=[f"*-{i}" for i in range(COMPONENTS)]),
    "rules": policy(
        "garbage-collect",
        rules=[{"selector": {"componentNames": [f"w{i}"]}, "strategy": "never"} for i in range(1000)],
    ),
}


@pytest.mark.parametrize("one", ALLOWED.values(), ids=ALLOWED)
def test_hundreds_of_entries_for_hundreds_of_components_are_allowed(one: Document) -> None:
    check_document(parse_document(json.dumps(webs(one)).encode()), BUILTIN)


@pytest.mark.parametrize(
    ("one", "place"),
    [
        (overrides(*[{"name": f"*x{i}"} for i in range(1001)]), f"{PROPERTIES}.components"),
        (overrides(selector=["*x"] * 1001), f"{PROPERTIES}.selector"),
        (policy("apply-once", rules=[{}] * 1001), f"{PROPERTIES}.rules"),
        (overrides(*[{"name": "web-1"}] * 101), f"{PROPERTIES}.components[100]"),
        (overrides(*[{}] * 51), f"{PROPERTIES}.components[50]"),
        (overrides({"properties": {"env": VALUES}}), PROPERTIES),
        (overrides({"name": "web-1", "traits": [{"type": "env"}] * 101}), PROPERTIES),
        (policy("replication", keys=[f"k{i}" for i in range(11)], selector=list(WEBS)), f"{PROPERTIES}.keys"),
    ],
)
def test_what_would_make_too_much_is_told_where_it_stands(one: Document, place: str) -> None:
    found = refused(webs(one))
    assert (found.path, found.code) == (place, "TooMany"), found


def test_policies_are_bounded_over_all() -> None:
    assert refused(webs(*[overrides()] * (DEFAULT_LIMITS.policies + 1))).path == "spec.policies"
    halves = [overrides(selector=["*"] * (DEFAULT_LIMITS.policy_entries // 2))] * 3
    assert refused(webs(*halves)).path == "spec.policies[2].properties.selector"
    laid = [overrides(*[{}] * (DEFAULT_LIMITS.overrides // COMPONENTS - 5))] * 2
    assert refused(webs(*laid)).path == "spec.policies[1].properties.components[5]"
