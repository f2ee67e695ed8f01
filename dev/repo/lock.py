"""Writes the hashed locks from pyproject.toml, and tells whether they still belong to it.

The check needs no network: each lock carries a digest of the requirements it was made from.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tomllib
from typing import Final

from dev.repo.tree import ROOT

COMPILE_TIMEOUT_S: Final = 600
DIGEST_MARK: Final = "# requirements: sha256:"

# What uv resolves for each. The second is made inside the pins of the first: what is shipped is what was tested.
LOCKS: Final = {
    "requirements-dev.lock": "pyproject.toml --extra dev --extra test --extra lint --extra build",
    "requirements.lock": "pyproject.toml --extra services --extra cli --constraint requirements-dev.lock",
    "requirements-go.lock": "--group go",
    "requirements-fuzz.lock": "--group fuzz",
}


def requirements_digest() -> str:
    """Digest of everything in pyproject.toml that decides what is locked."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = document["project"]
    deciding = {
        "build": document["build-system"]["requires"],
        "dependencies": project["dependencies"],
        "extras": project["optional-dependencies"],
        "groups": document["dependency-groups"],
        "locks": LOCKS,
        "python": project["requires-python"],
    }
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def index_of_pip() -> str | None:
    """The package index of the user's pip configuration, which uv does not read."""
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        check=False,
        text=True,
        timeout=COMPILE_TIMEOUT_S,
    )
    return os.environ.get("PIP_INDEX_URL") or answer.stdout.strip() or None


def compile_lock(name: str, *, upgrade: bool) -> None:
    """Resolve one lock for every supported Python and platform; pins that still fit stay unless `upgrade`."""
    path = ROOT / name
    command = [sys.executable, "-m", "uv", "pip", "compile", *LOCKS[name].split(), "--output-file", name, "--quiet"]
    command += ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-emit-index-url"]
    if upgrade:
        command.append("--upgrade")
    environment = dict(os.environ)
    index = index_of_pip()
    if index is not None:
        environment.setdefault("UV_DEFAULT_INDEX", index)
    subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=COMPILE_TIMEOUT_S)
    header = (
        f"# Made by `make lock` for Python 3.11 to 3.13 on Linux and macOS.\n{DIGEST_MARK}{requirements_digest()}\n"
    )
    path.write_text(header + path.read_text("utf-8"), "utf-8")


def stale_locks() -> list[str]:
    """Names of the locks that were not made from the present pyproject.toml."""
    mark = DIGEST_MARK + requirements_digest()
    return [name for name in LOCKS if mark not in (ROOT / name).read_text("utf-8").splitlines()[:2]]


def main() -> int:
    """Write the locks, or with `--check` say which are out of date."""
    parser = argparse.ArgumentParser(prog="python -m dev.repo.lock", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a lock is out of date")
    parser.add_argument("--upgrade", action="store_true", help="take the newest version of everything")
    arguments = parser.parse_args()
    if arguments.check:
        stale = stale_locks()
        for name in stale:
            print(f"{name} was not made from the present pyproject.toml: run `make lock`.", file=sys.stderr)
        return 1 if stale else 0
    for name in LOCKS:
        print(f"resolving {name}", flush=True)
        compile_lock(name, upgrade=arguments.upgrade)
    return 0


if __name__ == "__main__":
    sys.exit(main())
