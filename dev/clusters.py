"""The clusters that the embedded stack can deliver to: simulated, real control planes, or one that is there already."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol

from dev.plane.control_plane import ControlPlane
from dev.processes import ChildProcess, supervise
from dev.python import PYTHON, environment
from shared.errors import Fatal

Progress = Callable[[str], None]

_START_TIMEOUT_S = 30.0
_POLL_S = 0.05


class ClusterChoiceInvalid(Fatal):
    """`--cluster` names none of the kinds."""

    def __init__(self, choice: str) -> None:
        self.choice = choice
        super().__init__(f"--cluster {choice}: expected sim, plane or kubeconfig[:context]", exit_code=2)


class Cluster(Protocol):
    """A cluster that an agent can be pointed at."""

    name: str

    @property
    def kubeconfig(self) -> Path:
        """For the agents."""
        ...

    @property
    def context(self) -> str:
        """Within the kubeconfig; empty for the current one."""
        ...

    @property
    def described(self) -> str:
        """For people."""
        ...

    async def start(self) -> None:
        """Start it and wait until it answers."""
        ...

    async def supervise(self) -> NoReturn:
        """Watch over it; raises ProcessExitedError when a part of it dies."""
        ...

    async def stop(self) -> None:
        """Stop what was started."""
        ...


@dataclass
class SimulatedCluster:
    """The simulator, as a process of its own."""

    name: str
    directory: Path
    context: str = ""
    described: str = "simulated: no container runs, pods only play their part"
    _children: list[ChildProcess] = field(default_factory=list)

    @property
    def kubeconfig(self) -> Path:
        """Written by the simulator once it listens."""
        return self.directory / "kubeconfig"

    async def start(self) -> None:
        """Start it and wait for its kubeconfig; raises ProcessExitedError or TimeoutError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        argv = [PYTHON, "-m", "dev.simulator", "--name", self.name, "--port", "0", "--tls"]
        child = ChildProcess(
            f"simulator {self.name}",
            [*argv, "--kubeconfig", str(self.kubeconfig)],
            log_path=self.directory / "simulator.log",
            env=environment(),
        )
        self._children = [child]
        await child.start()
        async with asyncio.timeout(_START_TIMEOUT_S):
            while not self.kubeconfig.exists():
                child.check()
                await asyncio.sleep(_POLL_S)

    async def supervise(self) -> NoReturn:
        """Watch over its process."""
        await supervise(self._children)

    async def stop(self) -> None:
        """Stop it; its state is gone with it."""
        for child in self._children:
            await child.stop()


class PlaneCluster:
    """The real control plane: etcd, API server, controllers, scheduler; KWOK plays nodes and pods."""

    context = ""
    described = "a real Kubernetes control plane; KWOK plays its nodes and pods"

    def __init__(self, name: str, directory: Path, progress: Progress) -> None:
        self.name = name
        self._plane = ControlPlane(directory, name=name, progress=progress)

    @property
    def kubeconfig(self) -> Path:
        """Of its administrator."""
        return self._plane.kubeconfig

    async def start(self) -> None:
        """Start it, building it first where it was never built."""
        await self._plane.start()

    async def supervise(self) -> NoReturn:
        """Watch over its five programs."""
        await self._plane.supervise()

    async def stop(self) -> None:
        """Stop its programs."""
        await self._plane.stop()


@dataclass
class ExistingCluster:
    """A cluster that somebody else runs; nothing is started and nothing is stopped."""

    name: str
    context: str
    path: Path | None = None

    @property
    def kubeconfig(self) -> Path:
        """The one that was named, else $KUBECONFIG, else kubectl's default."""
        return self.path or Path(os.environ.get("KUBECONFIG") or "~/.kube/config").expanduser()

    @property
    def described(self) -> str:
        """Which one."""
        return f"{self.kubeconfig}, context {self.context or '(current)'}"

    async def start(self) -> None:
        """Check that there is a kubeconfig; raises Fatal where there is none."""
        if not self.kubeconfig.exists():
            raise Fatal(f"--cluster kubeconfig: there is no {self.kubeconfig}; set KUBECONFIG", exit_code=2)

    async def supervise(self) -> NoReturn:
        """Nothing of ours can die: this waits until it is cancelled."""
        await asyncio.Event().wait()
        raise AssertionError

    async def stop(self) -> None:
        """Nothing was started."""


def choose(
    choice: str, names: list[str], directory: Path, progress: Progress, kubeconfig: Path | None = None
) -> list[Cluster]:
    """The clusters that `--cluster` asks for, under these names; raises ClusterChoiceInvalid."""
    kind, _, context = choice.partition(":")
    match kind:
        case "sim":
            return [SimulatedCluster(name, directory / name) for name in names]
        case "plane":
            return [PlaneCluster(name, directory / name, progress) for name in names]
        case "kubeconfig":
            return [ExistingCluster(name, context, kubeconfig) for name in names]
        case _:
            raise ClusterChoiceInvalid(choice)
