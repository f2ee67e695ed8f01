"""Work queues of controllers: each item is waiting at most once, whatever the number of reasons to look at it."""

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


class WorkQueue(Generic[Item]):
    """Items to look at, now or after a delay."""

    def __init__(self) -> None:
        self._ready: dict[Item, None] = {}
        self._delayed: dict[Item, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()
        self._closed = False

    def add(self, item: Item) -> None:
        """Have an item looked at."""
        if not self._closed:
            self._ready[item] = None
            self._wake.set()

    def add_after(self, item: Item, delay_s: float) -> None:
        """Have an item looked at after a delay, or earlier if that was already asked for."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        due = self._delayed.get(item)
        if due is not None:
            if due.when() <= loop.time() + delay_s:
                return
            due.cancel()
        self._delayed[item] = loop.call_later(delay_s, self._expire, item)

    def _expire(self, item: Item) -> None:
        del self._delayed[item]
        self.add(item)

    async def get(self) -> Item:
        """Take the item that has waited longest."""
        while not self._ready:
            self._wake.clear()
            await self._wake.wait()
        item = next(iter(self._ready))
        del self._ready[item]
        return item

    def close(self) -> None:
        """Forget everything; nothing can be added any more."""
        self._closed = True
        for handle in self._delayed.values():
            handle.cancel()
        self._delayed.clear()
        self._ready.clear()
