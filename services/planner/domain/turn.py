"""One turn of the planner over one application: the state handed over, the time, and what comes out of it.

Every change that readers see goes through `Turn`, so that no phase changes without its numbered event.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from services.planner.domain.state import (
    NEVER,
    AppState,
    Asked,
    ClusterState,
    Drift,
    JobEntry,
    PruneState,
    RunState,
    StepState,
    WantedObject,
    dependents,
    object_key,
)
from shared.contracts import phases
from shared.contracts.facts import Progress
from shared.contracts.identity import PREPARE, PRUNE, ClusterName, Digest, RunId, StepId
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.plan import Finding
from shared.contracts.runs import AppPhaseChanged, RunEvent, RunPhaseChanged, StepPhaseChanged


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Times of the planner, in seconds, and its window."""

    prepare_deadline_s: float = 120
    """How long all clusters together may take to answer PrepareRun."""
    held_back_resend_s: float = 15
    """How often a cluster that waits for what others make is asked again; it looks by itself in between."""
    unreachable_limit_s: float = 900
    """How long verdicts about a cluster without beats wait past their deadline."""
    resend_first_s: float = 5
    resend_max_s: float = 60
    command_grace_s: float = 30
    """How long a command stays valid after the moment it would be sent again."""
    command_valid_s: float = 55
    """But never longer than this: one that was answered comes again, where its acknowledgement was lost, after 60 s."""
    nudge_first_s: float = 20
    nudge_max_s: float = 300
    prune_deadline_s: float = 600
    drift_first_s: float = 2
    """How long drift has to be seen before it is reverted: what is under way settles by itself."""
    drift_max_s: float = 300
    """How long it stays at most where others make it again and again; twice as long each time."""
    drift_calm_s: float = 600
    """After so long without drift the next one counts as the first."""
    window: int = 64
    """Unanswered ApplyStep commands per application and cluster."""
    ledger_limit: int = 1000
    """Jobs remembered per application besides those of its newest plan; about 100 kB of state."""


COMMAND_GRACE_S = 35
"""Past a command's `not_after`: a call that the executor began just before (30 s at most), and 5 s of clock skew."""


class SendKind(StrEnum):
    """Which command is to be sent."""

    PREPARE = "prepare"
    APPLY = "apply"
    PRUNE = "prune"


@dataclass(frozen=True, kw_only=True)
class Send:
    """A command to send, without the manifests: those are in the plan."""

    kind: SendKind
    run: RunId
    """It is of no use to any later run."""
    cluster: ClusterName
    step: StepId
    attempt: int
    nonce: int
    not_after: float


class Revert(StrEnum):
    """An object that was set back, by what others had done to it."""

    CHANGED = "Changed"
    VANISHED = "Vanished"
    """It was not there any more, or another one in its place, and was made anew."""


class IllegalTransition(AssertionError):
    """A phase change that the table does not allow: a defect of ours."""


