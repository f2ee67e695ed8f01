"""Bearer tokens: no token, no answer."""

from collections.abc import Callable
from datetime import datetime

from services.gateway.domain import access
from services.gateway.domain.access import Principal
from services.gateway.ports import TokenReader
from shared.contracts.registry import TokenRecord

_CACHED_TOKENS = 4096


class Authenticator:
    """Knows callers by their tokens; remembers good ones for moments, so that not every request asks the database."""

    def __init__(
        self,
        tokens: TokenReader,
        *,
        now: Callable[[], datetime],
        monotonic_s: Callable[[], float],
        cache_s: float,
    ) -> None:
        self._tokens = tokens
        self._now = now
        self._monotonic_s = monotonic_s
        self._cache_s = cache_s
        self._cache: dict[str, tuple[float, TokenRecord]] = {}

    async def principal(self, authorization: str | None) -> Principal | None:
        """Return whom an Authorization header stands for; None where it is missing or its token is no good.

        Raises Retryable where nobody can tell.
        """
        token = access.bearer(authorization)
        if token is None:
            return None
        return access.principal(await self._record(access.token_digest(token)), self._now())

    async def _record(self, digest: str) -> TokenRecord | None:
        cached = self._cache.get(digest)
        if cached is not None and self._monotonic_s() - cached[0] <= self._cache_s:
            return cached[1]
        record = await self._tokens.token(digest)
        self._cache.pop(digest, None)
        # Unknown ones are not remembered: anybody can make those up.
        if record is not None:
            self._cache[digest] = (self._monotonic_s(), record)
            while len(self._cache) > _CACHED_TOKENS:
                del self._cache[next(iter(self._cache))]
        return record
