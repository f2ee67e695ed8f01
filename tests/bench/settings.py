"""What every bench is told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much, and where profiles go."""

    quick: bool
    profiles: Path | None = None
    """Services run under a profiler, which costs them about as much again, and leave their statistics here."""
    say: Callable[[str], None] = print
    """For progress."""
