"""Takes up a generation: ends what it supersedes and opens its run, or only ends one that it cancels."""

from services.planner.domain import ledger, pruning, scheduling
from services.planner.domain.state import ClusterState, Draining, RunState, StepState, WantedObject, step_key
from services.planner.domain.turn import COMMAND_GRACE_S, Turn
from shared.contracts.desired import Cancellation
from shared.contracts.fieldpath import EVERYTHING
from shared.contracts.identity import PRUNE, run_id
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.plan import Finding, Plan, PlannedStep
from shared.contracts.runs import Action, RunAccepted, StepOutline


def open_deploy(turn: Turn, plan: Plan, requested_by: str) -> None:
    """Open the run of a plan (whose Jobs bear the name of attempt 1)."""
    if plan.generation <= turn.state.generation:
        return
    _supersede(turn)
    run = _opened(turn, plan.generation, Action.DEPLOY)
    run.collection = plan.collection
    outlines = []
    for planned in plan.steps:
        attempt = ledger.next_attempt(turn.state, planned)
        step = _step_state(planned, attempt)
        if plan.collection.by_dependency:
            # A plan's steps stand after those that they depend on.
            step.rank = 1 + max((run.steps[step_key(step.cluster, d)].rank for d in step.depends_on), default=0)
        ledger.begin(turn, planned, attempt)
        run.steps[step.key] = step
        outlines.append(_outline(planned, step))
    ledger.forget_oldest(turn)
    run.clusters = {step.cluster: ClusterState() for step in plan.steps}
    turn.state.addressed.update(run.clusters)
    turn.events.append(
        RunAccepted(
            **turn.header(),
            action=Action.DEPLOY,
            requested_by=requested_by,
            steps=tuple(outlines),
            overrides=plan.overrides,
            warnings=plan.warnings,
        )
    )
    proceed(turn)


def open_refused(turn: Turn, generation: int, requested_by: str, findings: tuple[Finding, ...]) -> None:
    """A document that this planner cannot plan: its run is rejected, and what ran before stays as it is."""
    if generation <= turn.state.generation:
        return
    _supersede(turn)
    _opened(turn, generation, Action.DEPLOY)
    _accepted_empty(turn, requested_by)
    turn.run_to(RunPhase.REJECTED, Reason.DOCUMENT_INVALID, "; ".join(f"{f.path}: {f.message}" for f in findings))


def open_delete(turn: Turn, generation: int, requested_by: str) -> None:
    """Deleting is an empty plan."""
    if generation <= turn.state.generation:
        return
    _supersede(turn)
    _opened(turn, generation, Action.DELETE)
    _accepted_empty(turn, requested_by)
    turn.app_to(AppPhase.DELETING)
    proceed(turn)


def cancel(turn: Turn, generation: int, requested_by: str, cancellation: Cancellation) -> None:
    """A generation without a run: it ends the run that it names, if that is the newest and goes on."""
    if generation <= turn.state.generation:
        return
    run = turn.active_run
    if cancellation.generation > turn.state.generation:
        # It was cancelled before it was taken up: it takes the place of what was before, and who follows it is told.
        _supersede(turn)
        run = _opened(turn, cancellation.generation, Action.DEPLOY)
        _accepted_empty(turn, cancellation.requested_by)
    elif run is not None and run.generation == cancellation.generation and run.action is Action.DEPLOY:
        _drain(turn, run)
        pruning.keep_stops(turn)
        run.pruning = False
    else:
        run = None
    turn.state.generation, turn.changed = generation, True
    if run is not None:
        under_way = [step for step in run.steps.values() if not step.phase.terminal]
        _end(turn, run, Reason.REQUESTED, _words(requested_by, cancellation))
        pruning.stop_all(turn, under_way)


def _words(requested_by: str, cancellation: Cancellation) -> str:
    behalf = f" on behalf of {cancellation.on_behalf_of}" if cancellation.on_behalf_of else ""
    reason = f": {cancellation.reason}" if cancellation.reason else ""
    return f"cancelled by {requested_by}{behalf}{reason}"


def proceed(turn: Turn) -> None:
    """Leave `Accepted` once no command of a superseded run can take effect any more."""
    run = turn.active_run
    if run is None or run.phase is not RunPhase.ACCEPTED:
        return
    if turn.state.draining:
        show_waiting(turn)
        return
    if run.clusters:
        turn.run_to(RunPhase.PREPARING)
        run.deadline = turn.now + turn.policy.prepare_deadline_s
        for cluster, target in run.clusters.items():
            turn.send_prepare(cluster, target)
        show_waiting(turn)
        return
    turn.run_to(RunPhase.RUNNING)
    if run.action is Action.DELETE:
        pruning.begin(turn)
    else:
        scheduling.finish(turn)


