"""`clusters` and `clusters rotate-key`."""

from rich.text import Text

from cli.client import Client
from cli.failures import ExitCode
from cli.render import clusters
from cli.render.phases import QUIET
from cli.session import Session


async def list_(session: Session, client: Client) -> ExitCode:
    """Show the registered clusters."""
    answer = await client.clusters()
    nothing = Text("No clusters; an administrator registers them with `kubemin-admin`.", style=QUIET)
    session.terminal.answer(answer.body, clusters.listed(answer.value.items) if answer.value.items else nothing)
    return ExitCode.OK


async def rotate_key(session: Session, client: Client, name: str) -> ExitCode:
    """Take up the newest sealing key that a cluster holds."""
    answer = await client.rotate_key(name)
    session.terminal.answer(answer.body, clusters.rotated(answer.value))
    return ExitCode.OK
