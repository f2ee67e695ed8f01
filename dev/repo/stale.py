"""Tells whether generated files and locks are what their sources say."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

from dev.repo.lock import stale_locks
from dev.repo.tree import ROOT, project_files

GENERATE_TIMEOUT_S: Final = 300


def digests() -> dict[Path, str]:
    """Digest of each project file, so that this also works in a tree with changes not yet committed."""
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in project_files()}


def changed_by_generating() -> list[str]:
    """Write the generated files anew and name those that came out different."""
    before = digests()
    subprocess.run([sys.executable, "-m", "dev.generate"], check=True, cwd=ROOT, timeout=GENERATE_TIMEOUT_S)
    after = digests()
    different = (path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return sorted(str(path.relative_to(ROOT)) for path in different)


def main() -> int:
    """Check everything, then answer 1 if something was out of date."""
    locks = stale_locks()
    for name in locks:
        print(f"{name} was not made from the present pyproject.toml: run `make lock`.", file=sys.stderr)
    generated = changed_by_generating()
    for name in generated:
        print(f"{name} was out of date and is written anew: commit it.", file=sys.stderr)
    return 1 if locks or generated else 0


if __name__ == "__main__":
    sys.exit(main())
