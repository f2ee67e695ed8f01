"""CheckSlice and CompareSteps: what a plan would change in this cluster; nothing is written.

A request is believed no more than a command is: every namespace has to be enrolled for its tenant, every kind granted,
and every call is made as the tenant's account.
"""

import asyncio
from collections.abc import Container
from datetime import timedelta
from typing import Any

from services.executor.domain.differences import asked_for, difference
from services.executor.domain.grants import Grants
from services.executor.domain.keeping import is_marked, is_outdated
from services.executor.domain.outcomes import Expired, Outage, Outrun, Refused, meaning
from services.executor.domain.roles import role_of
from services.executor.handlers.apply import Application
from services.executor.handlers.concurrently import concurrently
from services.executor.handlers.deadline import Deadline
from services.executor.handlers.dry_run import DryRun
from services.executor.handlers.enrolment import Enrolments
from services.executor.handlers.prepare import Preparation
from services.executor.handlers.prune import Pruning
from services.executor.ports import Clock, DryRunCluster, OpenSealed
from shared.contracts.commands import ApplyStep, ObjectToApply, PrepareRun
from shared.contracts.differences import (
    Change,
    CheckSlice,
    CompareSteps,
    ObjectDifference,
    SliceChecked,
    StepsCompared,
    StepToCompare,
)
from shared.contracts.identity import PREPARE, ClusterName, ObjectKey, run_id
from shared.contracts.phases import Reason
from shared.errors import Rejected
from shared.kube.errors import KubeError, NotFound
from shared.kube.kinds import GroupVersionKind, Object

_AT_ONCE = 8
"""Objects of one request; each is two calls to the API server."""
_MESSAGE_CHARACTERS = 2000
"""An API server repeats what it does not accept, at whatever length."""
_ANSWER_IN_S = 0.5
"""Of the asker's time, for the way back."""
_NO_DRY_RUN = "does not support dry run"
"""kube-apiserver's words about an admission webhook with side effects."""


class WrongCluster(Rejected):
    """The request is for another cluster than the one whose subject it came on."""

    def __init__(self, asked: ClusterName, own: ClusterName) -> None:
        super().__init__(f"the request is for cluster {asked}, and this is {own}", reason="WrongCluster")


