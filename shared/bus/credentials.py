"""The file that tells a process where NATS is and who it is there; `python -m shared.bus.accounts` writes it."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError

from shared.bus.errors import CredentialsInvalid
from shared.contracts.model import Contract

FILE_STORAGE_BYTES = 8 * 1024**3
MEMORY_STORAGE_BYTES = 256 * 1024**2


class Storage(Contract):
    """What all streams together may take; every central service reads the same, or they would undo each other."""

    file_bytes: int = Field(default=FILE_STORAGE_BYTES, ge=64 * 1024**2)
    """At least so much that the smallest share takes our largest message."""
    memory_bytes: int = Field(default=MEMORY_STORAGE_BYTES, ge=1024**2)
    replicas: int = Field(default=1, ge=1, le=5)
    """Of every stream; 3 on a cluster of three servers, and JetStream takes 5 at most."""


class Credentials(Contract):
    """One user of the bus."""

    url: str
    """`nats://host:port`, `tls://…`, or several with commas between."""
    user: str
    password: SecretStr
    inbox_prefix: str
    """The only subjects that this user may receive answers on."""
    ca_file: Path | None = None
    """Trusted for TLS instead of the system's authorities."""
    storage: Storage = Storage()
    auditors: tuple[str, ...] = ()
    """Who else reads the streams, each by durables of its own; only for the centre's users."""

    @property
    def servers(self) -> list[str]:
        """The addresses."""
        return [url.strip() for url in self.url.split(",") if url.strip()]

    @property
    def shown_url(self) -> str:
        """The addresses without user and password, for messages."""
        parts = [urlsplit(url) for url in self.servers]
        return ",".join(f"{part.scheme}://{part.netloc.rpartition('@')[2]}" for part in parts)


def read_credentials(path: Path) -> Credentials:
    """Read a credentials file.

    Raises:
        CredentialsInvalid: with what is wrong, never with a value.

    """
    try:
        return Credentials.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CredentialsInvalid(str(path), error.strerror or str(error)) from error
    except ValidationError as error:
        raise CredentialsInvalid(str(path), first_problem(error)) from None


def first_problem(error: ValidationError) -> str:
    """Say what is wrong where, without the value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
