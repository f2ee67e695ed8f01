"""What a bench yields: measured values beside those of a baseline, round by round."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Of = Literal["ratio", "measured", "difference"]


@dataclass(frozen=True)
class Spread:
    """The least, the middle and the greatest of several values."""

    least: float
    median: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        return cls(min(values), statistics.median(values), max(values))


@dataclass(frozen=True)
class Aim:
    """What a figure is wanted to be; never a limit that fails."""

    of: Of
    comparison: Literal["≤", "≥"]
    value: float

    def __str__(self) -> str:
        prefix = {"ratio": "ratio ", "measured": "", "difference": "difference "}[self.of]
        return f"{prefix}{self.comparison} {self.value:g}"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured quantity; the rounds of measurement and baseline took turns."""

    name: str
    unit: str
    measured: Sequence[float]
    """One value for each round."""
    baseline: Sequence[float]
    """As many, each taken beside its round, in the same unit."""
    of_baseline: str
    """What the baseline does."""
    aim: Aim | None = None
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    """For the JSON alone."""

    @property
    def ratio(self) -> Spread:
        """Measured ÷ baseline, round by round."""
        pairs = zip(self.measured, self.baseline, strict=True)
        return Spread.of([m / b if b else math.nan for m, b in pairs])

    @property
    def difference(self) -> Spread:
        """Measured less baseline, round by round."""
        return Spread.of([m - b for m, b in zip(self.measured, self.baseline, strict=True)])

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the aim; None without one."""
        if self.aim is None:
            return None
        spreads = {"ratio": self.ratio, "measured": Spread.of(self.measured), "difference": self.difference}
        value = spreads[self.aim.of].median
        return value <= self.aim.value if self.aim.comparison == "≤" else value >= self.aim.value

    def document(self) -> dict[str, Any]:
        """For the JSON."""
        measured, baseline = Spread.of(self.measured), Spread.of(self.baseline)
        return {
            "name": self.name,
            "unit": self.unit,
            "measured": vars(measured) | {"rounds": list(self.measured)},
            "baseline": vars(baseline) | {"rounds": list(self.baseline), "of": self.of_baseline},
            "ratio": vars(self.ratio),
            "difference": vars(self.difference),
            "aim": str(self.aim) if self.aim else None,
            "met": self.met,
            "note": self.note,
            "details": self.details,
        }


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest value that a share `q` of all does not exceed; NaN without any."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(q * len(ordered)) - 1))]
