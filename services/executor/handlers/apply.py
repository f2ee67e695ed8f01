"""ApplyStep: brings a step's objects about, one after another, as the tenant."""

import asyncio
import random
from base64 import b64encode
from dataclasses import dataclass

from services.executor.domain.grants import Grants
from services.executor.domain.manifests import ManifestMismatch, absent, finished, onto
from services.executor.domain.outcomes import Outage, Outrun, Refused, being_deleted, meaning
from services.executor.domain.ownership import generation_of, owned_by_other, proven_ours
from services.executor.handlers.deadline import Deadline
from services.executor.handlers.enrolment import Enrolments
from services.executor.ports import Cluster, OpenSealed
from shared.contracts.annotations import field_manager
from shared.contracts.commands import ApplyStep, ObjectToApply
from shared.contracts.facts import AppliedObject
from shared.contracts.identity import AppUid, Namespace, Tenant
from shared.contracts.phases import Reason
from shared.contracts.plan import ApplyMode
from shared.kube.connection import Impersonation
from shared.kube.errors import AlreadyExists, Conflict, KubeError
from shared.kube.kinds import GroupVersionKind, Object
from shared.sealing import Place, SealedValueInvalid

_ATTEMPTS = 5
_JITTER_S = 0.2
"""Between attempts: long enough for the controller that wrote in between to be done."""


@dataclass(frozen=True)
class _Target:
    """One object on its way into the cluster."""

    command: ApplyStep
    wanted: ObjectToApply
    manifest: Object
    acting_as: Impersonation
    deadline: Deadline

    @property
    def manager(self) -> str:
        return field_manager(self.command.uid)


class Application:
    """Applies steps."""

    def __init__(self, cluster: Cluster, enrolments: Enrolments, grants: Grants, open_sealed: OpenSealed) -> None:
        self._cluster = cluster
        self._enrolments = enrolments
        self._grants = grants
        self._open_sealed = open_sealed

    async def apply(self, command: ApplyStep, deadline: Deadline) -> tuple[AppliedObject, ...]:
        """Apply every object, in order.

        Raises:
            Refused: for good; the objects before the refused one stay.
            Outage: worth another try; what was applied is applied again then, to no effect.
            Outrun: an object bears a newer generation; nothing of it was changed.
            Expired: `not_after` has passed.

        """
        return tuple([await self._apply_one(command, wanted, deadline) for wanted in command.objects])

    async def _apply_one(self, command: ApplyStep, wanted: ObjectToApply, deadline: Deadline) -> AppliedObject:
        gvk = GroupVersionKind(wanted.key.api_version, wanted.key.kind)
        # Prepare has asked already, but an executor must not depend on who commands it.
        if not self._grants.allow(command.job_type, gvk):
            raise Refused(Reason.KIND_NOT_ALLOWED, f"{wanted.key}: {self._grants.refusal(command.job_type, gvk)}")
        acting_as = await self._enrolments.account(wanted.key.namespace or command.namespace, command.app.tenant)
        try:
            manifest = finished(wanted, lambda key, text: self._open(command, wanted, key, text))
            target = _Target(command, wanted, manifest, acting_as, deadline)
            if wanted.mode is ApplyMode.CREATE:
                return await self._create(target)
            return await self._bring_about(target)
        except ManifestMismatch as error:
            raise Refused(Reason.INTERNAL, str(error)) from error
        except (KubeError, SealedValueInvalid) as error:
            raise meaning(error, wanted.key, acting_as) from error

    def _open(self, command: ApplyStep, wanted: ObjectToApply, key: str, text: str) -> str:
        place = Place(
            tenant=Tenant(command.app.tenant),
            namespace=Namespace(wanted.key.namespace),
            app_uid=AppUid(command.uid),
            name=wanted.key.name,
            key=key,
        )
        return b64encode(self._open_sealed(text, place)).decode()

    async def _create(self, target: _Target) -> AppliedObject:
        """Create if absent; what is there already is success and is not touched."""
        key = target.wanted.key
        target.deadline.check()
        try:
            made = await self._cluster.create(target.manifest, field_manager=target.manager, acting_as=target.acting_as)
            return _applied(target, made, existed=False)
        except AlreadyExists:
            live = await self._cluster.find(key, acting_as=target.acting_as, metadata_only=True)
        if live is None or "deletionTimestamp" in live["metadata"]:
            raise being_deleted(key)
        return _applied(target, live, existed=True)

    async def _bring_about(self, target: _Target) -> AppliedObject:
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_JITTER_S * attempt * random.uniform(0.5, 1.5))  # noqa: S311  # jitter
            live = await self._cluster.find(target.wanted.key, acting_as=target.acting_as)
            manifest = absent(target.manifest) if live is None else self._checked(target, live)
            if live is None and target.wanted.once and target.wanted.known_uid is not None:
                raise Refused(Reason.VANISHED, f"{target.wanted.key} was deleted in the cluster; it is not run again")
            target.deadline.check()
            try:
                applied = await self._cluster.apply(
                    manifest,
                    field_manager=target.manager,
                    # Onto our own object: who changed a field of it has drifted from what was asked for.
                    force=live is not None,
                    acting_as=target.acting_as,
                )
            except Conflict:
                # Written by somebody since it was read, gone, or just come: look again.
                continue
            return _applied(target, applied, existed=False)
        tries = f"{target.wanted.key} changed under {_ATTEMPTS} attempts to apply it"
        raise Outage(Reason.CONFLICT, tries)

    @staticmethod
    def _checked(target: _Target, live: Object) -> Object:
        """The manifest for an object that is there already; raises unless it is ours, not newer and not going."""
        wanted, command = target.wanted, target.command
        if not proven_ours(live, command.uid, wanted.known_uid):
            raise Refused(Reason.OWNED_BY_OTHER, owned_by_other(wanted.key, live))
        if generation_of(live) > command.generation:
            raise Outrun(wanted.key, generation_of(live))
        if "deletionTimestamp" in live["metadata"]:
            raise being_deleted(wanted.key)
        return onto(target.manifest, live)


def _applied(target: _Target, live: Object, *, existed: bool) -> AppliedObject:
    wanted = target.wanted
    created_only = wanted.mode is ApplyMode.CREATE
    return AppliedObject(
        key=wanted.key,
        object_uid=live["metadata"]["uid"],
        digest=wanted.digest,
        metadata_generation=live["metadata"].get("generation"),
        final=created_only or wanted.rule is None or wanted.rule.health_only,
        existed=existed,
    )
