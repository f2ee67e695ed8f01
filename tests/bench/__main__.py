"""`python -m tests.bench [NAME…] [--json FILE] [--quick] [--profile DIR]`: all benches, or those that are named."""

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

from shared.runtime.collector import spare_what_is_loaded
from tests.bench import machine
from tests.bench.benches import BENCHES, Settings
from tests.bench.table import legend, table


async def run(names: list[str], settings: Settings) -> dict[str, Any]:
    """Run the benches one after another; prints the table of each, and returns the document of all."""
    found: dict[str, Any] = {"machine": machine.facts(), "quick": settings.quick, "benches": {}}
    for name in names:
        started = time.monotonic()
        print(f"\n{name}: {BENCHES[name].title}", flush=True)
        try:
            async with asyncio.timeout(BENCHES[name].limit_s):
                figures = await BENCHES[name].run(settings)
        except TimeoutError:
            print(f"  given up after {BENCHES[name].limit_s:.0f} s", flush=True)
            found["benches"][name] = {"given_up_after_s": BENCHES[name].limit_s}
            continue
        print(f"{table(figures)}\n{legend(figures)}", flush=True)
        seconds = round(time.monotonic() - started, 1)
        found["benches"][name] = {"seconds": seconds, "figures": [figure.document() for figure in figures]}
    return found


def main() -> None:
    """Read the arguments, run, and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHES)}; all without one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures, rounds and machine facts there")
    parser.add_argument("--quick", action="store_true", help="small amounts: whether it works, not how fast it is")
    parser.add_argument("--profile", type=Path, metavar="DIR", help="run the services under cProfile, statistics there")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHES]
    if unknown:
        parser.error(f"unknown bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    # As every service does: some benches measure their code in this process.
    spare_what_is_loaded()
    settings = Settings(quick=arguments.quick, profiles=arguments.profile, say=_say)
    document = asyncio.run(run(arguments.names or list(BENCHES), settings))
    print(f"\n{json.dumps(document['machine'])}")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
