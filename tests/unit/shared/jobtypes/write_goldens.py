"""`python -m tests.unit.shared.jobtypes.write_goldens NAME…`: writes what golden files say is rendered.

NAME is that of a file without its ending, such as `trait-env` or `trait-env.list`; none means all of them.
"""

import sys

from tests.support import goldens
from tests.support.writing import write_named


def main(names: list[str]) -> int:
    """Write the files of these names; returns the exit code."""
    by_name = {path.name.removesuffix(".yaml"): path for path in goldens.paths()}
    return write_named(names, by_name, goldens.write, what="golden file")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
