"""Deletes by name and uid: what a new generation no longer has, stopped run-once objects, a deleted application."""

from services.planner.domain.state import NEVER, InventoryObject, PruneState, StepState, object_key
from services.planner.domain.turn import Turn
from shared.contracts.facts import ObjectsPruned, StepErrored
from shared.contracts.identity import ClusterName
from shared.contracts.phases import AppPhase, Reason, RunPhase
from shared.contracts.runs import Action, ObjectForgotten


def begin(turn: Turn) -> None:
    """Ask for the deletion of everything in the inventory that the run's plan does not have, volumes apart."""
    run = turn.run
    run.pruning = True
    run.deadline = NEVER if run.action is Action.DELETE else turn.now + turn.policy.prune_deadline_s
    turn.changed = True
    wanted = {object_key(s.cluster, o.key) for s in run.steps.values() for o in s.objects}
    for key, held in list(turn.state.inventory.items()):
        if key in wanted:
            continue
        if held.volume:
            _forget(turn, key, held, retained=True)
        else:
            _want(turn, held)
    _send_all(turn)
    complete(turn)


def stray(turn: Turn, held: InventoryObject) -> None:
    """An object of ours that no plan knows was reported: delete it when the newest run has what it wants."""
    run = turn.state.run
    if run is None or held.volume:
        return
    if run.pruning or run.phase is RunPhase.SUCCEEDED:
        _want(turn, held)
        _send_all(turn)


def stop(turn: Turn, step: StepState) -> None:
    """Delete a stopped step's run-to-completion objects; what runs for ever stays, and its health goes on."""
    if not step.runs_once:
        return
    for wanted in step.objects:
        held = turn.state.inventory.get(object_key(step.cluster, wanted.key))
        if held is not None:
            _want(turn, held)
    _send_all(turn)


def pruned(turn: Turn, fact: ObjectsPruned) -> None:
    """Fold what is gone and what is not yet."""
    prune = turn.state.prunes.get(fact.cluster)
    if prune is None:
        return
    for uid in fact.gone:
        key = prune.objects.pop(uid, None)
        held = turn.state.inventory.get(key) if key else None
        if key and held is not None and held.object_uid == uid:
            _forget(turn, key, held, retained=False)
    prune.message = "; ".join(f"{r.key}: {r.message}" for r in fact.remaining)
    turn.changed = True
    if not prune.objects:
        del turn.state.prunes[fact.cluster]
    elif prune.asked is not None and fact.nonce == prune.nonce:
        prune.asked.resend_at = min(prune.asked.resend_at, turn.now + turn.policy.resend_first_s / 5)
    complete(turn)


def errored(turn: Turn, fact: StepErrored) -> None:
    """Keep the reason; the command is sent again when its time comes."""
    prune = turn.state.prunes.get(fact.cluster)
    if prune is not None:
        prune.message = f"{fact.reason}: {fact.message}"
        turn.changed = True


def complete(turn: Turn) -> None:
    """End the run once nothing is left to delete."""
    run = turn.active_run
    if run is None or not run.pruning or turn.state.prunes:
        return
    turn.run_to(RunPhase.SUCCEEDED)
    if run.action is Action.DELETE:
        turn.app_to(AppPhase.DELETED)


def remaining(turn: Turn) -> str:
    """What is left to delete, for people."""
    parts = [f"{c}: {len(p.objects)} objects {p.message}".strip() for c, p in sorted(turn.state.prunes.items())]
    return "; ".join(parts)


def unreachable(turn: Turn) -> list[ClusterName]:
    """Clusters that still have to delete something and give no sign of life."""
    return [cluster for cluster in turn.state.prunes if not turn.reachable(cluster)]


def show_deleting(turn: Turn) -> None:
    """Say why a deletion takes its time."""
    if turn.state.phase is not AppPhase.DELETING:
        return
    gone = unreachable(turn)
    if gone:
        turn.app_to(AppPhase.DELETING, Reason.CLUSTER_UNREACHABLE, f"no sign of life from {', '.join(gone)}")
    else:
        turn.app_to(AppPhase.DELETING)


def _want(turn: Turn, held: InventoryObject) -> None:
    prune = turn.state.prunes.setdefault(held.cluster, PruneState())
    key = object_key(held.cluster, held.key)
    if prune.objects.get(held.object_uid) != key:
        prune.objects[held.object_uid] = key
        prune.asked = None
        turn.changed = True


def _send_all(turn: Turn) -> None:
    for cluster, prune in turn.state.prunes.items():
        if prune.asked is None:
            turn.send_prune(cluster, prune)


def _forget(turn: Turn, key: str, held: InventoryObject, *, retained: bool) -> None:
    del turn.state.inventory[key]
    turn.events.append(
        ObjectForgotten(
            **turn.header(), cluster=held.cluster, key=held.key, object_uid=held.object_uid, retained=retained
        )
    )
