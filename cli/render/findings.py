"""What the gateway has to say about a document or a request."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from cli.render.layout import indented
from cli.render.phases import BAD, HELD, QUIET
from cli.render.text import plain
from shared.contracts.api import Problem
from shared.contracts.plan import Finding

Lines = Callable[[str], int | None]
"""From a path into the document to the line that it leads to; None where that is not known."""


@dataclass(frozen=True)
class Origin:
    """Where a document came from."""

    source: str
    """Name of its file."""
    line: Lines


def problem(refused: Problem, name: str, origin: Origin | None = None) -> RenderableType:
    """A refusal: every finding with its place, or what the gateway says instead."""
    head = Text.assemble(f"{plain(name)}: ", (plain(refused.title), BAD))
    if not refused.findings:
        return head.append(f": {plain(refused.detail)}") if refused.detail else head
    return Group(head, indented(_all(refused.findings, BAD, origin), 2))


def warnings(findings: Sequence[Finding], origin: Origin | None = None) -> RenderableType:
    """What is accepted all the same."""
    return _all(findings, HELD, origin)


def _all(findings: Sequence[Finding], style: str, origin: Origin | None) -> Group:
    located = [(None if origin is None else origin.line(finding.path), finding) for finding in findings]
    located.sort(key=lambda each: each[0] or 0)
    source = "" if origin is None else origin.source
    return Group(*(part for line, finding in located for part in _finding(finding, style, source, line)))


def _finding(finding: Finding, style: str, source: str, line: int | None) -> Iterator[RenderableType]:
    text = Text()
    if line is not None:
        text.append(f"{plain(source)}:{line} ", style=QUIET)
    if finding.path:
        text.append(plain(finding.path), style=style).append(": ")
    yield text.append(plain(finding.message), style="default")
    if finding.remedy:
        yield indented(Text(plain(finding.remedy), style=QUIET), 4)
