"""Changes of registered clusters that a caller of the API may ask for."""

from services.gateway.domain.beats import EXECUTOR
from services.gateway.domain.refusals import NoNewSealingKey, NotFound
from services.gateway.ports import Beats, ClusterStore
from shared.contracts.api import KeyRotation
from shared.contracts.identity import ClusterName
from shared.logging import get_logger
from shared.sealing import SealingKey, fingerprint

logger = get_logger(__name__)


class Clusters:
    """Takes up the sealing key that a cluster's own executor says it holds, and no other."""

    def __init__(self, registry: ClusterStore, live: Beats) -> None:
        self._registry = registry
        self._beats = live

    async def rotate_key(self, name: str) -> KeyRotation:
        """Seal for the newest key of the cluster's executor from now on.

        Raises NotFound, NoNewSealingKey, and what the registry raises.
        """
        record = next((c for c in await self._registry.clusters() if c.name == name), None)
        if record is None:
            raise NotFound("cluster", name)
        heard = self._beats.heard.get((ClusterName(name), EXECUTOR))
        if heard is None or not heard.beat.sealing_keys:
            raise NoNewSealingKey(name, "its executor has not said which keys it holds")
        before, newest = SealingKey(record.sealing_key), SealingKey(heard.beat.sealing_keys[0])
        try:
            rotation = KeyRotation(cluster=ClusterName(name), before=fingerprint(before), now=fingerprint(newest))
        except ValueError as error:
            raise NoNewSealingKey(name, f"what its executor holds is no key: {error}") from error
        if before == newest:
            raise NoNewSealingKey(name, f"the newest key of its executor, {rotation.now}, is sealed for already")
        await self._registry.replace_sealing_key(name, before=before, now=newest)
        logger.info("sealing_key_rotated", cluster=name, before=rotation.before, now=rotation.now)
        return rotation
