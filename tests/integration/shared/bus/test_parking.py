import os
from dataclasses import dataclass

import pytest

from shared.bus import Bus, Delivery, Parker
from shared.bus.parked import NoSuchMessage, Parked, drop, find_parked, list_parked
from shared.bus.replaying import NotReplayable, check_replayable
from shared.bus.topology import executor_durable, parked_by
from shared.contracts import subjects
from shared.contracts.identity import PRUNE, ClusterName
from tests.support.bus import BusStack
from tests.support.messages import a_command, a_fact, app_ref

EAST, WEST = ClusterName("east"), ClusterName("we.st")
RUN = subjects.run(app_ref())


@dataclass(frozen=True)
class Centre:
    """The planner, which publishes run events, and record, which reads and parks them."""

    planner: Bus
    record: Bus

    async def parks(self, payload: bytes, headers: dict[str, str] | None = None) -> None:
        delivery = await self.delivered(payload, headers)
        await Parker(self.record, "record-runs").park(delivery, reason="Malformed", error="no envelope")

    async def delivered(self, payload: bytes, headers: dict[str, str] | None = None) -> Delivery:
        await self.planner.publish_raw(RUN, payload, headers=headers or {}, limit_bytes=8 * 1024**2)
        (delivery,) = await self.record.consumer("RUNS", "record-runs").fetch(1)
        return delivery

    async def parked(self, consumer: str = "*") -> list[Parked]:
        return [entry async for entry in list_parked(self.record, consumer)]


@pytest.fixture
async def centre(stack: BusStack) -> Centre:
    return Centre(await stack.connect("planner"), await stack.connect("record"))


async def test_a_parked_message_keeps_everything(centre: Centre) -> None:
    await centre.parks(b"\x00\xffjunk", {"X-A": "1"})
    ((_, message),) = await centre.parked()
    assert message.payload == b"\x00\xffjunk"
    assert (message.subject, message.headers) == (RUN, {"X-A": "1"})
    assert (message.stream, message.stream_sequence) == ("RUNS", 1)


async def test_an_agent_of_a_cluster_with_dots_parks_on_its_own_subject(stack: BusStack, centre: Centre) -> None:
    agent = await stack.connect("cluster-we.st")
    await centre.planner.publish(subjects.step(WEST, app_ref(), PRUNE), a_command("we.st"))
    durable = executor_durable(WEST)
    (delivery,) = await agent.consumer("STEPS", durable).fetch(1)
    await Parker(agent, durable).park(delivery, reason="Malformed", error="")
    (entry,) = await centre.parked(durable)
    assert entry.message.consumer == durable
    assert await centre.parked(executor_durable(EAST)) == []
    with pytest.raises(NotReplayable, match="sends unanswered commands again"):
        check_replayable(entry)


async def test_the_largest_message_of_ours_is_parked_whole(centre: Centre) -> None:
    payload = os.urandom(int(5.5 * 1024**2))
    await centre.parks(payload)
    ((_, message),) = await centre.parked()
    assert message.payload == payload


async def test_a_message_past_our_limit_is_parked_without_its_payload(centre: Centre) -> None:
    await centre.parks(os.urandom(int(7.9 * 1024**2)))
    (entry,) = await centre.parked()
    assert entry.message.payload_dropped
    with pytest.raises(NotReplayable, match="too large"):
        check_replayable(entry)


async def test_a_dropped_message_is_gone_and_cannot_be_dropped_twice(centre: Centre) -> None:
    await centre.parks(b"x")
    await centre.parks(b"y")
    first, second = await centre.parked()
    assert await find_parked(centre.record, first.sequence) == first
    await drop(centre.record, first.sequence)
    assert await centre.parked() == [second]
    with pytest.raises(NoSuchMessage):
        await find_parked(centre.record, first.sequence)
    with pytest.raises(NoSuchMessage):
        await drop(centre.record, first.sequence)


@pytest.mark.parametrize(
    "junk", [b"", b"\x00\xff", b"{}", b'{"specversion":"1.0"}', b"\x78\x9c\x03\x00\x00\x00\x00\x01"]
)
async def test_what_an_agent_parks_at_will_hides_nothing(stack: BusStack, centre: Centre, junk: bytes) -> None:
    agent = await stack.connect("cluster-we.st")
    await agent.publish_raw(parked_by(executor_durable(WEST)), junk, headers={})
    await agent.publish(parked_by("observe-we.st"), a_fact("we.st"))
    await centre.parks(b"x")
    strange, other, ours = await centre.parked()
    assert {strange.message.reason, other.message.reason} == {"Malformed"}
    assert strange.message.payload == junk
    assert (ours.message.consumer, ours.message.payload) == ("record-runs", b"x")
    await drop(centre.record, strange.sequence)
    assert len(await centre.parked()) == 2


async def test_an_agent_cannot_park_in_the_name_of_another(stack: BusStack, centre: Centre) -> None:
    agent = await stack.connect("cluster-we.st")
    await centre.parks(centre.planner.wrap(a_fact()))
    (genuine,) = await centre.parked()
    await agent.publish(parked_by(executor_durable(WEST)), genuine.message)
    _, forged = await centre.parked()
    assert forged.message.reason == "IdentityMismatch"
    assert forged.message.consumer == "executor-we_st"
    with pytest.raises(NotReplayable):
        check_replayable(forged)
