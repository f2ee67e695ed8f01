"""The form of a registry entry: what a job type or a trait is made of."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic_core import PydanticCustomError

from shared.contracts import annotations
from shared.contracts.completion import CompletionRule
from shared.contracts.identity import AppUid, Namespace, Tenant
from shared.contracts.plan import ApplyMode, Finding, Manifest, Reference
from shared.contracts.reads import ObjectQuery


class Parameters(BaseModel):
    """Base of every parameter model: strict types, unknown keys kept out (and reported as warnings by the planner).

    Fields carry KubeVela's documented names; a field whose name is no Python identifier uses an alias.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", strict=True, populate_by_name=True, use_attribute_docstrings=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        """None stands for an absent key; a key that is there needs a value, as in KubeVela."""
        if value is None:
            raise PydanticCustomError("null_value", "null is no value here; leave the key out")
        return value


P = TypeVar("P", bound=Parameters)
E = TypeVar("E", bound="JobType[Any] | Trait[Any]")


@dataclass(frozen=True, kw_only=True)
class RenderContext:
    """What a render may know besides its parameters."""

    tenant: Tenant
    namespace: Namespace
    app_name: str
    app_uid: AppUid
    component: str
    path: str
    """Of the entry in the document: `spec.components[2]`, of a trait `spec.components[2].traits[0]`.

    Findings and references build on it; the entry's parameters are at `<path>.properties`.
    """
    copies: tuple[Manifest, ...] | None = None
    """What was read or fetched for a component whose type seeks objects; None: nothing was, yet."""

    @property
    def selector(self) -> dict[str, str]:
        """The immutable selector of the component's pods."""
        return {
            annotations.LABEL_APP: self.app_name,
            annotations.LABEL_COMPONENT: self.component,
            annotations.LABEL_TRACK: annotations.TRACK_STABLE,
        }


@dataclass(frozen=True, kw_only=True)
class DeclaredObject:
    """A volume, config or secret that a component declares: a step of its own before its users.

    The step id is `<component>=<kind>=<name>`.
    """

    kind_token: str
    """`pvc`, `configmap` or `secret`: the middle of the step id."""
    manifest: Manifest
    mode: ApplyMode
    """CREATE for volumes and for a ConfigMap or Secret without data; APPLY where it carries data."""
    path: str
    """Where the document declares it."""
    volume: bool = False


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """What a component has become so far; traits take one and return another."""

    workload: Manifest | None
    """The object that traits patch. None only for types without any."""
    before: tuple[Manifest, ...] = ()
    """Objects of the same step that its pods need as they start: applied before the workload."""
    others: tuple[Manifest, ...] = ()
    """Further objects of the same step: Service, Ingress, … in apply order after the workload."""
    declared: tuple[DeclaredObject, ...] = ()
    references: tuple[Reference, ...] = ()
    """Beyond those that planning reads off the pod template by itself."""
    warnings: tuple[Finding, ...] = ()
    """What the author ought to know of what was rendered, with absolute paths."""


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Objects that live in a cluster and that a component is made of: read before it is rendered."""

    path: str
    """Relative to the properties."""
    cluster: str
    """As the document names it."""
    query: ObjectQuery


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A file with objects that a component is made of: fetched before it is rendered."""

    path: str
    """Relative to the properties."""
    url: str
    """As the document has it."""


class SecretEncoding(StrEnum):
    """How a secret value is written in the document."""

    PLAIN = "plain"
    BASE64 = "base64"


@dataclass(frozen=True, kw_only=True)
class SecretLocation:
    """One secret value inside an entry's properties, for the gateway to seal in place."""

    path: tuple[str | int, ...]
    """Into the properties, such as ("secret", 0, "stringData", "password")."""
    secret: str
    """Name of the Secret that will hold it; empty: the component's."""
    key: str
    encoding: SecretEncoding


