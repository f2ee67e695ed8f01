"""The components that are carried out: those of the document, as policies have left them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.contracts.plan import Finding
from shared.planning.document import Component, component_path, trait_path
from shared.planning.trees import nodes


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A value that was laid over another: what is wrong with it is told where it stands."""

    over: str
    """Path of the value beneath."""
    path: str
    value: Mapping[str, Any] | str


@dataclass(frozen=True, kw_only=True)
class Given:
    """A component, and where the document speaks of it."""

    component: Component
    path: str
    trait_paths: tuple[str, ...]
    copy_of: str = ""
    """Name of the component that this is a copy of."""
    layers: tuple[Layer, ...] = ()
    """The last lies on top."""

    @property
    def names(self) -> tuple[str, ...]:
        """By which it is known: its own, and that of the component which it is a copy of."""
        return (self.component.name, self.copy_of) if self.copy_of else (self.component.name,)

    def located(self, finding: Finding) -> Finding:
        """The finding with its place in the document, where a policy has brought that part of the component."""
        for layer in reversed(self.layers):
            if finding.path.startswith(layer.over):
                rest = finding.path.removeprefix(layer.over)
                if rest in nodes(layer.value) or (not rest and isinstance(layer.value, str)):
                    return finding.model_copy(update={"path": layer.path + rest})
        return finding


def given(index: int, component: Component) -> Given:
    """The n-th component of the document as it stands there."""
    return Given(
        component=component,
        path=component_path(index),
        trait_paths=tuple(trait_path(index, position) for position in range(len(component.traits))),
    )


def laid_over(one: Given, component: Component, trait_paths: tuple[str, ...], layers: tuple[Layer, ...]) -> Given:
    """The component as changed by a policy."""
    return replace(one, component=component, trait_paths=trait_paths, layers=(*one.layers, *layers))
