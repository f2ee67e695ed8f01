"""The command line: commands, options and help texts.

Each command imports its work when it runs, so that `--help` and completion need not wait for an HTTP client.
"""
# ruff: noqa: PLC0415, FBT002, PLR0913, PLR0917 - imports: see above; parameters are how typer declares options

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli.outputs import DocumentOutput, Output, PlanOutput
from cli.parked_group import parked
from cli.running import EPILOG, AnswerForm, run, session
from shared.contracts.kinds import TypeKind

_GLOBAL = ("--server", "--token-file", "--context")
_OUR_OPTIONS_END_AT = ("dev", "--")

app = typer.Typer(
    name="kubemin",
    help="Delivers whole applications to Kubernetes, and says why they are pending, stuck or failed.",
    epilog="Exit codes: 0 done, 1 refused or failed, 2 could not tell, 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
clusters = typer.Typer(help="List the clusters and how their agents are; or do something with one.")
app.add_typer(clusters, name="clusters")
contexts = typer.Typer(help="Which gateway is talked to.", no_args_is_help=True)
app.add_typer(contexts, name="context")
app.add_typer(parked, name="parked")


def duration(text: str) -> float:
    """Read a duration, in seconds."""
    from cli.durations import parse_s

    try:
        return parse_s(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


Files = Annotated[
    list[str],
    typer.Option("-f", "--file", help="A file, a directory, or - for standard input; repeatable.", metavar="PATH"),
]
Namespace = Annotated[str | None, typer.Option("-n", "--namespace", help="The application's namespace.")]
Wait = Annotated[bool, typer.Option("--wait", help="Show progress until it has ended.")]
Timeout = Annotated[
    float, typer.Option(parser=duration, metavar="TIME", help="How long to wait, such as 90s, 10m or 1h.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse documents for what is otherwise only warned of.")]

Diff = Annotated[bool, typer.Option("--diff", help="Show what would change in each object, line by line.")]
DetailedExitcode = Annotated[
    bool,
    typer.Option("--detailed-exitcode", help="Exit with 3 where something would change, 2 if not all is known."),
]


@app.callback()
def options(
    ctx: typer.Context,
    server: Annotated[
        str | None, typer.Option(help="Address of the gateway (or KUBEMIN_SERVER).", metavar="URL")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token for it (or KUBEMIN_TOKEN).", metavar="FILE")
    ] = None,
    context: Annotated[str | None, typer.Option(help="Another context than the current one.", metavar="NAME")] = None,
) -> None:
    """Keep what all commands share."""
    ctx.obj = {"server": server, "token_file": token_file, "context": context}


@app.command(epilog=EPILOG)
def apply(
    ctx: typer.Context,
    file: Files,
    strict: Strict = False,
    wait: Wait = False,
    timeout: Timeout = "1h",  # type: ignore[assignment] # read by `duration`
    output: AnswerForm = Output.TABLE,
) -> None:
    """Deliver applications: create them, or bring them to what the documents say now."""
    from cli.commands import documents

    run(ctx, output, lambda s, c: documents.apply(s, c, file, strict=strict, waiting=wait, timeout_s=timeout))


@app.command(epilog=EPILOG)
def plan(
    ctx: typer.Context,
    file: Files,
    strict: Strict = False,
    diff: Diff = False,
    detailed_exitcode: DetailedExitcode = False,
    output: Annotated[PlanOutput, typer.Option("-o", "--output", help="json: exactly the gateway's.")] = (
        PlanOutput.TABLE
    ),
) -> None:
    """Show what documents would do, and do nothing. Exit code: 0 accepted, 1 would be refused, 2 could not tell."""
    from cli.commands import documents

    run(
        ctx,
        output,
        lambda s, c: documents.plan(s, c, file, strict=strict, diffs=diff, detailed=detailed_exitcode),
    )


@app.command(epilog=EPILOG)
def convert(
    ctx: typer.Context,
    file: Files,
    strict: Strict = False,
    output: Annotated[DocumentOutput, typer.Option("-o", "--output", help="The form of the documents.")] = (
        DocumentOutput.YAML
    ),
) -> None:
    """Print documents in KubeMin-Cli's JSON dialect as OAM Applications, with their secret values."""
    from cli.commands import documents

    run(ctx, output, lambda s, c: documents.convert(s, c, file, strict=strict))


@app.command("list", epilog=EPILOG)
def list_(
    ctx: typer.Context,
    namespace: Annotated[str | None, typer.Option("-n", "--namespace", help="Only this namespace.")] = None,
    phase: Annotated[
        list[str] | None, typer.Option(help="Active, Deleting or Deleted; repeatable (the first two unless given).")
    ] = None,
    output: AnswerForm = Output.TABLE,
) -> None:
    """List applications and how they are."""
    from cli.commands import applications

    run(ctx, output, lambda s, c: applications.list_(s, c, namespace=namespace, phases=phase or ()))


@app.command(epilog=EPILOG)
def status(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="APP", help="Its name, or namespace/name.")],
    namespace: Namespace = None,
    tree: Annotated[bool, typer.Option("--tree", help="Down to objects and pods.")] = False,
    output: AnswerForm = Output.TABLE,
) -> None:
    """Show how an application is, and why."""
    from cli.commands import applications

    run(ctx, output, lambda s, c: applications.status(s, c, name, namespace=namespace, tree=tree))


