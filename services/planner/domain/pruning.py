"""Deletes by name and uid: what a new generation no longer has, Jobs that were given up, a deleted application."""

from collections.abc import Iterable, Iterator

from services.planner.domain import ledger
from services.planner.domain.state import (
    NEVER,
    AppState,
    InventoryObject,
    JobOutcome,
    PruneState,
    PruneTarget,
    StepState,
    object_key,
    step_key,
)
from services.planner.domain.turn import COMMAND_GRACE_S, Turn
from shared.contracts.facts import ObjectsPruned, ObjectVanished
from shared.contracts.identity import PRUNE, ClusterName
from shared.contracts.phases import AppPhase, Reason, RunPhase
from shared.contracts.plan import Retention
from shared.contracts.runs import Action, ObjectForgotten
from shared.planning import Fate, fate

_REMAINING_AGAIN_S = 1
"""After the first answer that something is still there: its finalizers may be done in a moment. Then more and more."""


def begin(turn: Turn) -> None:
    """Ask for the deletion of everything in the inventory that the run's plan does not have, as policies say."""
    run = turn.run
    run.pruning = True
    run.deadline = NEVER if run.action is Action.DELETE else turn.now + turn.policy.prune_deadline_s
    sweep(turn)
    complete(turn)


def sweep(turn: Turn) -> None:
    """Dispose of what the run's plan does not have."""
    turn.changed = True
    _take_over_disposals(turn)
    for key, held in list(turn.state.inventory.items()):
        if key not in turn.wanted:
            _dispose(turn, key, held)
    _send_all(turn)


def _take_over_disposals(turn: Turn) -> None:
    """What the newest plan says of its objects counts from now on; what it only reads is not ours any more."""
    for step in turn.run.steps.values():
        for key, wanted in turn.objects_of(step).items():
            held = turn.state.inventory.get(key)
            if held is not None and wanted.read_only:
                _forget(turn, key, held, retained=True)
            elif held is not None:
                held.disposal, held.rank = wanted.disposal, step.rank


def _dispose(turn: Turn, key: str, held: InventoryObject) -> None:
    """Delete what is not wanted any more, give it up, or keep it for now."""
    run = turn.run
    deleting = run.action is Action.DELETE
    match fate(volume=held.volume, disposal=held.disposal, collection=run.collection, deleting=deleting):
        case Fate.FORGOTTEN:
            _forget(turn, key, held, retained=True)
        case Fate.RELEASED:
            _want(turn, held, release=True)
        case Fate.DELETED:
            _want(turn, held)
        case Fate.KEPT:
            pass


def stray(turn: Turn, held: InventoryObject) -> None:
    """An object of ours that the newest plan does not have: delete it once that plan's run has what it wants.

    A Job is deleted also where that run was cancelled: it does its work for nobody.
    """
    run = turn.state.run
    key = object_key(held.cluster, held.key)
    if run is None or held.volume or key in turn.wanted:
        return
    if run.phase is RunPhase.CANCELLED and ledger.may_work(turn, held):
        _want(turn, held, not_before=_settled_at(turn, held))
        _send_all(turn)
    elif run.pruning or run.phase is RunPhase.SUCCEEDED:
        _dispose(turn, key, held)
        _send_all(turn)


def stop(turn: Turn, step: StepState) -> None:
    """Delete the Jobs of a step that is given up; what runs for ever stays, and its health goes on."""
    _stop(turn, step)
    _send_all(turn)


def stop_all(turn: Turn, under_way: Iterable[StepState]) -> None:
    """Delete every Job that has not ended: of the run that is cancelled, and of those that it had superseded."""
    for step in under_way:
        if step.nonce > 0:
            _stop(turn, step)
        else:
            # Of one that was not asked for no Job can be given up: one that shows up later is of an earlier run.
            step.stopped = True
    for held in turn.state.inventory.values():
        if ledger.may_work(turn, held):
            _want(turn, held, not_before=_settled_at(turn, held))
    _send_all(turn)


def _settled_at(turn: Turn, held: InventoryObject) -> float:
    """When no command of a run that was given up can create it again; 0: none can now."""
    waiting = turn.state.draining.get(step_key(held.cluster, held.step))
    return 0 if waiting is None else waiting.not_after + COMMAND_GRACE_S


def _stop(turn: Turn, step: StepState) -> None:
    step.stopped = True
    unfinished = [w for w in step.objects if w.line and not ledger.completed(turn.state, w)]
    ledger.end(turn, unfinished, JobOutcome.STOPPED)
    found = (turn.state.inventory.get(object_key(step.cluster, w.key)) for w in unfinished)
    under_way = step.creating > step.answered
    for held in (h for h in found if h is not None):
        _want(turn, held, not_before=step.until + COMMAND_GRACE_S if under_way else 0)


