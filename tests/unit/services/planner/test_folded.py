from services.planner.domain.decide import Tick, decide
from services.planner.folded import Folded
from shared.bus.consumer import Backlog
from shared.contracts.phases import RunPhase
from tests.unit.services.planner.trace import World, step


def test_everything_settled_is_folded_until_now() -> None:
    folded = Folded()
    assert folded.until(10, Backlog(settled=7, last=7)) == 10
    assert folded.until(20, Backlog(settled=7, last=7)) == 20


def test_fact_that_is_held_by_somebody_who_died_stands_before_every_later_moment() -> None:
    folded = Folded()
    folded.until(10, Backlog(settled=7, last=7))
    assert folded.until(20, Backlog(settled=7, last=9)) == 10
    assert folded.until(30, Backlog(settled=8, last=12)) == 10
    assert folded.until(40, Backlog(settled=9, last=12)) == 20
    assert folded.until(50, Backlog(settled=12, last=12)) == 50


def test_stream_made_anew_counts_from_the_beginning() -> None:
    folded = Folded()
    assert folded.until(10, Backlog(settled=7, last=900)) == 0
    assert folded.until(20, Backlog(settled=1, last=1)) == 20


def test_deadline_is_not_judged_while_a_fact_from_before_it_may_come() -> None:
    world = World()
    world.deploy(step("web"))
    late = world.now + world.policy.prepare_deadline_s + 1
    phases = []
    for folded_until in (late - 2, late):
        turn = decide(
            world.state,
            [Tick(folded_until=folded_until)],
            now=late,
            policy=world.policy,
            reachable=lambda _: True,
        )
        phases.append([event.phase for event in turn.events if event.type == "RunPhaseChanged"])
    assert phases == [[], [RunPhase.ERROR]]
