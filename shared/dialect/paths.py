"""Where everything in a converted document comes from: the converter says it as it writes, findings are led back."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.contracts.plan import Finding, Plan
from shared.dialect.fields import From
from shared.planning.findings import DocumentRejected
from shared.planning.limits import Limits
from shared.planning.reading import check_counts
from shared.planning.trees import path_text

_ROOTS = ("spec", "metadata", "apiVersion", "kind")
_IN_WORDS = re.compile(r"\bspec\.(?:components|policies)\[\d+\][\w.\[\]-]*(?<![.\-])")
_TOLD = re.compile(r"\b\w+\[\d+\][\w.\[\]-]*(?<![.\-])")


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
        """The place that was converted to this one, or to the nearest around it; other paths stay as they are.

        So do those that are in no part of the document that the map knows.
        """
        if re.split(r"[.\[]", path, maxsplit=1)[0] not in _ROOTS:
            return path
        around = path
        while around:
            if around in self.places:
                return self.places[around]
            around = around[: max(around.rfind("."), around.rfind("["), 0)]
        return self.places.get("", path)

    def finding(self, finding: Finding) -> Finding:
        """The finding as the author of the document that was sent understands it."""
        return finding.model_copy(
            update={"path": self.back(finding.path), "message": _IN_WORDS.sub(self._named, finding.message)}
        )

    def findings(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """All of them."""
        return tuple(map(self.finding, findings))

    def plan(self, plan: Plan) -> Plan:
        """The plan with all places that it names."""
        overrides = [
            one.model_copy(update={"loser_path": self.back(one.loser_path), "winner_path": self.back(one.winner_path)})
            for one in plan.overrides
        ]
        steps = [
            step.model_copy(
                update={"references": tuple(r.model_copy(update={"path": self.back(r.path)}) for r in step.references)}
            )
            for step in plan.steps
        ]
        told = {"warnings": self.findings(plan.warnings), "overrides": tuple(overrides), "steps": tuple(steps)}
        return plan.model_copy(update=told)

    def naming(self, told: Plan) -> dict[str, str]:
        """The part of the map by which the same plan is told again; `told` is what `plan` made of it.

        A plan names few places, and what it names at the door a run names later.
        """
        named = {path for one in told.overrides for path in (one.loser_path, one.winner_path)}
        named |= {reference.path for step in told.steps for reference in step.references}
        named |= {place for one in told.warnings for place in (one.path, *_TOLD.findall(one.message))}
        named.discard(self.places.get("", ""))
        return {here: there for here, there in self.places.items() if there in named}

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
