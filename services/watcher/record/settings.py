"""The recorder's settings."""

from shared.runtime.settings import BusSettings, HttpSettings, StoreSettings


class RecordSettings(HttpSettings, BusSettings, StoreSettings):
    """Read from the environment at start."""
