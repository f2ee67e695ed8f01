"""The fixtures of every version that is kept: what that version wrote, byte for byte."""

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"
MESSAGES = "messages"
HISTORIES = "histories"
DOCUMENTS = "documents.json"
FIELDS = "fields.json"


def versions() -> list[str]:
    """Every kept version, the oldest first."""
    found = [path.name for path in FIXTURES.iterdir() if path.is_dir()]
    return sorted(found, key=lambda name: [int(part) for part in name.split(".")])


def files(version: str, kind: str) -> dict[str, Path]:
    """The fixtures of a kind, by name."""
    return {path.stem: path for path in sorted((FIXTURES / version / kind).glob("*.json"))}


def every(kind: str) -> list[tuple[str, str]]:
    """Version and name of every fixture of a kind."""
    return [(version, name) for version in versions() for name in files(version, kind)]


def load(version: str, *parts: str) -> Any:
    """The content of one."""
    return json.loads(FIXTURES.joinpath(version, *parts).read_text(encoding="utf-8"))


def how_to_keep() -> str:
    """What to do about a version whose fixtures are not kept."""
    return (
        "Raise the version in pyproject.toml, raise VERSION in shared/contracts/versions.py, declare what is new with"
        " `since(VERSION)` or `SINCE`, and run `python -m tests.compatibility.write <major.minor>`."
    )
