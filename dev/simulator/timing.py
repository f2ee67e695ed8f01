"""How long things take in the simulated cluster."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Timing:
    """Delays in seconds: long enough that a demo shows the states in between, short enough that tests do not wait."""

    schedule_s: float = 0.01
    """From a pod's creation to its node."""
    start_s: float = 0.05
    """From the node to running containers: sandbox and image pull."""
    init_s: float = 0.03
    """The run of one init container."""
    ready_s: float = 0.05
    """From running to ready, where there is a readiness probe."""
    run_s: float = 0.2
    """The run of a Job's pod, and of a container that crashes."""
    stop_s: float = 0.03
    """From a pod's deletion to its end."""
    pull_backoff_s: float = 0.3
    """From ErrImagePull to ImagePullBackOff."""
    restart_s: float = 1.0
    """The first restart of a crashed container; doubles with each."""
    max_restart_s: float = 30.0
    job_backoff_s: float = 0.3
    """Until a Job replaces its first failed pod; doubles with each failure."""
    max_job_backoff_s: float = 30.0
    provision_s: float = 0.03
    """Until a volume is provisioned."""
    retry_s: float = 0.5
    """Until a controller tries again what the API has refused."""

    def scaled(self, factor: float) -> "Timing":
        """Return all delays multiplied, for a slower demo or a faster test."""
        return Timing(**{field.name: getattr(self, field.name) * factor for field in fields(self)})
