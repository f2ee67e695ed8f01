"""Feeds a target a number of inputs, and keeps what went wrong: each way of failing once, with its smallest input."""

import hashlib
import json
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.fuzz.seeds import pool
from tests.fuzz.targets import MAX_BYTES, Target

HANG_S = 1.0
"""Of processor time for one input: what others do on the machine does not count."""
_KEPT = 800
"""Inputs to go on from: the seeds, and some that were taken."""
_KEPT_BYTES = 6 * 1024
"""Large ones take long, and their children grow."""


class TooSlow(Exception):
    """An input took more processor time than it may."""

    def __init__(self, size_bytes: int, took_s: float) -> None:
        super().__init__(f"{took_s:.1f} s for {size_bytes} bytes")


@dataclass
class Campaign:
    """The inputs of one target so far."""

    target: Target
    hang_s: float = HANG_S
    inputs: int = 0
    taken: int = 0
    """Of these, what was not refused."""
    slowest_s: float = 0.0
    slowest: bytes = b""
    findings: dict[str, "Finding"] = field(default_factory=dict)

    def feed(self, raw: bytes) -> bool:
        """Feed one input; returns whether it was taken rather than refused."""
        if len(raw) > MAX_BYTES:
            return False
        self.inputs += 1
        taken = False
        begun = time.process_time()
        try:
            taken = self.target.feed(raw)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            self._found(raw, error)
        took_s = time.process_time() - begun
        if took_s > self.slowest_s:
            self.slowest_s, self.slowest = took_s, raw
        if took_s > self.hang_s:
            self._found(raw, TooSlow(len(raw), took_s))
        self.taken += taken
        return taken

    def _found(self, raw: bytes, error: Exception) -> None:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else self.target.name
        known = self.findings.get(key := f"{type(error).__name__} {place}")
        if known is None or len(raw) < len(known.raw):
            self.findings[key] = Finding(raw, "".join(traceback.format_exception(error))[-4000:])

    def write(self, directory: Path) -> None:
        """Leave the inputs of findings and their tracebacks in a directory, and the slowest input."""
        directory.mkdir(parents=True, exist_ok=True)
        for key, finding in self.findings.items():
            stem = f"{self.target.name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
            (directory / f"{stem}.input").write_bytes(finding.raw)
            (directory / f"{stem}.txt").write_text(f"{key}\n\n{finding.traceback}", encoding="utf-8")
        (directory / f"{self.target.name}.slowest").write_bytes(self.slowest)

    def figures(self) -> str:
        """What came of it, as JSON."""
        told = {
            "inputs": self.inputs,
            "taken": self.taken,
            "slowest_s": round(self.slowest_s, 3),
            "findings": sorted(self.findings),
        }
        return json.dumps(told)


@dataclass(frozen=True)
class Finding:
    """What an input did."""

    raw: bytes
    traceback: str


def unguided(target: Target, *, seed: int, inputs: int, seconds: float) -> Campaign:
    """Mutate seeds, and inputs that were taken, until so many were fed or so much time has passed."""
    campaign = Campaign(target)
    random = Random(seed)
    parts = pool(target.seeds())
    kept = [*parts.inputs]
    begun = time.monotonic()
    for raw in parts.inputs:
        campaign.feed(raw)
    while campaign.inputs < inputs and time.monotonic() - begun < seconds:
        made = target.mutated(random.choice(kept), parts, random)
        if campaign.feed(made) and len(made) <= _KEPT_BYTES:
            kept.append(made)
        if len(kept) > _KEPT:
            kept[random.randrange(len(parts.inputs), _KEPT)] = kept.pop()
    return campaign
