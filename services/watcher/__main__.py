"""`python -m services.watcher observe|record`."""

import sys
from importlib import import_module

PARTS = ("observe", "record")


def main(arguments: list[str]) -> None:
    """Run one part as this process; it alone is imported: an agent carries no driver of the centre's database."""
    if len(arguments) != 1 or arguments[0] not in PARTS:
        sys.exit(f"usage: python -m services.watcher {'|'.join(PARTS)}")
    import_module(f"services.watcher.{arguments[0]}.app").start()


if __name__ == "__main__":
    main(sys.argv[1:])
