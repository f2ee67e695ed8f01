"""A plan: what would be done, in order, and nothing else."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from cli.render import changes, treatments
from cli.render.findings import Origin, warnings
from cli.render.layout import Rows, indented
from cli.render.phases import BUSY, HELD, QUIET
from cli.render.text import counted, plain
from shared.contracts.differences import Change
from shared.contracts.identity import ObjectKey, StepId
from shared.contracts.views import PlanObjectView, PlanStepView, PlanView

_INDENT = 2
_Placement = tuple[str, str]
"""Cluster and namespace."""


def plan(view: PlanView, origin: Origin | None = None, *, diffs: bool = False) -> RenderableType:
    """What speaks against it, then the steps in their order, cluster by cluster, and whatever else is to be told.

    With `diffs` what would change stands in full beneath each object.
    """
    parts: list[RenderableType] = [_head(view)]
    if not view.changed:
        parts.append(Text("It is what was applied last: applying it again does nothing.", style=QUIET))
    if against := changes.problems(view):
        parts += ["", Text("It would be refused:", style="bold"), indented(against, _INDENT)]
    for placements, steps in _alike(view.steps):
        parts += ["", _placed(placements, view.namespace), indented(_steps(steps, diffs=diffs), _INDENT)]
        if needed := _needed(steps):
            parts += ["", indented(needed, _INDENT)]
    parts += _listed("Not wanted any more:", changes.unwanted(view))
    if view.overrides:
        parts += ["", Text("Overrides:", style="bold"), *(indented(line, _INDENT) for line in _overrides(view))]
    if view.warnings:
        parts += ["", Text("Warnings:", style="bold"), indented(warnings(view.warnings, origin), _INDENT)]
    parts += _listed("The clusters warn:", changes.hints(view))
    parts += _listed("Not known:", changes.unsaid(view))
    return Group(*parts)


def _listed(heading: str, lines: Iterable[Text]) -> list[RenderableType]:
    """A heading over lines, if there are any."""
    found = [indented(line, _INDENT) for line in lines]
    return ["", Text(heading, style="bold"), *found] if found else []


def _head(view: PlanView) -> Text:
    objects = sum(len(step.objects) for step in view.steps if step.overridden_by is None)
    said = [counted(len(view.steps), "step"), counted(objects, "object")]
    said += [counted(len(view.overrides), "override")] if view.overrides else []
    said += [counted(len(view.warnings), "warning")] if view.warnings else []
    told = changes.counts(view)
    head = Text.assemble((f"{view.namespace}/{view.name}", "bold"), f"  generation {view.generation}: ")
    head.append(", ".join(said))
    return head.append(f"\n{told}") if told else head


def _alike(steps: Iterable[PlanStepView]) -> list[tuple[list[_Placement], list[PlanStepView]]]:
    """The steps of each placement; placements that get the same are told together."""
    by_placement: dict[_Placement, list[PlanStepView]] = {}
    for step in steps:
        by_placement.setdefault((step.cluster, step.namespace), []).append(step)
    alike: dict[str, tuple[list[_Placement], list[PlanStepView]]] = {}
    for placement, placed in by_placement.items():
        # Manifests differ in their sealed values alone, which nobody is shown.
        bare = (step.model_copy(update={"cluster": "", "objects": _bare(step.objects)}) for step in placed)
        told = "".join(step.model_dump_json() for step in bare)
        alike.setdefault(told, ([], placed))[0].append(placement)
    return list(alike.values())


def _bare(objects: Iterable[PlanObjectView]) -> tuple[PlanObjectView, ...]:
    return tuple(obj.model_copy(update={"manifest": {}}) for obj in objects)


def _placed(placements: Sequence[_Placement], home: str) -> Text:
    """Placements that get the same go into one namespace: it is a part of every object's name."""
    names = ", ".join(plain(cluster) for cluster, _ in placements)
    text = Text.assemble("cluster " if len(placements) == 1 else "clusters ", (names, "bold"))
    namespace = placements[0][1]
    return text if namespace == home else text.append(f", namespace {plain(namespace)}")


