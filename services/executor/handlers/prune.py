"""PruneObjects: deletes exactly what it is told, by name and uid."""

import asyncio

from services.executor.domain.outcomes import Outrun, Refused, meaning
from services.executor.domain.ownership import generation_of
from services.executor.handlers.concurrently import concurrently
from services.executor.handlers.deadline import Deadline
from services.executor.handlers.enrolment import Enrolments
from services.executor.ports import Cluster
from shared.contracts.commands import ObjectToPrune, PruneObjects
from shared.contracts.facts import RemainingObject
from shared.contracts.phases import Reason
from shared.kube.connection import Impersonation
from shared.kube.errors import Conflict, KubeError, NotFound
from shared.kube.kinds import Object

_AT_ONCE = 8
_SETTLE_S = 2.0
"""Deletions without finalizers take effect at once; others get so long before they are told as remaining."""
_LOOK_FIRST_S = 0.1
"""Then after twice as long each time."""


class Pruning:
    """Deletes objects."""

    def __init__(self, cluster: Cluster, enrolments: Enrolments) -> None:
        self._cluster = cluster
        self._enrolments = enrolments

    async def prune(
        self, command: PruneObjects, deadline: Deadline
    ) -> tuple[tuple[str, ...], tuple[RemainingObject, ...]]:
        """Delete, and tell the uids that are gone and what remains.

        Raises:
            Outrun: an object bears a newer generation; nothing was deleted.
            Refused: the namespace is not enrolled any more.
            Outage: worth another try.
            Expired: `not_after` has passed.

        """
        remaining: list[RemainingObject] = []
        wanted: list[ObjectToPrune] = []
        for obj in command.objects:
            if obj.key.kind == "PersistentVolumeClaim":
                remaining.append(_remains(obj, "volumes are never deleted by the platform"))
            else:
                wanted.append(obj)
        accounts = await self._accounts(command, wanted)
        # All fences before the first deletion.
        await concurrently(lambda obj: self._fence(command, obj, accounts), wanted, limit=_AT_ONCE)
        await concurrently(lambda obj: self._delete(obj, accounts, deadline), wanted, limit=_AT_ONCE)
        there = await self._await_gone(wanted, accounts)
        remaining += [_remains(obj, _why(live)) for obj, live in there]
        left = {obj.object_uid for obj, _ in there}
        return tuple(obj.object_uid for obj in wanted if obj.object_uid not in left), tuple(remaining)

    async def _accounts(self, command: PruneObjects, wanted: list[ObjectToPrune]) -> dict[str, Impersonation | None]:
        """Whom to act as, by namespace of the object; None where the namespace itself is gone."""
        accounts: dict[str, Impersonation | None] = {}
        for namespace in {obj.key.namespace for obj in wanted}:
            try:
                accounts[namespace] = await self._enrolments.account(
                    namespace or command.app.namespace, command.app.tenant
                )
            except Refused as refused:
                if refused.reason is not Reason.NAMESPACE_NOT_FOUND or not namespace:
                    raise
                accounts[namespace] = None
        return accounts

    async def _fence(
        self, command: PruneObjects, obj: ObjectToPrune, accounts: dict[str, Impersonation | None]
    ) -> None:
        live = await self._look(obj, accounts)
        if live is not None and generation_of(live) > command.generation:
            raise Outrun(obj.key, generation_of(live))

    async def _delete(self, obj: ObjectToPrune, accounts: dict[str, Impersonation | None], deadline: Deadline) -> None:
        account = accounts[obj.key.namespace]
        if account is None:
            return
        deadline.check()
        try:
            await self._cluster.delete(obj.key, uid=obj.object_uid, acting_as=account)
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
        if account is None:
            return None
        try:
            live = await self._cluster.find(obj.key, acting_as=account, metadata_only=True)
        except KubeError as error:
            raise meaning(error, obj.key, account) from error
        return live if live is not None and live["metadata"]["uid"] == obj.object_uid else None


def _remains(obj: ObjectToPrune, message: str) -> RemainingObject:
    return RemainingObject(key=obj.key, object_uid=obj.object_uid, message=message)


def _why(live: Object) -> str:
    finalizers = live["metadata"].get("finalizers") or []
    if finalizers:
        return f"it is being deleted and waits for its finalizers: {', '.join(finalizers)}"
    return "it is being deleted"