@clusters.callback(invoke_without_command=True, epilog=EPILOG)
def list_clusters(ctx: typer.Context, output: AnswerForm = Output.TABLE) -> None:
    """List the clusters and how their agents are; with a command, do something with one."""
    if ctx.invoked_subcommand is None:
        from cli.commands import clusters as commands

        run(ctx, output, commands.list_)


@clusters.command("rotate-key", epilog=EPILOG)
def rotate_key(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="CLUSTER", help="As `kubemin clusters` shows it.")],
    output: AnswerForm = Output.TABLE,
) -> None:
    """Seal secret values for the newest key of a cluster from now on; what was sealed before still opens there."""
    from cli.commands import clusters as commands

    run(ctx, output, lambda s, c: commands.rotate_key(s, c, name))


Kind = Annotated[
    TypeKind | None, typer.Option("--kind", help="Only types that stand there in a document.", show_choices=True)
]


@app.command(epilog=EPILOG)
def types(ctx: typer.Context, kind: Kind = None, output: AnswerForm = Output.TABLE) -> None:
    """List the types of components, traits and policies that documents can use."""
    from cli.commands import catalogue

    run(ctx, output, lambda s, c: catalogue.list_types(s, c, kind=kind))


@app.command(epilog=EPILOG)
def explain(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="TYPE[.FIELD...]", help="Such as webservice or webservice.ports.")],
    kind: Kind = None,
    output: AnswerForm = Output.TABLE,
) -> None:
    """Describe a type or a field of its properties: meaning, type, default, what is needed."""
    from cli.commands import catalogue

    run(ctx, output, lambda s, c: catalogue.explain(s, c, path, kind=kind))


@app.command(epilog=EPILOG)
def watch(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, as `apply` and `status` show it.")],
    timeout: Timeout = "1h",  # type: ignore[assignment] # read by `duration`
    output: AnswerForm = Output.TABLE,
) -> None:
    """Follow a run to its end. Exit code: 0 succeeded, 1 failed, 2 could not tell."""
    from cli.commands import following

    run(ctx, output, lambda s, c: following.watch(s, c, id_, timeout_s=timeout))


@app.command(epilog=EPILOG)
def revisions(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="APP", help="Its name, or namespace/name.")],
    namespace: Namespace = None,
    output: AnswerForm = Output.TABLE,
) -> None:
    """List the generations that an application can be rolled back to."""
    from cli.commands import revisions as commands

    run(ctx, output, lambda s, c: commands.list_(s, c, name, namespace=namespace))


