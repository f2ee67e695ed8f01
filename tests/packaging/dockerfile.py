"""The Dockerfile as data, and its stages carried out in a directory: what they copy, and what they run of ours."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import pytest

from dev.repo.tree import ROOT

_STEP_TIMEOUT_S = 600
SCRIPT = "sh dev/repo/image.sh "
WHEELS, VENV = "/wheels", "/opt/kubemin"


@dataclass
class Stage:
    """One `FROM` and what follows it."""

    name: str
    parent: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def arguments(self, instruction: str) -> list[str]:
        """What follows each use of an instruction."""
        return [rest for name, rest in self.instructions if name == instruction]


def stages() -> dict[str, Stage]:
    """Every stage by its name."""
    found: dict[str, Stage] = {}
    stage: Stage | None = None
    text = (ROOT / "Dockerfile").read_text("utf-8")
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            parent, _, called = rest.partition(" AS ")
            stage = found[called] = Stage(called, parent)
        elif stage is not None:
            stage.instructions.append((name, rest.strip()))
    return found


def lineage(name: str) -> list[Stage]:
    """A stage behind the stages that it is made from."""
    all_of_them, chain = stages(), []
    while name in all_of_them:
        chain.append(all_of_them[name])
        name = all_of_them[name].parent
    return chain[::-1]


def ignored(path: Path) -> bool:
    """Whether .dockerignore keeps a file of the clone out; the last pattern that fits decides."""
    relative, out = path.relative_to(ROOT), False
    candidates = [str(relative), *(str(parent) for parent in relative.parents)]
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        if line and not line.startswith("#") and any(_fits(each, pattern, line) for each in candidates):
            out = not line.startswith("!")
    return out


def _fits(path: str, pattern: str, line: str) -> bool:
    return fnmatch(Path(path).name if "**/" in line else path, pattern)


@dataclass
class Build:
    """A build in a directory, in which the paths of the image lie below `root`."""

    root: Path

    @property
    def context(self) -> Path:
        """Where the first stage works."""
        return self.root / "build"

    def path(self, inside: str) -> Path:
        """Where something of the image is here."""
        return self.root / inside.lstrip("/")

    def carry_out(self, stage: Stage) -> None:
        """Copy what the stage copies out of the clone, and run its steps of ours."""
        self.context.mkdir(parents=True, exist_ok=True)
        for instruction, rest in stage.instructions:
            if instruction == "COPY" and not rest.startswith("--from"):
                *sources, target = rest.split()
                for source in sources:
                    self._copy(ROOT / source, self.context / target / ("" if target.endswith("/") else "."))
            elif instruction == "RUN" and rest.startswith(SCRIPT):
                self._run(rest)

    def _copy(self, source: Path, target: Path) -> None:
        if source.is_dir():
            for file in source.rglob("*"):
                if file.is_file() and not ignored(file):
                    self._copy(file, target / file.relative_to(source).parent)
        elif not ignored(source):
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)

    def _run(self, command: str) -> None:
        words = [str(self.path(word)) if word.startswith("/") else word for word in command.split()]
        done = subprocess.run(
            words,
            capture_output=True,
            check=False,
            cwd=self.context,
            # Compiling takes half of the time and proves nothing.
            env={**os.environ, "PYTHON": sys.executable, "PIP_NO_COMPILE": "1"},
            text=True,
            timeout=_STEP_TIMEOUT_S,
        )
        if "connection broken" in done.stdout + done.stderr:
            pytest.skip("the package registry cannot be reached")
        assert done.returncode == 0, done.stderr[-3000:]
