"""A whole stack whose executor and observer reach their cluster through the faulty proxy."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.services import Service
from dev.stack import Options
from shared.kube import KubeApi
from tests.e2e.system import Document, System
from tests.faults.kubernetes_calls import Call, sent_by
from tests.faults.kubernetes_proxy import KubernetesProxy
from tests.faults.kubernetes_witness import Witness

EXECUTOR_CALL_TIMEOUT_S = 6.0
"""Shorter than the default, so that a test need not wait for so long."""
AGENTS = ("kubemin-executor", "kubemin-observe")
MOST_OF_ONE_KIND_PER_SECOND = 10
"""Requests of one client for one verb and resource, in any second of a fault."""
MOST_PER_SECOND = 20
"""Of one client, on average over a fault: 15 sources that list and watch every 3 s are 10."""
MOST_IN_A_SECOND = 120
"""Of one client at its return: each source lists and watches once, and all kinds are searched through once."""


@dataclass
class FaultyStack:
    """Everything behind one proxy."""

    system: System
    proxy: KubernetesProxy
    api: KubeApi
    """The cluster itself, past the proxy."""
    witness: Witness

    @classmethod
    @asynccontextmanager
    async def running(
        cls, kubeconfig: Path, directory: Path, progress: Callable[[str], None]
    ) -> AsyncIterator["FaultyStack"]:
        """Start it before a cluster that runs."""
        api = await KubeApi.connect(kubeconfig=str(kubeconfig))
        stopping = asyncio.Event()
        witness = Witness(api)
        async with KubernetesProxy(kubeconfig, directory=directory) as proxy, asyncio.TaskGroup() as group:
            watching = group.create_task(witness.watch(stopping), name="witness")
            options = Options(
                cluster="kubeconfig",
                kubeconfig=proxy.kubeconfig,
                environment={"KUBEMIN_KUBE_TIMEOUT_S": str(EXECUTOR_CALL_TIMEOUT_S)},
            )
            async with System.running(options, progress) as system:
                yield cls(system, proxy, api, witness)
            stopping.set()
            await watching
        await api.close()

    @property
    def agents(self) -> dict[str, Service]:
        """Executor and observer, by what they call themselves to the API server."""
        cluster = self.system.clusters[0]
        names = {"kubemin-executor": f"executor-{cluster}", "kubemin-observe": f"observe-{cluster}"}
        return {agent: self.system.stack.services[name] for agent, name in names.items()}

    async def trouble(self, agent: str) -> str:
        """What an agent says at `/readyz`; empty while it is ready."""
        async with self.system.http.get(f"{self.agents[agent].url}/readyz") as response:
            return "" if response.status == 200 else await response.text()

    async def troubles(self) -> dict[str, str]:
        """What each agent says."""
        return {agent: await self.trouble(agent) for agent in AGENTS}

    def check_alive(self) -> None:
        """No process of ours has died."""
        for service in self.system.stack.services.values():
            service.process.check()

    def check_no_storm(self, begin: float, end: float) -> None:
        """During a fault nobody asks more often than it takes to notice the end soon."""
        for agent in AGENTS:
            calls = self.proxy.calls.between(begin, end, sent_by(agent))
            shown = self.proxy.calls.by_kind(begin, end)
            assert len(calls) / max(end - begin, 1.0) <= MOST_PER_SECOND, (agent, shown)
            of_kind = _busiest_second(calls, begin)
            assert of_kind[1] <= MOST_OF_ONE_KIND_PER_SECOND, (agent, of_kind, shown)

    def told(self, begin: float, end: float) -> str:
        """How much each agent asked, for reports."""
        calls = {agent: self.proxy.calls.between(begin, end, sent_by(agent)) for agent in AGENTS}
        return ", ".join(f"{agent} {len(sent) / (end - begin):.1f}/s" for agent, sent in calls.items())

    def check_no_stampede(self, begin: float, end: float) -> None:
        """After it everybody may look again, once."""
        for agent in AGENTS:
            most = self.proxy.calls.most_per_second(begin, end, sent_by(agent))
            assert most <= MOST_IN_A_SECOND, (agent, most, self.proxy.calls.by_kind(begin, end))

    def check_rests(self, begin: float, end: float, retry_after_s: float, *, allowed_s: float) -> None:
        """Nobody asks again before the time that a 429 named; `allowed_s` is how long the answer is under way."""
        for agent in AGENTS:
            calls = self.proxy.calls.between(begin, end, sent_by(agent))
            refused = [call for call in calls if call.status == 429]
            assert refused, f"{agent} was never refused"
            early = [
                (call, last)
                for last in refused
                for call in calls
                if last.answered_at + allowed_s < call.at < last.answered_at + retry_after_s
            ]
            assert not early, (agent, early[:3])


def says_why(run: Document, *reasons: str) -> bool:
    """Whether a run, or one of its steps, says one of these reasons, with words."""
    told = [run, *run.get("steps", [])]
    return any(each.get("reason") in reasons and each.get("message") for each in told)


def _busiest_second(calls: list[Call], begin: float) -> tuple[str, int]:
    counted: dict[tuple[str, int], int] = defaultdict(int)
    for call in calls:
        counted[f"{call.verb} {call.resource} {call.name}", int(call.at - begin)] += 1
    busiest: Any = max(counted.items(), key=lambda item: item[1], default=(("", 0), 0))
    return busiest[0][0], busiest[1]
