"""Shows runs that are followed: as a picture that changes on a terminal, else a line for every change."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live

from cli.printing import show
from cli.render import runs
from cli.waiting import Followed

if TYPE_CHECKING:
    from shared.contracts.views import RunView

_REFRESH_S = 0.2
_LEAST_ROWS = 4


class Reporter(Protocol):
    """Is told of every change, and shows it until it is cancelled."""

    def changed(self, followed: Followed) -> None:
        """A run is otherwise than before, or the contact to the gateway."""

    def finish(self, followed: Sequence[Followed]) -> None:
        """Nothing follows: say how the runs ended."""

    async def show(self, followed: Sequence[Followed]) -> None:
        """Keep what is shown up to date."""


class LineReporter:
    """A line for every change, for logs and pipes."""

    def __init__(self, console: Console, *, several: bool) -> None:
        self._console = console
        self._several = several
        self._shown: dict[str, RunView] = {}
        self._said: dict[str, tuple[str, str]] = {}

    def changed(self, followed: Followed) -> None:
        """Print what is new."""
        note, trouble = followed.tracked.note, followed.trouble
        before_note, before_trouble = self._said.get(followed.run, ("", ""))
        view = followed.tracked.view
        prefix = f"{view.namespace}/{view.name}: " if self._several and view is not None else ""
        if note and note != before_note:
            self._line(f"{prefix}{note}")
        if bool(trouble) != bool(before_trouble):
            self._line(f"{prefix}{trouble}; trying again" if trouble else f"{prefix}in contact again")
        self._said[followed.run] = (note, trouble)
        if view is not None:
            for line in runs.changes(self._shown.get(followed.run), view, prefix=prefix):
                self._line(line)
            self._shown[followed.run] = view

    def finish(self, followed: Sequence[Followed]) -> None:
        """Print how each ended."""
        _print_ends(self._console, followed, steps=False)

    async def show(self, followed: Sequence[Followed]) -> None:
        """Everything has been printed already."""

    def _line(self, line: RenderableType) -> None:
        self._console.print(f"{datetime.now().astimezone():%H:%M:%S}", line, soft_wrap=True, highlight=False)


class PictureReporter:
    """One picture of all runs, drawn over itself."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def changed(self, followed: Followed) -> None:
        """The next picture shows it."""

    def finish(self, followed: Sequence[Followed]) -> None:
        """Print how each ended, in place of the picture."""
        _print_ends(self._console, followed, steps=True)

    async def show(self, followed: Sequence[Followed]) -> None:
        """Draw, at most five times a second."""
        # Drawn by this task: a thread of the library's would read what another is changing.
        with Live(console=self._console, auto_refresh=False, transient=True, vertical_overflow="ellipsis") as live:
            while True:
                live.update(self._picture(followed), refresh=True)
                await asyncio.sleep(_REFRESH_S)

    def _picture(self, followed: Sequence[Followed]) -> RenderableType:
        now = datetime.now(UTC)
        going_on = [each for each in followed if not each.tracked.ended]
        rows = max(_LEAST_ROWS, (self._console.height - len(followed)) // max(1, len(going_on)))
        return Group(*(_one(each, now, rows if not each.tracked.ended else _LEAST_ROWS) for each in followed))


def reporter(console: Console, *, several: bool) -> Reporter:
    """Return the one that fits the console."""
    return PictureReporter(console) if console.is_terminal else LineReporter(console, several=several)


def _one(followed: Followed, now: datetime, rows: int) -> RenderableType:
    view = followed.tracked.view
    if view is None:
        return runs.awaited(followed.run, followed.trouble)
    return runs.progress(view, followed.tracked.note, followed.trouble, now, rows=rows)


def _print_ends(console: Console, followed: Sequence[Followed], *, steps: bool) -> None:
    now = datetime.now(UTC)
    for each in followed:
        if (view := each.tracked.view) is not None:
            show(console, runs.ended(view, now, steps=steps))
