"""PrepareRun: may this slice be applied here? Everything that speaks against it, at once; nothing is changed."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.executor.domain.grants import Grants
from services.executor.domain.outcomes import Outrun, Refused, meaning, read_only_absent
from services.executor.domain.ownership import Standing, generation_of, owned_by_other, standing
from services.executor.handlers.concurrently import concurrently
from services.executor.handlers.enrolment import Enrolments
from services.executor.handlers.rights import Rights, not_granted
from services.executor.ports import ClusterReader
from shared.contracts.commands import PreparedObject, PreparedStep, PrepareRun
from shared.contracts.facts import StepProblem
from shared.contracts.identity import ObjectKey
from shared.contracts.phases import Reason
from shared.contracts.plan import ApplyMode, Finding, Reference
from shared.kube.connection import Impersonation
from shared.kube.errors import KubeError
from shared.kube.kinds import GroupVersionKind

_READS_AT_ONCE = 16


@dataclass(frozen=True)
class Awaited:
    """What is lacking and may be waited for."""

    key: ObjectKey
    account: Impersonation
    """Who is to see it."""


@dataclass
class Findings:
    """What was found about a slice."""

    problems: list[StepProblem] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    awaited: list[Awaited] = field(default_factory=list)

    def refuse(self, step: PreparedStep, reason: Reason, message: str) -> None:
        """Note a problem of a step."""
        self.problems.append(StepProblem(step=step.step, reason=reason, message=message))

    def lack(self, step: PreparedStep, awaited: Awaited, message: str) -> None:
        """Note that something has to be there and is not."""
        self.refuse(step, Reason.REFERENCE_NOT_FOUND, message)
        if step.waits:
            self.awaited.append(awaited)

    @property
    def held_back(self) -> bool:
        """Whether nothing speaks against the slice but what may be waited for."""
        return bool(self.problems) and len(self.awaited) == len(self.problems)

    def add(self, other: "Findings") -> None:
        """Take over what was found about a part of the slice."""
        self.problems += other.problems
        self.warnings += other.warnings
        self.awaited += other.awaited


class Preparation:
    """Checks slices against the cluster."""

    def __init__(self, cluster: ClusterReader, enrolments: Enrolments, grants: Grants) -> None:
        self._cluster = cluster
        self._enrolments = enrolments
        self._grants = grants
        self._rights = Rights(cluster)

    async def check(self, command: PrepareRun) -> Findings:
        """All problems and warnings of the slice, in the order of its steps.

        Raises:
            Outage: the cluster could not be asked.
            Outrun: an object of ours bears a newer generation.

        """
        findings = Findings()
        accounts = await self._accounts(command, findings)
        # What the run brings along itself need not be there yet.
        brought = {(o.key.kind, o.key.namespace, o.key.name) for s in command.steps for o in s.objects}

        async def step(one: PreparedStep) -> Findings:
            found = Findings()
            for obj in one.objects:
                await self._check_object(command, one, obj, accounts.get(_space(one, obj.key)), found)
            for reference in one.references:
                wanted = (reference.kind, reference.namespace, reference.name)
                account = accounts.get(reference.namespace)
                if wanted not in brought and account is not None:
                    await self._check_reference(one, reference, account, found)
            return found

        for found in await concurrently(step, command.steps, limit=_READS_AT_ONCE):
            findings.add(found)
        await self._check_rights(command, accounts, findings)
        return findings

    async def _accounts(self, command: PrepareRun, findings: Findings) -> dict[str, Impersonation]:
        """Whom to act as in each namespace; one that does not take part is noted once, at its first step."""
        accounts: dict[str, Impersonation] = {}
        for namespace, step in _namespaces(command.steps).items():
            try:
                accounts[namespace] = await self._enrolments.account(namespace, command.app.tenant)
            except Refused as refused:
                findings.refuse(step, refused.reason, str(refused))
        return accounts

    async def _check_rights(self, command: PrepareRun, accounts: dict[str, Impersonation], findings: Findings) -> None:
        """What the tenant's account lacks is told once for each kind, at the first step that has one."""
        first: dict[tuple[str, GroupVersionKind], PreparedStep] = {}
        for step in command.steps:
            for key in (o.key for o in step.objects if not o.treatment.read_only):
                gvk = GroupVersionKind(key.api_version, key.kind)
                if _space(step, key) in accounts and self._grants.allow(step.job_type, gvk):
                    first.setdefault((_space(step, key), gvk), step)

        async def lacking(one: tuple[str, GroupVersionKind]) -> list[str]:
            namespace, gvk = one
            return await self._rights.missing(gvk, namespace, accounts[namespace])

        asked = await concurrently(lacking, first, limit=_READS_AT_ONCE)
        for (namespace, gvk), verbs in zip(first, asked, strict=True):
            if verbs:
                words = not_granted(gvk, namespace, accounts[namespace], verbs)
                findings.refuse(first[namespace, gvk], Reason.FORBIDDEN, words)

    async def _check_object(
        self,
        command: PrepareRun,
        step: PreparedStep,
        obj: PreparedObject,
        account: Impersonation | None,
        found: Findings,
    ) -> None:
        gvk = GroupVersionKind(obj.key.api_version, obj.key.kind)
        if not self._grants.allow(step.job_type, gvk):
            found.refuse(step, Reason.KIND_NOT_ALLOWED, f"{obj.key}: {self._grants.refusal(step.job_type, gvk)}")
            return
        try:
            await self._cluster.resource(gvk)
            live = await self._cluster.find(obj.key, acting_as=account) if account is not None else None
        except KubeError as error:
            self._note(step, error, obj.key, account, found)
            return
        if obj.treatment.read_only:
            if live is None and account is not None:
                found.lack(step, Awaited(obj.key, account), read_only_absent(obj.key))
            return
        if live is None or obj.mode is ApplyMode.CREATE:
            return
        where = standing(live, command.app, command.uid, obj.known_uid, obj.treatment)
        if where is Standing.NOTHING:
            found.refuse(step, Reason.OWNED_BY_OTHER, owned_by_other(obj.key, live))
        elif where is Standing.WRITE and generation_of(live) > command.generation:
            raise Outrun(obj.key, generation_of(live))

    async def _check_reference(
        self, step: PreparedStep, reference: Reference, account: Impersonation, found: Findings
    ) -> None:
        key = ObjectKey(api_version="v1", kind=reference.kind, namespace=reference.namespace, name=reference.name)
        try:
            live = await self._cluster.find(key, acting_as=account, metadata_only=True)
        except KubeError as error:
            self._note(step, error, key, account, found)
            return
        if live is not None:
            return
        where = f" at {reference.path}" if reference.path else ""
        message = f"{key} does not exist; component {step.component} needs it{where}"
        if reference.optional:
            told = f"{message}, if only optionally"
            found.warnings.append(Finding(path=reference.path, code=Reason.REFERENCE_NOT_FOUND, message=told))
        else:
            remedy = "create it, or declare it in the application"
            found.lack(step, Awaited(key, account), f"{message}: {remedy}")

    @staticmethod
    def _note(
        step: PreparedStep, error: KubeError, key: ObjectKey, account: Impersonation | None, found: Findings
    ) -> None:
        meant = meaning(error, key, account)
        if not isinstance(meant, Refused):
            raise meant from error
        found.refuse(step, meant.reason, str(meant))


def _space(step: PreparedStep, key: ObjectKey) -> str:
    """In whose name an object is written: of its own namespace, or of the step's where it has none."""
    return key.namespace or step.namespace


def _namespaces(steps: Iterable[PreparedStep]) -> dict[str, PreparedStep]:
    """Every namespace that the slice touches, with the first step that does."""
    first: dict[str, PreparedStep] = {}
    for step in steps:
        first.setdefault(step.namespace, step)
        for key in (o.key for o in step.objects):
            first.setdefault(_space(step, key), step)
        for reference in step.references:
            first.setdefault(reference.namespace, step)
    return first
