"""`python -m tests.chaos`: the long form, which prints its verdict; exit code 1 where a check fails."""

import argparse
import asyncio
import random
import sys
from pathlib import Path

from dev.processes import free_ports
from dev.stack import Options
from tests.chaos.campaign import Plan, run
from tests.e2e.system import System


def main() -> int:
    """Run one campaign on a stack of its own; returns the exit code."""
    arguments = _parse()
    plan = Plan(
        applications=arguments.applications, seconds=arguments.seconds, every_s=arguments.every, seed=arguments.seed
    )
    options = Options(cluster=arguments.cluster, clusters=2, port=free_ports(1)[0], directory=arguments.directory)
    return asyncio.run(_run(plan, options))


async def _run(plan: Plan, options: Options) -> int:
    async with System.running(options, _say) as system:
        verdict = await run(system, plan, _say)
        _say(f"\n{verdict}\n\nSeed {plan.seed}: {'every check holds' if verdict.ok else 'FAILED'}")
        return 0 if verdict.ok else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Deliver while everything is killed.")
    parser.add_argument("--applications", type=int, default=300, metavar="N")
    parser.add_argument("--seconds", type=float, default=300.0, metavar="S", help="under fire (default 300)")
    parser.add_argument("--every", type=float, default=2.0, metavar="S", help="between kills, on average (default 2)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats a schedule")
    parser.add_argument("--cluster", default="plane", help="sim or plane (default)")
    parser.add_argument("--directory", type=Path, help="keep data and logs there (a new directory)")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
