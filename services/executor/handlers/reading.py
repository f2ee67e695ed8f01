"""ReadObjects: objects that live here, for an application that wants copies of them; nothing is changed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from services.executor.domain.copies import sealed_secret
from services.executor.domain.grants import Grants
from services.executor.domain.outcomes import Outage, Refused, meaning
from services.executor.handlers.enrolment import Enrolments
from services.executor.ports import ClusterObjects, SealFor
from shared.contracts.canonical import canonical_json
from shared.contracts.identity import ClusterName, Namespace, ObjectKey, Tenant
from shared.contracts.phases import Reason
from shared.contracts.reads import (
    OBJECTS_LIMIT,
    OBJECTS_LIMIT_BYTES,
    ObjectQuery,
    ObjectsNotRead,
    ObjectsRead,
    QueryAnswer,
    ReadObjects,
)
from shared.errors import Rejected
from shared.jobtypes.objects import is_secret
from shared.jobtypes.stripping import BelongsToCluster, stripped
from shared.kube.connection import Impersonation
from shared.kube.errors import KubeError
from shared.kube.kinds import Object, Resource
from shared.logging import bound, get_logger
from shared.sealing import Place

logger = get_logger(__name__)

_PAGE = 10
"""Objects of up to 1.5 MiB: a list of all of them at once could fill the memory."""


class _NotCopied(Exception):
    """Carries a refusal of one question."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass
class _Room:
    """What one answer may still hold."""

    objects: int = OBJECTS_LIMIT
    size_bytes: int = OBJECTS_LIMIT_BYTES

    def check(self, size_bytes: int) -> None:
        """Raise _NotCopied where an object of this size does not fit."""
        if not self.objects:
            raise _NotCopied("TooManyObjects", f"more than {OBJECTS_LIMIT} objects would be copied out of one cluster")
        if size_bytes > self.size_bytes:
            message = f"the copies out of one cluster would be larger than {OBJECTS_LIMIT_BYTES} bytes"
            raise _NotCopied("ObjectsTooLarge", message)

    def take(self, size_bytes: int) -> None:
        """Take it up; raises as `check`."""
        self.check(size_bytes)
        self.objects -= 1
        self.size_bytes -= size_bytes


class Reading:
    """Reads objects as the tenant's account, and takes from them what belongs to the cluster."""

    def __init__(
        self,
        cluster: ClusterObjects,
        name: ClusterName,
        *,
        enrolments: Enrolments,
        grants: Grants,
        seal: SealFor,
    ) -> None:
        """`name` is the cluster's."""
        self._cluster = cluster
        self._name = name
        self._enrolments = enrolments
        self._grants = grants
        self._seal = seal

    async def read(self, request: ReadObjects) -> ObjectsRead | ObjectsNotRead:
        """Answer every question, the refused ones with their reason. Raises Rejected for another cluster's request."""
        if request.cluster != self._name:
            raise Rejected(f"this is cluster {self._name}, the request is for {request.cluster}")
        with bound(app=str(request.app), cluster=self._name):
            try:
                async with asyncio.timeout(request.within_s):
                    answer = await self._answers(request)
            except Outage as outage:
                logger.info("objects_not_read", reason=outage.reason, message=str(outage))
                return ObjectsNotRead(message=str(outage), retry_after_s=outage.retry_after_s)
            except TimeoutError:
                logger.info("objects_not_read", reason="Timeout")
                return ObjectsNotRead(message=f"the Kubernetes API did not answer within {request.within_s:g} s")
            count = sum(len(one.objects) for one in answer.answers)
            refused = [one.code for one in answer.answers if one.code]
            logger.info("objects_read", questions=len(request.queries), objects=count, refused=refused)
            return answer

    async def _answers(self, request: ReadObjects) -> ObjectsRead:
        # One after the other: what fits is then the same each time.
        room = _Room()
        answers: list[QueryAnswer] = []
        for query in request.queries:
            try:
                async with aclosing(self._found(query, request)) as found:
                    objects = [self._copied(live, request, room) async for live in found]
                answers.append(QueryAnswer(objects=tuple(sorted(objects, key=lambda o: str(o["metadata"]["name"])))))
            except _NotCopied as refused:
                answers.append(QueryAnswer(code=refused.code, message=str(refused)))
            except Refused as refused:
                answers.append(QueryAnswer(code=refused.reason, message=str(refused)))
            except BelongsToCluster as refused:
                answers.append(QueryAnswer(code=refused.reason, message=str(refused)))
        return ObjectsRead(answers=tuple(answers))

    async def _found(self, query: ObjectQuery, request: ReadObjects) -> AsyncGenerator[Object, None]:
        account = await self._enrolments.account(query.namespace, request.app.tenant)
        key = ObjectKey(api_version=query.group or "v1", kind=query.resource, namespace=query.namespace, name="*")
        try:
            resource = await self._cluster.resource_named(query.group, query.resource)
            if not self._grants.allow(query.job_type, resource.gvk):
                raise _NotCopied(Reason.KIND_NOT_ALLOWED, self._not_granted(resource))
            key = _key(resource, query)
            if query.name:
                yield await self._one(key, account)
                return
            pages = self._cluster.list_pages(
                resource.gvk,
                namespace=key.namespace,
                label_selector=query.selector,
                page_size=_PAGE,
                acting_as=account,
            )
            async with aclosing(pages):
                async for page in pages:
                    for live in page.objects:
                        yield live
        except KubeError as error:
            raise meaning(error, key, account) from error

    async def _one(self, key: ObjectKey, account: Impersonation) -> Object:
        live = await self._cluster.find(key, acting_as=account)
        if live is None:
            raise _NotCopied(Reason.REFERENCE_NOT_FOUND, f"{key} does not exist in cluster {self._name}")
        return live

    def _copied(self, live: Object, request: ReadObjects, room: _Room) -> Object:
        manifest = stripped(live)
        size_bytes = len(canonical_json(manifest))
        if is_secret(manifest):
            # Sealing takes a multiple of it: what cannot fit is not even begun.
            room.check(size_bytes * len(request.recipients))
            name = str(manifest["metadata"]["name"])
            manifest = sealed_secret(manifest, lambda key, value: self._sealed(value, request, name, key))
            size_bytes = len(canonical_json(manifest))
        room.take(size_bytes)
        return manifest

    def _sealed(self, value: bytes, request: ReadObjects, name: str, key: str) -> str:
        place = Place(
            tenant=Tenant(request.app.tenant),
            namespace=Namespace(request.app.namespace),
            app_uid=request.uid,
            name=name,
            key=key,
        )
        return self._seal(value, place, request.recipients)

    def _not_granted(self, resource: Resource) -> str:
        return (
            f"objects of kind {resource.gvk} are not copied out of cluster {self._name}; "
            f"its administrator can add {resource.gvk} to KUBEMIN_GRANTED_KINDS of the executor"
        )


def _key(resource: Resource, query: ObjectQuery) -> ObjectKey:
    """The object's key, with `*` for all that have some labels."""
    return ObjectKey(
        api_version=resource.gvk.api_version,
        kind=resource.gvk.kind,
        namespace=query.namespace if resource.namespaced else "",
        name=query.name or "*",
    )
