"""Follows a run's live stream as the CLI does: where it is cut, it comes back and resumes."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

_AGAIN_S = 0.5
_SILENCE_S = 60.0
"""Four times the gateway's keep-alive."""


@dataclass
class RunReader:
    """What one reader of a run was told so far."""

    http: aiohttp.ClientSession
    run: str
    numbers: list[int] = field(default_factory=list)
    """Of the changes, in the order in which they came."""
    start: int | None = None
    """The number of the state that came first."""
    states: int = 0
    cuts: int = 0
    """How often the stream broke off before the run had ended."""
    refusals: int = 0
    """How often coming back was answered by 503."""
    comments: int = 0
    end: dict[str, Any] | None = None

    async def follow(self) -> None:
        """Read until the run has ended."""
        while self.end is None:
            try:
                await self._once()
            except (aiohttp.ClientError, TimeoutError):
                self.cuts += 1
            if self.end is None:
                await asyncio.sleep(_AGAIN_S)

    async def _once(self) -> None:
        headers = {"Accept": "text/event-stream"}
        if self.start is not None:
            headers["Last-Event-ID"] = str(self.numbers[-1] if self.numbers else self.start)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=_SILENCE_S)
        async with self.http.get(f"/api/v1/runs/{self.run}/events", headers=headers, timeout=timeout) as response:
            if response.status == 503:
                self.refusals += 1
                return
            assert response.status == 200, await response.text()
            async for fields in self._events(response):
                self._take(fields)

    async def _events(self, response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, str]]:
        fields: dict[str, str] = {}
        async for raw in response.content:
            line = raw.decode().rstrip("\n")
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(":")
                fields[name] = fields.get(name, "") + value.removeprefix(" ")
            else:
                if "event" in fields:
                    yield fields
                fields = {}

    def _take(self, fields: dict[str, str]) -> None:
        match fields["event"]:
            case "state":
                self.states += 1
                self.start = int(fields["id"])
                self.numbers.clear()
            case "change":
                self.numbers.append(int(fields["id"]))
            case "end":
                self.end = json.loads(fields["data"])

    @property
    def without_gap(self) -> bool:
        """Whether every change after the state has come, once and in order."""
        first = (self.start or 0) + 1
        return self.numbers == list(range(first, first + len(self.numbers)))
