"""The cluster's sealing keys, as its key file has them now."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from shared.contracts import sealed
from shared.contracts.identity import ClusterName, Namespace
from shared.contracts.reads import Recipient
from shared.logging import get_logger
from shared.sealing import Place, SealingKey, load_keys, open_value, public_key_of, seal
from shared.sealing.keys import KeyFileInvalid, mark_key_of

logger = get_logger(__name__)


class Keyring:
    """Opens sealed values, and seals what leaves the cluster.

    A key that is added to the file is taken up without a restart.
    """

    def __init__(self, path: Path, cluster: ClusterName) -> None:
        """Raises KeyFileInvalid."""
        self._path = path
        self._cluster = cluster
        self._keys = load_keys(path)

    @property
    def public_keys(self) -> tuple[SealingKey, ...]:
        """The public halves, the newest first."""
        return tuple(public_key_of(key) for key in self._keys)

    def open(self, text: str, place: Place) -> bytes:
        """Open a sealed text in its place in this cluster; raises SealedValueInvalid."""
        return open_value(text, place, self._cluster, self._keys)

    def seal(self, plain: bytes, place: Place, recipients: Sequence[Recipient]) -> str:
        """Seal a value that leaves this cluster in its new place, for each of its recipients.

        Raises ValueError where a recipient's key is none.
        """
        own = {r.cluster: SealingKey(r.sealing_key) for r in recipients if not r.namespace}
        elsewhere = {(r.cluster, Namespace(r.namespace)): SealingKey(r.sealing_key) for r in recipients if r.namespace}
        return sealed.write(seal(plain, place, own, mark_key=mark_key_of(self._keys), elsewhere=elsewhere))

    async def refresh(self) -> None:
        """Read the file again; keys that were good stay in use while it is not readable."""
        try:
            keys = await asyncio.to_thread(load_keys, self._path)
        except KeyFileInvalid as error:
            logger.warning("sealing_keys_not_read", error=str(error))
            return
        if keys != self._keys:
            logger.info("sealing_keys_changed", keys=len(keys))
            self._keys = keys