def show_waiting(turn: Turn) -> None:
    """Say which clusters keep a run from beginning: those that give no sign of life, or those that say why."""
    run = turn.active_run
    match run.phase if run is not None else None:
        case RunPhase.ACCEPTED:
            awaited = {waiting.cluster for waiting in turn.state.draining.values()}
        case RunPhase.PREPARING:
            awaited = {cluster for cluster, target in turn.run.clusters.items() if not target.prepared}
        case _:
            return
    told = sorted((c, t) for c, t in turn.run.clusters.items() if c in awaited and _answers_with_trouble(t))
    # An executor whose API server is away sends no beats, but it answers.
    gone = sorted(c for c in awaited.difference(c for c, _ in told) if not turn.reachable(c))
    if gone:
        turn.run_says(Reason.CLUSTER_UNREACHABLE, f"waiting for a sign of life from {', '.join(gone)}")
    elif told:
        turn.run_says(told[0][1].reason, "; ".join(f"{cluster}: {target.message}" for cluster, target in told))
    else:
        turn.run_says(Reason.NONE, "")


def _answers_with_trouble(target: ClusterState) -> bool:
    """Whether a cluster has lately said why it cannot prepare; the newest question may be under way."""
    return target.reason is not Reason.NONE and target.answered >= target.nonce - 1


def _supersede(turn: Turn) -> None:
    """End the run that is under way; its unanswered commands may still take effect and are waited for."""
    if turn.state.run is not None:
        _drain(turn, turn.state.run)
        pruning.keep_stops(turn)
    run = turn.active_run
    if run is not None:
        _end(turn, run, Reason.SUPERSEDED, "a newer generation took its place")


def _end(turn: Turn, run: RunState, reason: Reason, message: str) -> None:
    """End a run before its time."""
    for step in run.steps.values():
        if not step.phase.terminal:
            turn.step_to(step, StepPhase.CANCELLED, reason, message)
    turn.run_to(RunPhase.CANCELLED, reason, message)


def _drain(turn: Turn, run: RunState) -> None:
    """Note what may still take effect, also of a run that has ended; not preparing, which changes nothing."""
    for step in run.steps.values():
        if step.nonce > step.answered and step.until + COMMAND_GRACE_S > turn.now:
            turn.state.draining[step.key] = Draining(
                step.cluster, step.step, run.run, step.attempt, step.nonce, step.until
            )
    for cluster, prune in turn.state.prunes.items():
        if prune.nonce > prune.answered and prune.until + COMMAND_GRACE_S > turn.now:
            turn.state.draining[f"{cluster}/{PRUNE}"] = Draining(cluster, PRUNE, run.run, 1, prune.nonce, prune.until)


def _opened(turn: Turn, generation: int, action: Action) -> RunState:
    turn.state.generation = generation
    run = RunState(
        run=run_id(turn.state.uid, generation),
        generation=generation,
        action=action,
        phase=RunPhase.ACCEPTED,
        accepted_at=turn.now,
    )
    turn.open_run(run)
    return run


def _accepted_empty(turn: Turn, requested_by: str) -> None:
    turn.events.append(RunAccepted(**turn.header(), action=turn.run.action, requested_by=requested_by, steps=()))


def _outline(planned: PlannedStep, step: StepState) -> StepOutline:
    return StepOutline(
        cluster=planned.cluster,
        namespace=planned.namespace,
        step=planned.step,
        component=planned.component,
        job_type=planned.job_type,
        depends_on=planned.depends_on,
        objects=tuple(o.key for o in step.objects),
    )


def _step_state(planned: PlannedStep, attempt: int) -> StepState:
    return StepState(
        cluster=planned.cluster,
        step=planned.step,
        namespace=planned.namespace,
        component=planned.component,
        job_type=planned.job_type,
        depends_on=list(planned.depends_on),
        objects=[
            WantedObject(
                o.key,
                o.digest,
                o.volume,
                ledger.line_of(planned.cluster, p),
                o.treatment.disposal,
                o.treatment.read_only,
                any(kept.path == EVERYTHING and kept.on_state_keep for kept in o.treatment.kept),
            )
            for p, o in zip(planned.objects, ledger.objects_of(planned, attempt), strict=True)
        ],
        deadlines=planned.deadlines,
        to_completion=planned.runs_once or any(o.key.kind in ("Job", "Pod") for o in planned.objects),
        overridden_by=planned.overridden_by,
        attempt=attempt,
        unmet=len(planned.depends_on),
    )
