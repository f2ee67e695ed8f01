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
from cli.render import findings, plans, runs
from cli.render.phases import BAD, QUIET
from cli.session import Session
from shared.contracts.plan import Finding

_Handle = Callable[[Document], Awaitable[None]]


async def apply(
    session: Session, client: Client, files: Sequence[str], *, strict: bool, waiting: bool, timeout_s: float
) -> ExitCode:
    """Send every document, then wait for all of their runs where that was asked for."""
    started: list[str] = []

    async def send(document: Document) -> None:
        session.interrupted = "Interrupted; `kubemin list` shows what was accepted."
        answer = await client.apply(document.text, strict=strict)
        result = answer.value
        app = result.application
        text = runs.accepted(app.namespace, app.name, app.generation, changed=result.changed)
        session.terminal.answer(answer.body, text)
        _warn(session, document, result.warnings)
        if result.run is not None and (result.changed or waiting):
            started.append(result.run)

    code = await _each(session, files, send)
    if waiting and started:
        return max(code, await wait(session, client, started, timeout_s=timeout_s))
    for run in started:
        session.terminal.say(Text(f"kubemin watch {run}", style=QUIET))
    return code


async def plan(session: Session, client: Client, files: Sequence[str], *, strict: bool) -> ExitCode:
    """Show what every document would do."""

    async def show(document: Document) -> None:
        answer = await client.plan(document.text, strict=strict)
        session.terminal.answer(answer.body, plans.plan(answer.value, _origin(document)))

    return await _each(session, files, show)


async def convert(session: Session, client: Client, files: Sequence[str], *, strict: bool) -> ExitCode:
    """Print every document as an OAM Application, secret values as they are in the file."""

    async def show(document: Document) -> None:
        answer = await client.convert(document.text, strict=strict)
        session.terminal.write(json.dumps(answer.value.document, ensure_ascii=False).encode())
        _warn(session, document, answer.value.warnings)

    # A refusal among the documents would be taken for one of them by whoever reads them.
    return await _each(session, files, show, refusals=False)


async def _each(session: Session, files: Sequence[str], handle: _Handle, *, refusals: bool = True) -> ExitCode:
    documents = read_all(files, sys.stdin.buffer)
    worst = ExitCode.OK
    for number, document in enumerate(documents):
        try:
            await handle(document)
        except Refused as refused:
            if refusals and session.terminal.output != "table":
                session.terminal.write(refused.body)
            show(session.terminal.err, findings.problem(refused.problem, document.name, _origin(document)))
            worst = max(worst, refused.exit_code)
        except CouldNotTell as failure:
            # The others would meet the same; sending one again does no harm, for the same again changes nothing.
            session.terminal.err.print(
                Text.assemble((f"{document.name}: ", BAD), "what became of it is not known; sending it again is safe")
            )
            if left := len(documents) - number - 1:
                session.terminal.err.print(f"{left} more not sent")
            return max(worst, session.failed(failure))
    return worst


def _warn(session: Session, document: Document, warnings: Sequence[Finding]) -> None:
    if warnings:
        session.terminal.say(findings.warnings(warnings, _origin(document)))


def _origin(document: Document) -> findings.Origin:
    return findings.Origin(document.source, Lines(document).line)
