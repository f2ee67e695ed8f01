"""PruneObjects: deletes exactly what it is told, by name and uid."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.executor.domain.outcomes import Outage, Outrun, Refused, meaning
from services.executor.domain.ownership import bears_marks_of, generation_of, left_to, of_other_application
from services.executor.domain.sharing import sharer, sharers, withdrawal
from services.executor.handlers.concurrently import concurrently
from services.executor.handlers.deadline import Deadline
from services.executor.handlers.enrolment import Enrolments
from services.executor.ports import Cluster
from shared.contracts.annotations import PLATFORM_MANAGER
from shared.contracts.commands import ObjectToPrune, PruneObjects
from shared.contracts.differences import Change, UnwantedDifference, UnwantedObject
from shared.contracts.facts import RemainingObject
from shared.contracts.identity import AppRef, AppUid, ObjectKey
from shared.contracts.phases import Reason
from shared.kube.connection import Impersonation
from shared.kube.errors import Conflict, KubeError, NotFound
from shared.kube.kinds import Object

_AT_ONCE = 8
_ATTEMPTS = 5
_SETTLE_S = 2.0
"""Deletions without finalizers take effect at once; others get so long before they are told as remaining."""
_LOOK_FIRST_S = 0.25
"""Then after twice as long each time."""


class Pruned(NamedTuple):
    """What became of the objects."""

    gone: tuple[str, ...]
    """uids."""
    released: tuple[str, ...]
    """uids of what stays and is not ours any more."""
    remaining: tuple[RemainingObject, ...]


class Pruning:
    """Deletes objects."""

    def __init__(self, cluster: Cluster, enrolments: Enrolments) -> None:
        self._cluster = cluster
        self._enrolments = enrolments

    async def prune(self, command: PruneObjects, deadline: Deadline) -> Pruned:
        """Delete or give up, and tell what is gone, what is nobody's or another's, and what remains.

        Raises:
            Outrun: an object bears a newer generation; nothing was deleted.
            Refused: the namespace is not enrolled any more.
            Outage: worth another try.
            Expired: `not_after` has passed.

        """
        remaining: list[RemainingObject] = []
        wanted: list[ObjectToPrune] = []
        for obj in command.objects:
            if obj.key.kind == "PersistentVolumeClaim" and not obj.volume:
                remaining.append(_remains(obj, "volumes are never deleted unless a policy says so"))
            else:
                wanted.append(obj)
        accounts = await self._accounts(command.app, {obj.key.namespace for obj in wanted})
        # All fences before the first deletion.
        seen = await concurrently(lambda obj: self._fence(command, obj, accounts), wanted, limit=_AT_ONCE)
        given_up = [
            obj for obj, live in zip(wanted, seen, strict=True) if live is not None and _stays(command, obj, live)
        ]
        released = {obj.object_uid for obj in given_up}
        wanted = [obj for obj in wanted if obj.object_uid not in released]
        await concurrently(lambda obj: self._give_up(command, obj, accounts, deadline), given_up, limit=_AT_ONCE)
        await concurrently(lambda obj: self._delete(obj, accounts, deadline), wanted, limit=_AT_ONCE)
        there = await self._await_gone(wanted, accounts)
        remaining += [_remains(obj, _why(live)) for obj, live in there]
        left = {obj.object_uid for obj, _ in there}
        gone = tuple(obj.object_uid for obj in wanted if obj.object_uid not in left)
        return Pruned(gone, tuple(obj.object_uid for obj in given_up), tuple(remaining))

    async def foresee(self, app: AppRef, uid: AppUid, unwanted: Sequence[UnwantedObject]) -> list[UnwantedDifference]:
        """What would become of objects that are not wanted any more, without those that are gone or another's.

        Raises:
            Refused: a namespace is not enrolled any more.
            Outage: the API server could not say.

        """
        accounts = await self._accounts(app, {obj.key.namespace for obj in unwanted})

        async def one(obj: UnwantedObject) -> UnwantedDifference | None:
            account = accounts[obj.key.namespace]
            live = None if account is None else await self._find(obj.key, account)
            if live is None or not bears_marks_of(live, uid):
                return None
            others = [name for name in sharers(live) if name != sharer(app)]
            if obj.release or others:
                why = f"{', '.join(others)} share it" if others else "a policy says that it stays"
                return UnwantedDifference(key=obj.key, change=Change.RELEASED, message=why)
            return UnwantedDifference(key=obj.key, change=Change.DELETED)

        return [found for found in await concurrently(one, unwanted, limit=_AT_ONCE) if found is not None]

    async def _accounts(self, app: AppRef, namespaces: Iterable[str]) -> dict[str, Impersonation | None]:
        """Whom to act as, by namespace of the object; None where the namespace itself is gone."""
        accounts: dict[str, Impersonation | None] = {}
        for namespace in namespaces:
            try:
                accounts[namespace] = await self._enrolments.account(namespace or app.namespace, app.tenant)
            except Refused as refused:
                if refused.reason is not Reason.NAMESPACE_NOT_FOUND or not namespace:
                    raise
                accounts[namespace] = None
        return accounts

    async def _fence(
        self, command: PruneObjects, obj: ObjectToPrune, accounts: dict[str, Impersonation | None]
    ) -> Object | None:
        live = await self._look(obj, accounts)
        ours = live is not None and not of_other_application(live, command.uid)
        if live is not None and ours and generation_of(live) > command.generation:
            raise Outrun(obj.key, generation_of(live))
        return live

    async def _give_up(
        self,
        command: PruneObjects,
        obj: ObjectToPrune,
        accounts: dict[str, Impersonation | None],
        deadline: Deadline,
    ) -> None:
        """Take the application's marks off, and leave the object to those who have signed it."""
        account = accounts[obj.key.namespace]
        for _ in range(_ATTEMPTS):
            live = await self._look(obj, accounts)
            patch = None if live is None else withdrawal(live, command.app, command.uid)
            if patch is None:
                return
            deadline.check()
            try:
                await self._cluster.patch(obj.key, patch, field_manager=PLATFORM_MANAGER, acting_as=account)
            except (NotFound, Conflict):
                # Written by somebody since it was read: look again.
                continue
            except KubeError as error:
                raise meaning(error, obj.key, account) from error
            return
        raise Outage(Reason.CONFLICT, f"{obj.key} changed under {_ATTEMPTS} attempts to give it up", _ATTEMPTS)

    async def _delete(self, obj: ObjectToPrune, accounts: dict[str, Impersonation | None], deadline: Deadline) -> None:
        account = accounts[obj.key.namespace]
        if account is None:
            return
        deadline.check()
        try:
            propagation = "Orphan" if obj.orphan_dependents else "Background"
            await self._cluster.delete(obj.key, uid=obj.object_uid, propagation=propagation, acting_as=account)
        except (NotFound, Conflict):
            # Gone, or another object of this name: the one that was meant is gone either way.
            return
        except KubeError as error:
            raise meaning(error, obj.key, account) from error

    async def _await_gone(
        self, wanted: list[ObjectToPrune], accounts: dict[str, Impersonation | None]
    ) -> list[tuple[ObjectToPrune, Object]]:
        """What is still there after a while."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _SETTLE_S
        pause_s = _LOOK_FIRST_S
        while True:
            seen = await concurrently(lambda obj: self._look(obj, accounts), wanted, limit=_AT_ONCE)
            there = [(obj, live) for obj, live in zip(wanted, seen, strict=True) if live is not None]
            if not there or loop.time() >= until:
                return there
            wanted = [obj for obj, _ in there]
            await asyncio.sleep(pause_s)
            pause_s *= 2

    async def _look(self, obj: ObjectToPrune, accounts: dict[str, Impersonation | None]) -> Object | None:
        """The object's metadata; None when it is gone, also when another one has taken its name."""
        account = accounts[obj.key.namespace]
        live = None if account is None else await self._find(obj.key, account)
        return live if live is not None and live["metadata"]["uid"] == obj.object_uid else None

    async def _find(self, key: ObjectKey, account: Impersonation) -> Object | None:
        try:
            return await self._cluster.find(key, acting_as=account, metadata_only=True)
        except KubeError as error:
            raise meaning(error, key, account) from error


def _stays(command: PruneObjects, obj: ObjectToPrune, live: Object) -> bool:
    """Whether the object is given up: by policy, for others who share it, or because it is not ours by now.

    The planner may hear late of one that it has given up already, and take it for a stray.
    """
    others = [name for name in sharers(live) if name != sharer(command.app)]
    ours = bears_marks_of(live, command.uid) or left_to(live, command.app, command.uid)
    return obj.release or bool(others) or not ours


def _remains(obj: ObjectToPrune, message: str) -> RemainingObject:
    return RemainingObject(key=obj.key, object_uid=obj.object_uid, message=message)


def _why(live: Object) -> str:
    finalizers = live["metadata"].get("finalizers") or []
    if finalizers:
        return f"it is being deleted and waits for its finalizers: {', '.join(finalizers)}"
    return "it is being deleted"
