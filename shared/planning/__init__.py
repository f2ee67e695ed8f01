"""From a document to a plan: parsing, checking, rendering by the registry, order.

Belongs here: pure functions over documents; the gateway's dry run and the planner call the same. Forbidden: I/O,
clocks, randomness, and the name of any job type or trait.
"""

from shared.planning.checking import check_document, plan_document
from shared.planning.disposal import Fate, fate
from shared.planning.document import Application
from shared.planning.findings import DocumentRejected
from shared.planning.jobs import with_attempt
from shared.planning.limits import DEFAULT_LIMITS, Limits
from shared.planning.placing import destinations_of
from shared.planning.plan import make_plan, warned
from shared.planning.policies import LOCAL, POLICY_TYPES
from shared.planning.policies.base import Destination
from shared.planning.reading import parse_document, parse_stream
from shared.planning.secrets import MASK, LocatedSecret, masked, masked_document, secret_locations
from shared.planning.seeking import SoughtAddress, SoughtObjects, objects_sought
from shared.planning.view import plan_view

__all__ = [
    "DEFAULT_LIMITS",
    "LOCAL",
    "MASK",
    "POLICY_TYPES",
    "Application",
    "Destination",
    "DocumentRejected",
    "Fate",
    "Limits",
    "LocatedSecret",
    "SoughtAddress",
    "SoughtObjects",
    "check_document",
    "destinations_of",
    "fate",
    "make_plan",
    "masked",
    "masked_document",
    "objects_sought",
    "parse_document",
    "parse_stream",
    "plan_document",
    "plan_view",
    "secret_locations",
    "warned",
    "with_attempt",
]