@app.command(epilog=EPILOG)
def rollback(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="APP", help="Its name, or namespace/name.")],
    to: Annotated[int, typer.Option("--to", metavar="GENERATION", min=1, help="As `kubemin revisions` shows it.")],
    namespace: Namespace = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what it would do, as `kubemin plan`, and do nothing.")
    ] = False,
    diff: Diff = False,
    detailed_exitcode: DetailedExitcode = False,
    wait: Wait = False,
    timeout: Timeout = "1h",  # type: ignore[assignment] # read by `duration`
    output: AnswerForm = Output.TABLE,
) -> None:
    """Deliver an earlier generation of an application again, as a new one."""
    from cli.commands import revisions as commands

    if dry_run and wait:
        raise typer.BadParameter("--wait and --dry-run exclude each other: there is nothing to wait for")
    if (diff or detailed_exitcode) and not dry_run:
        raise typer.BadParameter("--diff and --detailed-exitcode are for --dry-run")
    if dry_run:
        run(
            ctx,
            output,
            lambda s, c: commands.plan_rollback(
                s, c, name, to, namespace=namespace, diffs=diff, detailed=detailed_exitcode
            ),
        )
        return
    run(
        ctx,
        output,
        lambda s, c: commands.rollback(s, c, name, to, namespace=namespace, waiting=wait, timeout_s=timeout),
    )


@app.command(epilog=EPILOG)
def cancel(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="APP", help="Its name, or namespace/name.")],
    run_: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Only if this is the newest run, as `status` shows it.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Told with the run.")] = "",
    namespace: Namespace = None,
    wait: Wait = False,
    timeout: Timeout = "1h",  # type: ignore[assignment] # read by `duration`
    output: AnswerForm = Output.TABLE,
) -> None:
    """End the run that is under way: its tasks are deleted, what was applied else stays."""
    from cli.commands import cancelling

    run(
        ctx,
        output,
        lambda s, c: cancelling.cancel(s, c, name, run_, reason, namespace=namespace, waiting=wait, timeout_s=timeout),
    )


@app.command(epilog=EPILOG)
def delete(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="APP", help="Its name, or namespace/name.")],
    namespace: Namespace = None,
    wait: Wait = False,
    timeout: Timeout = "1h",  # type: ignore[assignment] # read by `duration`
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; only a terminal is asked anyway.")] = False,
    output: AnswerForm = Output.TABLE,
) -> None:
    """Delete an application and all that is its own, except volumes."""
    from cli.commands import applications

    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        typer.confirm(f"Delete {name} with all that is its own, except volumes?", abort=True, err=True)
    run(
        ctx,
        output,
        lambda s, c: applications.delete(s, c, name, namespace=namespace, waiting=wait, timeout_s=timeout),
    )


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def dev(ctx: typer.Context) -> None:
    """Run all of KubeMin on this machine until Ctrl-C (`kubemin dev --help` has its options)."""
    from cli.commands import development

    development.hand_over(session(ctx), ctx.args)


@app.command()
def version() -> None:
    """Say which version this is."""
    from importlib import metadata

    try:
        print(f"kubemin {metadata.version('kubemin')}")
    except metadata.PackageNotFoundError:
        print("kubemin from its sources, not installed")


@contexts.command("list")
def list_contexts(ctx: typer.Context) -> None:
    """List the known gateways."""
    from cli.commands import contexts as commands

    raise typer.Exit(commands.list_(session(ctx)))


@contexts.command("use")
def use_context(ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Talk to this one from now on."""
    from cli.commands import contexts as commands

    raise typer.Exit(commands.use(session(ctx), name))


@contexts.command("add")
def add_context(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    server: Annotated[str, typer.Option(help="Address of the gateway.", metavar="URL")],
    token_file: Annotated[Path, typer.Option(help="File with the token for it.", metavar="FILE")],
) -> None:
    """Keep a gateway's address and token under a name."""
    from cli.commands import contexts as commands

    raise typer.Exit(commands.add(session(ctx), name, server=server, token_file=token_file))


def main() -> None:
    """Run the command; the entry point `kubemin`."""
    app(args=hoisted(sys.argv[1:]), prog_name="kubemin")


def hoisted(arguments: Sequence[str]) -> list[str]:
    """Bring the options of all commands before the command, where the parser looks for them."""
    front: list[str] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        name, equals, _ = word.partition("=")
        if word in _OUR_OPTIONS_END_AT or (word == "add" and rest == ["context"]):
            return [*front, *rest, word, *waiting]
        if name not in _GLOBAL:
            rest.append(word)
        elif equals or not waiting:
            front.append(word)
        else:
            front += [word, waiting.pop(0)]
    return [*front, *rest]
