"""The recorder's settings."""

from shared.runtime.settings import CentralSettings, HttpSettings


class RecordSettings(HttpSettings, CentralSettings):
    """Read from the environment at start."""
