"""The moment after which a command changes nothing any more."""

from dataclasses import dataclass
from datetime import datetime

from services.executor.domain.outcomes import Expired
from services.executor.ports import Clock


@dataclass(frozen=True)
class Deadline:
    """A command's `not_after`, checked before every call that changes something."""

    not_after: datetime
    now: Clock

    def check(self) -> None:
        """Raises Expired once it has passed."""
        if self.now() >= self.not_after:
            raise Expired(f"not_after {self.not_after.isoformat()} has passed")
