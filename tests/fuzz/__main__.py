"""`python -m tests.fuzz`: every target, under atheris where it is installed; exit code 1 where something was found."""

import argparse
import importlib.util
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.fuzz.campaign import unguided
from tests.fuzz.targets import TARGETS, Target

GUIDED_SHARE = 0.2
"""Of a target's inputs: a guided one takes several times as long."""
_GRACE_S = 120


def main() -> int:
    """Feed all targets, one after the other; returns the exit code."""
    arguments = _parse()
    guided = importlib.util.find_spec("atheris") is not None and not arguments.unguided
    engines = {"guided": GUIDED_SHARE, "unguided": 1 - GUIDED_SHARE} if guided else {"unguided": 1.0}
    _say(
        f"seed {arguments.seed}" + ("" if guided else "; without atheris, so no input is kept for the code it reaches")
    )
    found = total = 0
    for target in (TARGETS[name] for name in arguments.target or TARGETS):
        for engine, share in engines.items():
            begun = time.monotonic()
            inputs = max(1, int(arguments.inputs * target.share * share))
            seconds = arguments.seconds * target.share * share
            told = _ENGINES[engine](target, arguments, inputs, seconds)
            found, total = found + len(told["findings"]), total + told["inputs"]
            _say(f"{target.name:9} {engine:9} {told['inputs']:8} inputs, {told['taken']:7} of them taken,"
                 f" slowest {told['slowest_s']:.2f} s, in {time.monotonic() - begun:.0f} s")  # fmt: skip
            for finding in told["findings"]:
                _say(f"          FOUND {finding}")
    _say(f"{total} inputs, {found} findings" + (f", in {arguments.directory}" if found else ""))
    return 1 if found else 0


def _guided(target: Target, arguments: argparse.Namespace, inputs: int, seconds: float) -> Any:
    options = {"inputs": inputs, "seconds": seconds, "seed": arguments.seed, "directory": arguments.directory}
    argv = [sys.executable, "-m", "tests.fuzz.guided", target.name]
    argv += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    log = arguments.directory / f"{target.name}.log"
    with log.open("w", encoding="utf-8") as to:
        done = subprocess.run(
            argv, check=False, stdout=subprocess.PIPE, stderr=to, text=True, timeout=seconds + _GRACE_S
        )
    if done.returncode:
        end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        return {"inputs": 0, "taken": 0, "slowest_s": 0.0, "findings": [f"ended with {done.returncode}:\n{end}"]}
    return json.loads(done.stdout)


def _unguided(target: Target, arguments: argparse.Namespace, inputs: int, seconds: float) -> Any:
    campaign = unguided(target, seed=arguments.seed, inputs=inputs, seconds=seconds)
    campaign.write(arguments.directory)
    return json.loads(campaign.figures())


_ENGINES = {"guided": _guided, "unguided": _unguided}


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Feed anything to what reads documents.")
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="this one only (may be repeated)")
    parser.add_argument("--inputs", type=int, default=1_000_000, metavar="N", help="over all targets (1,000,000)")
    parser.add_argument("--seconds", type=float, default=3600, metavar="S", help="at most, over all targets (3600)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="makes the same inputs again")
    parser.add_argument("--unguided", action="store_true", help="also where atheris is installed")
    parser.add_argument("--directory", type=Path, default=Path("build/fuzz"), help="for findings (build/fuzz)")
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    return arguments


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
