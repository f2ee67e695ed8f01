"""Observers as processes of their own, between a cluster and a bus."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from dev.processes import ChildProcess
from shared.bus import Bus, Resync, decode
from shared.contracts import subjects
from shared.contracts.annotations import field_manager
from shared.contracts.envelope import unwrap
from shared.contracts.facts import BEAT, FACT, PROGRESS_FACT, AgentBeat, Observation, PodsObserved
from shared.contracts.identity import AppName, AppRef, AppUid, ClusterName, Namespace, Tenant
from shared.kube import KubeApi
from shared.kube.kinds import Object
from tests.support.bus import BusStack
from tests.support.clusters import RunningCluster
from tests.support.conditions import until
from tests.support.observed import annotated

CLUSTER = ClusterName("east")
START_TIMEOUT_S = 60.0
SEEN_WITHIN_S = 30.0
LASTING = {"KUBEMIN_LEASE_DURATION_S": "60", "KUBEMIN_LEASE_RENEW_DEADLINE_S": "50"}
"""A Lease that nobody loses because the machine is busy."""


class Told:
    """Everything that was stored in the streams of the observers."""

    def __init__(self) -> None:
        self.facts: list[Observation] = []
        self.pods: list[PodsObserved] = []
        self.beats: list[AgentBeat] = []

    async def read(self, bus: Bus, stream: str, subject: str) -> None:
        """Read along until cancelled."""
        async with aclosing(bus.tail(stream, subject, deliver="all")) as deliveries:
            async for delivery in deliveries:
                if isinstance(delivery, Resync):
                    continue
                envelope = unwrap(delivery.payload)
                match stream:
                    case subjects.STREAM_STATUS:
                        fact = decode(FACT, envelope)
                        if isinstance(fact, Observation):
                            self.facts.append(fact)
                    case subjects.STREAM_PROGRESS:
                        self.pods.append(decode(PROGRESS_FACT, envelope))
                    case _:
                        self.beats.append(decode(BEAT, envelope))


class App:
    """An application of the test's own, and what is told of it."""

    def __init__(self, kube: KubeApi, namespace: str, told: Told) -> None:
        self.kube = kube
        self.namespace = namespace
        self.ref = AppRef(tenant=Tenant("acme"), namespace=Namespace(namespace), name=AppName("shop"))
        self.uid = AppUid(secrets.token_hex(6))
        self.told = told

    async def apply(self, manifest: Object, *, step: str = "web", **of: Any) -> Object:
        """Apply as an executor does; returns the object as the server has it."""
        manifest = annotated(manifest, step=step, app=self.ref, app_uid=self.uid, **of)
        manifest["metadata"]["namespace"] = self.namespace
        return await self.kube.apply(manifest, field_manager=field_manager(self.uid), force=True)

    def facts(self, step: str = "web") -> list[Observation]:
        """What was stated of a step."""
        return [fact for fact in self.told.facts if (fact.uid, fact.step) == (self.uid, step)]

    async def seen(self, holds: Callable[[Observation], bool], step: str = "web") -> Observation:
        """Wait for a fact."""
        try:
            await until(lambda: any(map(holds, self.facts(step))), timeout_s=SEEN_WITHIN_S)
        except TimeoutError:
            said = [(type(f).__name__, f.reason, f.message) for f in self.facts(step)]
            raise AssertionError(f"not stated; stated was {said}") from None
        return next(filter(holds, self.facts(step)))


class Observers:
    """Observers of one cluster that share a Lease; each may be started, stopped and killed."""

    def __init__(self, stack: BusStack, cluster: RunningCluster, lease_namespace: str, directory: Path) -> None:
        self._env = {
            "KUBEMIN_CLUSTER": CLUSTER,
            "KUBEMIN_KUBECONFIG": str(cluster.kubeconfig),
            "KUBEMIN_NATS_CREDENTIALS_FILE": str(stack.settings(f"cluster-{CLUSTER}").nats_credentials_file),
            "KUBEMIN_HTTP_PORT": "0",
            "KUBEMIN_LEASE_NAMESPACE": lease_namespace,
            "KUBEMIN_LEASE_DURATION_S": "3",
            "KUBEMIN_LEASE_RENEW_DEADLINE_S": "2",
            "KUBEMIN_LEASE_RETRY_S": "0.3",
        }
        self._directory = directory
        self._children: list[ChildProcess] = []

    async def start(self, **env: str) -> ChildProcess:
        """Start one more and wait until it leads or stands by; `env` overrides."""
        number = len(self._children)
        port_file = self._directory / f"port-{number}"
        child = ChildProcess(
            f"observe-{number}",
            [sys.executable, "-m", "services.watcher", "observe"],
            log_path=self._directory / f"observe-{number}.log",
            env={**self._env, "KUBEMIN_HTTP_PORT_FILE": str(port_file), **env},
        )
        self._children.append(child)
        await child.start()

        async def ready() -> bool:
            child.check()
            return not (await self.reasons(number) if port_file.exists() else ["starting"])

        await until(ready, timeout_s=START_TIMEOUT_S)
        return child

    async def reasons(self, number: int) -> list[str]:
        """Why an observer is not ready."""
        port = int((self._directory / f"port-{number}").read_text(encoding="ascii"))
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            reasons: list[str] = (await answer.json())["reasons"]
            return reasons

    def log(self, number: int) -> str:
        """The end of the log of an observer."""
        return self._children[number].log_tail(100)

    async def stop(self) -> None:
        """End all that run."""
        for child in self._children:
            await child.stop()


@asynccontextmanager
async def reading(stack: BusStack) -> AsyncIterator[Told]:
    """Read everything that the observers of the cluster say."""
    told = Told()
    bus = await stack.connect("record")
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(told.read(bus, stream, subject))
            for stream, subject in (
                (subjects.STREAM_STATUS, subjects.status_of(CLUSTER)),
                (subjects.STREAM_PROGRESS, subjects.progress_of(CLUSTER)),
                (subjects.STREAM_BEATS, subjects.beats_of(CLUSTER)),
            )
        ]
        yield told
        for task in tasks:
            task.cancel()
