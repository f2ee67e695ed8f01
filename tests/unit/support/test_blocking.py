import asyncio
import time

import pytest

from tests.support.blocking import BlockedLoop, watched_loop


async def test_a_blocking_call_is_found_and_named() -> None:
    async def sleepy() -> None:
        time.sleep(0.15)  # noqa: ASYNC251 - that is what must be found

    with pytest.raises(BlockedLoop, match="sleepy"), watched_loop(0.1):
        async with asyncio.TaskGroup() as group:
            group.create_task(sleepy())


async def test_waiting_the_right_way_is_no_offence() -> None:
    with watched_loop(0.1):
        await asyncio.sleep(0.2)
