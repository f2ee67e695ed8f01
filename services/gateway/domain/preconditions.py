"""Conditional requests on an application's generation.

Source: RFC 9110, sections 8.8.3 (ETag), 13.1.1 (If-Match) and 13.1.2 (If-None-Match).
"""

import re
from dataclasses import dataclass

from shared.errors import Rejected

_TAG = re.compile(r'"([0-9]{1,18})"')
_LIST = re.compile(r'\s*(W/)?"[^"]*"\s*(,\s*(W/)?"[^"]*"\s*)*')


class PreconditionFailed(Rejected):
    """The application is not at the generation that the caller knows."""

    def __init__(self, wanted: str, generation: int | None) -> None:
        self.generation = generation
        """As stored; None where the application does not exist."""
        found = "the application does not exist" if generation is None else f"the application is at {generation}"
        super().__init__(f"the request is for generation {wanted}, but {found}", reason="PreconditionFailed")


class PreconditionInvalid(Rejected):
    """The header is not what RFC 9110 says."""

    def __init__(self, header: str) -> None:
        super().__init__(
            f'{header} takes "*" or generations in double quotes, such as "3"', reason="PreconditionInvalid"
        )


@dataclass(frozen=True)
class Precondition:
    """What a request says about the generation; empty: anything goes."""

    generations: frozenset[int] | None = None
    """If-Match: one of these; None: not asked."""
    exists: bool | None = None
    """If-Match: * (True) or If-None-Match: * (False)."""

    @property
    def asked(self) -> bool:
        """Whether the request depends on the stored generation."""
        return self.generations is not None or self.exists is not None

    def check(self, generation: int | None) -> None:
        """Raise PreconditionFailed unless it holds; None: the application does not exist."""
        if self.generations is not None and generation not in self.generations:
            wanted = " or ".join(str(g) for g in sorted(self.generations)) or "none that can be"
            raise PreconditionFailed(wanted, generation)
        if self.exists is not None and self.exists != (generation is not None):
            raise PreconditionFailed("any" if self.exists else "none", generation)


def read(if_match: str | None, if_none_match: str | None) -> Precondition:
    """Read the headers; raises PreconditionInvalid. A weak or foreign tag matches nothing, as the RFC has it."""
    if if_none_match is not None and if_none_match.strip() != "*":
        raise PreconditionInvalid("If-None-Match of a change")
    exists = None if if_none_match is None else False
    if if_match is None:
        return Precondition(exists=exists)
    if if_match.strip() == "*":
        return Precondition(exists=True)
    if not _LIST.fullmatch(if_match):
        raise PreconditionInvalid("If-Match")
    strong = re.sub(r'W/"[^"]*"', "", if_match)
    return Precondition(generations=frozenset(int(tag) for tag in _TAG.findall(strong)), exists=exists)


def etag(generation: int) -> str:
    """The entity tag of an application at a generation."""
    return f'"{generation}"'
