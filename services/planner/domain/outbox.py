"""What a decision has to say, kept with the state until it is archived and published."""

import zlib

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from services.planner.domain.turn import Send
from shared.contracts.runs import RunEvent


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Run events and commands, in the order in which they were decided."""

    events: tuple[RunEvent, ...] = ()
    sends: tuple[Send, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is left to say."""
        return bool(self.events or self.sends)

    def superseded_by(self, later: "Outbox") -> list[Send]:
        """Commands that a later outbox has no more."""
        kept = set(later.sends)
        return [send for send in self.sends if send not in kept]

    def then(self, events: list[RunEvent], sends: list[Send]) -> "Outbox":
        """Append; of several commands to one mailbox only the last is of use."""
        latest = {(s.cluster, s.step): s for s in (*self.sends, *sends)}
        return Outbox(events=(*self.events, *events), sends=tuple(latest.values()))


_OUTBOX: TypeAdapter[Outbox] = TypeAdapter(Outbox)


def write(outbox: Outbox) -> bytes:
    """As bytes, compressed (events are repetitive); empty when there is nothing to say."""
    return zlib.compress(_OUTBOX.dump_json(outbox), 1) if outbox else b""


def read(raw: bytes) -> Outbox:
    """Read it back."""
    return _OUTBOX.validate_json(zlib.decompress(raw)) if raw else Outbox()
