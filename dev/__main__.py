"""`python -m dev up|demo`: the embedded stack, until Ctrl-C or for one demonstration."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.administration import CommandFailedError
from dev.context import published
from dev.demo import deliver
from dev.plane.build import BuildError
from dev.plane.go_toolchain import NoGoError
from dev.processes import ProcessExitedError
from dev.services import ServiceNotReadyError
from dev.stack import Options, Stack
from shared.errors import KubeMinError

_INTERRUPTED = 130
_FAILURES = (
    ProcessExitedError,
    ServiceNotReadyError,
    CommandFailedError,
    BuildError,
    NoGoError,
    KubeMinError,
    OSError,
    TimeoutError,
)
_NEXT = """
Try next:
  kubemin list                                       (in another terminal, while this runs)
  kubemin apply -f examples/hello --wait
  kubemin status hello --tree
  kubemin delete shop -n demo --wait
"""


def say(line: str) -> None:
    """Tell the person at the terminal, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit code."""
    options = _parse(arguments)
    try:
        return asyncio.run(_run(options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("Interrupted; everything that was started is stopped.")
        return _INTERRUPTED
    except _FAILURES as failure:
        return _report(failure)
    except BaseExceptionGroup as group:
        first = _first(group)
        if not isinstance(first, _FAILURES):
            raise
        return _report(first)


async def _run(options: argparse.Namespace) -> int:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    if task is not None:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    wanted = Options(cluster=options.cluster, clusters=options.clusters, port=options.port, directory=options.directory)
    _check_directory(options.directory)
    async with Stack(wanted, say) as stack:
        if options.command == "demo":
            return await _demo(stack)
        return await _up(stack, demo=options.demo)


async def _demo(stack: Stack) -> int:
    code = await _guarded(stack)
    say("\nStopping everything …")
    if code == 0:
        say("That was the whole chain. `make dev` does the same and stays up; README.md goes on from here.")
    return code


async def _up(stack: Stack, *, demo: bool) -> int:
    with published(stack.layout.context):
        if demo:
            code = await _guarded(stack)
            if code:
                return code
        say(f"\nKubeMin is up: {stack.server}  (API description: {stack.server}/openapi.json)")
        say(f"Logs and data: {stack.layout.root}")
        say(_NEXT)
        say("Ctrl-C stops everything.")
        await stack.supervise()
    return 0


async def _guarded(stack: Stack) -> int:
    """Demonstrate while watching over the stack: what dies ends the demonstration with its log."""
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(stack.supervise(), name="supervise")
        code = await deliver(stack, say)
        watching.cancel()
    return code


def _check_directory(directory: Path | None) -> None:
    if directory is not None and directory.exists() and any(directory.iterdir()):
        raise FileExistsError(f"--directory {directory}: is not empty; name a new one")


def _report(failure: BaseException) -> int:
    sys.stderr.write(f"kubemin dev: {str(failure) or type(failure).__name__}\n")
    return int(getattr(failure, "exit_code", 1))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kubemin dev", description="The whole of KubeMin on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start it and keep it up until Ctrl-C")
    up.add_argument("--demo", action="store_true", help="deliver examples/shop first")
    demo = commands.add_parser("demo", help="start it, deliver examples/shop, show the result, stop")
    for each in (up, demo):
        each.add_argument(
            "--cluster", default="sim", metavar="KIND", help="sim (default), plane or kubeconfig[:context]"
        )
        each.add_argument("--clusters", type=_count, default=1, metavar="N", help="how many (default 1)")
        each.add_argument("--port", type=int, default=0, help="of the gateway (default: a free one)")
        each.add_argument("--directory", type=Path, help="keep data and logs there (a new directory)")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 5:
        raise argparse.ArgumentTypeError("expected 1 to 5")
    return count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
