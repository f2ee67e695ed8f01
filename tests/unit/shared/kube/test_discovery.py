"""What is missing is asked for anew: a refusal must not rest on what was so some seconds ago."""

import asyncio
from typing import Any

import pytest

from shared.kube.discovery import Discovery
from shared.kube.errors import KindUnknown, NotFound
from shared.kube.kinds import GroupVersionKind

VERSION = "example.com/v1"
WIDGET = GroupVersionKind(VERSION, "Widget")
GADGET = GroupVersionKind(VERSION, "Gadget")


class Server:
    """Serves the kinds of one group, and counts how often it was asked."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.reads = 0
        self.answering = asyncio.Event()
        self.answering.set()

    async def read(self, path: str) -> dict[str, Any]:
        assert path == "/apis/example.com/v1"
        self.reads += 1
        kinds = list(self.kinds)
        await self.answering.wait()
        if not kinds:
            raise NotFound(path)
        return {"resources": [{"kind": kind, "name": f"{kind.lower()}s", "namespaced": True} for kind in kinds]}


async def test_a_kind_is_found_as_soon_as_it_is_served() -> None:
    server = Server()
    discovery = Discovery(server.read)
    with pytest.raises(KindUnknown):
        await discovery.resource(WIDGET)
    server.kinds = ["Widget"]
    assert (await discovery.resource(WIDGET)).plural == "widgets"
    with pytest.raises(KindUnknown):
        await discovery.resource(GADGET)
    server.kinds = ["Widget", "Gadget"]
    assert (await discovery.resource(GADGET)).plural == "gadgets"


async def test_a_kind_that_was_found_is_not_asked_for_again() -> None:
    server = Server()
    server.kinds = ["Widget"]
    discovery = Discovery(server.read)
    for _ in range(3):
        await discovery.resource(WIDGET)
    assert server.reads == 1


async def test_all_who_miss_a_kind_meanwhile_share_the_next_reading() -> None:
    server = Server()
    server.answering.clear()
    discovery = Discovery(server.read)

    async def installed() -> None:
        # The reading under way began before: it does not show them, and those who asked since know that they are there.
        server.kinds = ["Widget", "Gadget"]

    asked = [discovery.resource(WIDGET), installed(), *(discovery.resource(GADGET) for _ in range(5)), answer(server)]
    first, _, *others, _ = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(first, KindUnknown)
    assert {getattr(other, "plural", other) for other in others} == {"gadgets"}
    assert server.reads == 2


async def answer(server: Server) -> None:
    server.answering.set()