@dataclass(kw_only=True)
class Turn:
    """The working state of one turn."""

    state: AppState
    now: float
    policy: Policy
    reachable: Callable[[ClusterName], bool]
    events: list[RunEvent] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)
    reverts: list[Revert] = field(default_factory=list)
    """Drift that was set back, as the answers tell: for counting."""
    changed: bool = False
    """Something must be stored, also where no event tells of it."""
    _dependents: dict[str, list[str]] | None = None
    _wanted: frozenset[str] | None = None
    _objects: dict[str, dict[str, WantedObject]] = field(default_factory=dict)
    _lines: dict[tuple[ClusterName, Digest], str] | None = None

    @property
    def run(self) -> RunState:
        """The newest run; only called where there is one."""
        run = self.state.run
        if run is None:
            msg = "no run"
            raise AssertionError(msg)
        return run

    @property
    def active_run(self) -> RunState | None:
        """The newest run while it has not ended."""
        run = self.state.run
        return run if run is not None and not run.phase.terminal else None

    def open_run(self, run: RunState) -> None:
        """Make it the newest run."""
        self.state.run = run
        self._dependents = self._wanted = None
        self._objects.clear()

    @property
    def wanted(self) -> frozenset[str]:
        """Keys of all objects that the newest run wants."""
        if self._wanted is None:
            steps = self.state.run.steps.values() if self.state.run is not None else ()
            self._wanted = frozenset(object_key(s.cluster, o.key) for s in steps for o in s.objects)
        return self._wanted

    def objects_of(self, step: StepState) -> dict[str, WantedObject]:
        """What a step wants, by object key; there may be thousands, and as many facts about them."""
        found = self._objects.get(step.key)
        if found is None:
            found = self._objects[step.key] = {object_key(step.cluster, w.key): w for w in step.objects}
        return found

    def ledger_line(self, cluster: ClusterName, digest: Digest) -> JobEntry | None:
        """The ledger's line about the Job that has this digest in some attempt."""
        if self._lines is None:
            self._lines = {}
            for line, entry in self.state.ledger.items():
                of = ClusterName(line.partition("/")[0])
                self._lines |= {(of, known): line for known in (*entry.earlier, entry.digest)}
        found = self._lines.get((cluster, digest))
        return self.state.ledger.get(found) if found is not None else None

    def ledger_changed(self) -> None:
        """Lines were added or removed."""
        self._lines = None

    def dependents_of(self, step: StepState) -> list[StepState]:
        """The steps that wait for this one."""
        if self._dependents is None:
            self._dependents = dependents(self.run)
        return [self.run.steps[key] for key in self._dependents.get(step.key, ())]

    def header(self) -> dict[str, Any]:
        """The header of the next event; numbers it."""
        self.state.n += 1
        self.changed = True
        run = self.run
        return {
            "app": self.state.app,
            "uid": self.state.uid,
            "n": self.state.n,
            "run": run.run,
            "generation": run.generation,
            "at": utc(self.now),
        }

    def run_to(self, phase: RunPhase, reason: Reason = Reason.NONE, message: str = "") -> None:
        """Move the run."""
        if phase not in phases.RUN_TRANSITIONS[self.run.phase]:
            msg = f"run {self.run.phase} → {phase}"
            raise IllegalTransition(msg)
        self.run.phase, self.run.reason, self.run.message = phase, reason, message
        self.run.deadline = NEVER
        if phase.terminal:
            self.run.ready.clear()
        self.events.append(RunPhaseChanged(**self.header(), phase=phase, reason=reason, message=message))

    def run_warns(self, warnings: tuple[Finding, ...]) -> None:
        """Tell what is accepted all the same."""
        run = self.run
        if warnings:
            changed = RunPhaseChanged(
                **self.header(), phase=run.phase, reason=run.reason, message=run.message, warnings=warnings
            )
            self.events.append(changed)

    def run_says(self, reason: Reason, message: str) -> None:
        """Tell more about why the run is where it is; the same again says nothing."""
        run = self.run
        if (reason, message) != (run.reason, run.message):
            run.reason, run.message = reason, message
            self.events.append(RunPhaseChanged(**self.header(), phase=run.phase, reason=reason, message=message))

    def app_to(self, phase: AppPhase, reason: Reason = Reason.NONE, message: str = "") -> None:
        """Move the application, or tell more about why it is where it is."""
        if phase is not self.state.phase and phase not in phases.APP_TRANSITIONS[self.state.phase]:
            msg = f"application {self.state.phase} → {phase}"
            raise IllegalTransition(msg)
        if (phase, reason, message) == (self.state.phase, self.state.phase_reason, self.state.phase_message):
            return
        self.state.phase, self.state.phase_reason, self.state.phase_message = phase, reason, message
        self.events.append(AppPhaseChanged(**self.header(), phase=phase, reason=reason, message=message))

    def step_to(
        self,
        step: StepState,
        phase: StepPhase,
        reason: Reason = Reason.NONE,
        message: str = "",
        *,
        progress: Progress | None = None,
        needed: dict[str, str] | None = None,
        available: dict[str, str] | None = None,
    ) -> None:
        """Move a step, or tell more about why it is where it is; the same again says nothing."""
        progress = progress or step.progress
        if (step.phase, step.reason, step.message, step.progress) == (phase, reason, message, progress):
            return
        if phase is not step.phase and phase not in phases.STEP_TRANSITIONS[step.phase]:
            msg = f"step {step.key}: {step.phase} → {phase}"
            raise IllegalTransition(msg)
        step.phase, step.reason, step.message, step.progress = phase, reason, message, progress
        if phase.terminal:
            step.asked, step.nudge_at, step.deadline = None, NEVER, NEVER
        self.events.append(
            StepPhaseChanged(
                **self.header(),
                cluster=step.cluster,
                step=step.step,
                phase=phase,
                reason=reason,
                message=message,
                attempt=step.attempt,
                deadline=None if step.deadline == NEVER else utc(step.deadline),
                progress=progress,
                needed=needed or {},
                available=available or {},
            )
        )

    def send_prepare(self, cluster: ClusterName, target: ClusterState) -> None:
        """Ask a cluster whether its slice can be applied."""
        target.nonce += 1
        target.asked = self._ask(target.asked, target.nonce)
        self._send(SendKind.PREPARE, cluster, PREPARE, 1, target.asked)

    def send_apply(self, step: StepState) -> None:
        """Ask for a step."""
        step.nonce += 1
        step.asked = self._ask(step.asked, step.nonce)
        step.until = max(step.until, step.asked.not_after)
        for wanted in (w for w in step.objects if w.line):
            entry = self.state.ledger[wanted.line]
            held = self.state.inventory.get(object_key(step.cluster, wanted.key))
            if held is None or held.object_uid == entry.spent_uid:
                # One whose uid the command tells is not created again when it is gone.
                entry.until = max(entry.until, step.asked.not_after)
                step.creating = step.nonce
        self._send(SendKind.APPLY, step.cluster, step.step, step.attempt, step.asked)

    def send_revert(self, step: StepState, drift: Drift) -> None:
        """Ask for a step that has succeeded once more; Jobs are left out of it."""
        step.nonce += 1
        drift.asked = self._ask(drift.asked, step.nonce)
        drift.due = drift.asked.resend_at
        step.until = max(step.until, drift.asked.not_after)
        self._send(SendKind.APPLY, step.cluster, step.step, step.attempt, drift.asked)

    def send_prune(self, cluster: ClusterName, prune: PruneState) -> None:
        """Ask for everything that this cluster still has to delete."""
        self.state.prune_nonce += 1
        prune.nonce = self.state.prune_nonce
        prune.asked = self._ask(prune.asked, prune.nonce)
        prune.until = max(prune.until, prune.asked.not_after)
        self._send(SendKind.PRUNE, cluster, PRUNE, 1, prune.asked)

    def _ask(self, before: Asked | None, nonce: int) -> Asked:
        policy = self.policy
        backoff = policy.resend_first_s if before is None else min(before.backoff_s * 2, policy.resend_max_s)
        resend_at = self.now + backoff
        not_after = self.now + min(backoff + policy.command_grace_s, policy.command_valid_s)
        return Asked(nonce=nonce, not_after=not_after, resend_at=resend_at, backoff_s=backoff)

    def _send(self, kind: SendKind, cluster: ClusterName, step: StepId, attempt: int, asked: Asked) -> None:
        self.changed = True
        self.sends.append(
            Send(
                kind=kind,
                run=self.run.run,
                cluster=cluster,
                step=step,
                attempt=attempt,
                nonce=asked.nonce,
                not_after=asked.not_after,
            )
        )


def utc(seconds: float) -> datetime:
    """UNIX seconds as an aware time."""
    return datetime.fromtimestamp(seconds, UTC)
