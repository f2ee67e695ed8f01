"""Dialect → OAM → the same plan; and OAM → dialect → the same objects."""

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contracts.plan import Manifest
from shared.dialect import convert, is_dialect, steps_of, told_components, with_version, with_workflow
from shared.jobtypes.builtin import BUILTIN
from shared.planning import Application, check_document, parse_document
from tests.support import dialect, drawn_dialect
from tests.support.dialect import Document

DRAWN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def told_back(application: Document, name: str) -> Document:
    """The document in the dialect that an application is told as."""
    model = Application.model_validate(application)
    workflow = [step.model_dump(mode="json", include={"name", "mode", "components"}) for step in steps_of(model)]
    metadata = application["metadata"]
    return {
        "name": name,
        "namespace": metadata.get("namespace"),
        "component": told_components(model),
        "workflow": workflow,
    }


def of_containers(manifest: Manifest) -> Manifest:
    """The same with variables as Kubernetes counts them: of two with one name the later, in any order."""
    found = copy.deepcopy(manifest)
    pod = found.get("spec", {}).get("template", {}).get("spec", {})
    for container in (*pod.get("containers", ()), *pod.get("initContainers", ())):
        if "env" in container:
            container["env"] = {one["name"]: one for one in container["env"]}
    return found


def objects(application: Document) -> list[Manifest]:
    """What is applied, in no order."""
    found = map(of_containers, dialect.objects(dialect.planned(application)))
    return sorted(found, key=lambda one: json.dumps(one, sort_keys=True))


def waits(application: Document) -> dict[str, set[str]]:
    """Which step comes after which, whichever way."""
    steps = {str(step.step): list(map(str, step.depends_on)) for step in dialect.planned(application).steps}
    found: dict[str, set[str]] = {}

    def before(name: str) -> set[str]:
        if name not in found:
            found[name] = {*steps[name]}.union(*(before(one) for one in steps[name]))
        return found[name]

    return {name: before(name) for name in steps}


@given(drawn_dialect.documents())
@DRAWN
def test_converted_document_sent_as_oam_has_the_same_plan(document: Document) -> None:
    converted = convert(document).document
    sent = parse_document(yaml.safe_dump(converted, sort_keys=False).encode())
    assert not is_dialect(sent)
    assert dialect.planned(sent) == dialect.planned(converted)
    _, warnings = check_document(sent, BUILTIN)
    assert not [one for one in warnings if one.code == "UnknownKey"]


@given(drawn_dialect.documents())
@DRAWN
def test_application_told_in_the_dialect_renders_to_the_same_objects_in_the_same_order(document: Document) -> None:
    converted = convert(document).document
    again = convert(told_back(converted, "shop")).document
    assert objects(again) == objects(converted)
    assert waits(again) == waits(converted)


@pytest.mark.parametrize("path", dialect.paths(), ids=lambda path: path.stem)
def test_every_golden_document_is_told_back(path: Any) -> None:
    converted = convert(dialect.document_of(path)).document
    assert objects(convert(told_back(converted, converted["metadata"]["name"])).document) == objects(converted)


@given(drawn_dialect.documents())
@DRAWN
def test_order_that_was_told_is_no_change(document: Document) -> None:
    converted = convert(document).document
    body = {"workflow": told_back(converted, "shop")["workflow"]}
    assert waits(with_workflow(converted, body).document) == waits(converted)


@given(drawn_dialect.documents(), st.data())
@DRAWN
def test_component_that_is_added_as_it_was_removed_makes_the_same_objects(
    document: Document, data: st.DataObject
) -> None:
    document.pop("workflow", None)
    converted = convert(document).document
    entry = data.draw(st.sampled_from(document["component"]))
    if len(document["component"]) == 1:
        return
    removed = with_version(converted, {"version": "2", "components": [{"name": entry["name"], "action": "remove"}]})
    added = with_version(removed.document, {"version": "3", "components": [{**entry, "action": "add"}]})
    assert (removed.removed, added.added) == ((entry["name"],), (entry["name"],))
    assert objects(added.document) == objects(converted)
