"""Settings of the observer, from the environment."""

from typing import Self

from pydantic import Field, model_validator

from shared.contracts.identity import DNS_LABEL
from shared.runtime.settings import AgentSettings, HttpSettings


class ObserveSettings(HttpSettings, AgentSettings):
    """What an observer has to know: one cluster, and how it agrees with its standby."""

    lease_namespace: str = Field(default="kube-system", pattern=DNS_LABEL)
    """Where the Lease is, by which one observer of a cluster works; a namespace that every cluster has."""
    lease_duration_s: float = Field(default=15.0, ge=1)
    """A standby takes over so many seconds after the last renewal that it saw. Kubernetes' own default."""
    lease_renew_deadline_s: float = Field(default=10.0, gt=0)
    """Seconds without a renewal after which a leader stops; less than the duration."""
    lease_retry_s: float = Field(default=2.0, gt=0)
    """Seconds between two attempts to renew or to acquire."""
    restate_every_s: float = Field(default=300.0, ge=1)
    """Seconds after which everything is stated anew; bounds how long a lost fact can stay lost."""
    sweep_every_s: float = Field(default=600.0, ge=1)
    """Seconds between two searches for kinds that hold objects of ours and that nobody told us of."""

    @model_validator(mode="after")
    def _check_lease(self) -> Self:
        if not self.lease_retry_s < self.lease_renew_deadline_s < self.lease_duration_s:
            msg = (
                "KUBEMIN_LEASE_RETRY_S must be less than KUBEMIN_LEASE_RENEW_DEADLINE_S,"
                " and that less than KUBEMIN_LEASE_DURATION_S"
            )
            raise ValueError(msg)
        return self
