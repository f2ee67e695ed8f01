"""`kubemin parked …`: commands, options and help texts, as in `cli.app`."""
# ruff: noqa: PLC0415, FBT002 - as in `cli.app`

import sys
from typing import Annotated

import typer

from cli.outputs import Output
from cli.running import EPILOG, AnswerForm, run

parked = typer.Typer(
    help="Messages that could not be taken and were set aside; for administrators.", no_args_is_help=True
)
Numbers = Annotated[list[int], typer.Argument(metavar="NUMBER...", min=1, help="As `kubemin parked list` shows them.")]


@parked.command("list", epilog=EPILOG)
def list_parked(
    ctx: typer.Context,
    consumer: Annotated[
        str | None, typer.Option(help="Only what this one set aside, such as planner-facts.", metavar="NAME")
    ] = None,
    output: AnswerForm = Output.TABLE,
) -> None:
    """List them, the oldest first."""
    from cli.commands import parked as commands

    run(ctx, output, lambda s, c: commands.list_(s, c, consumer=consumer))


@parked.command("show", epilog=EPILOG)
def show_parked(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="As `kubemin parked list` shows it.")],
    output: AnswerForm = Output.TABLE,
) -> None:
    """Show one with all that it holds."""
    from cli.commands import parked as commands

    run(ctx, output, lambda s, c: commands.show(s, c, number))


@parked.command("replay", epilog=EPILOG)
def replay_parked(ctx: typer.Context, number: Numbers, output: AnswerForm = Output.TABLE) -> None:
    """Have the consumer take it again. Exit code: 0 handled, 1 refused again, 2 could not tell."""
    from cli.commands import parked as commands

    run(ctx, output, lambda s, c: commands.replay(s, c, number))


@parked.command("drop", epilog=EPILOG)
def drop_parked(
    ctx: typer.Context,
    number: Numbers,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; only a terminal is asked anyway.")] = False,
    output: AnswerForm = Output.TABLE,
) -> None:
    """Remove it for good."""
    from cli.commands import parked as commands

    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        typer.confirm(f"Drop {', '.join(map(str, number))} for good?", abort=True, err=True)
    run(ctx, output, lambda s, c: commands.drop(s, c, number))
