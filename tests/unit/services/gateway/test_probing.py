import asyncio

import pytest

from services.gateway.probing import Probe
from shared.runtime.stopping import Stopping
from shared.store.database import StoreRefused, StoreUnavailable
from tests.support.conditions import until


async def test_a_database_that_is_away_makes_the_gateway_unready_and_no_more() -> None:
    answers: list[StoreUnavailable | None] = [None, StoreUnavailable("ping kubemin", "connection refused")]

    async def ping() -> None:
        answer = answers.pop()
        if answer is not None:
            raise answer

    probe, stopping = Probe(ping), Stopping()
    assert probe.reasons() == ["MongoDB was not asked yet"]
    async with asyncio.TaskGroup() as group:
        group.create_task(probe.work(stopping))
        await until(lambda: probe.reasons() == ["MongoDB does not answer"])
        await until(lambda: probe.reasons() == [])
        stopping.request()


async def test_a_database_that_refuses_us_ends_the_gateway() -> None:
    async def ping() -> None:
        raise StoreRefused("ping kubemin", "Authentication failed.")

    with pytest.raises(StoreRefused):
        await Probe(ping).work(Stopping())
