"""Where a document wants to go, for who knows which clusters there are."""

from shared.planning.document import Application
from shared.planning.policies import declared, destinations
from shared.planning.policies.base import Destination


def destinations_of(app: Application) -> tuple[Destination, ...]:
    """The destinations of a checked application; at least one."""
    return destinations(declared(app))
