"""`dev`: hands over to the embedded stack, which is a program of its own."""

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from cli.failures import UsageProblem
from cli.session import Session

_ROOT = Path(__file__).parents[2]
"""Where our packages are. Any other folder `dev`, such as one where the user happens to be, is not ours."""
_NEEDED = ("cryptography", "motor", "nats")
"""Some of what the extra `dev` brings."""


def hand_over(session: Session, arguments: Sequence[str]) -> NoReturn:
    """Become `python -m dev`; where that is not installed, say so and exit."""
    if not (_ROOT / "dev" / "__main__.py").is_file() or not all(find_spec(module) for module in _NEEDED):
        missing = UsageProblem("the development stack is not installed", "Install it: pip install 'kubemin[dev]'")
        sys.exit(session.failed(missing))
    sys.stdout.flush()
    paths = [str(_ROOT), *filter(None, [session.environment.get("PYTHONPATH")])]
    environment = {**session.environment, "PYTHONPATH": os.pathsep.join(paths)}
    # Replaced, not started: signals and the exit code need nobody in between. No shell is involved.
    os.execve(sys.executable, [sys.executable, "-P", "-m", "dev", *command(arguments)], environment)  # noqa: S606


def command(arguments: Sequence[str]) -> list[str]:
    """Return the stack's arguments: `kubemin dev` alone means `up`."""
    named = arguments and (not arguments[0].startswith("-") or arguments[0] in ("-h", "--help"))
    return list(arguments) if named else ["up", *arguments]
