"""Checks `dependsOn`: names that exist, each component once, and no way back to itself."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from shared.contracts.plan import Finding
from shared.planning import graph
from shared.planning.findings import MAX_FINDINGS, did_you_mean


@dataclass(frozen=True, kw_only=True)
class Outline:
    """What the order of components depends on."""

    path: str
    """Of the component in the document."""
    name: str
    depends_on: tuple[str, ...]


def check_dependencies(outlines: Sequence[Outline], left_out: Collection[str] = ()) -> list[Finding]:
    """Duplicate names, unknown names and cycles, in document order.

    `left_out` may name components that the document has, and that a policy has left out.
    """
    first: dict[str, Outline] = {}
    findings: list[Finding] = []
    for outline in outlines:
        before = first.setdefault(outline.name, outline)
        if before is not outline:
            findings.append(_duplicate(outline, before))
    # Of each it takes a while to say what was meant.
    unknown = chain.from_iterable(_unknown(outline, first, left_out) for outline in outlines)
    return [*findings, *islice(unknown, MAX_FINDINGS + 1), *_cycles(first)]


def _duplicate(outline: Outline, before: Outline) -> Finding:
    return Finding(
        path=f"{outline.path}.name",
        code="DuplicateComponent",
        message=f"{before.path} is called {outline.name!r} already",
        remedy="Give it another name.",
    )


def _unknown(outline: Outline, known: Collection[str], left_out: Collection[str]) -> Iterator[Finding]:
    for i, name in enumerate(outline.depends_on):
        if name not in known:
            left = name in left_out
            message = f"component {name!r} is left out by a policy" if left else f"there is no component {name!r}"
            remedy = "Take the dependency out, or the component in." if left else did_you_mean(name, known)
            path = f"{outline.path}.dependsOn[{i}]"
            yield Finding(path=path, code="UnknownComponent", message=message, remedy=remedy)


def _cycles(by_name: dict[str, Outline]) -> list[Finding]:
    """One finding for each set of components that need each other."""
    needs = {name: [n for n in o.depends_on if n in by_name] for name, o in by_name.items()}
    numbers = graph.components(tuple(by_name), needs)
    sizes = Counter(numbers.values())
    findings: list[Finding] = []
    seen: set[int] = set()
    for name, outline in by_name.items():
        # A search from every one of thousands that wait for nobody in turn would take longer than all the rest.
        if numbers[name] in seen or (sizes[numbers[name]] == 1 and name not in needs[name]):
            continue
        seen.add(numbers[name])
        way = graph.cycle(name, needs)
        if way:
            findings.append(
                Finding(
                    path=f"{outline.path}.dependsOn[{outline.depends_on.index(way[1])}]",
                    code="DependencyCycle",
                    message=f"these components wait for each other: {' → '.join(way)}",
                    remedy="Take one of these dependencies out.",
                )
            )
    return findings
