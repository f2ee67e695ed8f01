import asyncio
from dataclasses import replace

import pytest
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType

from shared.bus import NoStream, topology
from shared.bus.credentials import Storage
from shared.bus.topology import STREAMS, TopologyConflict, ensure, stream_config
from shared.contracts import subjects
from shared.contracts.identity import ClusterName
from shared.runtime.stopping import Stopping
from tests.support.bus import STORAGE, BusStack
from tests.support.conditions import until
from tests.support.messages import a_fact, app_ref


async def test_every_stream_is_bounded_and_discards_its_oldest(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    configs = {str(info.config.name): info.config for info in await planner.jetstream.streams_info()}
    assert set(configs) == {"SPECS", "RUNS", "STEPS", "STATUS", "PARKED", "PROGRESS", "BEATS"}
    assert all((config.max_bytes or 0) > 0 for config in configs.values())
    assert {config.discard for config in configs.values()} == {DiscardPolicy.OLD}
    assert [n for n, config in configs.items() if config.retention == RetentionPolicy.WORK_QUEUE] == ["STEPS"]
    in_memory = {name for name, config in configs.items() if config.storage == StorageType.MEMORY}
    assert in_memory == {"PROGRESS", "BEATS"}
    assert sum(c.max_bytes or 0 for n, c in configs.items() if n not in in_memory) <= STORAGE.file_bytes
    assert sum(configs[n].max_bytes or 0 for n in in_memory) <= STORAGE.memory_bytes


async def test_ensuring_again_and_in_parallel_changes_nothing(stack: BusStack) -> None:
    planner, record = await stack.connect("planner"), await stack.connect("record")
    await planner.publish(subjects.run(app_ref()), a_fact())
    before = {i.config.name: (i.config, i.created) for i in await planner.jetstream.streams_info()}
    async with asyncio.TaskGroup() as group:
        for bus in (planner, record, planner):
            group.create_task(ensure(bus, stack.clusters))
    assert {i.config.name: (i.config, i.created) for i in await planner.jetstream.streams_info()} == before


async def test_a_stream_that_differs_is_updated_and_keeps_its_messages(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    await planner.publish(subjects.run(app_ref()), a_fact())
    wanted = stream_config(STREAMS[1], STORAGE)
    assert wanted.name == "RUNS"
    await planner.jetstream.update_stream(wanted.evolve(max_age=3600.0, max_bytes=1024**2))
    await ensure(planner, stack.clusters)
    info = await planner.jetstream.stream_info("RUNS")
    assert (info.config.max_age, info.config.max_bytes) == (wanted.max_age, wanted.max_bytes)
    assert info.state.messages == 1


async def test_a_durable_that_differs_is_updated(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    present = (await planner.jetstream.consumer_info("STEPS", "executor-east")).config
    await planner.jetstream.add_consumer("STEPS", present.evolve(ack_wait=5.0))
    await ensure(planner, stack.clusters)
    config = (await planner.jetstream.consumer_info("STEPS", "executor-east")).config
    assert (config.ack_wait, config.max_deliver) == (topology.ACK_WAIT_S, -1)
    assert config.filter_subject == "kubemin.step.east.>"


async def test_a_stream_of_another_kind_is_not_silently_accepted(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    for stream in ("RUNS", "PROGRESS"):
        await planner.jetstream.delete_stream(stream)
    await planner.jetstream.add_stream(stream_config(replace(STREAMS[1], memory=True), Storage(memory_bytes=1024**2)))
    with pytest.raises(TopologyConflict, match="stream RUNS"):
        await ensure(planner, stack.clusters)


async def test_the_keeper_brings_a_new_cluster_its_durable(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    known: list[ClusterName] = []
    stopping = Stopping()

    async def clusters() -> list[ClusterName]:
        return known

    consumer = planner.consumer("STEPS", "executor-north")
    async with asyncio.TaskGroup() as group:
        group.create_task(topology.keep(planner, clusters, stopping))
        with pytest.raises(NoStream):
            await consumer.fetch(1)
        known.append(ClusterName("north"))

        async def pulled() -> bool:
            try:
                await consumer.fetch(1, timeout_s=0.1)
            except NoStream:
                return False
            return True

        await until(pulled)
        stopping.request()


async def test_a_full_stream_loses_its_oldest_and_takes_the_new(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    limit = (await planner.jetstream.stream_info("RUNS")).config.max_bytes or 0
    payload = b"x" * 1024**2
    for n in range(limit // len(payload) + 3):
        await planner.publish_raw(subjects.run(app_ref(f"app-{n}")), payload, headers={})
    state = (await planner.jetstream.stream_info("RUNS")).state
    assert state.bytes <= limit
    assert state.first_seq > 1
