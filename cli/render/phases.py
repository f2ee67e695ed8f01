"""How phases and health look: an icon and a colour each, and the words that the API has for them."""

from rich.text import Text

from shared.contracts.phases import AppPhase, Health, Reason, RunPhase, StepPhase

GOOD = "green"
BAD = "red"
HELD = "yellow"
BUSY = "cyan"
QUIET = "bright_black"

_STEP: dict[StepPhase, tuple[str, str]] = {
    StepPhase.WAITING: ("·", QUIET),
    StepPhase.QUEUED: ("…", HELD),
    StepPhase.APPLYING: ("→", BUSY),
    StepPhase.PENDING: ("…", HELD),
    StepPhase.RUNNING: ("→", BUSY),
    StepPhase.SUCCEEDED: ("✓", GOOD),
    StepPhase.FAILED: ("✗", BAD),
    StepPhase.REJECTED: ("✗", BAD),
    StepPhase.ERROR: ("✗", BAD),
    StepPhase.TIMED_OUT: ("✗", BAD),
    StepPhase.CANCELLED: ("-", HELD),
    StepPhase.SKIPPED: ("-", QUIET),
}
_RUN: dict[RunPhase, tuple[str, str]] = {
    RunPhase.ACCEPTED: ("·", BUSY),
    RunPhase.PREPARING: ("→", BUSY),
    RunPhase.RUNNING: ("→", BUSY),
    RunPhase.SUSPENDED: ("…", HELD),
    RunPhase.SUCCEEDED: ("✓", GOOD),
    RunPhase.FAILED: ("✗", BAD),
    RunPhase.REJECTED: ("✗", BAD),
    RunPhase.ERROR: ("✗", BAD),
    RunPhase.TIMED_OUT: ("✗", BAD),
    RunPhase.CANCELLED: ("-", HELD),
}
_HEALTH: dict[Health, tuple[str, str]] = {
    Health.HEALTHY: ("✓", GOOD),
    Health.PROGRESSING: ("→", BUSY),
    Health.DEGRADED: ("✗", BAD),
    Health.MISSING: ("✗", BAD),
    Health.UNKNOWN: ("?", HELD),
}
_APP: dict[AppPhase, tuple[str, str]] = {
    AppPhase.ACTIVE: ("", ""),
    AppPhase.DELETING: ("-", HELD),
    AppPhase.DELETED: ("-", QUIET),
}


def look(phase: StepPhase | RunPhase | Health | AppPhase) -> tuple[str, str]:
    """Return icon and style."""
    match phase:
        case StepPhase():
            return _STEP[phase]
        case RunPhase():
            return _RUN[phase]
        case Health():
            return _HEALTH[phase]
        case AppPhase():
            return _APP[phase]


def words(phase: StepPhase | RunPhase | Health | AppPhase, reason: Reason = Reason.NONE) -> str:
    """`Pending(Unschedulable)`, as in all documents."""
    return f"{phase}({reason})" if reason else str(phase)


def shown(phase: StepPhase | RunPhase | Health | AppPhase, reason: Reason = Reason.NONE, *, icon: bool = True) -> Text:
    """The words in their colour, the icon before them."""
    sign, style = look(phase)
    text = Text(words(phase, reason), style=style)
    return Text.assemble((f"{sign} ", style), text) if icon and sign else text
