"""Figures as a table for a terminal."""

from collections.abc import Iterable, Sequence

from tests.bench.figures import Figure, Spread

_HEAD = ("figure", "unit", "measured (min … max)", "baseline (min … max)", "÷", "aim", "")


def table(figures: Iterable[Figure]) -> str:
    """One line for each figure, and below it what the baseline is."""
    rows = [_HEAD, *(_row(figure) for figure in figures)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    lines = [_line(row, widths) for row in rows]
    return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:]])


def legend(figures: Iterable[Figure]) -> str:
    """What each baseline does, and the remarks."""
    return "\n".join(
        f"  {f.name}: baseline is {f.of_baseline}{'. ' + f.note if f.note else ''}".rstrip() for f in figures
    )


def _row(figure: Figure) -> tuple[str, ...]:
    met = {None: "", True: "met", False: "missed"}[figure.met]
    aim = str(figure.aim) if figure.aim else ""
    if figure.aim is not None and figure.aim.of == "difference":
        aim += f" (is {number(figure.difference.median)})"
    ratio = f"{number(figure.ratio.median)}"
    return (figure.name, figure.unit, _spread(figure.measured), _spread(figure.baseline), ratio, aim, met)


def _spread(values: Sequence[float]) -> str:
    spread = Spread.of(values)
    if len(values) == 1:
        return number(spread.median)
    return f"{number(spread.median)} ({number(spread.least)} … {number(spread.greatest)})"


def number(value: float) -> str:
    """Three digits that count."""
    if value != value:  # noqa: PLR0124  # NaN
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
