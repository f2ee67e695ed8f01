"""`python -m services.watcher observe|record`, and for operators `rebuild`."""

import sys
from importlib import import_module

PARTS = ("observe", "record")
REBUILD = "rebuild"


def main(arguments: list[str]) -> None:
    """Run one part as this process; it alone is imported: an agent carries no driver of the centre's database."""
    if arguments[:1] == [REBUILD]:
        import_module("services.watcher.record.rebuild").start(arguments[1:])
    if len(arguments) != 1 or arguments[0] not in PARTS:
        sys.exit(f"usage: python -m services.watcher {'|'.join((*PARTS, REBUILD))}")
    import_module(f"services.watcher.{arguments[0]}.app").start()


if __name__ == "__main__":
    main(sys.argv[1:])
