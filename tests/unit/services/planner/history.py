"""Recorded sequences of inputs with the events that came of them: they replay to the same events for ever.

A history that no longer replays means that a run under way would be understood otherwise than before. One is added by
`World.history()` of a test and never changed afterwards, unless a defect is mended that it had recorded.
"""

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from services.planner.domain.decide import Cancel, Delete, Deploy, Input, Refuse, Tick, Unseen, decide
from services.planner.domain.state import STATE, AppState
from services.planner.domain.turn import Policy
from shared.contracts.desired import Cancellation
from shared.contracts.facts import FACT, Fact
from shared.contracts.identity import AppRef, AppUid, ClusterName
from shared.contracts.model import Contract
from shared.contracts.plan import Finding, Plan
from shared.contracts.runs import RUN_EVENT, RunEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

HISTORIES = Path(__file__).parent / "histories"


class RecordedInput(Contract):
    """One input; exactly one field is set besides those that belong to another."""

    deploy: Plan | None = None
    refuse: int | None = None
    """The generation."""
    findings: tuple[Finding, ...] = ()
    delete: int | None = None
    """The generation."""
    cancel: int | None = None
    """The generation."""
    cancellation: Cancellation | None = None
    tick: bool = False
    unseen: Unseen | None = None
    fact: Fact | None = Field(default=None, discriminator="type")
    requested_by: str = ""

    @classmethod
    def of(cls, input_: Input) -> "RecordedInput":
        """Write one down."""
        made: dict[str, Any]
        match input_:
            case Deploy(plan=plan, requested_by=actor):
                made = {"deploy": plan, "requested_by": actor}
            case Refuse(generation=generation, requested_by=actor, findings=findings):
                made = {"refuse": generation, "requested_by": actor, "findings": findings}
            case Delete(generation=generation, requested_by=actor):
                made = {"delete": generation, "requested_by": actor}
            case Cancel(generation=generation, requested_by=actor, cancellation=cancellation):
                made = {"cancel": generation, "requested_by": actor, "cancellation": cancellation}
            case Tick():
                made = {"tick": True}
            case Unseen():
                made = {"unseen": input_}
            case _:
                made = {"fact": FACT.validate_python(input_)}
        return cls(**made)

    def input(self) -> Input:
        """Read it back."""
        if self.deploy is not None:
            return Deploy(plan=self.deploy, requested_by=self.requested_by)
        if self.refuse is not None:
            return Refuse(generation=self.refuse, requested_by=self.requested_by, findings=self.findings)
        if self.delete is not None:
            return Delete(generation=self.delete, requested_by=self.requested_by)
        if self.cancel is not None and self.cancellation is not None:
            return Cancel(generation=self.cancel, requested_by=self.requested_by, cancellation=self.cancellation)
        if self.unseen is not None:
            return self.unseen
        return self.fact if self.fact is not None else Tick()


class RecordedTurn(Contract):
    """The inputs of one decision."""

    now: float
    gone: tuple[ClusterName, ...] = ()
    """Clusters that gave no sign of life."""
    inputs: tuple[RecordedInput, ...]


class History(Contract):
    """What came in and what came of it."""

    app: AppRef
    uid: AppUid
    turns: tuple[RecordedTurn, ...]
    events: tuple[RunEvent, ...]


def told(state: AppState) -> Any:
    """All that a state says, the same each time."""
    return _steady(STATE.dump_python(state))


def _steady(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _steady(each) for key, each in value.items()}
        case set():
            return sorted(str(each) for each in value)
        case list() | tuple():
            return [_steady(each) for each in value]
        case Enum():
            return value.value
        case _:
            return value


def replay(history: History) -> "Sequence[RunEvent]":
    """Decide it all again, the state in its stored form in between."""
    return _decided(history)[1]


def replayed(history: History) -> AppState:
    """The state that comes of it."""
    return _decided(history)[0]


def _decided(history: History) -> "tuple[AppState, Sequence[RunEvent]]":
    state = AppState(app=history.app, uid=history.uid)
    events: list[RunEvent] = []
    for recorded in history.turns:
        gone = set(recorded.gone)
        turn = decide(
            STATE.validate_json(STATE.dump_json(state)),
            [input_.input() for input_ in recorded.inputs],
            now=recorded.now,
            policy=Policy(),
            reachable=lambda cluster, gone=gone: cluster not in gone,  # type: ignore[misc]
        )
        state = turn.state
        events += turn.events
    return state, [RUN_EVENT.validate_json(RUN_EVENT.dump_json(event)) for event in events]
