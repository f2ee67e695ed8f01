"""ApplyStep: brings a step's objects about, one after another, as the tenant."""

import asyncio
import random
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass

from services.executor.domain.grants import Grants
from services.executor.domain.keeping import (
    is_outdated,
    keeping,
    keeps_everything,
    kept_paths,
    marks,
    must_be_made_anew,
    replacement,
)
from services.executor.domain.manifests import ManifestMismatch, absent, finished, onto
from services.executor.domain.outcomes import Outage, Outrun, Refused, being_deleted, meaning, read_only_absent
from services.executor.domain.ownership import Standing, generation_of, owned_by_other, standing, taken_from
from services.executor.domain.sharing import joined, sharer, sharers, signature
from services.executor.handlers.deadline import Deadline
from services.executor.handlers.enrolment import Enrolments
from services.executor.ports import Cluster, OpenSealed
from shared.contracts.annotations import ANNOTATION_SHARED_BY, PLATFORM_MANAGER, field_manager
from shared.contracts.commands import ApplyStep, ObjectToApply
from shared.contracts.facts import AppliedObject
from shared.contracts.identity import AppUid, Namespace, Tenant
from shared.contracts.managed import applied_fields
from shared.contracts.phases import Reason
from shared.contracts.plan import ApplyMode
from shared.kube.connection import Impersonation
from shared.kube.errors import AlreadyExists, Conflict, KubeError, NotFound
from shared.kube.kinds import GroupVersionKind, Object
from shared.sealing import Place, SealedValueInvalid

