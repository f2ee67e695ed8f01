"""The files of the working tree that belong to the project."""

import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
GIT_TIMEOUT_S: Final = 60


def project_files() -> list[Path]:
    """List every file that is committed or could be (not ignored), as git sees it."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
        cwd=ROOT,
        timeout=GIT_TIMEOUT_S,
    )
    names = {name for name in listing.stdout.decode().split("\0") if name}
    return sorted(ROOT / name for name in names if (ROOT / name).is_file())
