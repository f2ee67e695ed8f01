"""How a command tells its result."""

import json
from enum import StrEnum
from typing import Annotated, Any

import typer


class Output(StrEnum):
    """The forms that there are."""

    TEXT = "text"
    JSON = "json"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to tell the result.")]


def tell(output: Output, text: str, value: Any) -> None:
    """Print the one or the other."""
    typer.echo(json.dumps(value) if output is Output.JSON else text)
