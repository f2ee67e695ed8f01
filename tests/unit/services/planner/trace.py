"""Drives `decide` like a protocol: facts in, commands and events out. A tiny world answers by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from services.planner.domain.commands import materialise
from services.planner.domain.deadlines import next_deadline
from services.planner.domain.decide import Cancel, Delete, Deploy, Input, Refuse, Tick, decide
from services.planner.domain.planned import IndexedPlan
from services.planner.domain.state import STATE, AppState
from services.planner.domain.turn import Policy, Revert, Turn
from shared.contracts import canonical
from shared.contracts.annotations import ANNOTATION_JOB_LIFETIME
from shared.contracts.commands import ApplyStep, Command, PrepareRun, PruneObjects
from shared.contracts.desired import Cancellation
from shared.contracts.facts import (
    AppliedObject,
    ObjectsPruned,
    ObjectVanished,
    ObservationOrder,
    Observed,
    Progress,
    RunHeldBack,
    RunPrepared,
    RunRejected,
    StepApplied,
    StepErrored,
    StepFailed,
    StepProblem,
    StepProgressed,
    StepQueued,
    StepRejected,
    StepSucceeded,
    Superseded,
)
from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace, ObjectKey, StepId, run_id
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.plan import ApplyMode, Deadlines, Plan, PlannedObject, PlannedStep
from shared.contracts.runs import RunEvent
from tests.unit.services.planner.history import History, RecordedInput, RecordedTurn

APP = AppRef(tenant="acme", namespace="shop", name="web")
UID = AppUid("4f1c")
HERE = ClusterName("here")
START = 1_700_000_000.0


def deployment(name: str, *, image: str = "web:1") -> PlannedObject:
    """A long-running object."""
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"image": image},
    }
    return PlannedObject(key=ObjectKey.of(manifest), manifest=manifest, digest=canonical.digest(manifest))


def job(name: str, *, image: str = "job:1") -> PlannedObject:
    """A run-once object as planning names it."""
    manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"{name}-1", "namespace": "shop"},
        "spec": {"image": image},
    }
    return PlannedObject(
        key=ObjectKey.of(manifest), manifest=manifest, digest=canonical.digest(manifest), job_name_base=name
    )


def own_job(name: str, *, image: str = "job:1", lifetime_s: int | None = None) -> PlannedObject:
    """A Job as a document writes it out, with a name of its own."""
    metadata: dict[str, Any] = {"name": name, "namespace": "shop"}
    if lifetime_s is not None:
        metadata["annotations"] = {ANNOTATION_JOB_LIFETIME: str(lifetime_s)}
    manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"image": image}}
    return PlannedObject(key=ObjectKey.of(manifest), manifest=manifest, digest=canonical.digest(manifest))


def claim(name: str) -> PlannedObject:
    """A volume."""
    manifest = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "shop"},
    }
    return PlannedObject(
        key=ObjectKey.of(manifest),
        manifest=manifest,
        digest=canonical.digest(manifest),
        mode=ApplyMode.CREATE,
        volume=True,
    )


def step(
    id_: str,
    *objects: PlannedObject,
    after: Sequence[str] = (),
    cluster: ClusterName = HERE,
    overridden_by: str | None = None,
    deadlines: Deadlines | None = None,
) -> PlannedStep:
    """A planned step."""
    return PlannedStep(
        cluster=cluster,
        namespace=Namespace("shop"),
        step=StepId(id_),
        component=id_.partition("=")[0],
        job_type="worker",
        depends_on=tuple(StepId(a) for a in after),
        objects=objects or (deployment(id_),),
        runs_once=any(o.job_name_base for o in objects),
        overridden_by=StepId(overridden_by) if overridden_by else None,
        deadlines=deadlines or Deadlines(),
    )


def plan(*steps: PlannedStep, generation: int = 1) -> Plan:
    """A plan of these steps."""
    return Plan(app=APP, uid=UID, run=run_id(UID, generation), generation=generation, steps=steps)


@dataclass
class World:
    """The planner's state of one application with everything that it has said so far."""

    state: AppState = field(default_factory=lambda: AppState(app=APP, uid=UID))
    now: float = START
    policy: Policy = field(default_factory=Policy)
    gone: set[ClusterName] = field(default_factory=set)
    events: list[RunEvent] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    turns: list[RecordedTurn] = field(default_factory=list)
    reverts: list[Revert] = field(default_factory=list)
    plan: Plan | None = None
    counter: int = 0
    generations: dict[str, int] = field(default_factory=dict)

    def tell(self, *inputs: Input) -> list[Command]:
        """Fold inputs; returns the commands that follow. The state goes through its stored form each time."""
        self.state = STATE.validate_json(STATE.dump_json(self.state))
        recorded = tuple(RecordedInput.of(input_) for input_ in inputs)
        self.turns.append(RecordedTurn(now=self.now, gone=tuple(sorted(self.gone)), inputs=recorded))
        turn: Turn = decide(
            self.state, inputs, now=self.now, policy=self.policy, reachable=lambda cluster: cluster not in self.gone
        )
        self.state = turn.state
        self.events += turn.events
        self.reverts += turn.reverts
        plan = None if self.plan is None else IndexedPlan.of(self.plan)
        sent = [c for s in turn.sends if (c := materialise(self.state, plan, s)) is not None]
        self.commands += sent
        return sent

    def history(self) -> History:
        """Everything so far, to be replayed for ever; of a world with the usual policy."""
        assert self.policy == Policy()
        return History(app=APP, uid=UID, turns=tuple(self.turns), events=tuple(self.events))

    def deploy(self, *steps: PlannedStep, generation: int | None = None) -> list[Command]:
        """Hand in a generation."""
        self.plan = plan(*steps, generation=generation or self.state.generation + 1)
        return self.tell(Deploy(plan=self.plan, requested_by="ann"))

    def refuse(self, *, generation: int) -> list[Command]:
        """Hand in a generation that cannot be planned."""
        self.plan = None
        return self.tell(Refuse(generation=generation, requested_by="ann", findings=()))

    def delete(self) -> list[Command]:
        """Ask for deletion."""
        self.plan = None
        return self.tell(Delete(generation=self.state.generation + 1, requested_by="ann"))

    def cancel(self, *, of: int | None = None, reason: str = "") -> list[Command]:
        """Hand in a generation that cancels the newest one, or another."""
        newest = self.state.run.generation if self.state.run is not None else 1
        cancellation = Cancellation(generation=of or newest, requested_by="ann", reason=reason)
        generation = max(self.state.generation, cancellation.generation) + 1
        return self.tell(Cancel(generation=generation, requested_by="eve", cancellation=cancellation))

    def later(self, seconds: float) -> list[Command]:
        """Let time pass, ticking at each deadline on the way."""
        end = self.now + seconds
        sent: list[Command] = []
        idle = 0
        while (due := next_deadline(self.state)) <= end:
            idle = 0 if due > self.now else idle + 1
            assert idle < 3, "ticking does not move the next deadline"
            self.now = max(self.now, due)
            sent += self.tell(Tick())
        self.now = end
        return sent

    def drained(self) -> None:
        """Let the time pass in which commands of the run before could still take effect."""
        while self.run_phase() is RunPhase.ACCEPTED:
            self.later(1)

    def prepared(self, *commands: Command) -> list[Command]:
        """Answer the prepare commands given, or the last ones."""
        wanted = [c for c in (commands or self.commands) if isinstance(c, PrepareRun) and self._current(c)]
        return self.tell(*(RunPrepared(**self.header(c)) for c in {c.cluster: c for c in wanted}.values()))

    def _current(self, command: Command) -> bool:
        return self.state.run is not None and command.run == self.state.run.run

    def held_back(self, command: Command, *steps: str) -> list[Command]:
        """Say that these steps lack something that may be waited for."""
        problems = tuple(
            StepProblem(step=StepId(s), reason=Reason.REFERENCE_NOT_FOUND, message=f"{s} lacks it") for s in steps
        )
        return self.tell(RunHeldBack(**self.header(command), problems=problems))

    def rejected(self, command: Command, step_: str, reason: Reason) -> list[Command]:
        """Refuse a prepare command for the sake of one step."""
        problem = StepProblem(step=StepId(step_), reason=reason, message=f"{reason} says the cluster")
        return self.tell(RunRejected(**self.header(command), problems=(problem,)))

    def applied(
        self, command: Command, *, final: bool = False, existed: bool = False, uid: str = "", **over: Any
    ) -> list[Command]:
        """Answer an apply command."""
        return self.tell(self.applied_fact(command, final=final, existed=existed, uid=uid, **over))

    def applied_fact(
        self, command: Command, *, final: bool = False, existed: bool = False, uid: str = "", **over: Any
    ) -> StepApplied:
        """What the executor says after an apply."""
        assert isinstance(command, ApplyStep)
        objects = tuple(
            AppliedObject(
                key=o.key,
                object_uid=uid or f"uid-{o.key.name}",
                digest=o.digest,
                metadata_generation=None if final else 1,
                final=final or existed,
                existed=existed,
                disposal=o.treatment.disposal,
                **over,
            )
            for o in command.objects
        )
        return StepApplied(**self.header(command), objects=objects)

    def refused(self, command: Command, reason: Reason) -> list[Command]:
        """Refuse a step."""
        return self.tell(StepRejected(**self.header(command), reason=reason, message="no"))

    def errored(self, command: Command, reason: Reason = Reason.API_UNAVAILABLE) -> list[Command]:
        """Fail a step by the platform's fault."""
        return self.tell(StepErrored(**self.header(command), reason=reason, message="the API server is away"))

    def expired(self, command: Command, *, retry_after_s: float = 2) -> list[Command]:
        """It was taken up after its `not_after`."""
        header = self.header(command)
        late = StepErrored(**header, reason=Reason.COMMAND_EXPIRED, message="late", retry_after_s=retry_after_s)
        return self.tell(late)

    def queued(self, command: Command) -> list[Command]:
        """Say that a step does not fit now."""
        needed, available = {"cpu": "4"}, {"cpu": "1"}
        said = {"reason": Reason.UNSCHEDULABLE, "message": "no room", "needed": needed, "available": available}
        return self.tell(StepQueued.model_validate(self.header(command) | said))

    def superseded(self, command: Command) -> list[Command]:
        """Say that the cluster knows better."""
        return self.tell(Superseded(**self.header(command), by_generation=command.generation + 1))

    def pruned(self, command: Command) -> list[Command]:
        """Say that everything asked for is gone."""
        assert isinstance(command, PruneObjects)
        return self.tell(ObjectsPruned(**self.header(command), gone=tuple(o.object_uid for o in command.objects)))

    def not_pruned(self, command: Command, *, reason: Reason) -> list[Command]:
        """Say why nothing could be deleted."""
        return self.tell(StepErrored(**self.header(command), reason=reason, message="the webhook says no"))

    def saw(self, command: Command, verdict: str = "succeeded", **over: Any) -> list[Command]:
        """Observe every object of an apply command."""
        return self.tell(*self.observations(command, verdict, **over))

    def observations(self, command: Command, verdict: str = "succeeded", **over: Any) -> list[Observed]:
        """What the observer says about an apply command's objects."""
        assert isinstance(command, ApplyStep)
        seen: list[Observed] = []
        for obj in command.objects:
            self.counter += 1
            fields: dict[str, Any] = {
                "app": APP,
                "uid": UID,
                "cluster": command.cluster,
                "step": command.step,
                "key": obj.key,
                "object_uid": f"uid-{obj.key.name}",
                "digest": obj.digest,
                "generation": obj.generation,
                "metadata_generation": 1,
                "order": ObservationOrder(incarnation="k", transitions=1, counter=self.counter),
                "progress": Progress(ready=1, desired=1),
                "at": datetime.fromtimestamp(self.now, UTC),
            }
            models: dict[str, type[Observed]] = {
                "succeeded": StepSucceeded,
                "failed": StepFailed,
                "progressing": StepProgressed,
                "vanished": ObjectVanished,
            }
            seen.append(models[verdict].model_validate(fields | over))
        return seen

    def done(self, command: Command) -> list[Command]:
        """Apply and observe success."""
        return [*self.applied(command), *self.saw(command)]

    def header(self, command: Command) -> dict[str, Any]:
        """What an answer repeats."""
        return {
            "app": command.app,
            "uid": command.uid,
            "run": command.run,
            "generation": command.generation,
            "cluster": command.cluster,
            "step": command.step,
            "attempt": command.attempt,
            "nonce": command.nonce,
            "at": datetime.fromtimestamp(self.now, UTC),
        }

    def phase(self, id_: str, cluster: ClusterName = HERE) -> tuple[StepPhase, Reason]:
        """Where a step of the newest run stands."""
        assert self.state.run is not None
        found = self.state.run.steps[f"{cluster}/{id_}"]
        return found.phase, found.reason

    def app_phase(self) -> AppPhase:
        """Where the application stands."""
        return self.state.phase

    def run_phase(self) -> RunPhase:
        """Where the newest run stands."""
        assert self.state.run is not None
        return self.state.run.phase
