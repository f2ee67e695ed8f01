"""What an operation of the API is made of."""

from dataclasses import dataclass
from http import HTTPStatus

from pydantic import BaseModel

from services.gateway.domain.access import Permission

PAGE_LIMIT = 50
PAGE_LIMIT_MAX = 200


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query, the path or the headers."""

    name: str
    description: str
    place: str = "query"
    schema: str = "string"
    values: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    """Where it can be given once; `values` are those of one that may be repeated."""
    maximum: int | None = None
    pattern: str | None = None
    minimum: int | None = None
    required: bool = False
    """Besides those of the path, which always are."""
    routed: bool = False
    """Of the path: what does not match the pattern is another path."""


@dataclass(frozen=True)
class Operation:
    """One operation."""

    id: str
    method: str
    path: str
    summary: str
    permission: Permission | None
    """None: answered without a token."""
    answers: tuple[tuple[HTTPStatus, str, type[BaseModel] | None], ...]
    """Status, description and model of the good answers."""
    parameters: tuple[Parameter, ...] = ()
    document: bool = False
    """Takes an application document as body."""
    body: type[BaseModel] | None = None
    """Takes such a body."""
    body_required: bool = True
    in_dialect: type[BaseModel] | None = None
    """What the first of the good answers is instead where the document is in KubeMin-Cli's dialect."""
    of_dialect: bool = False
    """A route of KubeMin-Cli's: what is not found has its codes."""
    problems: tuple[HTTPStatus, ...] = ()
    """Besides those that any operation may answer."""
    events: bool = False
    """Answers with server-sent events."""
    pure: bool = False
    """Changes nothing, whatever its method; its answers are kept nowhere."""

    @property
    def changes(self) -> bool:
        """Whether it may change something, and takes an Idempotency-Key."""
        return self.method in {"POST", "PUT", "DELETE"} and not self.pure

    @property
    def route(self) -> str:
        """The path for the router."""
        return routed(self.path, *(parameter for parameter in self.parameters if parameter.routed))


def routed(path: str, *parameters: Parameter) -> str:
    """A path whose parameters take only what their patterns allow."""
    for parameter in parameters:
        if parameter.pattern is not None:
            path = path.replace(f"{{{parameter.name}}}", f"{{{parameter.name}:{parameter.pattern.strip('^$')}}}")
    return path


KEY = Parameter(
    "Idempotency-Key",
    "The same request with the same key is done once and answered alike, for 24 hours; a new key for each request.",
    "header",
    pattern=r'^([!#-~]{1,255}|"[ !#-\[\]-~]{1,255}")$',
)
LIMIT = Parameter(
    "limit", f"At most this many items; {PAGE_LIMIT} unless given.", schema="integer", maximum=PAGE_LIMIT_MAX
)
CONTINUE = Parameter("continue", "Where the page before ended, as it said.")
