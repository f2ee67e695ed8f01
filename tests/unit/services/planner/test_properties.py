"""Properties of the planner over random DAGs, with facts repeated, reordered and delayed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.domain.turn import Policy
from shared.contracts.commands import ApplyStep, Command, PrepareRun
from shared.contracts.facts import Fact
from shared.contracts.phases import RunPhase, StepPhase
from shared.contracts.plan import PlannedStep
from shared.contracts.runs import StepPhaseChanged
from tests.unit.services.planner.trace import World, step

MAX_STEPS = 12


@st.composite
def dags(draw: st.DrawFn) -> list[PlannedStep]:
    """Random DAGs: each step may depend on any before it."""
    count = draw(st.integers(1, MAX_STEPS))
    steps = []
    for i in range(count):
        after = draw(st.lists(st.sampled_from([f"s{j}" for j in range(i)]), unique=True, max_size=3)) if i else []
        steps.append(step(f"s{i}", after=after))
    return draw(st.permutations(steps))


@st.composite
def deliveries(draw: st.DrawFn, world: World, open_: list[Command], failing: set[str]) -> list[Fact]:
    """The facts that answer some of the open commands, repeated and in any order."""
    facts: list[Fact] = []
    for command in open_:
        if isinstance(command, ApplyStep):
            facts.append(world.applied_fact(command))
            facts.extend(world.observations(command, "failed" if command.step in failing else "succeeded"))
    facts += draw(st.lists(st.sampled_from(facts), max_size=4)) if facts else []
    return draw(st.permutations(facts))


@settings(max_examples=200, deadline=None)
@given(data=st.data(), steps=dags())
def test_no_dependent_is_applied_before_what_it_depends_on_succeeded(
    data: st.DataObject, steps: list[PlannedStep]
) -> None:
    world = World(policy=Policy(window=data.draw(st.integers(1, 4))))
    failing = set(data.draw(st.lists(st.sampled_from([str(s.step) for s in steps]), max_size=2)))
    world.deploy(*steps)
    open_ = world.prepared()
    rounds = 0
    while open_:
        rounds += 1
        assert rounds <= 10 * MAX_STEPS, "the run does not end"
        some = data.draw(st.lists(st.sampled_from(open_), min_size=1, unique_by=lambda c: c.step))
        facts = data.draw(deliveries(world, some, failing))
        answered = {c.step for c in some}
        open_ = [c for c in open_ if c.step not in answered] + world.tell(*facts)
    assert world.run_phase() is (RunPhase.FAILED if failing else RunPhase.SUCCEEDED)
    _check_timeline(world, steps)
    _check_ends(world, steps, failing)


def _check_timeline(world: World, steps: list[PlannedStep]) -> None:
    """On the recorded events: a step is applied only after all its dependencies succeeded."""
    succeeded: set[str] = set()
    depends_on = {s.step: set(s.depends_on) for s in steps}
    for event in world.events:
        if isinstance(event, StepPhaseChanged):
            if event.phase is StepPhase.APPLYING:
                assert depends_on[event.step] <= succeeded
            if event.phase is StepPhase.SUCCEEDED:
                succeeded.add(event.step)


def _check_ends(world: World, steps: list[PlannedStep], failing: set[str]) -> None:
    bad = set(failing)
    for planned in sorted(steps, key=lambda s: int(s.step[1:])):
        phase, _ = world.phase(planned.step)
        if bad & set(planned.depends_on):
            bad.add(planned.step)
            assert phase is StepPhase.SKIPPED
        else:
            assert phase is (StepPhase.FAILED if planned.step in failing else StepPhase.SUCCEEDED)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), steps=dags())
def test_events_are_numbered_without_gap_and_commands_have_names_of_their_own(
    data: st.DataObject, steps: list[PlannedStep]
) -> None:
    world = World()
    world.deploy(*steps)
    world.prepared()
    for _ in range(data.draw(st.integers(0, 5))):
        world.later(data.draw(st.floats(0, 120)))
    assert [e.n for e in world.events] == list(range(1, len(world.events) + 1))
    names = [(c.run, c.cluster, c.step, c.attempt, c.nonce) for c in world.commands]
    assert len(set(names)) == len(names)
    assert isinstance(world.commands[0], PrepareRun)
