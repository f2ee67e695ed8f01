"""The registry's words: tenants, tokens and what they allow, clusters."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.contracts.identity import ClusterName, Label
from shared.contracts.model import Contract


class Role(StrEnum):
    """What a token allows within its tenant; each includes the one before."""

    VIEWER = "viewer"
    """Read."""
    DEPLOYER = "deployer"
    """Create, change and delete applications."""
    ADMIN = "admin"
    """Whatever else the HTTP API lets a tenant administer."""


class TenantRecord(Contract):
    """A tenant and the namespaces that are its own."""

    name: Label
    namespaces: tuple[Label, ...] = ()


class TokenRecord(Contract):
    """A bearer token; the token itself is nowhere."""

    digest: str
    """Lower-case hexadecimal SHA-256 of the token."""
    name: str = Field(min_length=1, max_length=100)
    tenant: Label
    role: Role
    created_at: datetime
    expires_at: datetime | None = None
    revoked: bool = False


class ClusterRecord(Contract):
    """A registered cluster."""

    name: Label
    default: bool = False
    """Where an application goes that names none."""
    labels: dict[str, str] = Field(default_factory=dict)
    sealing_key: str
    """base64 of the public key that secret values for this cluster are sealed with."""
    created_at: datetime


def default_cluster(clusters: Iterable[ClusterRecord]) -> ClusterName | None:
    """Return the default cluster, or the only one there is."""
    known = list(clusters)
    chosen = next((c for c in known if c.default), known[0] if len(known) == 1 else None)
    return None if chosen is None else ClusterName(chosen.name)
