"""How our output is laid out: headings, columns and indents, nothing drawn, nothing wider than it need be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.text import Text

_GAP = 2
_NOTE_INDENT = 4


@dataclass
class Rows:
    """Rows in columns, each with a note of any length.

    Notes make a last column where all of them fit, else lines of their own: a table would squeeze the columns instead.
    """

    headings: Sequence[str]
    """Of the columns, then of the notes."""
    _rows: list[tuple[list[Text], Text]] = field(default_factory=list)

    def add(self, *cells: Text | str, note: Text | str = "") -> None:
        """Add a row."""
        made = [Text(cell) if isinstance(cell, str) else cell for cell in cells]
        self._rows.append((made, Text(note) if isinstance(note, str) else note))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay out for the width that there is."""
        return self._lines(options.max_width)

    def _lines(self, width: int) -> Iterator[RenderableType]:
        heads = [Text(heading, style="bold") for heading in self.headings]
        table = [heads[:-1], *(cells for cells, _ in self._rows)]
        widths = [max(cell.cell_len for cell in column) for column in zip(*table, strict=True)]
        noted = sum(widths) + _GAP * len(widths) + max((note.cell_len for _, note in self._rows), default=0) <= width
        has_notes = any(note for _, note in self._rows)
        yield _line([*heads] if noted and has_notes else heads[:-1], widths)
        for cells, note in self._rows:
            yield _line([*cells, note] if noted and note else cells, widths)
            if note and not noted:
                yield indented(note, _NOTE_INDENT)


def indented(renderable: RenderableType, columns: int) -> Padding:
    """Move it to the right."""
    return Padding(renderable, (0, 0, 0, columns), expand=False)


def _line(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text()
    for number, cell in enumerate(cells):
        line.append_text(cell)
        if number < len(cells) - 1:
            line.append(" " * (widths[number] - cell.cell_len + _GAP))
    line.rstrip()
    return line
