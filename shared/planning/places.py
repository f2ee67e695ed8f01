"""Where a component's part of the document says what was rendered of it."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from shared.planning.trees import MALFORMED, PathElement, at, leaves, path_text


class Place(NamedTuple):
    """A text or number in the document."""

    path: str
    """Of the part."""
    part: Any
    elements: tuple[PathElement, ...]
    """From the part on."""

    def beside(self, steps_up: int, *elements: PathElement) -> Any:
        """What stands so many steps up and then down these; None where that leads nowhere."""
        try:
            return at(self.part, (*self.elements[:-steps_up], *elements))
        except MALFORMED:
            return None


class Places:
    """Of all texts and numbers."""

    def __init__(self, parts: Iterable[tuple[str, Any]], otherwise: str) -> None:
        """`parts` are (path, value) of what the author wrote; `otherwise` is said where nothing is found."""
        self._parts = tuple(parts)
        self._otherwise = otherwise
        self._by_text: dict[str, list[Place]] | None = None

    def of(self, text: str, *tests: Callable[[Place], bool]) -> str:
        """The first place that has the text and passes the first test, or else the next one."""
        found = self._texts().get(text, ())
        for test in tests:
            for place in found:
                if test(place):
                    return path_text(place.path, *place.elements)
        return self._otherwise

    def _texts(self) -> dict[str, list[Place]]:
        if self._by_text is None:
            self._by_text = {}
            for path, value in self._parts:
                for elements, leaf in leaves(value):
                    if isinstance(leaf, str | int | float):
                        self._by_text.setdefault(str(leaf), []).append(Place(path, value, elements))
        return self._by_text
