"""`cancel`."""

from rich.text import Text

from cli import names
from cli.client import Client
from cli.commands.following import wait
from cli.failures import ExitCode, UsageProblem
from cli.render.phases import QUIET
from cli.render.text import plain
from cli.session import Session
from shared.contracts.api import REASON_CHARACTERS, CancelRequest
from shared.contracts.identity import RunId
from shared.contracts.phases import RunPhase


async def cancel(
    session: Session,
    client: Client,
    name: str,
    run: str | None,
    reason: str,
    *,
    namespace: str | None,
    waiting: bool,
    timeout_s: float,
) -> ExitCode:
    """Ask for the end of a run; only ever in the namespace that was named, or the default one."""
    chosen, name = names.application(name, namespace)
    if len(reason) > REASON_CHARACTERS:
        raise UsageProblem(f"the reason has {len(reason)} characters", f"At most {REASON_CHARACTERS} are taken.")
    wanted = CancelRequest(run=None if run is None else RunId(names.run(run)), reason=reason)
    session.interrupted = "Interrupted; `kubemin status` shows whether the run was cancelled."
    answer = await client.cancel(chosen or names.DEFAULT_NAMESPACE, name, wanted)
    app, cancelled = answer.value.application, answer.value.run
    said = "is being cancelled" if answer.value.changed else "is being cancelled already"
    where = Text.assemble((f"{app.namespace}/{app.name}", "bold"), f": run {plain(str(cancelled))} {said}")
    session.terminal.answer(answer.body, where)
    if waiting and cancelled is not None:
        return await wait(session, client, [cancelled], timeout_s=timeout_s, wanted=RunPhase.CANCELLED)
    if cancelled is not None:
        session.terminal.say(Text(f"kubemin watch {cancelled}", style=QUIET))
    return ExitCode.OK
