"""`python -m tests.unit.shared.dialect.write_goldens NAME…`: writes what becomes of documents; none means all."""

import sys

from tests.support import dialect


def main(names: list[str]) -> int:
    """Write the files of these names; returns the exit code."""
    by_name = {path.stem: path for path in dialect.paths()}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        print(f"no document: {', '.join(unknown)}", file=sys.stderr)
        return 2
    for name in names or sorted(by_name):
        if dialect.write(by_name[name]):
            print(f"written: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
