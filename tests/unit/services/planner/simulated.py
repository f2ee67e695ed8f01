"""A cluster for the planner's properties: a mailbox, an executor and an observer, slow, forgetful and repetitive."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.bus.topology import ACK_WAIT_S
from shared.contracts.commands import ApplyStep, Command, ObjectToApply, PrepareRun, PruneObjects
from shared.contracts.facts import (
    AppliedObject,
    Fact,
    ObjectsPruned,
    ObjectVanished,
    ObservationOrder,
    Observed,
    RunHeldBack,
    RunPrepared,
    StepApplied,
    StepFailed,
    StepProblem,
    StepProgressed,
    StepRejected,
    StepSucceeded,
    Superseded,
)
from shared.contracts.identity import ClusterName, ObjectKey, StepId
from shared.contracts.phases import Reason
from tests.unit.services.planner.trace import APP, UID, World


@dataclass
class Living:
    """An object in the cluster."""

    key: ObjectKey
    uid: str
    digest: str
    generation: int
    step: StepId
    verdict: str = "progressing"

    @property
    def job(self) -> bool:
        """Whether it ends."""
        return self.key.kind == "Job"


@dataclass
class Cluster:
    """What is truly there, and what is under way."""

    name: ClusterName
    world: World
    rng: random.Random
    objects: dict[ObjectKey, Living] = field(default_factory=dict)
    mailbox: dict[StepId, Command] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    """Stated and not folded yet."""
    succeeded: set[str] = field(default_factory=set)
    """Digests of Jobs of which the planner was told that they have succeeded."""
    _held: dict[StepId, float] = field(default_factory=dict)
    """Until when a command that was not acknowledged is not delivered again."""
    _uids: int = 0
    _order: int = 0

    def take(self, sent: list[Command]) -> None:
        """Put commands into the mailbox: the last of each step stays."""
        for command in sent:
            if command.cluster == self.name:
                self.mailbox[command.step] = command
                self._held.pop(command.step, None)

    def work(self) -> None:
        """Carry out one command; now and then its acknowledgement is lost, and it comes again when ack_wait is over."""
        there = sorted(step for step in self.mailbox if self._held.get(step, 0) <= self.world.now)
        if not there:
            return
        command = self.mailbox[self.rng.choice(there)]
        if self.rng.random() < 0.8:
            del self.mailbox[command.step]
        else:
            self._held[command.step] = self.world.now + ACK_WAIT_S
        if self.world.now < command.not_after.timestamp():
            self.facts.append(self._answer(command))
            self.restate()

    def _answer(self, command: Command) -> Fact:
        header = self.world.header(command)
        match command:
            case PrepareRun():
                return self._prepare(command)
            case PruneObjects():
                return self._prune(command)
            case ApplyStep():
                applied = []
                for wanted in command.objects:
                    live = self.objects.get(wanted.key)
                    if live is not None and live.generation > command.generation:
                        return Superseded(**header, by_generation=live.generation)
                    if live is None and wanted.once and wanted.known_uid is not None:
                        return StepRejected(**header, reason=Reason.VANISHED, message="gone")
                    applied.append(self._apply(command, wanted, live))
                return StepApplied(**header, objects=tuple(applied))

    def _prepare(self, command: PrepareRun) -> Fact:
        """What steps may wait for comes some time, if it comes; without leave to wait there is no later."""
        lacking = self.rng.choice(command.steps)
        if lacking.waits and self.rng.random() < 0.6:
            problem = StepProblem(step=lacking.step, reason=Reason.REFERENCE_NOT_FOUND, message="it is not there")
            return RunHeldBack(**self.world.header(command), problems=(problem,))
        return RunPrepared(**self.world.header(command))

    def _apply(self, command: ApplyStep, wanted: ObjectToApply, live: Living | None) -> AppliedObject:
        if live is None:
            self._uids += 1
            live = Living(wanted.key, f"u{self._uids}", "", 0, command.step)
            self.objects[wanted.key] = live
            if live.job:
                self._created(wanted)
        if live.digest != wanted.digest and not live.job:
            live.verdict = "progressing"
        live.digest, live.generation, live.step = wanted.digest, wanted.generation, command.step
        return AppliedObject(key=live.key, object_uid=live.uid, digest=wanted.digest, metadata_generation=1)

    def _created(self, wanted: ObjectToApply) -> None:
        assert wanted.digest not in self.succeeded, f"{wanted.key} has succeeded and runs again"
        base = wanted.key.name.rpartition("-")[0]
        rivals = [o.key.name for o in self.objects.values() if o.job and o.verdict == "progressing"]
        same = [name for name in rivals if name.rpartition("-")[0] == base and name != wanted.key.name]
        assert not same, f"{wanted.key} runs beside {same}"

    def _prune(self, command: PruneObjects) -> ObjectsPruned:
        for target in command.objects:
            live = self.objects.get(target.key)
            if live is not None and live.uid == target.object_uid:
                self._vanish(live)
        return ObjectsPruned(**self.world.header(command), gone=tuple(t.object_uid for t in command.objects))

    def _vanish(self, live: Living) -> None:
        del self.objects[live.key]
        self.facts.append(self._state(live, "vanished"))

    def progress(self, *, fail: float = 0.2) -> None:
        """Let an object go on."""
        waiting = sorted((o for o in self.objects.values() if o.verdict == "progressing"), key=lambda o: o.uid)
        if waiting:
            live = self.rng.choice(waiting)
            live.verdict = "failed" if live.job and self.rng.random() < fail else "succeeded"
            self.facts.append(self._state(live, live.verdict))

    def interfere(self) -> None:
        """Somebody deletes an object behind our back; not a Job that has ended, which nobody could tell then."""
        there = sorted(
            (o for o in self.objects.values() if o.verdict == "progressing" or not o.job), key=lambda o: o.uid
        )
        if there:
            self._vanish(self.rng.choice(there))

    def restate(self) -> None:
        """State everything anew."""
        self.facts += [self._state(o, o.verdict) for o in self.objects.values()]

    def deliver(self, *, loss: float = 0.1) -> None:
        """Fold some of what was stated: out of order, some of it twice, some of it lost."""
        count = self.rng.randint(0, len(self.facts))
        self.rng.shuffle(self.facts)
        now, self.facts = self.facts[:count], self.facts[count:]
        kept = [fact for fact in now if self.rng.random() >= loss]
        again = [fact for fact in kept if self.rng.random() < 0.1]
        self.facts += again
        self.succeeded |= {f.digest for f in kept if isinstance(f, StepSucceeded) and f.key.kind == "Job"}
        self.take(self.world.tell(*kept))

    def _state(self, live: Living, verdict: str) -> Observed:
        self._order += 1
        fields = {
            "app": APP,
            "uid": UID,
            "cluster": self.name,
            "step": live.step,
            "key": live.key,
            "object_uid": live.uid,
            "digest": live.digest,
            "generation": live.generation,
            "metadata_generation": 1,
            "order": ObservationOrder(incarnation="k", transitions=1, counter=self._order),
            "at": datetime.fromtimestamp(self.world.now, UTC),
        }
        models: dict[str, type[Observed]] = {
            "succeeded": StepSucceeded,
            "failed": StepFailed,
            "progressing": StepProgressed,
            "vanished": ObjectVanished,
        }
        return models[verdict].model_validate(fields)