class Comparing:
    """Answers the gateway's questions about plans."""

    def __init__(
        self,
        cluster: DryRunCluster,
        enrolments: Enrolments,
        grants: Grants,
        open_sealed: OpenSealed,
        *,
        preparation: Preparation,
        pruning: Pruning,
        name: ClusterName,
        now: Clock,
    ) -> None:
        self._cluster = cluster
        self._enrolments = enrolments
        self._grants = grants
        self._open_sealed = open_sealed
        self._preparation = preparation
        self._pruning = pruning
        self._name = name
        self._now = now

    async def answer(self, request: CheckSlice | CompareSteps) -> SliceChecked | StepsCompared:
        """Answer in time, with as much as is known by then; raises WrongCluster."""
        if request.cluster != self._name:
            raise WrongCluster(request.cluster, self._name)
        match request:
            case CheckSlice():
                return await self._check(request)
            case CompareSteps():
                return await self._compare(request)

    async def _check(self, request: CheckSlice) -> SliceChecked:
        command = PrepareRun(**self._header(request), step=PREPARE, steps=request.steps)
        try:
            async with asyncio.timeout(_time_left_s(request)):
                findings = await self._preparation.check(command)
                unwanted = await self._pruning.foresee(request.app, request.uid, request.unwanted)
        except TimeoutError:
            trouble = "the Kubernetes API did not answer in time"
        except (Outage, Outrun, Refused) as error:
            trouble = _shortened(str(error))
        else:
            waiting = {step.step for step in request.steps if step.waits}
            judged = [
                (problem, problem.step in waiting and problem.reason is Reason.REFERENCE_NOT_FOUND)
                for problem in findings.problems
            ]
            return SliceChecked(
                cluster=self._name,
                problems=tuple(problem for problem, waits in judged if not waits),
                warnings=(
                    *(warning.message for warning in findings.warnings),
                    *(f"{problem.message}; the run waits for it" for problem, waits in judged if waits),
                ),
                unwanted=tuple(unwanted),
            )
        return SliceChecked(cluster=self._name, trouble=trouble)

    async def _compare(self, request: CompareSteps) -> StepsCompared:
        header = self._header(request)
        until = asyncio.get_running_loop().time() + _time_left_s(request)
        each = [(step, wanted) for step in request.steps for wanted in step.objects]
        planned = frozenset(wanted.key for _, wanted in each)

        async def one(pair: tuple[StepToCompare, ObjectToApply]) -> ObjectDifference:
            step, wanted = pair
            try:
                async with asyncio.timeout_at(until):
                    return await self._one(_command(header, step, wanted), planned)
            except TimeoutError:
                why = "the Kubernetes API did not answer in time"
                return _without(step, wanted, Change.UNKNOWN, Reason.API_UNAVAILABLE, why)

        return StepsCompared(cluster=self._name, objects=tuple(await concurrently(one, each, limit=_AT_ONCE)))

    async def _one(self, command: ApplyStep, planned: Container[ObjectKey]) -> ObjectDifference:
        [wanted] = command.objects
        try:
            live = await self._live(command, wanted)
            return await self._applied(command, wanted, live)
        except Refused as error:
            # In dry run a role that is made first is not there for its binding.
            if isinstance(error.__cause__, NotFound) and role_of(wanted.manifest) in planned:
                return _without(command, wanted, Change.CREATED)
            # A webhook that would have had effects says nothing about the object.
            change = Change.UNKNOWN if _NO_DRY_RUN in str(error) else Change.REFUSED
            return _without(command, wanted, change, error.reason, str(error))
        except Outrun as error:
            return _without(command, wanted, Change.REFUSED, Reason.SUPERSEDED, str(error))
        except Outage as error:
            return _without(command, wanted, Change.UNKNOWN, error.reason, str(error))
        except Expired as error:
            return _without(command, wanted, Change.UNKNOWN, Reason.COMMAND_EXPIRED, str(error))

    async def _live(self, command: ApplyStep, wanted: ObjectToApply) -> Object | None:
        """What is there now, read as the tenant and only where it may be applied."""
        gvk = GroupVersionKind(wanted.key.api_version, wanted.key.kind)
        if not self._grants.allow(command.job_type, gvk):
            raise Refused(Reason.KIND_NOT_ALLOWED, f"{wanted.key}: {self._grants.refusal(command.job_type, gvk)}")
        acting_as = await self._enrolments.account(wanted.key.namespace or command.namespace, command.app.tenant)
        try:
            return await self._cluster.find(wanted.key, acting_as=acting_as)
        except KubeError as error:
            raise meaning(error, wanted.key, acting_as) from error

    async def _applied(self, command: ApplyStep, wanted: ObjectToApply, live: Object | None) -> ObjectDifference:
        # Whether this generation changes the object or reverts its drift is only told by what is there.
        changes = live is None or is_outdated(wanted, live)
        wanted = wanted.model_copy(update={"generation": command.generation - (0 if changes else 1)})
        dry_run = DryRun(self._cluster, live)
        application = Application(dry_run, self._enrolments, self._grants, self._open_sealed)
        deadline = Deadline(command.not_after, self._now)
        await application.apply(command.model_copy(update={"objects": (wanted,)}), deadline)
        return await asyncio.to_thread(_told, command, wanted, dry_run)

    def _header(self, request: CheckSlice | CompareSteps) -> dict[str, Any]:
        return {
            "app": request.app,
            "uid": request.uid,
            "run": run_id(request.uid, request.generation),
            "generation": request.generation,
            "cluster": self._name,
            "not_after": self._now() + timedelta(seconds=request.within_s),
        }


def _command(header: dict[str, Any], step: StepToCompare, wanted: ObjectToApply) -> ApplyStep:
    return ApplyStep(
        **header,
        step=step.step,
        component=step.component,
        namespace=step.namespace,
        job_type=step.job_type,
        objects=(wanted,),
    )


def _told(command: ApplyStep, wanted: ObjectToApply, done: DryRun) -> ObjectDifference:
    """What would become of the object."""
    if done.live is None:
        return _without(command, wanted, Change.CREATED)
    if done.result is None:
        return _without(command, wanted, Change.KEPT, message="it is there, and stays as it is")
    before = asked_for(done.live, done.result) if done.deleted else done.live
    found = difference(before, done.result, wanted.manifest)
    adopted = not is_marked(done.live, command.uid) and is_marked(done.result, command.uid)
    change = Change.CHANGED if found.fields or found.shortened or adopted else Change.UNCHANGED
    return ObjectDifference(
        step=command.step,
        key=wanted.key,
        change=Change.RECREATED if done.deleted else change,
        message="it is there already, and is taken over" if adopted else "",
        fields=found.fields,
        text=found.text,
        shortened=found.shortened,
    )


def _without(
    step: StepToCompare | ApplyStep,
    wanted: ObjectToApply,
    change: Change,
    reason: Reason = Reason.NONE,
    message: str = "",
) -> ObjectDifference:
    """An object of which there are no fields to compare."""
    return ObjectDifference(step=step.step, key=wanted.key, change=change, reason=reason, message=_shortened(message))


def _shortened(message: str) -> str:
    return message if len(message) <= _MESSAGE_CHARACTERS else f"{message[:_MESSAGE_CHARACTERS]}…"


def _time_left_s(request: CheckSlice | CompareSteps) -> float:
    return max(request.within_s / 2, request.within_s - _ANSWER_IN_S)
