"""The NATS accounts: one for the centre, one for each cluster, one for each auditor; the permissions of the bus.

`python -m shared.bus.accounts --out DIR --url URL --cluster NAME …` writes `nats.conf` and a credentials file per user.
Run again it keeps the passwords, the clusters and the auditors that are there and adds the new ones; the server takes
them over by two reloads. Accounts share no subjects but what is exported here, service by service: with users of one
account, anyone who may publish could set `reply` to another's subject, and the server would store its own answer there.

An auditor does not create consumers either: a consumer's `deliver_subject` may name any subject of the centre.
"""

import argparse
import json
import os
import re
import secrets
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr, ValidationError

from shared.bus.credentials import Credentials, Storage, first_problem, read_credentials
from shared.bus.permissions import (
    CENTRE_USERS,
    Service,
    auditor_services,
    central_rights,
    cluster_services,
)
from shared.contracts import subjects
from shared.contracts.identity import ClusterName
from shared.errors import EXIT_MISCONFIGURED, Fatal

CENTRE = "CENTRE"
MAX_PAYLOAD_BYTES = 8 * 1024**2
CONFIG_FILE = "nats.conf"
DEFAULT_AUDITORS = ("audit",)
_ANSWERS = {"max": 1, "expires": "30s"}
_PASSWORD_BYTES = 32
# Seen with 2.15.1: after one reload, a new account's imports lead nowhere; after the second they work.
_RELOAD = "reload each running server twice: nats-server --signal reload"
_CLUSTER_PREFIX = "cluster-"
_AUDITOR_PREFIX = "auditor-"
_AUDITOR_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?\Z")

Config = dict[str, Any]


def cluster_account(cluster: ClusterName) -> str:
    """Return the name of a cluster's account."""
    return f"CLUSTER-{subjects.token(cluster)}"


def auditor_account(auditor: str) -> str:
    """Return the name of an auditor's account."""
    return f"AUDITOR-{auditor}"


class Users(NamedTuple):
    """Every user with its credentials."""

    centre: dict[str, Credentials]
    clusters: dict[ClusterName, Credentials]
    auditors: dict[str, Credentials]


def build_config(users: Users, *, store_dir: Path, storage: Storage) -> Config:
    """Return the configuration of nats-server as a tree."""
    exports: list[Config] = []
    accounts: dict[str, Config] = {}
    for cluster, credentials in users.clusters.items():
        accounts[cluster_account(cluster)] = {
            "users": [_cluster_user(cluster, credentials)],
            "imports": _imports(cluster_services(cluster)),
            "exports": [{"service": subjects.rpcs_of(cluster), "accounts": [CENTRE]}],
        }
        exports += _exports(cluster_services(cluster), cluster_account(cluster))
    for auditor, credentials in users.auditors.items():
        services = auditor_services(auditor)
        accounts[auditor_account(auditor)] = {
            "users": [_user(credentials, [service.subject for service in services], [])],
            "imports": _imports(services),
        }
        exports += _exports(services, auditor_account(auditor))
    centre = {
        "jetstream": "enabled",
        "users": [
            _central_user(name, credentials, tuple(users.auditors)) for name, credentials in users.centre.items()
        ],
        "exports": exports,
        "imports": [
            {"service": {"account": cluster_account(cluster), "subject": subjects.rpcs_of(cluster)}}
            for cluster in users.clusters
        ],
    }
    return {
        "max_payload": MAX_PAYLOAD_BYTES,
        "jetstream": {
            "store_dir": str(store_dir),
            "max_memory_store": storage.memory_bytes,
            "max_file_store": storage.file_bytes,
            # JetStream otherwise acknowledges up to 2 minutes before it has the message on disk.
            "sync_interval": "always",
        },
        "accounts": {CENTRE: centre, **accounts},
    }


def _exports(services: Iterable[Service], account: str) -> list[Config]:
    return [
        {
            "service": service.subject,
            "accounts": [account],
            **({"response_type": "stream"} if service.streamed else {}),
        }
        for service in services
    ]


def _imports(services: Iterable[Service]) -> list[Config]:
    return [{"service": {"account": CENTRE, "subject": service.subject}} for service in services]


def _central_user(name: str, credentials: Credentials, auditors: Sequence[str]) -> Config:
    rights = central_rights(name, auditors)
    user = _user(credentials, rights.publishes, rights.serves)
    if rights.denied:
        user["permissions"]["publish"]["deny"] = list(rights.denied)
    if rights.serves:
        user["permissions"]["allow_responses"] = _ANSWERS
    return user


def _cluster_user(cluster: ClusterName, credentials: Credentials) -> Config:
    nudge = subjects.nudge(cluster)
    publishes = [*(service.subject for service in cluster_services(cluster)), nudge]
    user = _user(credentials, publishes, [nudge, subjects.rpcs_of(cluster)])
    # Answers to the centre's requests go to subjects that only the request names.
    user["permissions"]["allow_responses"] = _ANSWERS
    return user


def _user(credentials: Credentials, publishes: Sequence[str], subscribes: Sequence[str]) -> Config:
    return {
        "user": credentials.user,
        "password": credentials.password.get_secret_value(),
        "permissions": {
            "publish": {"allow": list(publishes)},
            "subscribe": {"allow": [f"{credentials.inbox_prefix}.>", *subscribes]},
        },
    }


