"""What to ask the clusters about a plan, and what their answers say of it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from shared.contracts.commands import ObjectToApply, PreparedObject, PreparedStep
from shared.contracts.differences import (
    Change,
    ObjectDifference,
    SliceChecked,
    StepToCompare,
    UnwantedDifference,
    UnwantedObject,
)
from shared.contracts.facts import StepProblem
from shared.contracts.identity import ClusterName, ObjectKey, StepId
from shared.contracts.phases import Reason, RunPhase, StepPhase
from shared.contracts.plan import Disposal, Plan, PlannedObject, PlannedStep
from shared.contracts.views import PlanClusterView, PlanObjectView, PlanStepView, PlanView, RunView, StepView
from shared.planning import Fate, fate, plan_view, with_attempt

BATCH_OBJECTS = 40
"""Of one request, so that what is answered of them stays far below the bus's limit."""
BATCH_BYTES = 1024 * 1024
"""Of the manifests of one request; a larger object goes alone."""
TOLD_BYTES = 4 * 1024 * 1024
"""Of all fields and diffs of a plan together: people read no more, and clients need not take it."""
_VOLUME = "PersistentVolumeClaim"
_NO_POLICY = Disposal()
_KEPT = {
    Fate.FORGOTTEN: "volumes outlive what they were made for",
    Fate.KEPT: "a policy says that it stays until the application is deleted",
}

Where = tuple[StepId, ObjectKey]
"""Step and planned object within a cluster."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An object that a cluster is asked about."""

    step: PlannedStep
    planned: PlannedObject
    obj: PlannedObject
    """As it would be applied: a Job under the name of its next attempt."""
    known_uid: str | None

    @property
    def where(self) -> Where:
        """Where its answer belongs."""
        return self.step.step, self.planned.key


@dataclass(frozen=True, kw_only=True)
class ClusterPart:
    """What one cluster is asked about a plan."""

    cluster: ClusterName
    objects: tuple[Asked, ...]
    """Without those that other steps override, and Jobs that have run."""
    steps: tuple[PlannedStep, ...]
    done: tuple[Where, ...]
    """Jobs that have succeeded, and are not run again."""
    unwanted: Mapping[ObjectKey, Fate]


@dataclass
class Answers:
    """What a cluster has answered so far."""

    checked: SliceChecked | None = None
    objects: dict[Where, ObjectDifference] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    """Why something is not answered."""
    left_bytes: int = TOLD_BYTES
    """For further fields and diffs: a plan tells no more, and thousands of objects have more than memory does."""

    def take(self, batch: Sequence[Asked], told: Sequence[ObjectDifference]) -> bool:
        """Take up what is told of a batch; False, and nothing, where it is about something else."""
        if [(a.step.step, a.obj.key) for a in batch] != [(t.step, t.key) for t in told]:
            return False
        for asked, one in zip(batch, told, strict=True):
            self.left_bytes -= _size(one)
            self.objects[asked.where] = one if self.left_bytes >= 0 else _without_fields(one)
        return True


class History:
    """What earlier runs of an application have left in the clusters, as far as their projections tell."""

    def __init__(self, runs: Sequence[RunView]) -> None:
        """`runs` are the newest first, down to the last that has succeeded."""
        steps = [step for run in runs for step in run.steps if step.reason is not Reason.OVERRIDDEN]
        self._steps: dict[tuple[str, StepId], StepView] = {}
        self.objects: dict[ClusterName, dict[ObjectKey, str]] = {}
        """By cluster and key: the uid, empty where it is not told."""
        for step in steps:
            self._steps.setdefault((step.cluster, step.step), step)
            of_cluster = self.objects.setdefault(step.cluster, {})
            for obj in step.objects:
                of_cluster[obj.key] = of_cluster.get(obj.key) or obj.object_uid

    def step(self, planned: PlannedStep) -> StepView | None:
        """The step in the newest run that has it."""
        return self._steps.get((planned.cluster, planned.step))


def reaches_back(runs: Sequence[RunView]) -> bool:
    """Whether older runs have left nothing that the last of these did not take over or away."""
    return bool(runs) and runs[-1].phase is RunPhase.SUCCEEDED


def parts(plan: Plan, history: History, previous: Callable[[], Plan | None]) -> list[ClusterPart]:
    """What to ask each cluster; `previous` plans the last generation again, and is asked for where something goes."""
    by_cluster: dict[ClusterName, list[PlannedStep]] = {}
    for step in plan.steps:
        by_cluster.setdefault(step.cluster, []).append(step)
    asked = {
        cluster: _asked([s for s in steps if s.overridden_by is None], history) for cluster, steps in by_cluster.items()
    }
    unwanted = _unwanted(plan, asked, history, previous)
    return [
        ClusterPart(
            cluster=cluster,
            objects=tuple(one for one in asked.get(cluster, ()) if not _has_run(one, history)),
            steps=tuple(by_cluster.get(cluster, ())),
            done=tuple(one.where for one in asked.get(cluster, ()) if _has_run(one, history)),
            unwanted=unwanted.get(cluster, {}),
        )
        for cluster in dict.fromkeys([*by_cluster, *unwanted])
    ]