_ATTEMPTS = 5
_JITTER_S = 0.2
"""Between attempts: long enough for the controller that wrote in between to be done."""
_LOOKS = 15
_LOOK_EVERY_S = 0.2
"""Three seconds for an object that is made anew to go; one with finalizers is waited for by the next command."""


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
            if wanted.treatment.read_only:
                return await self._look(wanted, acting_as)
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

    async def _look(self, wanted: ObjectToApply, acting_as: Impersonation) -> AppliedObject:
        live = await self._cluster.find(wanted.key, acting_as=acting_as, metadata_only=True)
        if live is None:
            raise Refused(Reason.REFERENCE_NOT_FOUND, read_only_absent(wanted.key))
        return _untouched(wanted, live, existed=True)

    async def _create(self, target: _Target) -> AppliedObject:
        """Create if absent; what is there already is success and is not touched."""
        key = target.wanted.key
        target.deadline.check()
        try:
            made = await self._cluster.create(target.manifest, field_manager=target.manager, acting_as=target.acting_as)
            return _untouched(target.wanted, made, written=True)
        except AlreadyExists:
            live = await self._cluster.find(key, acting_as=target.acting_as, metadata_only=True)
        if live is None or "deletionTimestamp" in live["metadata"]:
            raise being_deleted(key)
        return _untouched(target.wanted, live, existed=True)

    async def _bring_about(self, target: _Target) -> AppliedObject:
        if target.wanted.known_uid is None:
            # Most often there is none yet, and if there is the API server says so: a look beforehand is one call more.
            with suppress(Conflict):
                return await self._make(target)
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_JITTER_S * attempt * random.uniform(0.5, 1.5))  # noqa: S311  # jitter
            live = await self._cluster.find(target.wanted.key, acting_as=target.acting_as)
            try:
                done = await (self._make(target) if live is None else self._change(target, live))
            except Conflict:
                # Written by somebody since it was read, gone, or just come: look again.
                continue
            if done is not None:
                return done
        tries = f"{target.wanted.key} changed under {_ATTEMPTS} attempts to apply it"
        raise Outage(Reason.CONFLICT, tries)

    async def _make(self, target: _Target) -> AppliedObject:
        """Create it; raises Conflict where somebody else was faster."""
        wanted = target.wanted
        if wanted.once and wanted.known_uid is not None:
            raise Refused(Reason.VANISHED, f"{wanted.key} was deleted in the cluster; it is not run again")
        return _applied(target, await self._send(target, absent(_signed(target, target.manifest, [])), force=False))

    async def _change(self, target: _Target, live: Object) -> AppliedObject | None:
        """Write or sign what is there; None where it was deleted, to be made anew. Raises Conflict."""
        wanted, command = target.wanted, target.command
        where = standing(live, command.app, command.uid, wanted.known_uid, wanted.treatment)
        if where is Standing.NOTHING:
            raise Refused(Reason.OWNED_BY_OTHER, owned_by_other(wanted.key, live))
        if where is Standing.SIGN:
            signed = await self._patch(target, live, signature(live, command.app), PLATFORM_MANAGER)
            return _untouched(wanted, signed)
        if generation_of(live) > command.generation:
            raise Outrun(wanted.key, generation_of(live))
        if "deletionTimestamp" in live["metadata"]:
            raise being_deleted(wanted.key)
        paths = kept_paths(wanted, command)
        if keeps_everything(paths, live, command.uid):
            marked = await self._patch(target, live, marks(target.manifest, live), target.manager)
            return _applied(target, marked, live)
        manifest = _signed(target, keeping(target.manifest, live, paths), sharers(live))
        if is_outdated(wanted, live) and not wanted.once:
            if must_be_made_anew(manifest, live, wanted.treatment.recreate_fields):
                await self._remove(target, live)
                return None
            if wanted.treatment.replace:
                live = await self._replace(target, onto(replacement(manifest, live), live))
        # Onto our own object: who changed a field of it has drifted from what was asked for.
        return _applied(target, await self._send(target, onto(manifest, live), force=True), live)

    async def _send(self, target: _Target, manifest: Object, *, force: bool) -> Object:
        target.deadline.check()
        return await self._cluster.apply(
            manifest, field_manager=target.manager, force=force, acting_as=target.acting_as
        )

    async def _patch(self, target: _Target, live: Object, patch: Object | None, manager: str) -> Object:
        if patch is None:
            return live
        target.deadline.check()
        return await self._cluster.patch(target.wanted.key, patch, field_manager=manager, acting_as=target.acting_as)

    async def _replace(self, target: _Target, manifest: Object) -> Object:
        target.deadline.check()
        return await self._cluster.replace(manifest, field_manager=target.manager, acting_as=target.acting_as)

    async def _remove(self, target: _Target, live: Object) -> None:
        """Delete it and wait for a while until it is gone; whoever comes next finds it going."""
        key, uid = target.wanted.key, live["metadata"]["uid"]
        target.deadline.check()
        try:
            await self._cluster.delete(key, uid=uid, acting_as=target.acting_as)
        except NotFound:
            return
        for _ in range(_LOOKS):
            there = await self._cluster.find(key, acting_as=target.acting_as, metadata_only=True)
            if there is None or there["metadata"]["uid"] != uid:
                return
            await asyncio.sleep(_LOOK_EVERY_S)


def _signed(target: _Target, manifest: Object, before: list[str]) -> Object:
    """The manifest with the names of those who share the object, if it is shared."""
    if not target.wanted.treatment.shared:
        return manifest
    names = dict.fromkeys([sharer(target.command.app), *before])
    notes = {**(manifest["metadata"].get("annotations") or {}), ANNOTATION_SHARED_BY: joined(names)}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": notes}}


def _applied(target: _Target, live: Object, before: Object | None = None) -> AppliedObject:
    """What was applied, onto `before` where there was something."""
    wanted, uid = target.wanted, target.command.uid
    return AppliedObject(
        key=wanted.key,
        object_uid=live["metadata"]["uid"],
        digest=wanted.digest,
        metadata_generation=live["metadata"].get("generation"),
        final=wanted.rule is None or wanted.rule.health_only,
        disposal=wanted.treatment.disposal,
        fields=applied_fields(live, target.manager),
        written=before is None or before["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"],
        taken_from=() if before is None else taken_from(before, live, uid),
    )


def _untouched(wanted: ObjectToApply, live: Object, *, existed: bool = False, written: bool = False) -> AppliedObject:
    """What is not ours to change, or not any more: created once, shared, only read."""
    return AppliedObject(
        key=wanted.key,
        object_uid=live["metadata"]["uid"],
        digest=wanted.digest,
        metadata_generation=live["metadata"].get("generation"),
        final=True,
        existed=existed,
        disposal=wanted.treatment.disposal,
        written=written,
    )
