"""Turns what a decision sends into whole commands: the plan's manifests and what the state knows of their objects."""

from typing import Any

from services.planner.domain import ledger
from services.planner.domain.state import AppState, object_key, step_key
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
from shared.contracts.plan import Plan, PlannedObject, PlannedStep


def materialise(state: AppState, plan: Plan | None, send: Send) -> Command | None:
    """The command to put on the bus; None when the state has gone on and nobody waits for it any more."""
    run = state.run
    if run is None or (run.phase.terminal and send.kind is not SendKind.PRUNE):
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
            return None if prune is None else PruneObjects(**header, objects=_to_prune(state, prune.objects))
        case SendKind.PREPARE if plan is not None:
            steps = tuple(_prepared(state, s) for s in plan.steps if s.cluster == send.cluster)
            return PrepareRun(**header, steps=steps)
        case SendKind.APPLY if plan is not None:
            step = next(s for s in plan.steps if (s.cluster, s.step) == (send.cluster, send.step))
            objects = tuple(_to_apply(state, send.cluster, o) for o in ledger.objects_of(step, send.attempt))
            return ApplyStep(
                **header, component=step.component, namespace=step.namespace, job_type=step.job_type, objects=objects
            )
        case _:
            return None


def _to_prune(state: AppState, wanted: dict[str, str]) -> tuple[ObjectToPrune, ...]:
    objects = []
    for uid, key in wanted.items():
        held = state.inventory.get(key)
        if held is not None and held.object_uid == uid and not held.volume:
            objects.append(ObjectToPrune(key=held.key, object_uid=uid, digest=held.digest))
    return tuple(objects)


def _prepared(state: AppState, step: PlannedStep) -> PreparedStep:
    run = state.run
    attempt = run.steps[step_key(step.cluster, step.step)].attempt if run else 1
    overridden = step.overridden_by is not None
    return PreparedStep(
        step=step.step,
        component=step.component,
        namespace=step.namespace,
        job_type=step.job_type,
        objects=()
        if overridden
        else tuple(
            PreparedObject(key=o.key, mode=o.mode, known_uid=_known_uid(state, step.cluster, o))
            for o in ledger.objects_of(step, attempt)
        ),
        references=() if overridden else step.references,
    )


def _to_apply(state: AppState, cluster: ClusterName, obj: PlannedObject) -> ObjectToApply:
    held = state.inventory.get(object_key(cluster, obj.key))
    unchanged = held is not None and held.digest == obj.digest
    return ObjectToApply(
        key=obj.key,
        manifest=obj.manifest,
        digest=obj.digest,
        generation=held.generation if held is not None and unchanged else state.generation,
        mode=obj.mode,
        rule=obj.rule,
        known_uid=_known_uid(state, cluster, obj),
        volume=obj.volume,
        once=bool(obj.job_name_base),
    )


def _known_uid(state: AppState, cluster: ClusterName, obj: PlannedObject) -> str | None:
    held = state.inventory.get(object_key(cluster, obj.key))
    return held.object_uid if held is not None else None
