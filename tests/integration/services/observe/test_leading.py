"""Observers that start, that take over from each other, and a bus or a cluster that goes away."""

from pathlib import Path

from shared.contracts.facts import ObjectVanished, Observation, StepSucceeded
from shared.kube import KubeApi
from tests.support.bus import BusStack
from tests.support.clusters import key
from tests.support.conditions import until
from tests.support.observers import LASTING, App, Observers, Told
from tests.support.workloads import a_config_map, a_deployment


def succeeded(fact: Observation) -> bool:
    return isinstance(fact, StepSucceeded)


async def test_what_was_there_before_the_observer_is_stated(observers: Observers, app: App) -> None:
    await app.apply(a_config_map(color="blue"), step="web=configmap=settings")
    await observers.start()
    fact = await app.seen(succeeded, "web=configmap=settings")
    assert (fact.key.kind, fact.metadata_generation) == ("ConfigMap", None)


async def test_a_kind_that_nobody_names_is_found_at_the_start(observers: Observers, app: App) -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"}, "rules": []}
    await app.apply(role)
    await observers.start()
    assert (await app.seen(succeeded)).key.kind == "Role"


async def test_a_standby_takes_over_from_a_leader_that_was_killed(
    observers: Observers, app: App, kube: KubeApi
) -> None:
    leader = await observers.start()
    await observers.start()
    await app.apply(a_deployment(replicas=1))
    first = await app.seen(succeeded)
    await leader.kill()
    # Nobody observes now: what happens meanwhile is in the facts of the next leader.
    await app.apply(a_deployment(replicas=2))
    await app.apply(a_config_map(), step="settings")
    rolled = await app.seen(lambda fact: succeeded(fact) and fact.progress.ready == 2)
    settings = await app.seen(succeeded, "settings")
    for fact in (rolled, settings):
        assert fact.order.transitions > first.order.transitions
        assert fact.order.later_than(first.order)
    await kube.delete(key("ConfigMap", "settings", app.namespace))
    await app.seen(lambda fact: isinstance(fact, ObjectVanished), "settings")


async def test_a_leader_that_is_stopped_hands_over_at_once(observers: Observers, app: App) -> None:
    leader = await observers.start()
    await observers.start()
    await app.apply(a_config_map())
    first = await app.seen(succeeded)
    await leader.stop()
    assert leader.poll() == 0
    again = await app.seen(lambda fact: fact.order.transitions > first.order.transitions)
    assert again.object_uid == first.object_uid


async def test_only_the_leader_speaks(observers: Observers, app: App, told: Told) -> None:
    await observers.start(**LASTING)
    await observers.start(**LASTING)
    await app.apply(a_deployment())
    await app.seen(succeeded)
    assert len({fact.order.transitions for fact in told.facts}) == 1
    assert len({fact.order for fact in told.facts}) == len(told.facts)


async def test_all_is_stated_again_to_a_bus_that_has_lost_everything(
    observers: Observers, app: App, bus: BusStack, told: Told
) -> None:
    await observers.start()
    await app.apply(a_config_map())
    first = await app.seen(succeeded)
    await bus.server.wipe()
    await bus.ensure()
    await app.seen(lambda fact: succeeded(fact) and fact.order.later_than(first.order))
    beats = len(told.beats)
    await until(lambda: len(told.beats) > beats)


async def test_what_happens_while_the_bus_is_away_is_stated_afterwards(
    observers: Observers, app: App, bus: BusStack, tmp_path: Path
) -> None:
    del tmp_path
    await observers.start()
    await app.apply(a_deployment())
    await app.seen(succeeded)
    await bus.server.kill()
    await app.apply(a_deployment(replicas=3))
    await until(lambda: _mentions_nats(observers))
    await bus.server.start()
    await app.seen(lambda fact: succeeded(fact) and fact.progress.ready == 3)


async def _mentions_nats(observers: Observers) -> bool:
    return any("NATS" in reason for reason in await observers.reasons(0))
