"""The cluster's sealing keys, as its key file has them now."""

import asyncio
from pathlib import Path

from shared.contracts.identity import ClusterName
from shared.logging import get_logger
from shared.sealing import Place, SealingKey, load_keys, open_value, public_key_of
from shared.sealing.keys import KeyFileInvalid

logger = get_logger(__name__)


class Keyring:
    """Opens sealed values; a key that is added to the file is taken up without a restart."""

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