def write_accounts(
    out: Path,
    *,
    url: str,
    clusters: Sequence[str],
    auditors: Sequence[str] = DEFAULT_AUDITORS,
    storage: Storage | None = None,
    store_dir: Path | None = None,
    ca_file: Path | None = None,
) -> Path:
    """Write `nats.conf` and the credentials into `out`, keeping what is there; returns the configuration's path.

    Files hold passwords and are readable by their owner alone. `storage` and `ca_file` are those of the last time
    unless they are given.

    Raises:
        Fatal: a name that cannot be part of a subject, or an unreadable file.

    """
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    known_clusters = [ClusterName(name) for name in _names(out, _CLUSTER_PREFIX, clusters)]
    known_auditors = _names(out, _AUDITOR_PREFIX, auditors)
    _check_names(known_clusters, known_auditors)
    kept = storage or _kept_storage(out) or Storage()

    def make(name: str, *, central: bool = False) -> Credentials:
        return Credentials(
            url=url,
            user=name,
            password=_password(out / f"{name}.json"),
            inbox_prefix=f"_INBOX_{name}".replace(".", "_"),
            ca_file=ca_file or _kept_ca_file(out, name),
            storage=kept,
            auditors=tuple(known_auditors) if central else (),
        )

    users = Users(
        centre={name: make(name, central=True) for name in CENTRE_USERS},
        clusters={cluster: make(f"{_CLUSTER_PREFIX}{cluster}") for cluster in known_clusters},
        auditors={auditor: make(f"{_AUDITOR_PREFIX}{auditor}") for auditor in known_auditors},
    )
    for credentials in (*users.centre.values(), *users.clusters.values(), *users.auditors.values()):
        content = credentials.model_dump(mode="json") | {"password": credentials.password.get_secret_value()}
        _write_private(out / f"{credentials.user}.json", json.dumps(content, indent=2))
    config = build_config(users, store_dir=store_dir or out / "jetstream", storage=kept)
    # JSON is a subset of the server's configuration language.
    _write_private(out / CONFIG_FILE, json.dumps(config, indent=2))
    return out / CONFIG_FILE


def _names(out: Path, prefix: str, new: Iterable[str]) -> list[str]:
    present = {path.stem.removeprefix(prefix) for path in out.glob(f"{prefix}*.json")}
    return sorted(present | set(new))


def _check_names(clusters: Iterable[ClusterName], auditors: Iterable[str]) -> None:
    try:
        for cluster in clusters:
            subjects.token(cluster)
    except ValueError as error:
        raise Fatal(f"cluster: {error}", exit_code=EXIT_MISCONFIGURED) from error
    for auditor in auditors:
        if not _AUDITOR_NAME.match(auditor):
            raise Fatal(f"auditor: {auditor!r} is no DNS label of up to 32 characters", exit_code=EXIT_MISCONFIGURED)


def _password(path: Path) -> SecretStr:
    if path.exists():
        return read_credentials(path).password
    return SecretStr(secrets.token_urlsafe(_PASSWORD_BYTES))


def _storage(out: Path, given: dict[str, int]) -> Storage:
    kept = _kept_storage(out) or Storage()
    try:
        return Storage.model_validate(kept.model_dump() | given)
    except ValidationError as error:
        raise Fatal(f"storage: {first_problem(error)}", exit_code=EXIT_MISCONFIGURED) from error


def _kept_storage(out: Path) -> Storage | None:
    path = out / f"{CENTRE_USERS[0]}.json"
    return read_credentials(path).storage if path.exists() else None


def _kept_ca_file(out: Path, name: str) -> Path | None:
    """Its own; a new user has that of the centre."""
    for path in (out / f"{name}.json", out / f"{CENTRE_USERS[0]}.json"):
        if path.exists():
            return read_credentials(path).ca_file
    return None


def _write_private(path: Path, content: str) -> None:
    # Never readable by others, not even between creating and chmod; renamed into place as a whole.
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(content + "\n")
    draft.replace(path)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m shared.bus.accounts", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="directory of nats.conf and the credentials files")
    parser.add_argument("--url", required=True, help="where clients find the server: nats://host:port")
    parser.add_argument("--cluster", action="append", default=[], metavar="NAME", help="a cluster to add; repeatable")
    parser.add_argument("--auditor", action="append", default=[], metavar="NAME", help="an auditor to add; repeatable")
    parser.add_argument("--store-dir", type=Path, help="where the server keeps its streams (default: DIR/jetstream)")
    parser.add_argument("--ca-file", type=Path, help="trusted for TLS, as the services see it")
    parser.add_argument("--file-storage", type=int, metavar="BYTES", help="of all streams on disk together")
    parser.add_argument("--memory-storage", type=int, metavar="BYTES", help="of all streams in memory together")
    parser.add_argument("--replicas", type=int, metavar="N", help="of every stream: 3 on a cluster of servers")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Write the files and say so; returns the exit code."""
    options = _parse(arguments)
    given = {
        "file_bytes": options.file_storage,
        "memory_bytes": options.memory_storage,
        "replicas": options.replicas,
    }
    try:
        storage = _storage(options.out, {k: v for k, v in given.items() if v is not None})
        config = write_accounts(
            options.out,
            url=options.url,
            clusters=options.cluster,
            auditors=options.auditor or DEFAULT_AUDITORS,
            storage=storage,
            store_dir=options.store_dir,
            ca_file=options.ca_file,
        )
    except Fatal as failure:
        sys.stderr.write(f"{failure}\n")
        return failure.exit_code
    sys.stdout.write(f"wrote {config} and the credentials beside it; {_RELOAD}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
