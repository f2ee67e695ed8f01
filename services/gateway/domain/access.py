"""Who a caller is and what a token allows."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.contracts.identity import Tenant
from shared.contracts.registry import Role, TokenRecord


class Permission(StrEnum):
    """What an operation of the API needs."""

    READ = "read"
    DEPLOY = "deploy"
    ADMINISTER = "administer"


GRANTS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.DEPLOYER: frozenset({Permission.READ, Permission.DEPLOY}),
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, kw_only=True)
class Principal:
    """An authenticated caller."""

    tenant: Tenant
    actor: str
    """Name of the token, for the audit."""
    role: Role

    def may(self, permission: Permission) -> bool:
        """Whether the role includes it."""
        return permission in GRANTS[self.role]


def token_digest(token: str) -> str:
    """What a token is stored and looked up under.

    A plain hash is enough: tokens are 256 random bits, so there is nothing to guess; and a lookup by digest
    compares no secret byte by byte.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def bearer(authorization: str | None) -> str | None:
    """Read the token off an Authorization header (RFC 6750, section 2.1); None for any other scheme."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def principal(token: TokenRecord | None, now: datetime) -> Principal | None:
    """Return whom a token stands for; None for a token that is unknown, revoked or expired."""
    if token is None or token.revoked or (token.expires_at is not None and token.expires_at <= now):
        return None
    return Principal(tenant=Tenant(token.tenant), actor=token.name, role=token.role)
