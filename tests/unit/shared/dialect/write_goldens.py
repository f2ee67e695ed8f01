"""`python -m tests.unit.shared.dialect.write_goldens NAME…`: writes what becomes of documents; none means all."""

import sys

from tests.support import dialect
from tests.support.writing import write_named


def main(names: list[str]) -> int:
    """Write the files of these names; returns the exit code."""
    return write_named(names, {path.stem: path for path in dialect.paths()}, dialect.write, what="document")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
