"""`parked list`, `show`, `replay` and `drop`."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.text import Text

from cli.client import Client
from cli.failures import ExitCode
from cli.render import parked
from cli.render.phases import QUIET
from cli.session import Session

_CODES = {"handled": ExitCode.OK, "refused": ExitCode.FAILED, "postponed": ExitCode.UNKNOWN}


async def list_(session: Session, client: Client, *, consumer: str | None) -> ExitCode:
    """Show all messages that were set aside."""
    answer = await client.parked_messages(consumer=consumer)
    items = answer.value.items
    nothing = Text("Nothing is parked.", style=QUIET)
    session.terminal.answer(answer.body, parked.listed(items, datetime.now(UTC)) if items else nothing)
    return ExitCode.OK


async def show(session: Session, client: Client, number: int) -> ExitCode:
    """Show one with everything that it holds."""
    answer = await client.parked_message(number)
    session.terminal.answer(answer.body, parked.shown(answer.value, datetime.now(UTC)))
    return ExitCode.OK


async def replay(session: Session, client: Client, numbers: Sequence[int]) -> ExitCode:
    """Have each taken again; returns the worst of what came of them."""
    codes = [ExitCode.OK]
    for number in numbers:
        answer = await client.replay(number)
        session.terminal.answer(answer.body, parked.replayed(number, answer.value))
        codes.append(_CODES[answer.value.outcome])
    return max(codes)


async def drop(session: Session, client: Client, numbers: Sequence[int]) -> ExitCode:
    """Remove each for good."""
    for number in numbers:
        answer = await client.drop(number)
        session.terminal.answer(answer.body, Text(f"{number} is dropped"))
    return ExitCode.OK
