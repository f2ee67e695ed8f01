"""The commands; each is one use of the registry."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import typer

from services.gateway.admin import parked
from services.gateway.admin.output import Output, OutputOption, tell
from services.gateway.domain.access import token_digest
from shared.contracts.registry import ClusterRecord, Role, TenantRecord, TokenRecord
from shared.errors import EXIT_MISCONFIGURED, Fatal
from shared.runtime.settings import StoreSettings, load_settings
from shared.sealing.keys import SealingKey, decoded
from shared.store import registry
from shared.store.database import Database
from shared.store.registry import Registry

T = TypeVar("T")

_TOKEN_BYTES = 32
_TOKEN_PREFIX = "kubemin_"  # noqa: S105 - the beginning of every token, so that scanners can find one that leaked
_DURATION = re.compile(r"([1-9][0-9]{0,4})([dhm])\Z")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class ArgumentInvalid(Fatal):
    """An argument is not what it has to be."""

    def __init__(self, argument: str, problem: str) -> None:
        self.argument = argument
        super().__init__(f"{argument}: {problem}", exit_code=EXIT_MISCONFIGURED)


app = typer.Typer(
    help="Administer a KubeMin installation. Reads KUBEMIN_MONGODB_URI (or KUBEMIN_MONGODB_URI_FILE).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
tenant = typer.Typer(help="Tenants and their namespaces.", no_args_is_help=True)
token = typer.Typer(help="Tokens for people and pipelines.", no_args_is_help=True)
cluster = typer.Typer(help="Clusters to deliver to.", no_args_is_help=True)
app.add_typer(tenant, name="tenant")
app.add_typer(token, name="token")
app.add_typer(cluster, name="cluster")
app.add_typer(parked.app, name="parked")


@tenant.command("create")
def create_tenant(
    name: str,
    namespace: Annotated[list[str], typer.Option(help="A namespace of its own; may be repeated.")],
    output: OutputOption = Output.TEXT,
) -> None:
    """Create a tenant, or give an existing one further namespaces."""
    record = TenantRecord(name=name, namespaces=tuple(namespace))
    _with_registry(lambda r: r.add_tenant(record.name, record.namespaces))
    tell(output, f"tenant {name} has namespaces {', '.join(namespace)}", record.model_dump(mode="json"))


@tenant.command("list")
def list_tenants(output: OutputOption = Output.TEXT) -> None:
    """List tenants."""
    found = _with_registry(lambda r: r.tenants())
    rows = [f"{t.name}\t{','.join(t.namespaces)}" for t in found]
    tell(output, "\n".join(rows), [t.model_dump(mode="json") for t in found])


@token.command("create")
def create_token(
    tenant_name: Annotated[str, typer.Option("--tenant", help="Whose it is.")],
    role: Annotated[Role, typer.Option(help="What it allows.")],
    name: Annotated[str, typer.Option(help="Shown in audits; unique within the tenant.")],
    expires: Annotated[str | None, typer.Option(help="After how long, such as 30d or 12h; never unless given.")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Create a token and print it, this once: only its hash is stored."""
    plain = _TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    now = datetime.now(UTC)
    record = TokenRecord(
        digest=token_digest(plain),
        name=name,
        tenant=tenant_name,
        role=role,
        created_at=now,
        expires_at=None if expires is None else now + _duration(expires),
    )
    _with_registry(lambda r: r.add_token(record))
    tell(output, plain, {**_shown(record), "token": plain})


@token.command("list")
def list_tokens(
    tenant_name: Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List tokens; never their values."""
    found = [_shown(t) for t in _with_registry(lambda r: r.tokens(tenant_name))]
    rows = ["\t".join(str(value) for value in row.values()) for row in found]
    tell(output, "\n".join(rows), found)


@token.command("revoke")
def revoke_token(
    name: str,
    tenant_name: Annotated[str, typer.Option("--tenant", help="Whose it is.")],
    output: OutputOption = Output.TEXT,
) -> None:
    """Take a token's rights away; it counts within seconds."""
    _with_registry(lambda r: r.revoke_token(tenant_name, name))
    tell(output, f"token {name} of tenant {tenant_name} is revoked", {"tenant": tenant_name, "name": name})


@cluster.command("add")
def add_cluster(
    name: str,
    sealing_public_key: Annotated[str, typer.Option(help="base64, as the cluster's `python -m shared.sealing` says.")],
    *,
    default: Annotated[bool, typer.Option("--default", help="Where applications go that name no cluster.")] = False,
    label: Annotated[list[str] | None, typer.Option(help="key=value; may be repeated.")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Register a cluster; its agent needs credentials for NATS besides."""
    try:
        decoded(SealingKey(sealing_public_key))
    except ValueError as error:
        raise ArgumentInvalid("--sealing-public-key", str(error)) from error
    record = ClusterRecord(
        name=name,
        default=default,
        labels=dict(_label(text) for text in label or []),
        sealing_key=sealing_public_key,
        created_at=datetime.now(UTC),
    )
    _with_registry(lambda r: r.add_cluster(record))
    tell(output, f"cluster {name} is registered", record.model_dump(mode="json"))


@cluster.command("list")
def list_clusters(output: OutputOption = Output.TEXT) -> None:
    """List clusters."""
    found = _with_registry(lambda r: r.clusters())
    rows = [f"{c.name}\t{'default' if c.default else ''}\t{_labels_text(c)}" for c in found]
    tell(output, "\n".join(rows), [c.model_dump(mode="json") for c in found])


@cluster.command("remove")
def remove_cluster(name: str, output: OutputOption = Output.TEXT) -> None:
    """Take a cluster out of the registry; what runs in it goes on, and applications there wait for it."""
    _with_registry(lambda r: r.remove_cluster(name))
    tell(output, f"cluster {name} is not registered any more", {"name": name})


def _with_registry(use: Callable[[Registry], Awaitable[T]]) -> T:
    async def run() -> T:
        database = Database.connect(load_settings(StoreSettings))
        try:
            await database.ensure(registry.INDEXES)
            return await use(Registry(database))
        finally:
            database.close()

    return asyncio.run(run())


def _shown(record: TokenRecord) -> dict[str, Any]:
    return record.model_dump(mode="json", exclude={"digest"})


def _labels_text(record: ClusterRecord) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(record.labels.items()))


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ArgumentInvalid("--label", f"{text!r} is not key=value")
    return key, value


def _duration(text: str) -> timedelta:
    found = _DURATION.match(text)
    if found is None:
        raise ArgumentInvalid("--expires", f"{text!r} is no duration such as 30d, 12h or 90m")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
