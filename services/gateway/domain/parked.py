"""Parked messages as the API tells them; each belongs to the tenant that its subject names."""

from typing import NamedTuple

from shared.contracts.api import ParkedView
from shared.contracts.identity import Tenant


class Held(NamedTuple):
    """A parked message."""

    tenant: Tenant | None
    """None where its subject names no application: then it is the installation's, and no tenant sees it."""
    view: ParkedView
