"""The nudge: inside one cluster, the executor asks the observer to state an application's facts again."""

from typing import Literal

from pydantic import TypeAdapter

from shared.contracts.identity import AppRef, AppUid, StepId
from shared.contracts.model import Contract


class Nudge(Contract):
    """An answered command; lost without harm, since the planner asks again."""

    type: Literal["Nudge"] = "Nudge"
    app: AppRef
    uid: AppUid
    step: StepId
    """Of the command; `=prepare` and `=prune` concern the whole application."""
    kinds: tuple[str, ...]
    """`apiVersion/Kind` of every object that the command names, so that the observer can begin to watch a new kind."""
    restate: bool = True
    """Whether anybody waits for the facts; nobody does where applying was all."""


NUDGE: TypeAdapter[Nudge] = TypeAdapter(Nudge)
