"""Where the embedded stack keeps what it makes, and the names that it gives."""

from dataclasses import dataclass
from pathlib import Path

TENANT = "dev"
NAMESPACES = ("default", "demo")
"""Of the tenant, in every cluster."""


def cluster_names(count: int) -> list[str]:
    """`dev`, `dev-2`, `dev-3`, …; the first is the default cluster."""
    return ["dev", *(f"dev-{i}" for i in range(2, count + 1))]


@dataclass(frozen=True)
class Layout:
    """The files below one directory."""

    root: Path

    @property
    def accounts(self) -> Path:
        """NATS configuration and credentials."""
        return self.root / "nats-accounts"

    @property
    def nats(self) -> Path:
        """JetStream's data and the server's log."""
        return self.root / "nats"

    @property
    def mongodb(self) -> Path:
        """The database."""
        return self.root / "mongodb"

    @property
    def clusters(self) -> Path:
        """Of simulators and control planes."""
        return self.root / "clusters"

    @property
    def logs(self) -> Path:
        """Of our services."""
        return self.root / "logs"

    @property
    def ports(self) -> Path:
        """Each service writes there which port it took."""
        return self.root / "ports"

    @property
    def context(self) -> Path:
        """The CLI's context as the stack made it."""
        return self.root / "context.json"

    def sealing_key(self, cluster: str) -> Path:
        """The private key of a cluster's executor."""
        return self.root / "keys" / f"{cluster}.key"

    @property
    def mark_key(self) -> Path:
        """The gateway's key for telling unchanged secret values."""
        return self.root / "keys" / "gateway-mark.key"

    def credentials(self, user: str) -> Path:
        """A NATS user's file."""
        return self.accounts / f"{user}.json"

    def make(self) -> None:
        """Create the directories, readable by their owner alone."""
        for directory in (self.root, self.accounts, self.nats, self.mongodb, self.clusters, self.logs, self.ports):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.mark_key.parent.mkdir(mode=0o700, exist_ok=True)
