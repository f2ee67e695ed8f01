"""A plan: what would be done, in order, and nothing else."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from cli.render.findings import warnings
from cli.render.layout import indented
from cli.render.phases import BUSY, HELD, QUIET
from cli.render.text import counted, plain
from shared.contracts.plan import ApplyMode, Override, Reference
from shared.contracts.views import PlanObjectView, PlanStepView, PlanView


def plan(view: PlanView) -> RenderableType:
    """Steps in their order with what each waits for and applies, then overrides and warnings."""
    parts: list[RenderableType] = [_head(view)]
    clusters = dict.fromkeys(step.cluster for step in view.steps)
    for cluster in clusters:
        steps = [step for step in view.steps if step.cluster == cluster]
        parts += ["", Text.assemble("cluster ", (cluster, "bold"))]
        parts.append(indented(_steps(steps), 2))
    if view.overrides:
        parts += ["", Text("Overrides:", style="bold")]
        parts += [indented(_override(override), 2) for override in view.overrides]
    if view.warnings:
        parts += ["", Text("Warnings:", style="bold"), indented(warnings(view.warnings), 2)]
    return Group(*parts)


def _head(view: PlanView) -> Text:
    objects = sum(len(step.objects) for step in view.steps)
    head = Text.assemble((f"{view.namespace}/{view.name}", "bold"), f"  generation {view.generation}: ")
    return head.append(f"{counted(len(view.steps), 'step')}, {counted(objects, 'object')}")


def _steps(steps: Sequence[PlanStepView]) -> RenderableType:
    digits = len(str(len(steps)))
    lines: list[RenderableType] = []
    for number, step in enumerate(steps, 1):
        head = Text(f"{number:>{digits}}  ", style=QUIET).append(plain(step.step), style="bold")
        lines.append(head.append(f"  {plain(step.job_type)}", style=QUIET))
        lines += [indented(line, digits + 4) for line in _contents(step)]
    return Group(*lines)


def _contents(step: PlanStepView) -> Iterator[Text]:
    if step.waits_for:
        yield Text(f"waits for {', '.join(plain(name) for name in step.waits_for)}", style=BUSY)
    if step.overridden_by is not None:
        yield Text(f"skipped: {plain(step.overridden_by)} carries the same object later", style=HELD)
    for obj in step.objects:
        yield _object(obj)
    for reference in step.references:
        yield _reference(reference, step.namespace)


def _object(obj: PlanObjectView) -> Text:
    text = Text(plain(f"{obj.key.kind} {obj.key.name}"))
    notes = []
    if obj.mode is ApplyMode.CREATE:
        notes.append("created if absent, else left as it is")
    if obj.volume:
        notes.append("outlives the application")
    return text.append(f" ({'; '.join(notes)})", style=QUIET) if notes else text


def _reference(reference: Reference, namespace: str) -> Text:
    name = reference.name if reference.namespace == namespace else f"{reference.namespace}/{reference.name}"
    need = "uses, if it is there" if reference.optional else "needs, already there"
    return Text(f"{need}: {plain(reference.kind)} {plain(name)}", style=QUIET)


def _override(override: Override) -> Text:
    text = Text.assemble(f"{plain(str(override.key))}: ", (plain(override.winner), "bold"))
    text.append(f" ({plain(override.winner_path)})", style=QUIET).append(" overrides ")
    return text.append(plain(override.loser)).append(f" ({plain(override.loser_path)})", style=QUIET)
