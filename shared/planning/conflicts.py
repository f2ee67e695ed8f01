"""Tells who wrote what stands in a trait's way."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.contracts.completion import read_path
from shared.jobtypes.base import Rendering


class Stage(NamedTuple):
    """A component after one of its entries has had its say."""

    path: str
    """Of the entry in the document."""
    rendering: Rendering


def writer(stages: Sequence[Stage], location: str) -> str:
    """Path of the entry that wrote what stands at a location of the workload; empty where nothing does."""
    found = [read_path(stage.rendering.workload, location) for stage in stages]
    if not found or found[-1] is None:
        return ""
    index = len(found) - 1
    while index and found[index - 1] == found[-1]:
        index -= 1
    return stages[index].path
