"""Finds the line of a file that a path such as `spec.components[1].properties.image` leads to."""

import re
from collections.abc import Iterator

import yaml

from cli.documents import Document

_ELEMENT = re.compile(r'\[(\d+)\]|\["([^"]*)"\]|\.?([^.\[\]]+)')


class Lines:
    """Knows the lines of one document."""

    def __init__(self, document: Document) -> None:
        self._first_line = document.first_line
        self._root = _root(document.text)

    def line(self, path: str) -> int | None:
        """Return the file's line of the deepest place on the path that is there; None where that cannot be told."""
        node, line = self._root, None
        for element in _elements(path):
            found = _step(node, element)
            if found is None:
                break
            node, line = found
        return None if line is None else self._first_line + line


def _root(text: str) -> yaml.Node | None:
    try:
        return next(iter(yaml.compose_all(text, yaml.CSafeLoader)), None)
    except (yaml.YAMLError, RecursionError):
        # Nobody can tell where anything is in it; what is wrong is the gateway's to say.
        return None


def _elements(path: str) -> Iterator[str | int]:
    for found in _ELEMENT.finditer(path):
        index, quoted, plain = found.groups()
        yield int(index) if index is not None else quoted if quoted is not None else plain


def _step(node: yaml.Node | None, element: str | int) -> tuple[yaml.Node, int] | None:
    """Return what the element leads to and the line, from 0, that says so."""
    if isinstance(node, yaml.SequenceNode) and isinstance(element, int) and element < len(node.value):
        item: yaml.Node = node.value[element]
        return item, item.start_mark.line
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(element):
                return value, key.start_mark.line
    return None
