"""One target under atheris, which keeps inputs that reach new code: `python -m tests.fuzz.guided TARGET …`.

A process of its own, for atheris instruments modules as they are imported, and libFuzzer ends the process it runs in.
"""

import argparse
import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

_INSTRUMENTED = ["shared", "services.gateway.domain", "yaml"]
_ITSELF = 0.3
"""Of mutations of texts that are left to libFuzzer."""
_MAX_BYTES = 16 * 1024
"""libFuzzer goes on from the largest as often as from the smallest; really large ones are for the other engine."""


def main() -> int:
    """Fuzz until the number or the time is reached."""
    arguments = _parse()
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=_INSTRUMENTED, enable_loader_override=False):
        targets = importlib.import_module("tests.fuzz.targets")
    campaigns = importlib.import_module("tests.fuzz.campaign")
    seeds = importlib.import_module("tests.fuzz.seeds")
    target = targets.TARGETS[arguments.target]
    parts = seeds.pool(target.seeds())
    corpus = arguments.directory / "corpus" / target.name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, raw in enumerate(parts.inputs):
        (corpus / f"seed-{number:04}").write_bytes(raw)
    campaign = campaigns.Campaign(target)
    one = _until_done(campaign, arguments)

    def mutate(raw: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)
        if target.name == "parser" and random.random() < _ITSELF:
            mutated: bytes = atheris.Mutate(raw, max_size)
            return mutated
        made: bytes = target.mutated(bytes(raw), parts, random)
        return made if len(made) <= max_size else bytes(raw)

    options = [f"-seed={arguments.seed}", f"-max_len={_MAX_BYTES}", "-mutate_depth=2", "-timeout=60"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=mutate)
    atheris.Fuzz()
    return 1


def _until_done(campaign: Any, arguments: argparse.Namespace) -> Callable[[bytes], None]:
    begun = time.monotonic()

    def one(raw: bytes) -> None:
        campaign.feed(raw)
        if campaign.inputs >= arguments.inputs or time.monotonic() - begun > arguments.seconds:
            campaign.write(arguments.directory)
            sys.stdout.write(f"{campaign.figures()}\n")
            sys.stdout.flush()
            # libFuzzer takes SystemExit for a crash of the target.
            os._exit(0)

    return one


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided")
    parser.add_argument("target")
    parser.add_argument("--inputs", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
