"""`context`: the gateways that are known."""

from pathlib import Path

from rich.text import Text

from cli import context
from cli.context import Context
from cli.failures import ExitCode, Failure
from cli.render.layout import Rows
from cli.render.phases import GOOD, QUIET
from cli.render.text import plain
from cli.session import Session


def list_(session: Session) -> ExitCode:
    """Show all, never their tokens."""
    try:
        configuration = context.read(context.path(session.environment))
    except Failure as failure:
        return session.failed(failure)
    rows = Rows(("CURRENT", "NAME", "SERVER"))
    for name, each in sorted(configuration.contexts.items()):
        rows.add(Text("✓", style=GOOD) if name == configuration.current else "", plain(name), note=plain(each.server))
    nothing = Text("No contexts; `kubemin dev` or `kubemin context add` makes one.", style=QUIET)
    session.terminal.say(rows if configuration.contexts else nothing)
    return ExitCode.OK


def use(session: Session, name: str) -> ExitCode:
    """Make one current."""
    file = context.path(session.environment)
    try:
        configuration = context.chosen(context.read(file), name)
        context.write(file, configuration)
    except Failure as failure:
        return session.failed(failure)
    session.terminal.say(Text(f"{name}: {configuration.contexts[name].server}"))
    return ExitCode.OK


def add(session: Session, name: str, *, server: str, token_file: Path) -> ExitCode:
    """Add one, or replace it."""
    file = context.path(session.environment)
    try:
        new = Context(server=str(context.server_url(server)).rstrip("/"), token=context.read_token(token_file))
        context.write(file, context.added(context.read(file), name, new))
    except Failure as failure:
        return session.failed(failure)
    session.terminal.say(Text(f"{name}: {new.server} is in {file}"))
    return ExitCode.OK
