"""Where everything in a converted document comes from: the converter says it as it writes, findings are led back."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.contracts.plan import Finding
from shared.dialect.fields import From
from shared.planning.findings import DocumentRejected
from shared.planning.limits import Limits
from shared.planning.reading import check_counts
from shared.planning.trees import path_text

_ROOTS = ("spec", "metadata", "apiVersion", "kind")
_IN_WORDS = re.compile(r"\bspec\.(?:components|policies)\[\d+\][\w.\[\]-]*(?<![.\-])")


@dataclass(frozen=True)
class At:
    """Something that the converter wrote, of its own, for what the document has at a place."""

    node: Any
    path: str


@dataclass(frozen=True)
class PathMap:
    """From places of the converted document to those of the one that was sent."""

    places: Mapping[str, str]

    def back(self, path: str) -> str:
        """The place that was converted to this one, or to the nearest around it; other paths stay as they are."""
        if re.split(r"[.\[]", path, maxsplit=1)[0] not in _ROOTS:
            return path
        while path:
            if path in self.places:
                return self.places[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places.get("", "")

    def finding(self, finding: Finding) -> Finding:
        """The finding as the author of the document that was sent understands it."""
        return finding.model_copy(
            update={"path": self.back(finding.path), "message": _IN_WORDS.sub(self._named, finding.message)}
        )

    def findings(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """All of them."""
        return tuple(map(self.finding, findings))

    def _named(self, match: re.Match[str]) -> str:
        return self.back(match.group())


def written(tree: Any, here: str = "") -> tuple[Any, PathMap]:
    """The document without the places, and the places. Keys whose value is None are left out.

    `here` is where the tree will stand in the converted document.
    """
    places: dict[str, str] = {}
    return _written(tree, here, None, places), PathMap(places)


def check_written(document: dict[str, Any], paths: PathMap, limits: Limits) -> None:
    """Check the counts of a converted document; raises DocumentRejected with places of the one that was sent."""
    try:
        check_counts(document, limits)
    except DocumentRejected as error:
        raise DocumentRejected(paths.findings(error.findings)) from error


def _written(node: Any, here: str, source: str | None, places: dict[str, str]) -> Any:
    """`source` is known beneath what was copied as it is."""
    if isinstance(node, At):
        places[here] = node.path
        return _written(node.node, here, None, places)
    if isinstance(node, From):
        return _written(node.value, here, node.path, places)
    if source is not None:
        places[here] = source
    if isinstance(node, Mapping):
        return {
            key: _written(value, path_text(here, key), _beneath(source, key), places)
            for key, value in node.items()
            if value is not None
        }
    if isinstance(node, list | tuple):
        return [
            _written(value, path_text(here, index), _beneath(source, index), places) for index, value in enumerate(node)
        ]
    return node


def _beneath(source: str | None, key: str | int) -> str | None:
    return None if source is None else path_text(source, key)
