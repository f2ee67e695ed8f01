"""The workflow of an application that exists: told as steps of the dialect, and given another order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from shared.contracts.cloning import clone
from shared.contracts.dialect import WorkflowStep
from shared.dialect.fields import Fields, From
from shared.dialect.findings import Code, Notes
from shared.dialect.ordering import check_edges, order
from shared.dialect.paths import At, PathMap, written
from shared.dialect.reading import read_workflow
from shared.planning.document import Application
from shared.planning.findings import DocumentRejected, shortened
from shared.planning.trees import path_text

STEP_BY_STEP, AT_ONCE = "StepByStep", "DAG"
_BODY = ("workflow_id", "name", "alias", "workflow")


@dataclass(frozen=True, kw_only=True)
class Edited:
    """The document of an application with what a request changed."""

    document: dict[str, Any] = field(repr=False)
    paths: PathMap = field(repr=False)
    """From places of the document to those of the request."""
    warnings: tuple[Any, ...] = ()


def workflow_name(app: str) -> str:
    """Every application has one."""
    return f"{app}-workflow"


def steps_of(application: Application) -> tuple[WorkflowStep, ...]:
    """Steps that mean the order of the components: what waits for the same number of others in turn is one step.

    Of an order that was written in the dialect it is the same order; of any other the nearest that its words can tell.
    """
    names = dict.fromkeys(component.name for component in application.spec.components)
    waits_for = {c.name: [n for n in c.depends_on if n in names] for c in application.spec.components}
    depth: dict[str, int] = {}
    for name in TopologicalSorter(waits_for).static_order():
        depth[name] = max((depth[before] + 1 for before in waits_for[name]), default=0)
    levels: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in names:
        levels[depth[name]].append(name)
    return tuple(_step(level, number, set(names)) for number, level in enumerate(levels, 1))


def _step(level: Sequence[str], number: int, names: set[str]) -> WorkflowStep:
    if len(level) == 1:
        return WorkflowStep(name=level[0], mode=STEP_BY_STEP, components=tuple(level))
    name = f"step-{number}"
    return WorkflowStep(name=f"{name}-all" if name in names else name, mode=AT_ONCE, components=tuple(level))


def with_workflow(document: Mapping[str, Any], body: Mapping[str, Any]) -> Edited:
    """Give an application's components the order of a request's `workflow`.

    A component that it does not name stays, and keeps what it waits for: nothing is deleted by leaving it out.

    Raises:
        DocumentRejected: in the places of the request.
    """
    notes = Notes()
    changed = clone(document)
    components: list[dict[str, Any]] = changed["spec"]["components"]
    names = [component["name"] for component in components]
    fields = Fields(From(dict(body), ""), notes, _BODY, silent=("app_id",))
    raw = fields.raw("workflow")
    if raw is None or raw.value == []:
        notes.error(fields.place("workflow"), Code.MISSING_REQUIRED_FIELD, "is required")
    wanted = workflow_name(document["metadata"]["name"])
    for key in ("name", "alias"):
        text = fields.text(key)
        if text is not None and text.value != wanted:
            notes.no_effect(text.path, f"an application has one workflow, {wanted}")
    waits_for = order((), read_workflow(fields, notes, set(names))).waits_for
    check_edges(sum(map(len, waits_for.values())), notes)
    if notes.errors:
        raise DocumentRejected(notes.errors, warnings=notes.warnings)
    places = {"": fields.place("workflow")}
    for index, component in enumerate(components):
        if component["name"] not in waits_for:
            message = f"{component['name']!r} is in no step; it stays as it is"
            notes.warn(fields.place("workflow"), "NotInWorkflow", message, "Add it to a step.")
            continue
        here = path_text("spec.components", index, "dependsOn")
        tree = [At(one.value, one.path) for one in waits_for[component["name"]]]
        component["dependsOn"], paths = written(tree, here)
        places |= paths.places
        if not component["dependsOn"]:
            del component["dependsOn"]
    return Edited(document=changed, paths=PathMap(places), warnings=shortened(notes.warnings))
