"""`list`, `status` and `delete`."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.text import Text

from cli import names
from cli.client import Answer, Client
from cli.commands.following import wait
from cli.failures import ExitCode, Failure, Refused, UsageProblem
from cli.render import applications
from cli.render.phases import QUIET
from cli.session import Session
from shared.contracts.views import ApplicationView

_NOT_THERE = (403, 404)


class NotThere(Failure):
    """There is no such application where one looked, but elsewhere."""

    exit_code = ExitCode.FAILED


async def list_(session: Session, client: Client, *, namespace: str | None, phases: Sequence[str]) -> ExitCode:
    """Show all applications of a namespace, or of all that the token is good for."""
    if namespace is not None:
        names.check_namespace(namespace)
    answer = await client.applications(namespace=namespace, phases=phases)
    items = answer.value.items
    where = f" in namespace {namespace}" if namespace else ""
    nothing = Text(f"No applications{where}; `kubemin apply -f FILE` makes one.", style=QUIET)
    session.terminal.answer(answer.body, applications.listed(items, datetime.now(UTC)) if items else nothing)
    return ExitCode.OK


async def status(session: Session, client: Client, name: str, *, namespace: str | None, tree: bool) -> ExitCode:
    """Show one application."""
    namespace, name = names.application(name, namespace)
    if session.terminal.output != "table":
        session.terminal.write((await _found(client, namespace, name)).body)
        return ExitCode.OK
    found = await _found(client, namespace, name)
    known = {cluster.name: cluster for cluster in (await client.clusters()).value.items}
    session.terminal.say(applications.status(found.value, known, datetime.now(UTC), tree=tree))
    return ExitCode.OK


async def delete(
    session: Session, client: Client, name: str, *, namespace: str | None, waiting: bool, timeout_s: float
) -> ExitCode:
    """Ask for a deletion; only ever in the namespace that was named, or the default one."""
    chosen, name = names.application(name, namespace)
    session.interrupted = "Interrupted; `kubemin list` shows whether it is being deleted."
    try:
        answer = await client.delete(chosen or names.DEFAULT_NAMESPACE, name)
    except Refused as refused:
        if chosen is None and refused.problem.status in _NOT_THERE and (elsewhere := await _where(client, name)):
            raise NotThere(
                f"there is no application {names.DEFAULT_NAMESPACE}/{name}",
                f"There is one in namespace {', '.join(elsewhere)}: say which with -n.",
            ) from refused
        raise
    app, run = answer.value.application, answer.value.run
    said = "is being deleted" if answer.value.changed else "is being deleted already"
    session.terminal.answer(answer.body, Text.assemble((f"{app.namespace}/{app.name}", "bold"), f" {said}"))
    if waiting and run is not None:
        return await wait(session, client, [run], timeout_s=timeout_s)
    if run is not None:
        session.terminal.say(Text(f"kubemin watch {run}", style=QUIET))
    return ExitCode.OK


async def _found(client: Client, namespace: str | None, name: str) -> Answer[ApplicationView]:
    """Read it where it was said to be; else in the default namespace, else in the only one that has it."""
    try:
        return await client.application(namespace or names.DEFAULT_NAMESPACE, name)
    except Refused as refused:
        if namespace is not None or refused.problem.status not in _NOT_THERE:
            raise
        found = await _where(client, name)
        if not found:
            raise NotThere(
                f"there is no application {name!r} in any of your namespaces", "`kubemin list` shows what there is."
            ) from refused
        if len(found) > 1:
            raise UsageProblem(
                f"there is an application {name!r} in each of {', '.join(found)}", "Say which with -n."
            ) from refused
        return await client.application(found[0], name)


async def _where(client: Client, name: str) -> list[str]:
    page = await client.applications()
    return sorted(app.namespace for app in page.value.items if app.name == name)
