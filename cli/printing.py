"""Printing on a console: as it is on a terminal, without the blanks that fill up lines where a program reads."""

from rich.console import Console, RenderableType


def show(console: Console, renderable: RenderableType) -> None:
    """Print something."""
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as captured:
        console.print(renderable)
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    console.file.flush()
