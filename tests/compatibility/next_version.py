"""A derived next version: this build's sources, copied and changed as the version after it would be.

It stands for a version that does not exist yet. What changes: VERSION is raised, StepApplied gains an optional field
that every executor then sets, and the planner's state gains a field.
"""

import shutil
from pathlib import Path

from dev.services import Service
from dev.stack import Stack
from shared.contracts.versions import VERSION

ROOT = Path(__file__).resolve().parents[2]
NEXT = VERSION + 1
STATE_FIELD = "kept_by_the_next"
_CHANGES = (
    ("shared/contracts/versions.py", f"VERSION = {VERSION}\n", f"VERSION = {NEXT}\n"),
    (
        "shared/contracts/facts.py",
        'type: Literal["StepApplied"] = "StepApplied"\n',
        f'type: Literal["StepApplied"] = "StepApplied"\n    took_s: float = since({NEXT}, 0.0)\n',
    ),
    (
        "shared/contracts/facts.py",
        "from shared.contracts.phases import Reason\n",
        "from shared.contracts.phases import Reason\nfrom shared.contracts.versions import since\n",
    ),
    ("services/executor/handlers/commands.py", "StepApplied(**self", "StepApplied(took_s=0.25, **self"),
    (
        "services/planner/domain/state.py",
        "    prune_nonce: int = 0\n",
        f"    {STATE_FIELD}: int = {NEXT}\n    prune_nonce: int = 0\n",
    ),
)


class NothingToChange(Exception):
    """The sources do not read as the derivation expects: adapt it."""

    def __init__(self, file: str, expected: str) -> None:
        super().__init__(f"{file} has {expected!r} not exactly once")


def derive(directory: Path) -> Path:
    """Copy the packages into a directory and change them there."""
    for package in ("shared", "services"):
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file, before, after in _CHANGES:
        text = (directory / file).read_text(encoding="utf-8")
        if text.count(before) != 1:
            raise NothingToChange(file, before)
        (directory / file).write_text(text.replace(before, after), encoding="utf-8")
    return directory


def beside(stack: Stack, name: str, sources: Path) -> Service:
    """A replica of a service of the stack, run from those sources; not started."""
    present = stack.services[name].process
    env = {key: value for key, value in (present.env or {}).items() if key != "KUBEMIN_HTTP_PORT_FILE"}
    # Without SAFEPATH `-m` would look into our own working directory first.
    ours = {"KUBEMIN_HTTP_PORT": "0", "PYTHONPATH": str(sources), "PYTHONSAFEPATH": "1"}
    return Service(f"{name}-next", list(present.argv[2:]), stack.layout, {**env, **ours})
