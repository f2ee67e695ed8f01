"""Run a simulated cluster: `python -m dev.simulator --name NAME --port 0 --kubeconfig FILE`."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from dev.simulator.discovery import GIT_VERSION
from dev.simulator.server import Simulator, SimulatorOptions, capacity_with
from dev.simulator.timing import Timing


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.simulator", description=__doc__)
    parser.add_argument("--name", default="simulator", help="the cluster's name, also in the kubeconfig")
    parser.add_argument("--port", type=int, default=0, help="a TCP port on the loopback interface; 0: a free one")
    parser.add_argument("--kubeconfig", type=Path, required=True, help="the file to write")
    parser.add_argument(
        "--tls", action="store_true", help="serve HTTPS, for kubectl: it sends no token over plain HTTP"
    )
    parser.add_argument("--nodes", type=int, default=2, help="how many nodes there are")
    parser.add_argument(
        "--capacity",
        action="append",
        default=[],
        metavar="RESOURCE=QUANTITY",
        help="what each node has to give, such as nvidia.com/gpu=4; may be repeated",
    )
    parser.add_argument("--pace", type=float, default=1.0, help="multiplies all delays: 10 for a slow demo, 0 for none")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    simulator = Simulator(
        SimulatorOptions(
            name=arguments.name,
            port=arguments.port,
            tls=arguments.tls,
            nodes=arguments.nodes,
            capacity=capacity_with(arguments.capacity),
            timing=Timing().scaled(arguments.pace),
        )
    )
    await simulator.start()
    try:
        simulator.write_kubeconfig(arguments.kubeconfig)
        started = {"name": arguments.name, "url": simulator.url, "version": GIT_VERSION}
        print(json.dumps(started | {"kubeconfig": str(arguments.kubeconfig)}), flush=True)
        await stopping.wait()
    finally:
        await simulator.stop()


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    try:
        asyncio.run(_run(_arguments()))
    except (OSError, ValueError) as error:
        print(f"dev.simulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
