"""The planner's pure core: facts folded per second on one core, and how long a plan of 10,000 steps takes."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from services.planner.domain import outbox as outboxes
from services.planner.domain.deadlines import next_deadline
from services.planner.domain.decide import Deploy, Input, decide
from services.planner.domain.outbox import Outbox
from services.planner.domain.state import STATE, AppState
from services.planner.domain.turn import Policy, Turn
from services.planner.engine import _write
from shared.contracts.commands import ApplyStep
from shared.contracts.facts import FACT
from shared.contracts.identity import AppName, AppRef, Namespace, Tenant
from shared.contracts.plan import Placement, Plan
from shared.jobtypes.builtin import BUILTIN
from shared.planning import Application, check_document, make_plan
from tests.bench.figures import Aim, Figure
from tests.unit.services.planner.trace import APP, HERE, START, UID, World, step

_STEPS_OF_ONE = 10
_LAYER = 50
_COMPONENTS = 2_000
"""As many as a document may have; the steps beyond come from the volumes that each declares."""


class _Recorded(NamedTuple):
    """The life of one application: what opens its run, and the facts that bring it to its end."""

    opening: list[Input]
    facts: list[Input]


def core(*, quick: bool) -> list[Figure]:
    """Every figure of the core; no process is started."""
    applications, rounds = (5, 2) if quick else (200, 5)
    return [
        _folding(applications, rounds, batch=1),
        _folding(applications, rounds, batch=16),
        *_planning(100 if quick else _COMPONENTS, 2 if quick else 5),
    ]


def _folding(applications: int, rounds: int, *, batch: int) -> Figure:
    recorded = _record()
    facts = [FACT.dump_json(fact) for fact in recorded.facts]  # type: ignore[arg-type]  # none of them is a command
    state = STATE.dump_json(_opened(recorded).state)
    count = applications * len(facts)
    measured: list[float] = []
    baseline: list[float] = []
    for _ in range(rounds):
        opened = [_opened(recorded).state for _ in range(applications)]
        measured.append(count / _timed(lambda opened=opened: _fold(opened, recorded.facts, batch)))  # type: ignore[misc]
        baseline.append(count / _timed(lambda: _round_trips(applications, facts, state, batch)))
    return Figure(
        name=f"core: facts folded, {'one a decision' if batch == 1 else f'{batch} a decision'}",
        unit="facts/s",
        measured=measured,
        baseline=baseline,
        of_baseline="a JSON round trip (json.loads, json.dumps) of the same facts, and of the state once a decision",
        aim=Aim("measured", "≥", 5_000),
        note=f"An application of {_STEPS_OF_ONE} steps, 3 facts each; decide, next_deadline, encoding of state and"
        " outbox as the engine stores them; the state is in the cache, and the fact is decoded",
        details={"state_bytes": len(state), "facts": len(facts), "applications": applications},
    )


def _record() -> _Recorded:
    """Ten steps side by side, each applied, seen in progress and seen done."""
    world = World()
    commands = [c for c in _prepared(world) if isinstance(c, ApplyStep)]
    opening = [i.input() for turn in world.turns for i in turn.inputs]
    for command in commands:
        world.tell(world.applied_fact(command), *world.observations(command, "progressing"))
    for command in commands:
        world.tell(*world.observations(command))
    inputs = [i.input() for turn in world.turns for i in turn.inputs]
    return _Recorded(opening, inputs[len(opening) :])


def _prepared(world: World) -> list[Any]:
    return world.prepared(*world.deploy(*(step(f"s{i}") for i in range(_STEPS_OF_ONE))))


def _opened(recorded: _Recorded) -> Turn:
    first, *others = recorded.opening
    turn = _decide(AppState(app=APP, uid=UID), [first])
    for input_ in others:
        turn = _decide(turn.state, [input_])
    return turn


def _decide(state: AppState, inputs: Sequence[Input]) -> Turn:
    return decide(state, inputs, now=START, policy=Policy(), reachable=lambda _: True)


def _fold(states: Sequence[AppState], facts: Sequence[Input], batch: int) -> None:
    for opened in states:
        state = opened
        for inputs in _batches(facts, batch):
            state = _stored(_decide(state, inputs)).state


def _stored(turn: Turn) -> Turn:
    """What the engine computes for every decision before it stores it."""
    next_deadline(turn.state)
    _write(turn.state)
    outboxes.write(Outbox().then(turn.events, turn.sends))
    return turn


def _round_trips(applications: int, facts: Sequence[bytes], state: bytes, batch: int) -> None:
    for _ in range(applications):
        for taken in _batches(facts, batch):
            for fact in taken:
                json.dumps(json.loads(fact))
            json.dumps(json.loads(state))


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _planning(components: int, rounds: int) -> list[Figure]:
    app, _ = check_document(_document(components), BUILTIN)
    plan = _plan(app)
    text = plan.model_dump_json()
    planned: list[float] = []
    opened: list[float] = []
    baseline: list[float] = []
    for _ in range(rounds):
        planned.append(_timed(lambda: _plan(app)))
        opened.append(_timed(lambda: _stored(_decide(_blank(plan), [Deploy(plan=plan, requested_by="bench")]))))
        baseline.append(_timed(lambda: json.dumps(json.loads(text))))
    of_plan = {"baseline": baseline, "of_baseline": "a JSON round trip of the plan's bytes", "unit": "s"}
    steps = f"{len(plan.steps):,} steps"
    both = [p + o for p, o in zip(planned, opened, strict=True)]
    details = {"plan_bytes": len(text), "components": components}
    return [
        Figure(name=f"core: make_plan, {steps}", measured=planned, details=details, **of_plan),  # type: ignore[arg-type]
        Figure(name=f"core: opening decision, {steps}", measured=opened, **of_plan),  # type: ignore[arg-type]
        Figure(
            name=f"core: planned and opened, {steps}",
            measured=both,
            aim=Aim("measured", "≤", 1),
            note="The document is checked already; the opening decision includes state and outbox as bytes",
            **of_plan,  # type: ignore[arg-type]
        ),
    ]


def _blank(plan: Plan) -> AppState:
    return AppState(app=plan.app, uid=plan.uid)


def _plan(app: Application) -> Plan:
    ref = AppRef(tenant=Tenant("dev"), namespace=Namespace("demo"), name=AppName(app.metadata.name))
    return make_plan(app, ref=ref, uid=UID, generation=1, placements=[Placement(cluster=HERE)], registry=BUILTIN)


def _document(components: int) -> dict[str, Any]:
    """Workers in layers, each waiting for two of the layer before, with four ConfigMaps of its own: five steps each."""
    return {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": "big", "namespace": "demo"},
        "spec": {"components": [_component(i) for i in range(components)]},
    }


def _component(i: int) -> dict[str, Any]:
    configs = [
        {"name": f"c{i}-{k}", "mountPath": f"/etc/{k}", "data": {"key": f"value {i} {k}"}, "mountOnly": False}
        for k in range(4)
    ]
    made: dict[str, Any] = {
        "name": f"c{i}",
        "type": "worker",
        "properties": {"image": "registry.example/app:1"},
        "traits": [{"type": "storage", "properties": {"configMap": configs}}],
    }
    if i >= _LAYER:
        neighbour = 1 if i % _LAYER < _LAYER - 1 else -1
        made["dependsOn"] = [f"c{i - _LAYER}", f"c{i - _LAYER + neighbour}"]
    return made


def _timed(action: Callable[[], Any]) -> float:
    """Seconds of processor time: others may use the machine meanwhile."""
    started = time.process_time()
    action()
    return time.process_time() - started
