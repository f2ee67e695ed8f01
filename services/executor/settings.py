"""Settings of the executor, from the environment."""

from pathlib import Path

from pydantic import Field, field_validator

from services.executor.domain.grants import DEFAULT_GRANTED_KINDS
from shared.kube.kinds import GroupVersionKind
from shared.runtime.settings import AgentSettings, HttpSettings


class ExecutorSettings(HttpSettings, AgentSettings):
    """What an executor has to know: one cluster, and who may do what in it."""

    kube_timeout_s: float = Field(default=20.0, gt=0, lt=30)
    """Of one call to Kubernetes; below half of the 60 s after which a command is delivered again."""
    sealing_key_file: Path
    """The cluster's private sealing keys, as `python -m shared.sealing keygen` and `rotate` write them.

    Read again every few seconds, so that a new key needs no restart.
    """
    granted_kinds: str = ",".join(DEFAULT_GRANTED_KINDS)
    """What objects written by hand (`k8s-objects`), or copied to here or from here (`ref-objects`), may be.

    `apiVersion/Kind` or `<group>/<version>/*`, with commas. By default workloads and what they read: nothing of the
    whole cluster, and nothing that grants rights.
    """
    concurrency: int = Field(default=32, ge=1, le=512)
    """Commands at work at once; one is mostly waiting for the API server."""

    @field_validator("granted_kinds")
    @classmethod
    def _check_kinds(cls, value: str) -> str:
        for kind in _split(value):
            GroupVersionKind.parse(kind)
        return value

    @property
    def granted(self) -> frozenset[str]:
        """The granted kinds, one by one."""
        return frozenset(_split(self.granted_kinds))


def _split(kinds: str) -> list[str]:
    return [kind.strip() for kind in kinds.split(",") if kind.strip()]
