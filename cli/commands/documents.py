"""`apply`, `plan` and `convert`: every document by itself, and the worst of what became of them."""

import json
import sys
from collections.abc import Awaitable, Callable, Sequence

from rich.text import Text

from cli.client import Client
from cli.commands.following import wait
from cli.documents import Document, read_all
from cli.failures import CouldNotTell, ExitCode, Refused
from cli.locating import Lines
from cli.printing import show
from cli.render import changes, findings, plans, runs
from cli.render.phases import BAD, QUIET
from cli.session import Session
from shared.contracts.plan import Finding
from shared.contracts.views import PlanView

_Handle = Callable[[Document], Awaitable[ExitCode]]
_SEVERITY = (
    ExitCode.OK,
    ExitCode.CHANGES,
    ExitCode.FAILED,
    ExitCode.UNKNOWN,
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
)


async def apply(
    session: Session, client: Client, files: Sequence[str], *, strict: bool, waiting: bool, timeout_s: float
) -> ExitCode:
    """Send every document, then wait for all of their runs where that was asked for."""
    started: list[str] = []

    async def send(document: Document) -> ExitCode:
        session.interrupted = "Interrupted; `kubemin list` shows what was accepted."
        answer = await client.apply(document.text, strict=strict)
        result = answer.value
        app = result.application
        text = runs.accepted(app.namespace, app.name, app.generation, changed=result.changed)
        session.terminal.answer(answer.body, text)
        _warn(session, document, result.warnings)
        if result.run is not None and (result.changed or waiting):
            started.append(result.run)
        return ExitCode.OK

    code = await _each(session, files, send)
    if waiting and started:
        return max(code, await wait(session, client, started, timeout_s=timeout_s))
    for run in started:
        session.terminal.say(Text(f"kubemin watch {run}", style=QUIET))
    return code


async def plan(
    session: Session, client: Client, files: Sequence[str], *, strict: bool, diffs: bool, detailed: bool
) -> ExitCode:
    """Show what every document would do."""

    async def show(document: Document) -> ExitCode:
        answer = await client.plan(document.text, strict=strict)
        session.terminal.answer(answer.body, plans.plan(answer.value, _origin(document), diffs=diffs))
        return outcome(answer.value, detailed=detailed)

    return await _each(session, files, show)


def outcome(view: PlanView, *, detailed: bool) -> ExitCode:
    """Whether a cluster would refuse it; `detailed`: and whether it would change anything, as far as all say so."""
    if any(cluster.problems for cluster in view.clusters):
        return ExitCode.FAILED
    if not detailed:
        return ExitCode.OK
    if not all(cluster.compared for cluster in view.clusters):
        return ExitCode.UNKNOWN
    return ExitCode.CHANGES if changes.EFFECTS.intersection(changes.all_changes(view)) else ExitCode.OK


async def convert(session: Session, client: Client, files: Sequence[str], *, strict: bool) -> ExitCode:
    """Print every document as an OAM Application, secret values as they are in the file."""

    async def show(document: Document) -> ExitCode:
        answer = await client.convert(document.text, strict=strict)
        session.terminal.write(json.dumps(answer.value.document, ensure_ascii=False).encode())
        _warn(session, document, answer.value.warnings)
        return ExitCode.OK

    # A refusal among the documents would be taken for one of them by whoever reads them.
    return await _each(session, files, show, refusals=False)


async def _each(session: Session, files: Sequence[str], handle: _Handle, *, refusals: bool = True) -> ExitCode:
    documents = read_all(files, sys.stdin.buffer)
    worst = ExitCode.OK
    for number, document in enumerate(documents):
        try:
            worst = _worse(worst, await handle(document))
        except Refused as refused:
            if refusals and session.terminal.output != "table":
                session.terminal.write(refused.body)
            show(session.terminal.err, findings.problem(refused.problem, document.name, _origin(document)))
            worst = _worse(worst, refused.exit_code)
        except CouldNotTell as failure:
            # The others would meet the same; sending one again does no harm, for the same again changes nothing.
            session.terminal.err.print(
                Text.assemble((f"{document.name}: ", BAD), "what became of it is not known; sending it again is safe")
            )
            if left := len(documents) - number - 1:
                session.terminal.err.print(f"{left} more not sent")
            return _worse(worst, session.failed(failure))
    return worst


def _worse(left: ExitCode, right: ExitCode) -> ExitCode:
    return max(left, right, key=_SEVERITY.index)


def _warn(session: Session, document: Document, warnings: Sequence[Finding]) -> None:
    if warnings:
        session.terminal.say(findings.warnings(warnings, _origin(document)))


def _origin(document: Document) -> findings.Origin:
    return findings.Origin(document.source, Lines(document).line)
