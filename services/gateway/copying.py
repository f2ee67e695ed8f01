"""Reads what a document has copied out of clusters, before it is planned."""

import asyncio
from collections.abc import Sequence

from services.gateway.domain import copying
from services.gateway.domain.copying import Copies, Errand, Question
from services.gateway.domain.refusals import ClusterSilent
from services.gateway.ports import ClusterObjects
from shared.contracts.desired import CopiedObjects
from shared.contracts.identity import AppRef, AppUid
from shared.contracts.reads import ObjectsNotRead, QueryAnswer, ReadObjects, Recipient

WITHIN_S = 8.0
"""For one cluster; all of a document are asked at once, and a request has 30 s for everything."""
_AGAIN_AFTER_S = 5.0
"""An executor that starts again is there within this."""


class Copying:
    """Asks the executors of the clusters that objects live in."""

    def __init__(self, objects: ClusterObjects) -> None:
        self._objects = objects

    async def read(
        self,
        errand: Errand,
        *,
        app: AppRef,
        uid: AppUid,
        recipients: Sequence[Recipient],
        previous: Sequence[CopiedObjects],
    ) -> Copies:
        """Read everything that the document seeks.

        `recipients` are the places that it goes to, `previous` what the stored generation holds.

        Raises:
            DocumentRejected: objects that are not there, or that are refused.
            ClusterSilent: a cluster does not answer at the moment, or not as it should.

        """
        if not errand.sought:
            return Copies()
        requests = [
            ReadObjects(
                app=app, uid=uid, cluster=cluster, queries=queries, recipients=tuple(recipients), within_s=WITHIN_S
            )
            for cluster, queries in errand.questions.items()
        ]
        answered = await asyncio.gather(*map(self._ask, requests), return_exceptions=True)
        answers: dict[Question, QueryAnswer] = {}
        for request, found in zip(requests, answered, strict=True):
            if isinstance(found, BaseException):
                raise found
            answers |= {(request.cluster, q): a for q, a in zip(request.queries, found, strict=True)}
        return copying.collect(errand, answers, previous)

    async def _ask(self, request: ReadObjects) -> Sequence[QueryAnswer]:
        answer = await self._objects.read(request)
        if isinstance(answer, ObjectsNotRead):
            raise ClusterSilent(request.cluster, answer.message, retry_after_s=answer.retry_after_s or _AGAIN_AFTER_S)
        if len(answer.answers) != len(request.queries):
            raise ClusterSilent(request.cluster, "its answer is not complete", retry_after_s=_AGAIN_AFTER_S)
        return answer.answers
