import gc

import pytest

from shared.bus.topology import executor_durable
from shared.contracts import subjects
from shared.contracts.identity import PRUNE, ClusterName
from tests.support.bus import BusStack
from tests.support.conditions import until
from tests.support.messages import a_command, a_fact, app_ref

EAST, NORTH = ClusterName("east"), ClusterName("north")


async def test_a_new_cluster_joins_by_a_reload_and_others_stay_connected(stack: BusStack) -> None:
    planner, east = await stack.connect("planner"), await stack.connect("cluster-east")
    before = (stack.accounts / "cluster-east.json").read_text()
    stack.write_accounts(["north"])
    await stack.server.reload()
    stack.clusters.append(NORTH)
    north = await stack.connect("cluster-north")
    await stack.ensure()
    await planner.publish(subjects.step(NORTH, app_ref(), PRUNE), a_command("north"))
    (delivery,) = await north.consumer("STEPS", executor_durable(NORTH)).fetch(1)
    await delivery.ack()
    await until(lambda: east.connected)
    await east.publish(subjects.status(EAST, app_ref()), a_fact("east"))
    assert (stack.accounts / "cluster-east.json").read_text() == before


@pytest.mark.filterwarnings("ignore:.*StreamWriter:pytest.PytestUnraisableExceptionWarning")
async def test_a_replaced_password_is_taken_up_and_until_then_the_log_says_why(
    stack: BusStack, capsys: pytest.CaptureFixture[str]
) -> None:
    east = await stack.connect("cluster-east")
    held = stack.accounts / "cluster-east.json"
    before = held.read_text()
    await stack.server.stop()
    held.unlink()
    stack.write_accounts(["east"])
    after = held.read_text()
    held.write_text(before)
    await stack.server.start()
    lines: list[str] = []

    def refused() -> list[str]:
        lines.extend("".join(capsys.readouterr()).splitlines())
        return [line for line in lines if "warning" in line and "Authorization Violation" in line]

    await until(lambda: bool(refused()))
    held.write_text(after)
    await until(lambda: east.connected)
    await east.publish(subjects.status(EAST, app_ref()), a_fact("east"))
    assert len(refused()) == 1, "not with every try"
    assert stack.closed == []
    # nats-py leaves the connections that were refused to the collector, which finds fault with each.
    gc.collect()
