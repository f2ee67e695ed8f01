"""How every process of the system starts, says how it is, and stops.

Belongs here: settings from the environment, the task group of a service, its health and metrics over HTTP, signals.
Forbidden: knowing any one service, and doing anything at import time.
"""

from shared.runtime.service import main, serve
from shared.runtime.settings import BusSettings, HttpSettings, Settings, StoreSettings, load_settings
from shared.runtime.stopping import Stopping

__all__ = [
    "BusSettings",
    "HttpSettings",
    "Settings",
    "Stopping",
    "StoreSettings",
    "load_settings",
    "main",
    "serve",
]
