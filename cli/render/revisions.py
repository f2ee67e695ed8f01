"""The generations of an application."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from cli.render.layout import Rows
from cli.render.phases import QUIET, shown
from cli.render.text import age, plain
from shared.contracts.views import RevisionView


def listed(revisions: Sequence[RevisionView], now: datetime) -> RenderableType:
    """A line for each."""
    rows = Rows(("GEN", "MADE BY", "RUN", "CLUSTERS", "WHEN", "WHO"))
    for revision in revisions:
        rows.add(
            f"{revision.generation} (now)" if revision.current else str(revision.generation),
            _made_by(revision),
            Text("not begun", style=QUIET) if revision.phase is None else shown(revision.phase),
            ", ".join(revision.clusters),
            age(revision.at, now),
            note=plain(revision.requested_by),
        )
    return rows


def _made_by(revision: RevisionView) -> str:
    if revision.rolled_back_to is not None:
        return f"{revision.action} to {revision.rolled_back_to}"
    return revision.action if revision.cancelled is None else f"{revision.action} of {revision.cancelled}"
