"""Reads what a document has copied out of clusters, and fetches what it has fetched, before it is planned."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from services.gateway.domain import copying, fetched
from services.gateway.domain.addresses import AllowedAddresses
from services.gateway.domain.copying import Copies, Errand, Question
from services.gateway.domain.refusals import ClusterSilent, FileRefused
from services.gateway.ports import ClusterObjects, Files
from shared.contracts.desired import CopiedObjects
from shared.contracts.identity import AppRef, AppUid
from shared.contracts.reads import ObjectsNotRead, QueryAnswer, ReadObjects, Recipient
from shared.contracts.registry import ClusterRecord
from shared.planning import SoughtAddress, SoughtObjects

WITHIN_S = 8.0
"""For one cluster; all of a document are asked at once, and a request has 30 s for everything."""
_AGAIN_AFTER_S = 5.0
"""An executor that starts again is there within this."""

R = TypeVar("R")


class Copying:
    """Asks the executors of the clusters that objects live in, and the addresses that an operator allows."""

    def __init__(self, objects: ClusterObjects, files: Files, allowed: AllowedAddresses) -> None:
        self._objects = objects
        self._files = files
        self._allowed = allowed

    def errand(self, sought: Sequence[SoughtObjects | SoughtAddress], registered: Sequence[ClusterRecord]) -> Errand:
        """Say where all of it is to be had; raises DocumentRejected."""
        return copying.errand(sought, registered, self._allowed)

    async def read(
        self,
        errand: Errand,
        *,
        app: AppRef,
        uid: AppUid,
        recipients: Sequence[Recipient],
        previous: Sequence[CopiedObjects],
        slots: asyncio.Semaphore,
    ) -> Copies:
        """Read everything that the document seeks.

        `recipients` are the places that it goes to, `previous` what the stored generation holds; `slots` bound how much
        is parsed at once.

        Raises:
            DocumentRejected: objects that are not there, or that are refused.
            ClusterSilent: a cluster does not answer at the moment, or not as it should.
            AddressSilent: an address does not answer at the moment.

        """
        if errand.is_empty:
            return Copies()
        requests = [
            ReadObjects(
                app=app, uid=uid, cluster=cluster, queries=queries, recipients=tuple(recipients), within_s=WITHIN_S
            )
            for cluster, queries in errand.questions.items()
        ]
        answered, fetched_ = await asyncio.gather(
            asyncio.gather(*map(self._ask, requests), return_exceptions=True),
            asyncio.gather(*map(self._fetch, errand.urls), return_exceptions=True),
        )
        answers: dict[Question, QueryAnswer] = {}
        for request, found in zip(requests, _results(answered), strict=True):
            answers |= {(request.cluster, q): a for q, a in zip(request.queries, found, strict=True)}
        files: dict[str, bytes | QueryAnswer] = dict(zip(errand.urls, _results(fetched_), strict=True))
        return copying.collect(errand, answers, await _opened(files, slots), previous)

    async def _fetch(self, url: str) -> bytes | QueryAnswer:
        try:
            return await self._files.fetch(url)
        except FileRefused as refused:
            return QueryAnswer(code=refused.reason, message=str(refused))

    async def _ask(self, request: ReadObjects) -> Sequence[QueryAnswer]:
        answer = await self._objects.read(request)
        if isinstance(answer, ObjectsNotRead):
            raise ClusterSilent(request.cluster, answer.message, retry_after_s=answer.retry_after_s or _AGAIN_AFTER_S)
        if len(answer.answers) != len(request.queries):
            raise ClusterSilent(request.cluster, "its answer is not complete", retry_after_s=_AGAIN_AFTER_S)
        return answer.answers


def _results(found: Iterable[R | BaseException]) -> Iterator[R]:
    """What came of each, in their order; raises the first error among them."""
    for one in found:
        if isinstance(one, BaseException):
            raise one
        yield one


async def _opened(files: Mapping[str, bytes | QueryAnswer], slots: asyncio.Semaphore) -> dict[str, QueryAnswer]:
    refused = {url: file for url, file in files.items() if isinstance(file, QueryAnswer)}
    raw = {url: file for url, file in files.items() if not isinstance(file, QueryAnswer)}
    if not raw:
        return refused
    async with slots:
        return refused | await asyncio.to_thread(fetched.answers, raw)
