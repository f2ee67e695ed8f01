"""Tokens: who they stand for, and what they allow."""

import hashlib
from datetime import timedelta

import pytest

from services.gateway.domain import access
from services.gateway.domain.access import Permission
from services.gateway.web.authentication import Authenticator
from shared.contracts.registry import Role, TokenRecord
from tests.support.records import NOW


def a_token(plain: str = "secret", **fields: object) -> TokenRecord:
    known = {"digest": access.token_digest(plain), "name": "ci", "tenant": "acme", "role": Role.DEPLOYER}
    return TokenRecord.model_validate({**known, "created_at": NOW, **fields})


class Tokens:
    """Tokens in memory; counts how often it was asked."""

    def __init__(self, *tokens: TokenRecord) -> None:
        self.by_digest = {token.digest: token for token in tokens}
        self.asked = 0

    async def token(self, digest: str) -> TokenRecord | None:
        self.asked += 1
        return self.by_digest.get(digest)


class Clock:
    def __init__(self) -> None:
        self.now = NOW
        self.seconds = 0.0

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)


def authenticator(tokens: Tokens, clock: Clock) -> Authenticator:
    return Authenticator(tokens, now=lambda: clock.now, monotonic_s=lambda: clock.seconds, cache_s=5)


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        (Role.VIEWER, {Permission.READ}),
        (Role.DEPLOYER, {Permission.READ, Permission.DEPLOY}),
        (Role.ADMIN, {Permission.READ, Permission.DEPLOY, Permission.ADMINISTER}),
    ],
)
def test_roles(role: Role, permissions: set[Permission]) -> None:
    principal = access.principal(a_token(role=role), NOW)
    assert principal is not None
    assert {p for p in Permission if principal.may(p)} == permissions


def test_only_the_hash_of_a_token_is_known() -> None:
    assert access.token_digest("secret") == hashlib.sha256(b"secret").hexdigest()


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("Bearer  abc ", "abc"),
        ("Bearer ", None),
        ("Bearer", None),
        ("Basic abc", None),
        ("abc", None),
        ("", None),
        (None, None),
    ],
)
def test_bearer_header(header: str | None, token: str | None) -> None:
    assert access.bearer(header) == token


def test_a_token_counts_until_it_expires() -> None:
    token = a_token(expires_at=NOW + timedelta(seconds=1))
    assert access.principal(token, NOW) is not None
    assert access.principal(token, NOW + timedelta(seconds=1)) is None


async def test_a_known_token_is_looked_up_once_in_five_seconds() -> None:
    tokens, clock = Tokens(a_token()), Clock()
    gate = authenticator(tokens, clock)
    for _ in range(3):
        assert await gate.principal("Bearer secret") is not None
    assert tokens.asked == 1
    clock.advance(5.1)
    assert await gate.principal("Bearer secret") is not None
    assert tokens.asked == 2


async def test_a_revocation_counts_within_five_seconds() -> None:
    tokens, clock = Tokens(a_token()), Clock()
    gate = authenticator(tokens, clock)
    assert await gate.principal("Bearer secret") is not None
    tokens.by_digest = {token.digest: token for token in [a_token(revoked=True)]}
    clock.advance(5.1)
    assert await gate.principal("Bearer secret") is None


async def test_an_expiry_counts_at_once_also_for_a_remembered_token() -> None:
    tokens, clock = Tokens(a_token(expires_at=NOW + timedelta(seconds=2))), Clock()
    gate = authenticator(tokens, clock)
    assert await gate.principal("Bearer secret") is not None
    clock.advance(2)
    assert await gate.principal("Bearer secret") is None


async def test_unknown_tokens_are_not_remembered() -> None:
    tokens, clock = Tokens(), Clock()
    gate = authenticator(tokens, clock)
    assert await gate.principal("Bearer secret") is None
    tokens.by_digest = {token.digest: token for token in [a_token()]}
    assert await gate.principal("Bearer secret") is not None
