"""The demonstration: delivers `examples/` with the same command line that people use, and shows what came of it."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from dev.python import PYTHON, environment
from dev.stack import Progress, Stack

_SHOP = os.path.relpath(Path(__file__).parent.parent / "examples" / "shop")
_TIMEOUT_S = 180.0
_STOP_S = 5.0


async def deliver(stack: Stack, progress: Progress) -> int:
    """Deliver the shop, show its status tree; returns the first exit code that is not 0."""
    steps = (
        ("What it will do, before anything is created", ["plan", "-f", _SHOP]),
        ("Delivering it", ["apply", "-f", _SHOP, "--wait"]),
        ("How it is now, read back from the gateway", ["status", "shop", "-n", "demo", "--tree"]),
        ("The clusters", ["clusters"]),
    )
    for title, arguments in steps:
        progress(f"\n{title}:\n$ kubemin {' '.join(arguments)}")
        code = await kubemin(stack, arguments)
        if code:
            return code
    return 0


def _only_ours(context: Path) -> dict[str, str]:
    """The environment without what would send the demonstration to another installation."""
    kept = {name: value for name, value in os.environ.items() if name not in ("KUBEMIN_SERVER", "KUBEMIN_TOKEN")}
    return {**kept, **environment(KUBEMIN_CONFIG=str(context))}


async def kubemin(stack: Stack, arguments: Sequence[str]) -> int:
    """Run the command line against the stack, its output on our terminal; ended with us."""
    process = await asyncio.create_subprocess_exec(
        PYTHON,
        "-m",
        "cli",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        env=_only_ours(stack.layout.context),
        # Ctrl-C is for us: we end it, and then everything else in order.
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
