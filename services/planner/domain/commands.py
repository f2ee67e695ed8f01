"""Turns what a decision sends into whole commands: the plan's manifests and what the state knows of their objects."""

from typing import Any

from services.planner.domain import drifting, ledger
from services.planner.domain.planned import IndexedPlan
from services.planner.domain.state import AppState, PruneState, RunState, object_key, step_key
from services.planner.domain.turn import Send, SendKind, utc
from shared.contracts.commands import (
    ApplyStep,
    Command,
    ObjectToApply,
    ObjectToPrune,
    PreparedObject,
    PreparedStep,
    PrepareRun,
    PruneObjects,
)
from shared.contracts.identity import ClusterName
from shared.contracts.phases import RunPhase
from shared.contracts.plan import PlannedObject, PlannedStep


def materialise(state: AppState, plan: IndexedPlan | None, send: Send) -> Command | None:
    """The command to put on the bus; None when the state has gone on and nobody waits for it any more."""
    run = state.run
    if run is None or run.run != send.run or not _wanted(run, send):
        return None
    header: dict[str, Any] = {
        "app": state.app,
        "uid": state.uid,
        "run": run.run,
        "generation": run.generation,
        "cluster": send.cluster,
        "step": send.step,
        "attempt": send.attempt,
        "nonce": send.nonce,
        "not_after": utc(send.not_after),
    }
    match send.kind:
        case SendKind.PRUNE:
            prune = state.prunes.get(send.cluster)
            return None if prune is None else PruneObjects(**header, objects=_to_prune(prune))
        case SendKind.PREPARE if plan is not None and run.phase is RunPhase.PREPARING:
            steps = tuple(_prepared(state, s) for s in plan.slices[send.cluster])
            return PrepareRun(**header, steps=steps)
        case SendKind.APPLY if plan is not None:
            return _apply(state, plan.steps[step_key(send.cluster, send.step)], send, header)
        case _:
            return None


def _wanted(run: RunState, send: Send) -> bool:
    """Whether a command is still of use, as far as the run can tell."""
    if not run.phase.terminal or send.kind is SendKind.PRUNE:
        return True
    return send.kind is SendKind.APPLY and drifting.is_reverting(run, step_key(send.cluster, send.step))


def _apply(state: AppState, planned: PlannedStep, send: Send, header: dict[str, Any]) -> ApplyStep | None:
    key = step_key(send.cluster, send.step)
    step = state.run.steps[key] if state.run else None
    reverting = state.run is not None and drifting.is_reverting(state.run, key)
    if step is None or (step.phase.terminal and not reverting):
        # What was not sent before a time-out must not start the Job after it.
        return None
    objects = [(o, line) for o, line in _open_objects(state, planned, send.attempt) if not (reverting and line)]
    return ApplyStep(
        **header,
        component=planned.component,
        namespace=planned.namespace,
        job_type=planned.job_type,
        objects=tuple(
            _to_apply(state, send.cluster, obj, line, generation=header["generation"]) for obj, line in objects
        ),
        reverting=reverting,
    )


def _open_objects(state: AppState, step: PlannedStep, attempt: int) -> list[tuple[PlannedObject, str]]:
    """The step's objects without Jobs that have succeeded, each with its line in the ledger."""
    lines = [ledger.line_of(step.cluster, planned) for planned in step.objects]
    objects = zip(ledger.objects_of(step, attempt), lines, strict=True)
    return [(obj, line) for obj, line in objects if not ledger.has_succeeded(state, line)]


def _to_prune(prune: PruneState) -> tuple[ObjectToPrune, ...]:
    return tuple(
        ObjectToPrune(
            key=target.key,
            object_uid=uid,
            digest=target.digest,
            volume=target.volume,
            release=target.release,
            orphan_dependents=target.disposal.orphan_dependents,
        )
        for uid, target in prune.foremost.items()
    )


def _prepared(state: AppState, step: PlannedStep) -> PreparedStep:
    known = state.run.steps[step_key(step.cluster, step.step)] if state.run else None
    attempt = known.attempt if known else 1
    overridden = step.overridden_by is not None
    return PreparedStep(
        step=step.step,
        component=step.component,
        namespace=step.namespace,
        job_type=step.job_type,
        objects=()
        if overridden
        else tuple(
            PreparedObject(
                key=o.key,
                mode=o.mode,
                known_uid=_known_uid(state, step.cluster, o, line),
                treatment=o.treatment,
            )
            for o, line in _open_objects(state, step, attempt)
        ),
        references=() if overridden else step.references,
        waits=known is not None and known.may_wait,
    )


def _to_apply(
    state: AppState, cluster: ClusterName, obj: PlannedObject, line: str, *, generation: int
) -> ObjectToApply:
    held = state.inventory.get(object_key(cluster, obj.key))
    unchanged = held is not None and held.digest == obj.digest
    return ObjectToApply.of(
        obj,
        generation=held.generation if held is not None and unchanged else generation,
        known_uid=_known_uid(state, cluster, obj, line),
        once=bool(line),
    )


def _known_uid(state: AppState, cluster: ClusterName, obj: PlannedObject, line: str) -> str | None:
    held = state.inventory.get(object_key(cluster, obj.key))
    if held is None or (line and held.object_uid == state.ledger[line].spent_uid):
        return None
    return held.object_uid
