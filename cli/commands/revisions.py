"""`revisions` and `rollback`, and what a rollback would do."""

from datetime import UTC, datetime

from rich.text import Text

from cli import names
from cli.client import Client
from cli.commands.documents import outcome
from cli.commands.following import wait
from cli.failures import ExitCode
from cli.render import plans, revisions, runs
from cli.render.phases import QUIET
from cli.session import Session


async def list_(session: Session, client: Client, name: str, *, namespace: str | None) -> ExitCode:
    """Show what an application can be rolled back to."""
    chosen, name = names.application(name, namespace)
    answer = await client.revisions(chosen or names.DEFAULT_NAMESPACE, name)
    session.terminal.answer(answer.body, revisions.listed(answer.value.items, datetime.now(UTC)))
    return ExitCode.OK


async def plan_rollback(
    session: Session,
    client: Client,
    name: str,
    generation: int,
    *,
    namespace: str | None,
    diffs: bool,
    detailed: bool,
) -> ExitCode:
    """Show what asking for an earlier generation again would do."""
    chosen, name = names.application(name, namespace)
    answer = await client.plan_rollback(chosen or names.DEFAULT_NAMESPACE, name, generation)
    session.terminal.answer(answer.body, plans.plan(answer.value, diffs=diffs))
    return outcome(answer.value, detailed=detailed)


async def rollback(
    session: Session,
    client: Client,
    name: str,
    generation: int,
    *,
    namespace: str | None,
    waiting: bool,
    timeout_s: float,
) -> ExitCode:
    """Ask for an earlier generation again; only ever in the namespace that was named, or the default one."""
    chosen, name = names.application(name, namespace)
    session.interrupted = "Interrupted; `kubemin revisions` shows whether it was rolled back."
    answer = await client.rollback(chosen or names.DEFAULT_NAMESPACE, name, generation)
    result = answer.value
    app = result.application
    text = runs.accepted(app.namespace, app.name, app.generation, changed=result.changed)
    if result.changed:
        text.append(f", as generation {generation} was")
    session.terminal.answer(answer.body, text)
    if waiting and result.run is not None:
        return await wait(session, client, [result.run], timeout_s=timeout_s)
    if result.run is not None and result.changed:
        session.terminal.say(Text(f"kubemin watch {result.run}", style=QUIET))
    return ExitCode.OK
