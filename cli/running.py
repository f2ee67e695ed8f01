"""What the commands share: options, and how one runs."""
# ruff: noqa: PLC0415 - as in `cli.app`

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.outputs import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from cli.client import Client
    from cli.failures import ExitCode
    from cli.session import Session

EPILOG = "--server, --token-file and --context may stand anywhere; `kubemin --help` has them."
AnswerForm = Annotated[Output, typer.Option("-o", "--output", help="json: exactly what the gateway answers.")]


def run(
    ctx: typer.Context,
    output: StrEnum,
    work: "Callable[[Session, Client], Coroutine[Any, Any, ExitCode]]",
) -> None:
    """Run a command that talks to the gateway, and exit with its code."""
    opened = session(ctx, output)
    raise typer.Exit(opened.run(lambda client: work(opened, client)))


def session(ctx: typer.Context, output: StrEnum = Output.TABLE) -> "Session":
    """Make the session of a command."""
    from cli.context import Options
    from cli.session import Session
    from cli.terminal import Terminal

    return Session(options=Options(**ctx.obj), environment=dict(os.environ), terminal=Terminal(output.value))
