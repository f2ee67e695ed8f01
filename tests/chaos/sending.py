"""Sends documents like a client that does not give up: the same request with the same key until it is answered."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import aiohttp

from tests.chaos.applications import Wanted
from tests.e2e.system import Answer, Document, System

_PAUSE_S = 0.3
_AT_ONCE = 16


class RefusedError(Exception):
    """The gateway refuses a document that is in order."""

    def __init__(self, name: str, answer: Answer) -> None:
        super().__init__(f"{name}: {answer.status} {json.dumps(answer.body)[:1000]}")


@dataclass
class Sender:
    """Sends all versions of applications, and notes what was accepted."""

    system: System
    accepted: dict[tuple[str, str], int] = field(default_factory=dict)
    """The generation that the last answer to each application names."""
    answers: int = 0
    repeated: int = 0
    """Requests that had no answer, or one that says nothing."""

    async def send_all(self, wanted: Sequence[Wanted], *, within_s: float) -> None:
        """Send each application, spread over the time, and its second version in the middle of the first, or after."""
        room = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for position, one in enumerate(wanted):
                delay_s = within_s * position / len(wanted)
                group.create_task(self._send_one(one, delay_s, room), name=f"send/{one.name}")

    async def _send_one(self, wanted: Wanted, delay_s: float, room: asyncio.Semaphore) -> None:
        for number, document in enumerate(wanted.versions):
            # The second comes while the first may be anywhere between accepted and done.
            await asyncio.sleep(delay_s if number == 0 else 0.5 + sum(map(ord, wanted.name)) % 7)
            async with room:
                answer = await self._accepted(document, wanted.name)
            self.answers += 1
            self.accepted[wanted.namespace, wanted.name] = int(answer.body["application"]["generation"])

    async def _accepted(self, document: Document, name: str) -> Answer:
        key, text = uuid4().hex, json.dumps(document)
        while True:
            try:
                answer = await self.system.call("POST", "/applications", text=text, Idempotency_Key=key)
            except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
                answer = Answer(503, None)
            if answer.status == 202:
                return answer
            in_progress = answer.status == 409 and answer.body.get("code") == "RequestInProgress"
            if answer.status < 500 and not in_progress:
                raise RefusedError(name, answer)
            self.repeated += 1
            await asyncio.sleep(_PAUSE_S)
