import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared.bus import Bus, Resync, topology
from shared.bus.tail import Deliver
from shared.contracts import subjects
from shared.contracts.envelope import unwrap
from shared.contracts.identity import ClusterName
from shared.errors import Retryable
from shared.runtime.stopping import Stopping
from tests.support.bus import BusStack
from tests.support.conditions import until
from tests.support.messages import a_beat, a_fact, app_ref

EAST = ClusterName("east")
RESYNC = -1


@asynccontextmanager
async def reading(bus: Bus, stream: str, subject: str, deliver: Deliver) -> AsyncIterator[list[int]]:
    """Read along within the scope; what is read appears in the list as nonces, a Resync as -1."""
    read: list[int] = []

    async def follow() -> None:
        async for item in bus.tail(stream, subject, deliver=deliver):
            nonce = RESYNC if isinstance(item, Resync) else unwrap(item.payload).data["nonce"]
            read.append(nonce)

    async with asyncio.TaskGroup() as group:
        following = group.create_task(follow())
        try:
            yield read
        finally:
            following.cancel()


async def publish(bus: Bus, nonce: int, name: str = "shop") -> None:
    """Publish a run event, again until it is stored."""

    async def published() -> bool:
        try:
            await bus.publish(subjects.run(app_ref(name)), a_fact(nonce=nonce))
        except Retryable:
            return False
        return True

    await until(published)


async def consumers(bus: Bus, stream: str) -> int:
    return (await bus.jetstream.stream_info(stream)).state.consumer_count


async def test_all_reads_from_the_beginning_and_goes_on(stack: BusStack) -> None:
    planner, gateway = await stack.connect("planner"), await stack.connect("gateway")
    await publish(planner, 1)
    async with reading(gateway, "RUNS", subjects.run(app_ref()), "all") as read:
        await until(lambda: read == [1])
        await publish(planner, 2)
        await publish(planner, 99, "another")
        await publish(planner, 3)
        await until(lambda: read == [1, 2, 3])


async def test_new_reads_only_what_comes(stack: BusStack) -> None:
    planner, gateway = await stack.connect("planner"), await stack.connect("gateway")
    await publish(planner, 1)
    before = await consumers(planner, "RUNS")
    async with reading(gateway, "RUNS", "kubemin.run.>", "new") as read:

        async def attached() -> bool:
            return await consumers(planner, "RUNS") > before

        await until(attached)
        await publish(planner, 2)
        await until(lambda: read == [2])


async def test_last_per_subject_begins_with_the_newest_of_each(stack: BusStack) -> None:
    planner, gateway = await stack.connect("planner"), await stack.connect("gateway")
    for nonce, name in ((1, "a"), (2, "b"), (3, "a")):
        await publish(planner, nonce, name)
    async with reading(gateway, "RUNS", "kubemin.run.>", "last_per_subject") as read:
        await until(lambda: sorted(read) == [2, 3])
        await publish(planner, 4, "a")
        await until(lambda: sorted(read) == [2, 3, 4])


async def test_a_restart_of_the_server_loses_and_repeats_nothing(stack: BusStack) -> None:
    planner, gateway = await stack.connect("planner"), await stack.connect("gateway")
    async with reading(gateway, "RUNS", "kubemin.run.>", "all") as read:
        await publish(planner, 1)
        await until(lambda: read == [1])
        await stack.server.restart()
        await publish(planner, 2)
        await until(lambda: read == [1, 2])


async def test_what_comes_while_a_new_reader_is_away_is_not_lost(stack: BusStack) -> None:
    planner, gateway = await stack.connect("planner"), await stack.connect("gateway")
    before = await consumers(planner, "RUNS")
    async with reading(gateway, "RUNS", "kubemin.run.>", "new") as read:

        async def attached() -> bool:
            return await consumers(planner, "RUNS") > before

        await until(attached)
        await stack.server.restart()
        await publish(planner, 1)
        await until(lambda: read == [1])


