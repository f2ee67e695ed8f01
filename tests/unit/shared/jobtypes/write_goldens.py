"""`python -m tests.unit.shared.jobtypes.write_goldens NAME…`: writes what golden files say is rendered.

NAME is that of a file without its ending, such as `trait-env` or `trait-env.list`; none means all of them.
"""

import sys

from tests.support import goldens


def main(names: list[str]) -> int:
    """Write the files of these names; returns the exit code."""
    by_name = {path.name.removesuffix(".yaml"): path for path in goldens.paths()}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        print(f"no golden file: {', '.join(unknown)}", file=sys.stderr)
        return 2
    for name in names or sorted(by_name):
        if goldens.write(by_name[name]):
            print(f"written: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
