"""The dialect's document, read and checked: every value with the place that it comes from.

Source: the structures of KubeMin-Cli as of December 2025.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.dialect.fields import From, Texts

Text = From[str]
Number = From[int]


class StorageType(StrEnum):
    """What is behind a volume."""

    PERSISTENT = "persistent"
    EPHEMERAL = "ephemeral"
    CONFIG = "config"
    SECRET = "secret"  # noqa: S105 - a kind of volume


@dataclass(frozen=True, kw_only=True)
class Storage:
    """A volume and where it is mounted."""

    path: str
    name: Text
    type: Text
    mount_path: Text
    sub_path: Text | None
    read_only: From[bool] | None
    source: Text
    """Name of the ConfigMap or Secret."""
    tmp_create: bool
    """A claim of its own for the component, or for each pod of a store."""
    create: bool
    """Created unless it is there."""
    size: Text | None
    storage_class: Text | None
    claim: Text
    """Name of the claim."""
    data: Texts
    """Contents of the ConfigMap or Secret, which is then made; an extension of ours."""


@dataclass(frozen=True, kw_only=True)
class KeyRef:
    """A key of a ConfigMap or Secret."""

    path: str
    name: Text
    key: Text


@dataclass(frozen=True, kw_only=True)
class Variable:
    """An environment variable with exactly one source."""

    path: str
    name: Text
    static: Text | None = None
    field: Text | None = None
    secret: KeyRef | None = None
    config: KeyRef | None = None


@dataclass(frozen=True, kw_only=True)
class EnvFrom:
    """All keys of a ConfigMap or Secret as variables."""

    path: str
    of_secret: bool
    name: Text


@dataclass(frozen=True, kw_only=True)
class HttpGet:
    """Asks over HTTP."""

    path: str
    url_path: Text | None
    port: Number
    host: Text | None
    scheme: Text | None


@dataclass(frozen=True, kw_only=True)
class TcpSocket:
    """Opens a connection."""

    path: str
    port: Number
    host: Text | None


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A probe with exactly one handler."""

    path: str
    type: Text
    command: From[tuple[Text, ...]] | None
    http_get: HttpGet | None
    tcp_socket: TcpSocket | None
    numbers: dict[str, Number]
    """By their names in Kubernetes; zero means unset and is not here."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Amounts to request, which are the limits too, by Kubernetes' names."""

    path: str
    amounts: Texts


@dataclass(frozen=True, kw_only=True)
class Route:
    """One path of an ingress."""

    path: str
    url_path: Text | None
    path_type: Text | None
    host: Text | None
    service: Text
    port: Number | None
    rewrite: "Rewrite | None"


@dataclass(frozen=True, kw_only=True)
class Rewrite:
    """How nginx changes the path."""

    path: str
    replacement: Text | None
    regex: bool


@dataclass(frozen=True, kw_only=True)
class Tls:
    """A certificate."""

    path: str
    secret: Text | None
    hosts: tuple[Text, ...]


@dataclass(frozen=True, kw_only=True)
class Ingress:
    """Routes from outside."""

    path: str
    name: Text | None
    hosts: tuple[Text, ...]
    labels: Texts
    annotations: Texts
    class_name: Text | None
    path_type: Text | None
    tls: tuple[Tls, ...]
    routes: tuple[Route, ...]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What an account may do."""

    path: str
    lists: dict[str, tuple[Text, ...]]
    """By Kubernetes' names."""


@dataclass(frozen=True, kw_only=True)
class Rbac:
    """An account and its role."""

    path: str
    account: Text | None
    cluster_scope: bool
    role: Text | None
    binding: Text | None
    account_labels: Texts
    account_annotations: Texts
    role_labels: Texts
    binding_labels: Texts
    automount: From[bool] | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a component or one of its containers is given."""

    storage: tuple[Storage, ...] = ()
    envs: tuple[Variable, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    probes: tuple[Probe, ...] = ()
    resources: Resources | None = None
    init: "tuple[Container, ...]" = ()
    sidecar: "tuple[Container, ...]" = ()
    ingress: tuple[Ingress, ...] = ()
    rbac: tuple[Rbac, ...] = ()
    share: Text | None = None
    """The strategy, one of those that there are."""


@dataclass(frozen=True, kw_only=True)
class Container:
    """An init container or a sidecar."""

    path: str
    name: Text | None
    image: Text
    command: tuple[Text, ...] = ()
    args: tuple[Text, ...] = ()
    env: Texts = field(default_factory=dict)
    traits: Traits = Traits()


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of a component."""

    path: str
    number: Number


@dataclass(frozen=True, kw_only=True)
class TemplateUse:
    """Says that a component is one of a template's."""

    id: Text
    target: Text | None


@dataclass(frozen=True, kw_only=True)
class Component:
    """A component."""

    path: str
    name: Text
    type: Text
    image: Text
    replicas: Number | None
    ports: tuple[Port, ...]
    env: Texts
    labels: Texts
    conf: Texts
    secret: Texts
    command: tuple[Text, ...]
    traits: Traits
    template: TemplateUse | None


@dataclass(frozen=True, kw_only=True)
class SubStep:
    """A part of a step."""

    path: str
    name: Text | None
    components: tuple[Text, ...]


@dataclass(frozen=True, kw_only=True)
class Step(SubStep):
    """A step of the workflow."""

    at_once: bool
    """DAG: its components do not wait for each other."""
    sub_steps: tuple[SubStep, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Application:
    """The document."""

    name: Text
    namespace: Text | None
    id: Text | None
    """Of the application that is to be replaced."""
    about: Texts
    """Version, alias, project, description, icon, as far as given."""
    template: From[bool] | None
    """May be cloned."""
    components: tuple[Component, ...]
    workflow: tuple[Step, ...]