def clear_jobs(turn: Turn) -> None:
    """Delete Jobs that run for a superseded plan, and those that are wanted anew under the name that they have."""
    outdated = []
    for key, held in turn.state.inventory.items():
        outcome = ledger.outcome_of(turn, held)
        if outcome is JobOutcome.STOPPED or (outcome is JobOutcome.STARTED and key not in turn.wanted):
            outdated.append(held)
    delete(turn, outdated)


def keep_stops(turn: Turn) -> None:
    """Of what a superseded run was deleting only the Jobs that were given up are deleted whatever follows."""
    for cluster, prune in list(turn.state.prunes.items()):
        targets = (*prune.objects.values(), *prune.held.values())
        found = (turn.state.inventory.get(object_key(cluster, t.key)) for t in targets)
        stopped = {h.object_uid for h in found if h is not None and ledger.outcome_of(turn, h) is JobOutcome.STOPPED}
        prune.objects = {uid: target for uid, target in prune.objects.items() if uid in stopped}
        prune.held = {uid: target for uid, target in prune.held.items() if uid in stopped}
        _drop_empty(turn, cluster)


def in_the_way(turn: Turn, step: StepState) -> bool:
    """Whether a Job has to be gone before the step may begin: one of the same name, or an earlier attempt."""
    prune = turn.state.prunes.get(step.cluster)
    if prune is None:
        return False
    keys = {w.key for w in step.objects}
    earlier = {d for w in step.objects if w.line for d in turn.state.ledger[w.line].earlier}
    targets = (*prune.objects.values(), *prune.held.values())
    return any(t.key in keys or t.digest in earlier for t in targets)


def delete(turn: Turn, unwanted: Iterable[InventoryObject]) -> None:
    """Ask for the deletion of these."""
    for held in unwanted:
        _want(turn, held)
    _send_all(turn)


def moments(state: AppState) -> Iterator[float]:
    """When there is something to ask for."""
    for cluster, prune in state.prunes.items():
        yield from (target.not_before for target in prune.held.values())
        if prune.asked is not None and f"{cluster}/{PRUNE}" not in state.draining:
            yield prune.asked.resend_at


def resend(turn: Turn) -> None:
    """Ask for what is due; not again while the same is asked for on behalf of a superseded run."""
    for cluster, prune in turn.state.prunes.items():
        for uid, target in list(prune.held.items()):
            if target.not_before <= turn.now:
                prune.objects[uid] = prune.held.pop(uid)
                prune.asked, turn.changed = None, True
        due = prune.asked is not None and prune.asked.resend_at <= turn.now
        if due and f"{cluster}/{PRUNE}" not in turn.state.draining:
            turn.send_prune(cluster, prune)
    _send_all(turn)


def pruned(turn: Turn, fact: ObjectsPruned) -> None:
    """Fold what is gone and what is not yet, whichever run asked for it."""
    prune = turn.state.prunes.get(fact.cluster)
    gone = {*fact.gone, *fact.released}
    if prune is not None:
        asked_for = set(prune.foremost)
        prune.objects = {uid: target for uid, target in prune.objects.items() if uid not in gone}
        prune.held = {uid: target for uid, target in prune.held.items() if uid not in gone}
        prune.message = "; ".join(f"{r.key}: {r.message}" for r in fact.remaining)
        prune.reason = Reason.NONE
        prune.answered = max(prune.answered, fact.nonce)
        if prune.objects and asked_for <= gone:
            # The next rank, or what was added meanwhile.
            prune.asked = None
    for key, held in list(turn.state.inventory.items()):
        if held.object_uid in gone and held.cluster == fact.cluster:
            _forget(turn, key, held, retained=held.object_uid in fact.released)
    turn.changed = True
    if prune is not None and prune.asked is not None and fact.nonce == prune.nonce:
        patience_s = _REMAINING_AGAIN_S * prune.asked.backoff_s / turn.policy.resend_first_s
        prune.asked.resend_at = min(prune.asked.resend_at, turn.now + patience_s)
    _drop_empty(turn, fact.cluster)
    _send_all(turn)
    complete(turn)
    show_deleting(turn)


def vanished(turn: Turn, fact: ObjectVanished) -> None:
    """Ask at once about what remained and is gone now: the executor's word for it counts."""
    prune = turn.state.prunes.get(fact.cluster)
    if prune is None or prune.asked is None:
        return
    if prune.answered == prune.nonce and fact.object_uid in prune.foremost:
        prune.asked.resend_at = min(prune.asked.resend_at, turn.now)
        turn.changed = True


