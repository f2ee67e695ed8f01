"""The gateway's settings."""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from services.gateway.domain.addresses import AllowedAddresses
from shared.runtime.settings import CentralSettings, HttpSettings


class GatewaySettings(HttpSettings, CentralSettings):
    """Read from the environment at start."""

    sealing_mark_key: SecretStr = Field(min_length=16)
    """Tells unchanged secret values without opening them; the same for every replica, kept for ever: with another one
    every value counts as changed once. Or `KUBEMIN_SEALING_MARK_KEY_FILE`."""
    parallel_documents: int = Field(default=2, ge=1)
    """Documents that are checked and planned at once: each takes a processor for as long as it lasts."""
    revisions_kept: int = Field(default=20, ge=1)
    """Earlier generations of each application that it can be rolled back to: twice what KubeVela keeps. A document has
    at most a few MiB, so 20 of the largest are about 100 MB in MongoDB."""
    max_readers: int = Field(default=1000, ge=1)
    """Live readers at once; measured, one process writes about 12,000 events a second to them."""
    body_timeout_s: float = Field(default=30.0, gt=0)
    """Seconds that a client may take to send a body: 1 MiB at 300 kbit/s."""
    answer_timeout_s: float = Field(default=30.0, gt=0)
    """Seconds from the end of a request to its answer, which is 503 then; half of what our CLI waits.

    Longer than the 10 s of one operation of the database, of which a request needs several.
    """
    plan_clusters_s: float = Field(default=8.0, gt=0, le=25)
    """Seconds that the clusters of a plan have to say what it would change there; what they have not said by then is
    told as not known. Below `answer_timeout_s`, of which the planning itself takes its part."""
    write_timeout_s: float = Field(default=10.0, gt=0)
    """Seconds that a live reader may leave us waiting before it is cut off; it can come back and resume."""
    keep_alive_s: float = Field(default=15.0, gt=0)
    """Seconds of silence after which a live reader gets a comment, below the idle time-outs of usual proxies (30 s)."""
    token_cache_s: float = Field(default=5.0, ge=0)
    """Seconds that a token is believed without looking again: how late a revocation counts."""
    object_urls: str = ""
    """Where the `urls` of `ref-objects` components may be fetched from: prefixes such as `https://host/path/`, with
    commas. Empty, and nothing is: whoever may deploy makes the gateway call what is allowed here. `http` is for
    loopback addresses alone."""

    @field_validator("object_urls")
    @classmethod
    def _check_urls(cls, value: str) -> str:
        AllowedAddresses.of(value)
        return value

    @model_validator(mode="after")
    def _check_answer(self) -> Self:
        if self.plan_clusters_s > self.answer_timeout_s:
            msg = "KUBEMIN_PLAN_CLUSTERS_S must not be more than KUBEMIN_ANSWER_TIMEOUT_S"
            raise ValueError(msg)
        return self

    @property
    def allowed_addresses(self) -> AllowedAddresses:
        """The same, to compare with."""
        return AllowedAddresses.of(self.object_urls)