class RenderError(ValueError):
    """Parameters that are well-formed one by one but cannot be rendered; names the place within the properties."""

    def __init__(self, path: str, code: str, message: str, remedy: str = "", *, against: str = "") -> None:
        """`path` is relative to the entry's properties, such as `containers[0].containerName`.

        `against` is where the workload has what stands in the way, for `read_path`: planning adds who wrote it.
        """
        super().__init__(message)
        self.path = path
        self.code = code
        self.message = message
        self.remedy = remedy
        self.against = against


def nothing_rendered(_context: RenderContext, _parameters: Parameters) -> Rendering:
    """Of job types with a `refusal`: planning asks none of them to render."""
    raise RenderError("", "Unsupported", "this type is not carried out yet")


def no_secrets(_properties: Mapping[str, Any]) -> Iterable[SecretLocation]:
    """Of entries that take no secret values."""
    return ()


@dataclass(frozen=True, kw_only=True)
class JobType(Generic[P]):
    """A type of component."""

    name: str
    title: str
    """One line for people."""
    parameters: type[P]
    render: Callable[[RenderContext, P], Rendering]
    """Pure. Raises RenderError."""
    kinds: frozenset[str]
    """`apiVersion/Kind` of everything it may create, `*` for anything that an admin grants."""
    completion: Callable[[Manifest], CompletionRule | None]
    """The rule of each object it renders; see `shared.jobtypes.rules` for the rules by kind."""
    version: int = 1
    aliases: tuple[str, ...] = ()
    seeks: Callable[[RenderContext, P], Iterable[Sought | Fetched]] | None = None
    """Pure. What has to be read in a cluster, or fetched, for a component, whose render finds it in `copies`.

    What is fetched comes last."""
    runs_once: bool = False
    """A run-to-completion workload under our naming: planning names it by template digest and attempt."""
    verbatim: bool = False
    """Objects are applied as given: no selector labels, no `track` are added to pod templates."""
    secrets: Callable[[Mapping[str, Any]], Iterable[SecretLocation]] = no_secrets
    successor: str = ""
    """Not empty: the type is deprecated, and documents are warned to use this instead."""
    refusal: str = ""
    """Not empty: documents with this type are checked, and then answered with this sentence."""
    examples: tuple[Mapping[str, Any], ...] = ()
    """Properties, as somebody would write them."""


@dataclass(frozen=True, kw_only=True)
class Trait(Generic[P]):
    """Something that a component can be given; applied in list order."""

    name: str
    title: str
    parameters: type[P]
    apply: Callable[[RenderContext, P, Rendering], Rendering]
    """Pure: returns a new Rendering and leaves the one it got alone. Raises RenderError."""
    kinds: frozenset[str] = frozenset()
    version: int = 1
    aliases: tuple[str, ...] = ()
    secrets: Callable[[Mapping[str, Any]], Iterable[SecretLocation]] = no_secrets
    successor: str = ""
    """Not empty: the trait is deprecated, and documents are warned to use this instead."""
    refusal: str = ""
    """Not empty: documents with this trait are checked, and then answered with this sentence."""
    examples: tuple[Mapping[str, Any], ...] = ()
    """Properties, as somebody would write them."""


@dataclass(frozen=True)
class Registry:
    """All job types and traits by name and alias."""

    job_types: Mapping[str, JobType[Any]] = field(default_factory=dict)
    traits: Mapping[str, Trait[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, job_types: Iterable[JobType[Any]], traits: Iterable[Trait[Any]]) -> "Registry":
        """Index the entries; raises ValueError where two claim one name."""
        return cls(_indexed(job_types), _indexed(traits))


def _indexed(entries: Iterable[E]) -> dict[str, E]:
    index: dict[str, E] = {}
    for entry in entries:
        for name in (entry.name, *entry.aliases):
            if name in index:
                msg = f"two entries claim the name {name!r}"
                raise ValueError(msg)
            index[name] = entry
    return index
