"""Carries out `ttlSecondsAfterFinished`, which is taken off the Jobs.

Kubernetes would remove a Job while a command that is still under way can create it again. Here it goes when it has
ended and that is durable, the run that wants it has ended, its time is over, and every command that could create it has
expired.
"""

from collections.abc import Iterator

from services.planner.domain import pruning
from services.planner.domain.state import AppState, JobEntry, object_key
from services.planner.domain.turn import COMMAND_GRACE_S, Turn
from shared.contracts.identity import ClusterName


def moments(state: AppState) -> Iterator[float]:
    """When there is a Job to remove."""
    if state.run is not None and state.run.phase.terminal:
        for entry in state.ledger.values():
            if entry.lifetime_s is not None and entry.ended_at:
                yield _due(entry, entry.lifetime_s)


def remove_ended(turn: Turn) -> None:
    """Delete the Jobs whose time is over."""
    run = turn.state.run
    if run is None or not run.phase.terminal:
        return
    over = []
    for line, entry in turn.state.ledger.items():
        if entry.lifetime_s is None or not entry.ended_at or _due(entry, entry.lifetime_s) > turn.now:
            continue
        entry.lifetime_s = None
        turn.changed = True
        held = turn.state.inventory.get(object_key(ClusterName(line.partition("/")[0]), entry.key))
        if held is not None and held.digest == entry.digest:
            over.append(held)
    pruning.delete(turn, over)


def _due(entry: JobEntry, lifetime_s: float) -> float:
    return max(entry.ended_at + lifetime_s, entry.until + COMMAND_GRACE_S)
