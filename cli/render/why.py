"""The paragraph that answers "why?", under a status and at the end of a run."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from cli.render.explanation import SHOWN, Cause, Kind, causes
from cli.render.layout import indented
from cli.render.phases import BAD, HELD, QUIET, look, shown
from cli.render.text import counted, plain
from shared.contracts.phases import Reason, RunPhase
from shared.contracts.views import RunSummary, StepView

_NAMED = 5

_UNDER_WAY = {
    RunPhase.ACCEPTED: "accepted; the planner has not begun it yet",
    RunPhase.PREPARING: "its clusters check the plan; nothing is created before all have agreed",
    RunPhase.SUSPENDED: "suspended; it goes on when somebody resumes it",
}


def why(run: RunSummary | None, steps: Sequence[StepView], now: datetime) -> RenderableType | None:
    """Return what holds the run up or made it fail, and what is not well now; None where all is as it should be."""
    found = causes(steps, now)
    lines: list[RenderableType] = []
    if run is not None and (line := _of_run(run, found)) is not None:
        lines.append(line)
    several = len({step.cluster for step in steps}) > 1
    for cause in found[:SHOWN]:
        lines += _of_step(cause, several=several)
    if len(found) > SHOWN:
        lines.append(Text(f"and {counted(len(found) - SHOWN, 'more step')}", style=QUIET))
    return Group(*lines) if lines else None


def _of_run(run: RunSummary, found: Sequence[Cause]) -> RenderableType | None:
    if run.phase in _UNDER_WAY:
        sign, style = look(run.phase)
        said = run.message or run.reason
        under_way = _UNDER_WAY[run.phase] + (f" ({plain(said)})" if said else "")
        return Text.assemble((f"{sign} the run: ", style), under_way)
    # The steps themselves say it better.
    told_by_steps = run.reason is Reason.STEP_NOT_SUCCEEDED and any(cause.kind is Kind.BAD for cause in found)
    if not run.phase.terminal or run.phase is RunPhase.SUCCEEDED or told_by_steps:
        return None
    sign, style = look(run.phase)
    text = Text.assemble((f"{sign} the run: ", style), shown(run.phase, run.reason, icon=False))
    if more := _beyond(run.message, [cause.step for cause in found]):
        text.append(f": {more}")
    if run.phase is RunPhase.REJECTED:
        text.append("; nothing was created", style=QUIET)
    return text


def _beyond(message: str, steps: Sequence[StepView]) -> str:
    """What a run's message says that its steps, which it quotes, do not say themselves."""
    for step in steps:
        message = message.replace(f"{step.step} on {step.cluster}: {step.message}", "")
    return plain(message).strip("; ") if message.strip("; ") else ""


def _of_step(cause: Cause, *, several: bool) -> Iterator[RenderableType]:
    step = cause.step
    style = {Kind.BAD: BAD, Kind.UNHEALTHY: BAD, Kind.HELD: HELD}[cause.kind]
    sign = look(step.phase)[0] if cause.kind is not Kind.UNHEALTHY else "✗"
    head = Text.assemble((f"{sign} ", style), (plain(step.step), "bold"))
    if several:
        head.append(f" on {step.cluster}")
    head.append(": ")
    if cause.kind is Kind.UNHEALTHY:
        head.append("was delivered, and is not well now", style=style)
    else:
        head.append_text(shown(step.phase, step.reason, icon=False))
    yield head
    for detail in cause.details:
        yield indented(Text(detail), 4)
    if cause.blocked:
        names = ", ".join(plain(name) for name in cause.blocked[:_NAMED])
        more = f" and {len(cause.blocked) - _NAMED} more" if len(cause.blocked) > _NAMED else ""
        verb = "holds up" if cause.kind is Kind.HELD else "and so not run"
        yield indented(Text(f"{verb}: {names}{more}", style=QUIET), 4)