def _asked(steps: Iterable[PlannedStep], history: History) -> list[Asked]:
    found: list[Asked] = []
    for step in steps:
        last = history.step(step)
        uids = history.objects.get(step.cluster, {})
        for planned in step.objects:
            obj = _next_attempt(planned, last)
            found.append(Asked(step=step, planned=planned, obj=obj, known_uid=uids.get(obj.key) or None))
    return found


def _next_attempt(planned: PlannedObject, last: StepView | None) -> PlannedObject:
    """A Job keeps its name while it runs and after it has succeeded; after it has failed it gets the next one."""
    if last is None or not planned.job_name_base:
        return planned
    same = with_attempt(planned, last.attempt)
    if not any(same.key == obj.key for obj in last.objects):
        return planned
    again = last.phase.terminal and last.phase is not StepPhase.SUCCEEDED
    return with_attempt(planned, last.attempt + 1) if again else same


def _has_run(asked: Asked, history: History) -> bool:
    last = history.step(asked.step)
    if last is None or last.phase is not StepPhase.SUCCEEDED or not asked.planned.job_name_base:
        return False
    return any(asked.obj.key == obj.key for obj in last.objects)


def _unwanted(
    plan: Plan,
    asked: Mapping[ClusterName, Sequence[Asked]],
    history: History,
    previous: Callable[[], Plan | None],
) -> dict[ClusterName, dict[ObjectKey, Fate]]:
    wanted = {cluster: {one.obj.key for one in of_cluster} for cluster, of_cluster in asked.items()}
    left = {
        cluster: [key for key in keys if key not in wanted.get(cluster, ())]
        for cluster, keys in history.objects.items()
    }
    if not any(left.values()):
        return {}
    before = previous()
    known = {(s.cluster, o.key): o for s in (before.steps if before else ()) for o in s.objects}
    return {
        cluster: {key: _fate(key, known.get((cluster, key)), plan) for key in keys}
        for cluster, keys in left.items()
        if keys
    }


def _fate(key: ObjectKey, planned: PlannedObject | None, plan: Plan) -> Fate:
    volume = key.kind == _VOLUME or (planned is not None and planned.volume)
    disposal = planned.treatment.disposal if planned is not None else _NO_POLICY
    return fate(volume=volume, disposal=disposal, collection=plan.collection, deleting=False)


def prepared(part: ClusterPart) -> tuple[PreparedStep, ...]:
    """The slice as `PrepareRun` has it."""
    objects: dict[StepId, list[PreparedObject]] = {}
    for one in part.objects:
        obj = one.obj
        made = PreparedObject(key=obj.key, mode=obj.mode, known_uid=one.known_uid, treatment=obj.treatment)
        objects.setdefault(one.step.step, []).append(made)
    return tuple(
        PreparedStep(
            step=step.step,
            component=step.component,
            namespace=step.namespace,
            job_type=step.job_type,
            objects=tuple(objects.get(step.step, ())),
            references=() if step.overridden_by is not None else step.references,
            waits=step.deadlines.reference_s > 0,
        )
        for step in part.steps
    )


def unwanted_objects(part: ClusterPart) -> tuple[UnwantedObject, ...]:
    """What to look for in the cluster."""
    return tuple(UnwantedObject(key=key, release=end is Fate.RELEASED) for key, end in part.unwanted.items())


def batches(part: ClusterPart) -> Iterator[tuple[Asked, ...]]:
    """The objects, as many as go into one request; those of a step go together where they fit into one."""
    batch: list[Asked] = []
    size = 0
    for _, step in groupby(part.objects, key=lambda one: one.step.step):
        sized = [(one, len(json.dumps(one.obj.manifest))) for one in step]
        together, whole = len(sized), sum(more for _, more in sized)
        for one, more in sized:
            if batch and (len(batch) + together > BATCH_OBJECTS or size + whole > BATCH_BYTES):
                yield tuple(batch)
                batch, size = [], 0
            together, whole = 1, more
            batch.append(one)
            size += more
    if batch:
        yield tuple(batch)


def to_compare(batch: Iterable[Asked], generation: int) -> tuple[StepToCompare, ...]:
    """A batch as a request has it."""
    by_step: dict[StepId, tuple[PlannedStep, list[ObjectToApply]]] = {}
    for one in batch:
        wanted = ObjectToApply.of(one.obj, generation=generation, known_uid=one.known_uid)
        by_step.setdefault(one.step.step, (one.step, []))[1].append(wanted)
    return tuple(
        StepToCompare(
            step=step.step,
            component=step.component,
            namespace=step.namespace,
            job_type=step.job_type,
            objects=tuple(objects),
        )
        for step, objects in by_step.values()
    )


