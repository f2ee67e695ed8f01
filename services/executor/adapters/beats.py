"""The executor's signs of life, and what they say of the cluster."""

from datetime import datetime
from importlib.metadata import version
from typing import Literal

from services.executor.adapters.keyring import Keyring
from services.executor.ports import Clock
from shared.bus import Bus
from shared.contracts import subjects
from shared.contracts.facts import AgentBeat
from shared.contracts.identity import ClusterName, ObjectKey
from shared.errors import Retryable
from shared.kube import KubeApi, KubeError
from shared.kube.version import is_simulated
from shared.logging import get_logger
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

_EVERY_S = 5.0
_AGAIN_S = 2.0
"""While the cluster or the bus does not answer."""
_PART: Literal["executor"] = "executor"
_KUBE_SYSTEM = ObjectKey(api_version="v1", kind="Namespace", namespace="", name="kube-system")
"""In the version of a cluster that is a simulation and says so."""


class Beats:
    """States every few seconds that we and the API server of the cluster are alive; silent while either is not."""

    def __init__(
        self, bus: Bus, api: KubeApi, cluster: ClusterName, keyring: Keyring, *, now: Clock, started_at: datetime
    ) -> None:
        self._bus = bus
        self._api = api
        self._cluster = cluster
        self._keyring = keyring
        self._now = now
        self._started_at = started_at
        self.trouble: str | None = "the Kubernetes API has not answered yet"
        """Why the last beat was not sent."""

    async def run(self, stopping: Stopping) -> None:
        """Beat until the stop."""
        while not stopping.is_set():
            await self._keyring.refresh()
            try:
                await self._bus.publish(subjects.beat(self._cluster, _PART), await self._beat())
                self._note(None)
            except KubeError as error:
                self._note(f"Kubernetes API: {error}")
            except Retryable as error:
                self._note(f"bus: {error}")
            await stopping.sleep(_EVERY_S if self.trouble is None else _AGAIN_S)

    async def _beat(self) -> AgentBeat:
        served = await self._api.version()
        system = await self._api.get(_KUBE_SYSTEM)
        git_version = str(served.get("gitVersion", ""))
        return AgentBeat(
            cluster=self._cluster,
            part=_PART,
            incarnation=system["metadata"]["uid"],
            kubernetes_version=git_version,
            simulated=is_simulated(git_version),
            version=version("kubemin"),
            started_at=self._started_at,
            at=self._now(),
            sealing_keys=self._keyring.public_keys,
        )

    def _note(self, trouble: str | None) -> None:
        # One line when it begins and one when it ends, not one for every beat.
        if (trouble is None) != (self.trouble is None):
            logger.info("cluster_reachable", trouble=trouble or "")
        self.trouble = trouble
