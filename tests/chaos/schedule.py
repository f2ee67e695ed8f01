"""Who is killed when: drawn from a seed alone, so that a schedule can be had again."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

NATS = "nats"


@dataclass(frozen=True)
class Kill:
    """One SIGKILL."""

    at_s: float
    """After the beginning."""
    victim: str
    down_s: float
    """Until it is started again."""


def draw(seed: int, victims: Sequence[str], *, seconds: float, every_s: float) -> list[Kill]:
    """Draw kills about every so many seconds; each victim has its turn before one has its next."""
    rng = random.Random(f"{seed}/kills")
    kills: list[Kill] = []
    round_: list[str] = []
    at_s = 0.0
    while True:
        at_s += every_s * rng.uniform(0.5, 1.5)
        if at_s >= seconds:
            return kills
        if not round_:
            round_ = rng.sample(list(victims), len(victims))
        kills.append(Kill(at_s, round_.pop(), rng.uniform(0.0, every_s / 2)))