def view(plan: Plan, found: Sequence[tuple[ClusterPart, Answers]]) -> PlanView:
    """The plan as people read it, with what the clusters say."""
    told = {part.cluster: _Told(part, answers) for part, answers in found}
    left = TOLD_BYTES
    base = plan_view(plan)
    steps: list[PlanStepView] = []
    for step in base.steps:
        of_cluster = told.get(step.cluster)
        objects: list[PlanObjectView] = []
        for obj in step.objects:
            live = of_cluster.of(step, obj.key) if of_cluster is not None else None
            if live is not None:
                left -= _size(live)
                live = live if left >= 0 else _without_fields(live)
            objects.append(obj.model_copy(update={"live": live}))
        steps.append(step.model_copy(update={"objects": tuple(objects)}))
    clusters = tuple(one.cluster_view() for one in told.values())
    return base.model_copy(update={"steps": tuple(steps), "clusters": clusters})


class _Told:
    """The answers of one cluster, by what they are about."""

    def __init__(self, part: ClusterPart, answers: Answers) -> None:
        self._part = part
        self._answers = answers
        self._done = frozenset(part.done)

    def of(self, step: PlanStepView, key: ObjectKey) -> ObjectDifference | None:
        """What would become of a planned object."""
        if step.overridden_by is not None:
            return None
        if (step.step, key) in self._done:
            message = "it has run to its end already, and is not run again"
            return ObjectDifference(
                step=step.step, key=key, change=Change.KEPT, reason=Reason.ALREADY_COMPLETED, message=message
            )
        found = self._answers.objects.get((step.step, key))
        return found or ObjectDifference(step=step.step, key=key, change=Change.UNKNOWN)

    def cluster_view(self) -> PlanClusterView:
        """What else it says."""
        checked = self._answers.checked
        missed = sum(1 for one in self._part.objects if one.where not in self._answers.objects)
        unsure = sum(1 for one in self._answers.objects.values() if one.change is Change.UNKNOWN)
        message = _sentence(self._part, self._answers.troubles, missed)
        return PlanClusterView(
            cluster=self._part.cluster,
            compared=checked is not None and not missed and not unsure and not self._answers.troubles,
            message=message,
            problems=tuple(_problems(checked, self._answers.objects.values())),
            warnings=checked.warnings if checked else (),
            unwanted=self._unwanted(checked),
        )

    def _unwanted(self, checked: SliceChecked | None) -> tuple[UnwantedDifference, ...]:
        fates = self._part.unwanted
        if checked is None:
            unsure = "as far as is known here: the cluster was not asked"
            return tuple(UnwantedDifference(key=key, change=_change(fates[key]), message=unsure) for key in fates)
        return tuple(
            one
            if fates[one.key] not in _KEPT
            else UnwantedDifference(key=one.key, change=Change.KEPT, message=_KEPT[fates[one.key]])
            for one in checked.unwanted
            if one.key in fates
        )


def _change(end: Fate) -> Change:
    return {Fate.DELETED: Change.DELETED, Fate.RELEASED: Change.RELEASED}.get(end, Change.KEPT)


def _sentence(part: ClusterPart, troubles: Sequence[str], missed: int) -> str:
    if not troubles:
        return ""
    total = len(part.objects)
    what = "what is there" if missed == total else f"{missed} of {total} objects" if missed else "references and kinds"
    return f"cluster {part.cluster}: {what} could not be looked at: {'; '.join(dict.fromkeys(troubles))}"


def _problems(checked: SliceChecked | None, objects: Iterable[ObjectDifference]) -> list[StepProblem]:
    """Each once, missing references first: they are what people can do something about at once."""
    refused = (
        StepProblem(step=one.step, reason=one.reason, message=one.message)
        for one in objects
        if one.change is Change.REFUSED
    )
    told = dict.fromkeys((p.step, p.reason, p.message) for p in (*(checked.problems if checked else ()), *refused))
    problems = [StepProblem(step=step, reason=reason, message=message) for step, reason, message in told]
    return sorted(problems, key=lambda p: p.reason is not Reason.REFERENCE_NOT_FOUND)


def _without_fields(live: ObjectDifference) -> ObjectDifference:
    if not live.fields and not live.text:
        return live
    return live.model_copy(update={"fields": (), "text": "", "shortened": True})


def _size(live: ObjectDifference) -> int:
    if not live.fields:
        return len(live.text)
    return len(live.text) + sum(len(f.path) + len(json.dumps([f.before, f.after])) for f in live.fields)
