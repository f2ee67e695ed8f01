"""What a request asks of an API server, and how many there were."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from aiohttp import web

_WRITES = {"POST": "create", "PUT": "update", "DELETE": "delete"}
_APPLY = "application/apply-patch+yaml"


@dataclass
class Call:
    """One request, as RBAC names it."""

    client: str
    """The User-Agent."""
    verb: str
    """`list`, `watch`, `get`, `apply`, `create`, `update`, `patch`, `delete`; `read` of what is no resource."""
    resource: str
    """Plural, with its subresource; the path of what is no resource."""
    name: str
    acting_as: str
    at: float
    """By the clock of the event loop, when it arrived."""
    status: int = 0
    """Of the answer; 0: none, or none yet."""
    answered_at: float = math.inf
    """When the answer, or that of a watch's begin, was on its way."""

    @classmethod
    def of(cls, request: web.BaseRequest) -> "Call":
        """Read a request."""
        resource, name = _target(request.path)
        return cls(
            client=request.headers.get("User-Agent", ""),
            verb=_verb(request, resource, name),
            resource=resource or request.path,
            name=name,
            acting_as=request.headers.get("Impersonate-User", ""),
            at=asyncio.get_running_loop().time(),
        )

    def answered(self, status: int) -> None:
        """Note what was answered, once."""
        if not self.status:
            self.status, self.answered_at = status, asyncio.get_running_loop().time()


Which = Callable[[Call], bool]


def sent_by(client: str) -> Which:
    """The requests of one client."""
    return lambda call: call.client == client


def _target(path: str) -> tuple[str, str]:
    """Resource and name; both empty for what is no resource."""
    parts = [part for part in path.split("/") if part]
    rest = parts[2:] if parts[:1] == ["api"] else parts[3:] if parts[:1] == ["apis"] else []
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    if not rest:
        return "", ""
    return "/".join([rest[0], *rest[2:]]), rest[1] if len(rest) > 1 else ""


def _verb(request: web.BaseRequest, resource: str, name: str) -> str:
    if request.method == "PATCH":
        return "apply" if request.content_type == _APPLY else "patch"
    if request.method != "GET":
        return _WRITES.get(request.method, request.method)
    if not resource:
        return "read"
    if request.query.get("watch") in ("true", "1"):
        return "watch"
    return "get" if name else "list"


@dataclass
class Calls:
    """Every request so far, in the order in which they came."""

    _calls: list[Call] = field(default_factory=list)

    def note(self, call: Call) -> None:
        self._calls.append(call)

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def between(self, begin: float, end: float, which: Which = lambda _: True) -> list[Call]:
        """Those that came in that time."""
        return [call for call in self._calls if begin <= call.at < end and which(call)]

    def most_per_second(self, begin: float, end: float, which: Which = lambda _: True) -> int:
        """The most in any one second of the clock."""
        seconds = Counter(int(call.at - begin) for call in self.between(begin, end, which))
        return max(seconds.values(), default=0)

    def by_kind(self, begin: float, end: float) -> dict[str, int]:
        """How many of what, for failures and reports."""
        kinds = Counter(f"{call.client} {call.verb} {call.resource}" for call in self.between(begin, end))
        return dict(kinds.most_common())
