"""What is wrong with a document, all of it at once."""

import difflib
import heapq
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from shared.contracts.phases import Reason
from shared.contracts.plan import Finding
from shared.errors import Rejected

MAX_FINDINGS = 100
"""More than anybody reads, and no document can make its own refusal large."""
_COMPARED = 50
_LISTED = 100


class DocumentRejected(Rejected):
    """A document that cannot be planned; `findings` has at least one entry."""

    def __init__(self, findings: Sequence[Finding], *, warnings: Sequence[Finding] = ()) -> None:
        """Keep the findings in the order of the document, shortened to what people can read.

        `warnings` are what else is to be told of it, as far as that is known.
        """
        self.findings = shortened(findings)
        self.warnings = shortened(warnings)
        first = self.findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        where = f"{first.path}: " if first.path else ""
        super().__init__(f"{where}{first.message}{more}", reason=Reason.DOCUMENT_INVALID)


def shortened(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Drop repetitions, and say how many more there are than anybody reads."""
    distinct = tuple(dict.fromkeys((f.path, f.code, f.message, f.remedy) for f in findings))
    kept = tuple(Finding(path=p, code=c, message=m, remedy=r) for p, c, m, r in distinct[:MAX_FINDINGS])
    if len(distinct) <= MAX_FINDINGS:
        return kept
    rest = Finding(
        path="", code="TooManyFindings", message=f"at least {len(distinct) - MAX_FINDINGS} more are not shown"
    )
    return (*kept, rest)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or an empty text."""
    by_folded: dict[str, str] = {}
    for name in known:
        by_folded.setdefault(_folded(name), name)
    folded = _folded(word)
    close = difflib.get_close_matches(folded, _alike(folded, by_folded), n=1, cutoff=0.6)
    return by_folded[close[0]] if close else ""


def _folded(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")


def _alike(word: str, names: Collection[str]) -> Iterable[str]:
    """Those that share most pairs of letters with a word: to compare thousands letter by letter takes too long."""
    if len(names) <= _COMPARED:
        return names
    pairs = _pairs(word)
    return heapq.nlargest(_COMPARED, names, key=lambda name: len(pairs & _pairs(name)))


@lru_cache(maxsize=4096)
def _pairs(word: str) -> frozenset[str]:
    return frozenset(a + b for a, b in pairwise(f" {word}"))


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A remedy that names what was probably meant, else everything there is, if that is not too much."""
    meant = nearest(word, sorted(known))
    if meant:
        return f"Did you mean {meant!r}?"
    return f"There are: {', '.join(sorted(known))}." if 0 < len(known) <= _LISTED else ""
