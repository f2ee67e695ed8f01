"""Properties over whole lives of an application: generations, time-outs, retries and deletions on an unreliable bus."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.identity import ObjectKey
from shared.contracts.phases import AppPhase, RunPhase
from shared.contracts.plan import Deadlines, PlannedStep
from tests.unit.services.planner.simulated import Cluster
from tests.unit.services.planner.trace import HERE, World, deployment, job, own_job, step

SHORT = Deadlines(queue_s=60, start_s=60, run_s=60, reference_s=60)


def variants(rng: random.Random) -> list[PlannedStep]:
    """A plan out of a few pieces that come and go and change."""
    image = rng.choice(["job:1", "job:2"])
    pieces = [
        step("init", job("init", image=image), deadlines=SHORT),
        step("raw", own_job("load", lifetime_s=rng.choice([None, 30])), deployment("side"), deadlines=SHORT),
        step("web", deployment("web", image=rng.choice(["web:1", "web:2"]))),
        step("old"),
    ]
    chosen = [piece for piece in pieces if rng.random() < 0.7] or pieces[:1]
    if chosen[0].step == "init" and len(chosen) > 1:
        chosen[-1] = chosen[-1].model_copy(update={"depends_on": (chosen[0].step,)})
    return chosen


def act(world: World, cluster: Cluster, rng: random.Random) -> None:
    """One thing happens."""
    match rng.choices(range(8), weights=[2, 10, 6, 10, 3, 1, 1, 1])[0]:
        case 0:
            cluster.take(world.deploy(*variants(rng)))
        case 1:
            cluster.work()
        case 2:
            cluster.progress()
        case 3:
            cluster.deliver()
        case 4:
            cluster.take(world.later(rng.choice([1, 5, 30, 100])))
        case 5:
            cluster.interfere()
        case 6:
            # The newest, one of long ago, or one that was not taken up.
            cluster.take(world.cancel(of=max(1, world.state.generation + rng.choice([0, 0, 0, -1, 1]))))
        case _:
            cluster.facts.clear()  # the bus was wiped
            cluster.mailbox.clear()
            cluster.restate()


def settle(world: World, cluster: Cluster, *, until: set[RunPhase]) -> None:
    """From now on all goes well, and everything is stated again and again."""
    for _ in range(400):
        if world.run_phase() in until and not world.state.prunes:
            return
        for _ in range(len(cluster.mailbox)):
            cluster.work()
        cluster.progress(fail=0)
        cluster.restate()
        cluster.deliver(loss=0)
        cluster.take(world.later(5))
    raise AssertionError(f"the run does not end: {world.run_phase()} {world.state}")


def after(count: int, rng: random.Random) -> tuple[World, Cluster]:
    """An application to which so many things have happened."""
    world = World()
    cluster = Cluster(HERE, world, rng)
    cluster.take(world.deploy(*variants(rng)))
    for _ in range(count):
        act(world, cluster, rng)
    return world, cluster


ENDS = {phase for phase in RunPhase if phase.terminal}


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(5, 80))
def test_job_never_runs_again_and_what_is_wanted_comes_about(seed: int, count: int) -> None:
    rng = random.Random(seed)
    world, cluster = after(count, rng)
    settle(world, cluster, until=ENDS)
    cluster.take(world.deploy(*variants(rng)))
    settle(world, cluster, until=ENDS)
    assert [e.n for e in world.events] == list(range(1, len(world.events) + 1))
    assert world.plan is not None
    if world.run_phase() is RunPhase.SUCCEEDED:
        assert not _unwanted(world, cluster)
    names = [(c.run, c.cluster, c.step, c.attempt, c.nonce) for c in world.commands]
    assert len(set(names)) == len(names)


def _unwanted(world: World, cluster: Cluster) -> set[ObjectKey]:
    """What is there although the newest plan does not have it, after everybody had his say."""
    _quiet(world, cluster)
    wanted = {o.key for s in (world.state.run.steps.values() if world.state.run else ()) for o in s.objects}
    return set(cluster.objects) - wanted


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 60))
def test_deletion_leaves_nothing_whenever_it_comes(seed: int, count: int) -> None:
    rng = random.Random(seed)
    world, cluster = after(count, rng)
    cluster.take(world.delete())
    settle(world, cluster, until=ENDS)
    assert world.app_phase() is AppPhase.DELETED
    assert not _unwanted(world, cluster)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 60))
def test_after_a_cancellation_nothing_works_on_and_the_same_document_runs_again(seed: int, count: int) -> None:
    rng = random.Random(seed)
    world, cluster = after(count, rng)
    steps = variants(rng)
    cluster.take(world.deploy(*steps))
    for _ in range(rng.randint(0, 10)):
        cluster.work()
        cluster.progress()
        cluster.deliver()
    cluster.take(world.cancel())
    ended = world.run_phase()
    assert ended.terminal
    _quiet(world, cluster)
    assert world.run_phase() is ended
    if ended is RunPhase.CANCELLED:
        assert not [o.key for o in cluster.objects.values() if o.job and o.verdict == "progressing"]
    cluster.take(world.deploy(*steps))
    settle(world, cluster, until=ENDS)
    assert [e.n for e in world.events] == list(range(1, len(world.events) + 1))


def _quiet(world: World, cluster: Cluster) -> None:
    """No workload gets on, and everybody has his say."""
    for _ in range(40):
        cluster.restate()
        cluster.deliver(loss=0)
        for _ in range(len(cluster.mailbox)):
            cluster.work()
        cluster.take(world.later(5))
