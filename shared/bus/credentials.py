"""The file that tells a process where NATS is and who it is there; `python -m shared.bus.accounts` writes it."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from shared.bus.errors import CredentialsInvalid
from shared.contracts.model import Contract

FILE_STORAGE_BYTES = 8 * 1024**3
MEMORY_STORAGE_BYTES = 256 * 1024**2


class Storage(Contract):
    """What all streams together may take; every central service reads the same, or they would undo each other."""

    file_bytes: int = FILE_STORAGE_BYTES
    memory_bytes: int = MEMORY_STORAGE_BYTES
    replicas: int = 1
    """Of every stream; 3 on a cluster of three servers."""


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
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CredentialsInvalid(str(path), f"{where}: {first['msg']}" if where else first["msg"]) from None
