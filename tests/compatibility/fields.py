"""What every contract consists of, and since which version."""

from pydantic import BaseModel

from dev.generated.asyncapi import CHANNELS
from shared.contracts import versions
from shared.contracts.desired import DesiredRecord
from shared.contracts.plan import Plan
from shared.contracts.registry import ClusterRecord, TokenRecord
from shared.contracts.views import ObjectView, RunView

_DOCUMENTS: tuple[type[BaseModel], ...] = (DesiredRecord, Plan, RunView, ObjectView, TokenRecord, ClusterRecord)


def models() -> list[type[BaseModel]]:
    """Every contract that is published or stored, with those inside."""
    roots = [*_DOCUMENTS, *(model for channel in CHANNELS.values() for model in channel.messages)]
    found = set[type[BaseModel]]().union(*(versions.reachable(root) for root in roots))
    return sorted(found, key=lambda model: model.__name__)


def fields() -> dict[str, dict[str, int]]:
    """Contract → field → the version that brought it."""
    return {
        model.__name__: {
            name: max(versions.since_of(model), versions.field_since(field))
            for name, field in model.model_fields.items()
        }
        for model in models()
    }
