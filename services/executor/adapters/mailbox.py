"""From the cluster's mailbox to the handlers."""

from typing import Protocol

from pydantic import TypeAdapter

from shared.bus import Delivery, decode
from shared.bus.messages import UNKNOWN_TYPE, UNKNOWN_VALUE
from shared.contracts.commands import COMMAND, ApplyStep, CommandHeader, PrepareRun, PruneObjects
from shared.contracts.envelope import Envelope
from shared.contracts.versions import VERSION
from shared.errors import Rejected

_HEADER: TypeAdapter[CommandHeader] = TypeAdapter(CommandHeader)


class Handling(Protocol):
    """What carries commands out."""

    async def handle(self, command: PrepareRun | ApplyStep | PruneObjects) -> None:
        """Carry one out and state the answer; raises Retryable."""
        ...

    async def unsupported(self, header: CommandHeader, message: str) -> None:
        """Answer one that this build does not understand; raises Retryable."""
        ...


class Mailbox:
    """Reads commands; the bus has compared their identity with the subject and parks what is Rejected."""

    def __init__(self, handling: Handling) -> None:
        self._handling = handling

    async def command(self, _delivery: Delivery, envelope: Envelope) -> None:
        """Handle one message."""
        try:
            command = decode(COMMAND, envelope)
        except Rejected as rejected:
            if rejected.reason not in (UNKNOWN_TYPE, UNKNOWN_VALUE):
                raise
            await self._handling.unsupported(_header(envelope), f"the executor does not know all of it: {rejected}")
            return
        await self._handling.handle(command)

    async def newer(self, _delivery: Delivery, envelope: Envelope) -> None:
        """Handle one of a later version."""
        message = f"the executor speaks version {VERSION} of the commands, not {envelope.version}: it has to be updated"
        await self._handling.unsupported(_header(envelope), message)


def _header(envelope: Envelope) -> CommandHeader:
    """What every command says, now and later."""
    known = {name: envelope.data[name] for name in CommandHeader.model_fields if name in envelope.data}
    return decode(_HEADER, envelope.model_copy(update={"data": known}))