@pytest.mark.parametrize("deliver", ["all", "last_per_subject", "new"])
async def test_a_stream_made_anew_is_said_honestly(stack: BusStack, deliver: Deliver) -> None:
    planner, gateway = await stack.connect("planner"), await stack.connect("gateway")
    before = await consumers(planner, "RUNS")
    async with reading(gateway, "RUNS", "kubemin.run.>", deliver) as read:

        async def attached() -> bool:
            return await consumers(planner, "RUNS") > before

        await until(attached)
        await publish(planner, 1)
        await until(lambda: read == [1])
        await stack.server.wipe()
        await until(lambda: planner.connected)
        await topology.ensure(planner, stack.clusters)
        await until(lambda: RESYNC in read)
        await publish(planner, 2)
        await until(lambda: read == [1, RESYNC, 2])


async def test_messages_that_expired_before_they_were_read_are_said_honestly(stack: BusStack) -> None:
    planner, gateway = await stack.connect("planner"), await stack.connect("gateway")
    tail = gateway.tail("RUNS", "kubemin.run.>", deliver="all")
    await publish(planner, 1)
    first = await anext(tail)
    assert not isinstance(first, Resync)
    for nonce in (2, 3, 4):
        await publish(planner, nonce)
    await planner.jetstream.purge_stream("RUNS", keep=1)
    # The reader's consumer goes, as it does when the reader was away for long.
    (name,) = [c.name for c in await planner.jetstream.consumers_info("RUNS") if c.config.durable_name is None]
    await planner.jetstream.delete_consumer("RUNS", name)
    assert isinstance(await anext(tail), Resync)
    last = await anext(tail)
    assert not isinstance(last, Resync)
    assert last.stream_sequence == 4
    await tail.aclose()


async def test_beats_come_back_after_a_restart_has_emptied_the_memory(stack: BusStack) -> None:
    planner, agent = await stack.connect("planner"), await stack.connect("cluster-east")

    async def clusters() -> list[ClusterName]:
        return stack.clusters

    beats: list[str] = []

    async def follow() -> None:
        async for item in planner.tail("BEATS", "kubemin.beat.>", deliver="last_per_subject"):
            beat = "resync" if isinstance(item, Resync) else item.subject
            beats.append(beat)

    async def beaten() -> bool:
        try:
            await agent.publish(subjects.beat(EAST, "executor"), a_beat())
        except Retryable:
            return False
        return True

    stopping = Stopping()
    async with asyncio.TaskGroup() as group:
        following = group.create_task(follow())
        group.create_task(topology.keep(planner, clusters, stopping))
        await until(beaten)
        await until(lambda: beats == ["kubemin.beat.east.executor"])
        await stack.server.restart()
        await until(lambda: "resync" in beats)
        await until(beaten)
        await until(lambda: beats[-1] == "kubemin.beat.east.executor" and len(beats) >= 3)
        following.cancel()
        stopping.request()


async def test_a_reader_that_leaves_takes_its_consumer_with_it(stack: BusStack) -> None:
    planner, gateway = await stack.connect("planner"), await stack.connect("gateway")
    before = await consumers(planner, "RUNS")
    await publish(planner, 1)
    async with reading(gateway, "RUNS", "kubemin.run.>", "all") as read:
        await until(lambda: read == [1])
        assert await consumers(planner, "RUNS") == before + 1

    async def gone() -> bool:
        return await consumers(planner, "RUNS") == before

    await until(gone)


@pytest.mark.parametrize("deliver", ["all", "last_per_subject", "new"])
async def test_messages_cut_off_the_end_of_a_stream_are_said_honestly(
    stack: BusStack, tmp_path: Path, deliver: Deliver
) -> None:
    planner, gateway = await stack.connect("planner"), await stack.connect("gateway")
    await publish(planner, 1, "a")
    before = await consumers(planner, "RUNS")
    async with reading(gateway, "RUNS", "kubemin.run.>", deliver) as read:

        async def attached() -> bool:
            return await consumers(planner, "RUNS") > before

        await until(attached)
        await stack.server.stop()
        shutil.copytree(stack.server.store_dir, tmp_path / "copy")
        await stack.server.start()
        for nonce in (2, 3, 4):
            await publish(planner, nonce, "b")
        await until(lambda: read[-1:] == [4])
        await stack.server.kill()
        shutil.rmtree(stack.server.store_dir)
        shutil.copytree(tmp_path / "copy", stack.server.store_dir)
        await stack.server.start()
        await until(lambda: RESYNC in read)
        await publish(planner, 5, "c")
        await until(lambda: read[-1:] == [5])
