"""`python -m dev.plane build` builds the programs, `python -m dev.plane up --dir DIR` runs a control plane."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from dev.plane.build import BuildError, ensure_binaries
from dev.plane.control_plane import ControlPlane, DirectoryInUseError, StartTimeoutError
from dev.plane.go_toolchain import NoGoError
from dev.processes import ProcessExitedError


def main() -> int:
    """Run the command line; the exit code is 1 when something failed."""
    arguments = _parser().parse_args()
    try:
        if arguments.command == "build":
            print(asyncio.run(ensure_binaries(_say)))
        else:
            asyncio.run(_up(ControlPlane(arguments.dir, name=arguments.name, nodes=arguments.nodes, progress=_say)))
    except (BuildError, DirectoryInUseError, NoGoError, ProcessExitedError, StartTimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0 if arguments.command == "up" else 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dev.plane", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the programs unless they are in the cache, and print where they are")
    up = commands.add_parser(
        "up", help="run a control plane, print its kubeconfig's path, stay until SIGTERM or Ctrl-C"
    )
    up.add_argument("--dir", type=Path, required=True, help="where its state lies; it may be started there again")
    up.add_argument("--name", default="dev", help="name of the cluster (default: %(default)s)")
    up.add_argument("--nodes", type=int, default=2, help="how many nodes it has (default: %(default)s)")
    return parser


async def _up(plane: ControlPlane) -> None:
    _cancel_on_signal()
    async with plane:
        print(plane.kubeconfig, flush=True)
        await plane.supervise()


def _cancel_on_signal() -> None:
    """Make SIGINT and SIGTERM cancel the current task, which stops what it has started; a second one hurries it."""
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
