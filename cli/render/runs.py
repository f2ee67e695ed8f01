"""A run while it goes on, line by line or as a picture that changes, and how it ended."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.render.applications import ready, said, since, steps_table
from cli.render.explanation import Key, explained
from cli.render.layout import indented
from cli.render.phases import BAD, HELD, QUIET, shown
from cli.render.text import counted, plain, seconds_between
from cli.render.why import why
from shared.contracts.identity import RunId
from shared.contracts.phases import RunPhase, StepPhase
from shared.contracts.runs import Action
from shared.contracts.views import RunView, StepView

_AT_WORK = (StepPhase.APPLYING, StepPhase.QUEUED, StepPhase.PENDING, StepPhase.RUNNING)
_NOT_WELL = (StepPhase.FAILED, StepPhase.REJECTED, StepPhase.ERROR, StepPhase.TIMED_OUT, StepPhase.CANCELLED)
_DONE = (StepPhase.SUCCEEDED, StepPhase.SKIPPED)


def accepted(namespace: str, name: str, generation: int, *, changed: bool) -> Text:
    """What became of a document."""
    text = Text.assemble((f"{namespace}/{name}", "bold"), " ")
    if not changed:
        return text.append(f"unchanged (generation {generation})", style=QUIET)
    return text.append(f"{'created' if generation == 1 else 'updated'} (generation {generation})")


def changes(before: RunView | None, after: RunView, *, prefix: str = "") -> Iterator[Text]:
    """A line for the run and for every step that reads otherwise than before."""
    if before is None or (before.phase, before.reason) != (after.phase, after.reason):
        line = Text.assemble(prefix, f"{after.action} ", shown(after.phase, after.reason, icon=False))
        # How it ended is told at length when nothing follows.
        yield line if after.phase.terminal or not after.message else line.append(f": {plain(after.message)}")
    old = _by_key(before.steps) if before is not None else {}
    new = _by_key(after.steps)
    several = len({step.cluster for step in after.steps}) > 1
    for key, step in new.items():
        if step is old.get(key):
            continue
        words = _words(step, new)
        was = old.get(key)
        if words != (_words(was, old) if was is not None else None) and not _is_news_of_nothing(step, was):
            where = f"{prefix}{step.cluster}/" if several else prefix
            yield Text.assemble(f"{where}{plain(step.step)} ", words)


def progress(run: RunView, note: str, trouble: str, now: datetime, *, rows: int) -> RenderableType:
    """The run as it is now, in at most about that many lines."""
    parts: list[RenderableType] = [_head(run, now)]
    if note:
        parts.append(Text(f"  {plain(note)}", style=HELD))
    if trouble:
        parts.append(Text(f"  {plain(trouble)}; trying again …", style=BAD))
    if run.steps:
        parts.append(Padding(_picture(run.steps, now, max(3, rows - len(parts) - 1)), (0, 0, 0, 2)))
    return Group(*parts)


def awaited(run: RunId | str, trouble: str) -> RenderableType:
    """What to show before anything is known."""
    text = Text(f"run {run} …", style=QUIET)
    return text.append(f"  {plain(trouble)}; trying again …", style=BAD) if trouble else text


def ended(run: RunView, now: datetime, *, steps: bool) -> RenderableType:
    """How it ended, and why where it did not end well."""
    parts: list[RenderableType] = []
    told = explained(run.steps, now) if run.phase is not RunPhase.SUCCEEDED else frozenset()
    if steps and run.steps:
        parts += [indented(steps_table(run.steps, now, told), 2), ""]
    taken = seconds_between(run.accepted_at, run.ended_at or now)
    action = "delete " if run.action is Action.DELETE else ""
    line = Text.assemble((f"{run.namespace}/{run.name}", "bold"), f" {action}", shown(run.phase, run.reason))
    parts.append(line.append(f" after {taken}", style=QUIET))
    if run.phase is RunPhase.SUCCEEDED and run.action is Action.DELETE:
        parts.append(Text("  Everything that was its own is gone; volumes are kept.", style=QUIET))
    reasons = why(run, run.steps, now) if run.phase is not RunPhase.SUCCEEDED else None
    if reasons is not None:
        parts.append(indented(reasons, 2))
    return Group(*parts)


def _head(run: RunView, now: datetime) -> Text:
    head = Text.assemble((f"{run.namespace}/{run.name}", "bold"), f"  {run.action} ", shown(run.phase, run.reason))
    done = sum(step.phase.terminal for step in run.steps)
    counts = f"{done}/{counted(len(run.steps), 'step')}  " if run.steps else ""
    return head.append(f"  {counts}{seconds_between(run.accepted_at, run.ended_at or now)}", style=QUIET)


def _picture(steps: Sequence[StepView], now: datetime, rows: int) -> RenderableType:
    """All steps where there is room, else those that matter, and a count of the others."""
    by_key = _by_key(steps)
    chosen = list(steps) if len(steps) <= rows else _most_telling(steps, rows - 1)
    several = len({step.cluster for step in steps}) > 1
    lines = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), expand=True)
    for _ in range(4):
        lines.add_column(no_wrap=True)
    lines.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for step in chosen:
        name = f"{step.cluster}/{plain(step.step)}" if several else plain(step.step)
        message = Text(said(step, by_key), style=QUIET if step.phase is StepPhase.WAITING else "")
        lines.add_row(name, shown(step.phase, step.reason), ready(step), since(step, now), message)
    left_out = len(steps) - len(chosen)
    return Group(lines, Text(f"and {counted(left_out, 'more step')}", style=QUIET)) if left_out else lines


def _most_telling(steps: Sequence[StepView], rows: int) -> list[StepView]:
    ranks = {
        **dict.fromkeys(_NOT_WELL, 0),
        **dict.fromkeys(_AT_WORK, 1),
        StepPhase.WAITING: 2,
        **dict.fromkeys(_DONE, 3),
    }
    places = sorted(range(len(steps)), key=lambda place: (ranks[steps[place].phase], place))[:rows]
    return [steps[place] for place in sorted(places)]


def _words(step: StepView, steps: Mapping[Key, StepView]) -> Text:
    text = shown(step.phase, step.reason, icon=False)
    message = said(step, steps) if step.phase is not StepPhase.WAITING or step.reason else ""
    if not message and step.progress.desired and not step.phase.terminal:
        message = f"{ready(step)} ready"
    return text.append(f": {message}") if message else text


def _is_news_of_nothing(step: StepView, was: StepView | None) -> bool:
    return was is None and step.phase is StepPhase.WAITING and not step.reason


def _by_key(steps: Sequence[StepView]) -> dict[Key, StepView]:
    return {(step.cluster, step.step): step for step in steps}
