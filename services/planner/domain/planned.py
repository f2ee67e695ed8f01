"""A plan with its steps by key: commands are made of a few steps of a plan that may have thousands."""

from dataclasses import dataclass
from typing import Self

from services.planner.domain.state import step_key
from shared.contracts.identity import ClusterName
from shared.contracts.plan import Plan, PlannedStep


@dataclass(frozen=True)
class IndexedPlan:
    """A plan to look steps up in."""

    plan: Plan
    steps: dict[str, PlannedStep]
    slices: dict[ClusterName, tuple[PlannedStep, ...]]

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """Index it."""
        slices: dict[ClusterName, list[PlannedStep]] = {}
        for step in plan.steps:
            slices.setdefault(step.cluster, []).append(step)
        return cls(
            plan=plan,
            steps={step_key(step.cluster, step.step): step for step in plan.steps},
            slices={cluster: tuple(steps) for cluster, steps in slices.items()},
        )
