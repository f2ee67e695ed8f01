"""The planner's settings."""

from typing import Self

from pydantic import Field, model_validator

from shared.runtime.settings import CentralSettings, HttpSettings


class PlannerSettings(HttpSettings, CentralSettings):
    """Read from the environment at start."""

    prepare_deadline_s: float = Field(default=120, gt=0)
    """Seconds that all clusters of a run together may take to answer whether it can be applied.

    An agent restarts faster.
    """
    unreachable_limit_s: float = Field(default=900, gt=0)
    """Seconds that a verdict waits past its deadline while the cluster gives no sign of life.

    Then the step is an Error.
    """
    resend_first_s: float = Field(default=5, gt=0)
    """Seconds before an unanswered command is sent again for the first time; it doubles from there."""
    resend_max_s: float = Field(default=60, gt=0)
    """Seconds between repetitions at most: how late a cluster that was away learns what is wanted."""
    window: int = Field(default=64, ge=1)
    """Unanswered steps per application and cluster: enough to keep an executor busy, few enough to supersede soon."""

    @model_validator(mode="after")
    def _check_resending(self) -> Self:
        if self.resend_first_s > self.resend_max_s:
            msg = "KUBEMIN_RESEND_FIRST_S must not be more than KUBEMIN_RESEND_MAX_S"
            raise ValueError(msg)
        return self