def _steps(steps: Sequence[PlanStepView], *, diffs: bool) -> RenderableType:
    digits = len(str(len(steps)))
    numbers = {step.step: number for number, step in enumerate(steps, 1)}
    verbs = [len(_verb(obj)[0]) for step in steps for obj in step.objects if step.overridden_by is None]
    lines: list[RenderableType] = []
    for step in steps:
        head = Text(f"{numbers[step.step]:>{digits}}  ", style=QUIET).append(plain(step.step), style="bold")
        lines.append(head.append(f"  {_kind(step)}", style=QUIET))
        contents = _contents(step, numbers, max(verbs, default=0), diffs=diffs)
        lines += [indented(line, digits + 4) for line in contents]
    return Group(*lines)


def _kind(step: PlanStepView) -> str:
    return f"{plain(step.job_type)}, runs once" if step.runs_once else plain(step.job_type)


def _contents(step: PlanStepView, numbers: dict[StepId, int], width: int, *, diffs: bool) -> Iterator[RenderableType]:
    if step.waits_for:
        names = [f"{numbers[name]} {plain(name)}" if name in numbers else plain(name) for name in step.waits_for]
        yield Text(f"waits for {', '.join(names)}", style=BUSY)
    if step.overridden_by is not None:
        what = ", ".join(_named(obj.key, step.namespace) for obj in step.objects) or "the same object"
        yield Text(f"skipped: {plain(step.overridden_by)} carries {what} later", style=HELD)
        return
    for obj in step.objects:
        verb, style = _verb(obj)
        text = Text(f"{verb:<{width}}  ", style=style).append(_named(obj.key, step.namespace), "default")
        notes = "; ".join((*treatments.notes(obj), *_told(obj, diffs=diffs)))
        yield text.append(f" ({plain(notes)})", style=QUIET) if notes else text
        if diffs and obj.live is not None:
            yield from (indented(line, 2 * _INDENT) for line in changes.diff(obj.live))


def _verb(obj: PlanObjectView) -> tuple[str, str]:
    """What would become of it, or where no cluster says so what would be done; and the colour."""
    if obj.live is None or obj.live.change is Change.UNKNOWN:
        return treatments.verb(obj), QUIET
    return changes.word(obj.live.change), changes.style(obj.live.change)


def _told(obj: PlanObjectView, *, diffs: bool) -> Iterator[str]:
    """What its cluster says of it; the fields stand in the diff, if that is shown."""
    if obj.live is not None:
        said = changes.note(obj.live.model_copy(update={"fields": ()}) if diffs else obj.live)
        yield from (said,) if said else ()


def _named(key: ObjectKey, namespace: str) -> str:
    elsewhere = key.namespace not in ("", namespace)
    return plain(f"{key.kind} {key.namespace}/{key.name}" if elsewhere else f"{key.kind} {key.name}")


def _needed(steps: Sequence[PlanStepView]) -> Rows | None:
    """What is referred to and not made by any step, with who needs it."""
    users: dict[tuple[str, str], list[tuple[PlanStepView, bool]]] = {}
    for step in steps:
        for one in step.references:
            name = one.name if one.namespace == step.namespace else f"{one.namespace}/{one.name}"
            users.setdefault((one.kind, name), []).append((step, one.optional))
    rows = Rows(("NOT IN THE PLAN", ""))
    for (kind, name), found in users.items():
        names = ", ".join(dict.fromkeys(plain(step.step) for step, _ in found))
        if all(optional for _, optional in found):
            rows.add(plain(f"{kind} {name}"), note=Text(f"optional, used by {names}", style=QUIET))
        else:
            rows.add(plain(f"{kind} {name}"), note=Text(f"needed by {names}", style=HELD))
    return rows if users else None


def _overrides(view: PlanView) -> Iterator[RenderableType]:
    """Of each object the carrier that counts, and beneath it those that do not."""
    by_winner: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for one in view.overrides:
        losers = by_winner.setdefault((str(one.key), one.winner, one.winner_path), [])
        losers.append((one.loser, one.loser_path))
    for (key, winner, path), losers in by_winner.items():
        yield Text(plain(key))
        yield indented(_carrier("counts", winner, path), _INDENT)
        for loser, place in losers:
            yield indented(_carrier("skipped", loser, place), _INDENT)


def _carrier(what: str, step: str, path: str) -> Text:
    text = Text(f"{what:<7}  ", style=QUIET).append(plain(step), style="bold" if what == "counts" else "default")
    return text.append(f"  {plain(path)}", style=QUIET)
