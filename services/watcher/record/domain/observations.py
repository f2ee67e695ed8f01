"""What an observation says to people."""

from shared.contracts.facts import ObjectVanished, Observed, StepFailed, StepProgressed, StepSucceeded
from shared.contracts.phases import Health, Reason
from shared.contracts.views import ObjectView


def object_view(fact: Observed) -> ObjectView:
    """One object as last observed."""
    return ObjectView(
        key=fact.key,
        object_uid=fact.object_uid,
        digest=fact.digest,
        health=_health(fact),
        reason=fact.reason,
        message=fact.message,
        progress=fact.progress,
        observed_at=fact.at,
    )


def _health(fact: Observed) -> Health:
    match fact:
        case StepSucceeded():
            return Health.HEALTHY
        case StepFailed():
            return Health.DEGRADED
        case ObjectVanished():
            return Health.MISSING
        case StepProgressed():
            return Health.PROGRESSING if fact.reason in (Reason.NONE, Reason.PROGRESSING) else Health.DEGRADED
