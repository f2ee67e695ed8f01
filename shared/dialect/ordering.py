"""What the workflow means for the order of components: who waits for whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.dialect.findings import Notes
from shared.dialect.model import Component, Step, Text

_MAX_EDGES = 100_000


@dataclass(frozen=True, kw_only=True)
class Order:
    """Which components are deployed, and what each waits for."""

    waits_for: dict[str, tuple[Text, ...]]
    """Component → those before it, each with the place that says when it is deployed; the keys are what is deployed."""


@dataclass
class _Line:
    waits_for: dict[str, tuple[Text, ...]] = field(default_factory=dict)
    last: tuple[Text, ...] = ()

    def add(self, components: Sequence[Text], *, at_once: bool) -> None:
        """Deploy these next; one that has been deployed already stays where it is."""
        new = [one for one in dict.fromkeys(c.value for c in components) if one not in self.waits_for]
        by_name = {one.value: one for one in reversed(components)}
        if at_once and new:
            self.waits_for |= dict.fromkeys(new, self.last)
            self.last = tuple(by_name[name] for name in new)
            return
        for name in new:
            self.waits_for[name] = self.last
            self.last = (by_name[name],)


def order(components: Sequence[Component], steps: Sequence[Step]) -> Order:
    """Without a workflow each component is a step."""
    line = _Line()
    if not steps:
        line.add([component.name for component in components], at_once=False)
    for step in steps:
        # With sub-steps Go loses the step's own components; here they come first.
        line.add(step.components, at_once=step.at_once)
        line.add([one for sub_step in step.sub_steps for one in sub_step.components], at_once=step.at_once)
    return Order(waits_for=line.waits_for)


def check_edges(count: int, notes: Notes) -> None:
    """All of many that wait for all of many are more than anybody wants to plan."""
    if count > _MAX_EDGES:
        message = f"components wait for others {count} times, {_MAX_EDGES} are allowed"
        notes.error("workflow", "TooMany", message, "Make several applications of it.")
