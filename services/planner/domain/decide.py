"""The planner's decision: state and inputs in, next state, run events and commands out. Pure; the state is handed over.

Inputs are folded in batches: one decision per application and batch is one compare-and-set.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf

from services.planner.domain import answers, deadlines, drifting, joining, opening, scheduling
from services.planner.domain.state import AppState
from services.planner.domain.turn import Policy, Turn
from shared.contracts.desired import Cancellation
from shared.contracts.facts import Fact, ObjectVanished, ObservationOrder, StepFailed, StepProgressed, StepSucceeded
from shared.contracts.identity import ClusterName
from shared.contracts.plan import Finding, Plan
from shared.contracts.projection import UnseenObject


@dataclass(frozen=True, kw_only=True)
class Deploy:
    """A generation whose document was planned."""

    plan: Plan
    requested_by: str


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """A generation whose document this planner cannot plan."""

    generation: int
    requested_by: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Delete:
    """A generation that deletes the application."""

    generation: int
    requested_by: str


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """A generation that ends the run of an earlier one."""

    generation: int
    requested_by: str
    cancellation: Cancellation


@dataclass(frozen=True, kw_only=True)
class Tick:
    """Time has passed."""

    folded_until: float = inf
    """Deadlines after this moment are not judged yet: a fact from before them may not have been folded."""


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """Everything that exists in a cluster was stated anew, and these objects were not: they went while nobody watched.

    It may be wrong where projections lag behind, so nothing is judged by it: what it is about is applied again.
    """

    cluster: ClusterName
    restated: ObservationOrder
    objects: tuple[UnseenObject, ...]


Input = Deploy | Refuse | Delete | Cancel | Tick | Unseen | Fact


def decide(
    state: AppState,
    inputs: Iterable[Input],
    *,
    now: float,
    policy: Policy,
    reachable: Callable[[ClusterName], bool],
) -> Turn:
    """Fold the inputs in order and let the run go on as far as it can."""
    turn = Turn(state=state, now=now, policy=policy, reachable=reachable)
    for input_ in inputs:
        _fold(turn, input_)
    scheduling.advance(turn)
    return turn


def _fold(turn: Turn, input_: Input) -> None:
    match input_:
        case Deploy(plan=plan, requested_by=requested_by):
            opening.open_deploy(turn, plan, requested_by)
        case Refuse(generation=generation, requested_by=requested_by, findings=findings):
            opening.open_refused(turn, generation, requested_by, findings)
        case Delete(generation=generation, requested_by=requested_by):
            opening.open_delete(turn, generation, requested_by)
        case Cancel(generation=generation, requested_by=requested_by, cancellation=cancellation):
            opening.cancel(turn, generation, requested_by, cancellation)
        case Tick(folded_until=folded_until):
            deadlines.tick(turn, folded_until)
        case Unseen(cluster=cluster, restated=restated, objects=objects):
            drifting.unseen(turn, cluster, restated, objects)
        case _ if input_.app != turn.state.app or input_.cluster not in turn.state.addressed:
            # Its subject, which is what an agent may publish to, belongs to another application, or to a cluster that
            # was never asked for anything: it could hand us objects and have us wait for their deletion.
            pass
        case StepProgressed() | StepSucceeded() | StepFailed() | ObjectVanished():
            joining.observed(turn, input_)
        case _:
            answers.answered(turn, input_)
