"""Writes expected results anew, for the programs that do it by name."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path


def write_named(names: list[str], by_name: Mapping[str, Path], write: Callable[[Path], bool], *, what: str) -> int:
    """Write the files of these names, all where there are none; returns the exit code."""
    unknown = [name for name in names if name not in by_name]
    if unknown:
        print(f"no {what}: {', '.join(unknown)}", file=sys.stderr)
        return 2
    for name in names or sorted(by_name):
        if write(by_name[name]):
            print(f"written: {name}")
    return 0
