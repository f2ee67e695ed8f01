"""A dependent is never applied before what it depends on succeeded: on the recorded timeline of random DAGs."""

import random

import pytest

from shared.contracts.identity import AppUid
from shared.contracts.phases import StepPhase
from shared.contracts.runs import RunAccepted, RunEvent, StepPhaseChanged
from shared.store.archive import Archive
from tests.e2e.system import Document, System, application, component

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

DAGS = 20
AT_ONCE = 5


def random_components(seed: int) -> list[Document]:
    """Two to seven components; each may depend on any before it."""
    choose = random.Random(seed)
    made: list[Document] = []
    for i in range(choose.randint(2, 7)):
        after = choose.sample([c["name"] for c in made], k=choose.randint(0, min(2, len(made))))
        name = f"d{seed}-c{i}"
        made.append(component(name, choose.choice(["worker", "task"]), after=after))
    choose.shuffle(made)
    return made


async def test_random_dags_are_applied_in_order(system: System, namespace: str) -> None:
    for first in range(0, DAGS, AT_ONCE):
        seeds = range(first, first + AT_ONCE)
        runs = [await system.apply(application(namespace, *random_components(s), name=f"dag-{s}")) for s in seeds]
        for run in runs:
            ended = await system.ended(run)
            assert ended["phase"] == "Succeeded", ended["message"]
            events = await Archive(system.database).run_events(AppUid(ended["uid"]), after=0, limit=1000)
            assert_in_order(events)


def assert_in_order(events: list[RunEvent]) -> None:
    accepted = events[0]
    assert isinstance(accepted, RunAccepted)
    depends_on = {s.step: set(s.depends_on) for s in accepted.steps}
    assert [e.n for e in events] == list(range(1, len(events) + 1))
    succeeded: set[str] = set()
    applied: set[str] = set()
    for event in events:
        if isinstance(event, StepPhaseChanged) and event.phase is StepPhase.APPLYING:
            assert depends_on[event.step] <= succeeded
            applied.add(event.step)
        if isinstance(event, StepPhaseChanged) and event.phase is StepPhase.SUCCEEDED:
            succeeded.add(event.step)
    assert applied == succeeded == set(depends_on)
