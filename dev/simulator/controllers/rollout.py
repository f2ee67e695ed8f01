"""The arithmetic of rolling updates (k8s.io/kubernetes/pkg/controller/deployment/rolling.go). Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Revision:
    """One ReplicaSet of a Deployment."""

    name: str
    desired: int
    available: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a rollout may go: at most `desired + surge` replicas, at least `desired - unavailable` available."""

    desired: int
    surge: int
    unavailable: int


def bounds(desired: int, max_surge: int | str, max_unavailable: int | str) -> Bounds:
    """Resolve percentages: surge is rounded up, unavailability down, and both cannot be zero."""
    surge = _resolve(max_surge, desired, up=True)
    unavailable = _resolve(max_unavailable, desired, up=False)
    return Bounds(desired, surge, 1 if surge == unavailable == 0 else unavailable)


def _resolve(value: int | str, total: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    share = int(value.removesuffix("%")) * total / 100
    return math.ceil(share) if up else math.floor(share)


def roll(new: Revision, old: Sequence[Revision], limits: Bounds) -> Mapping[str, int]:
    """Return the ReplicaSets to scale next, with their new sizes; empty when there is nothing to do now."""
    total = new.desired + sum(one.desired for one in old)
    if new.desired > limits.desired:
        return {new.name: limits.desired}
    room = limits.desired + limits.surge - total
    if new.desired < limits.desired and room > 0:
        return {new.name: min(new.desired + room, limits.desired)}
    return _shrink(new, old, limits, total)


def _shrink(new: Revision, old: Sequence[Revision], limits: Bounds, total: int) -> Mapping[str, int]:
    least = limits.desired - limits.unavailable
    budget = total - least - (new.desired - new.available)
    sizes = {one.name: one.desired for one in old}
    # Replicas that are not available serve nobody: they go first.
    for one in old:
        gone = max(min(one.desired - one.available, budget), 0)
        sizes[one.name] -= gone
        budget -= gone
    available = new.available + sum(min(one.available, sizes[one.name]) for one in old)
    surplus = available - least
    for one in old:
        gone = max(min(sizes[one.name], surplus, budget), 0)
        sizes[one.name] -= gone
        surplus -= gone
        budget -= gone
    return {one.name: sizes[one.name] for one in old if sizes[one.name] != one.desired}
