"""What a cluster says of itself in its version."""

_SIGN = "simulat"


def is_simulated(git_version: str) -> bool:
    """Whether the cluster calls itself a simulation, as ours does (`v1.36.3-kubemin-simulator`)."""
    return _SIGN in git_version.lower()