def refused(turn: Turn, cluster: ClusterName, nonce: int, reason: Reason, message: str) -> None:
    """Keep why nothing was deleted; the command is sent again when its time comes."""
    prune = turn.state.prunes.get(cluster)
    if prune is not None:
        prune.reason, prune.message = reason, message
        prune.answered = max(prune.answered, nonce)
        turn.changed = True
        run = turn.active_run
        if run is not None and run.pruning and run.action is not Action.DELETE:
            turn.run_says(reason, f"deleting what is no longer wanted: {_remaining({cluster: prune})}")
        show_deleting(turn)


def again(turn: Turn, cluster: ClusterName, nonce: int, after_s: float | None) -> None:
    """Send the command again when the executor says so."""
    prune = turn.state.prunes.get(cluster)
    if prune is not None and prune.asked is not None and nonce == prune.nonce and after_s is not None:
        prune.asked.resend_at = turn.now + after_s


def complete(turn: Turn) -> None:
    """End the run once nothing is left to delete."""
    run = turn.active_run
    if run is None or not run.pruning or turn.state.prunes:
        return
    turn.run_to(RunPhase.SUCCEEDED)
    if run.action is Action.DELETE:
        turn.app_to(AppPhase.DELETED)


def give_up(turn: Turn) -> None:
    """The prune deadline of a run has passed; the deletions themselves are asked for on and on."""
    gone = _unreachable(turn)
    reasons = [p.reason for _, p in sorted(turn.state.prunes.items()) if p.reason is not Reason.NONE]
    reason = Reason.CLUSTER_UNREACHABLE if gone else next(iter(reasons), Reason.INTERNAL)
    turn.run_to(
        RunPhase.ERROR,
        reason,
        f"applied, but could not delete what is no longer wanted: {_remaining(turn.state.prunes)}",
    )


def show_deleting(turn: Turn) -> None:
    """Say why a deletion takes its time."""
    if turn.state.phase is not AppPhase.DELETING:
        return
    gone = _unreachable(turn)
    waiting = {c: p for c, p in turn.state.prunes.items() if p.message}
    if gone:
        turn.app_to(AppPhase.DELETING, Reason.CLUSTER_UNREACHABLE, f"no sign of life from {', '.join(gone)}")
    elif waiting:
        reasons = [p.reason for _, p in sorted(waiting.items()) if p.reason is not Reason.NONE]
        turn.app_to(AppPhase.DELETING, next(iter(reasons), Reason.NONE), _remaining(waiting))
    else:
        turn.app_to(AppPhase.DELETING)


def _remaining(prunes: dict[ClusterName, PruneState]) -> str:
    """What is left to delete, for people."""
    return "; ".join(f"{c}: {len(p.objects)} objects {p.message}".strip() for c, p in sorted(prunes.items()))


def _unreachable(turn: Turn) -> list[ClusterName]:
    """Clusters that still have to delete something and give no sign of life."""
    return sorted(cluster for cluster in turn.state.prunes if not turn.reachable(cluster))


def _want(turn: Turn, held: InventoryObject, *, not_before: float = 0, release: bool = False) -> None:
    if held.volume and held.disposal.retention is Retention.DEFAULT:
        return
    prune = turn.state.prunes.setdefault(held.cluster, PruneState())
    target = PruneTarget(held.key, held.digest, not_before, held.volume, release, held.disposal, held.rank)
    if held.object_uid in prune.objects or prune.held.get(held.object_uid) == target:
        return
    turn.changed = True
    ledger.deleting(turn, held)
    if not_before > turn.now:
        prune.held[held.object_uid] = target
        return
    prune.held.pop(held.object_uid, None)
    prune.objects[held.object_uid] = target
    prune.asked = None


def _send_all(turn: Turn) -> None:
    for cluster, prune in turn.state.prunes.items():
        if prune.objects and prune.asked is None:
            turn.send_prune(cluster, prune)


def _drop_empty(turn: Turn, cluster: ClusterName) -> None:
    prune = turn.state.prunes.get(cluster)
    if prune is None:
        return
    if not prune.objects:
        prune.asked = None
    if not prune.objects and not prune.held:
        del turn.state.prunes[cluster]


def _forget(turn: Turn, key: str, held: InventoryObject, *, retained: bool) -> None:
    del turn.state.inventory[key]
    turn.events.append(
        ObjectForgotten(
            **turn.header(), cluster=held.cluster, key=held.key, object_uid=held.object_uid, retained=retained
        )
    )
