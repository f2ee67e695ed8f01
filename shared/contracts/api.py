"""Bodies of the HTTP API around the views; the gateway validates with them, CLI and console read them."""

import base64
from datetime import datetime
from typing import Any, Literal

from pydantic import Field, field_serializer

from shared.contracts.identity import ClusterName, RunId
from shared.contracts.model import Contract
from shared.contracts.plan import Finding
from shared.contracts.views import ApplicationSummary, ClusterView, RevisionView, RunSummary

REASON_CHARACTERS = 500


class CancelRequest(Contract):
    """Which run is to end, and why."""

    run: RunId | None = None
    """Only if this is the newest run; null: whichever is under way."""
    reason: str = Field(default="", max_length=REASON_CHARACTERS)
    """Told with the run."""


class ApplyResult(Contract):
    """What became of an accepted document, of a deletion or of a cancellation."""

    application: ApplicationSummary
    run: RunId | None
    """The run to watch: the new one, the one that is cancelled, or where nothing changed the last one."""
    changed: bool
    """A new generation was written."""
    warnings: tuple[Finding, ...] = ()


class Conversion(Contract):
    """A document as an OAM Application."""

    document: dict[str, Any]
    """Secret values stand in it as they were sent."""
    warnings: tuple[Finding, ...] = ()


class ApplicationPage(Contract):
    """Applications, ordered by namespace and name."""

    items: tuple[ApplicationSummary, ...]
    continue_: str | None = Field(default=None, alias="continue")
    """To be sent for the next page; null: there is none."""


class RunPage(Contract):
    """An application's runs, the newest first."""

    items: tuple[RunSummary, ...]


class RevisionPage(Contract):
    """The generations of an application whose documents are kept, the newest first."""

    items: tuple[RevisionView, ...]


class ClusterPage(Contract):
    """The registered clusters, by name."""

    items: tuple[ClusterView, ...]


class KeyRotation(Contract):
    """Which public key secret values for a cluster are sealed with; keys are named by their fingerprints."""

    cluster: ClusterName
    before: str
    now: str


class ParkedSummary(Contract):
    """A message that a consumer could not take and set aside."""

    sequence: int
    """The number to name it by."""
    consumer: str
    """Who set it aside, such as `planner-facts` or `executor-<cluster>`."""
    reason: str
    """`Malformed`, `UnknownType`, `NewerVersion`, `IdentityMismatch`, `HandlerFailed`, …"""
    message: str
    """What is wrong with it."""
    subject: str
    """Where it was published."""
    namespace: str = ""
    name: str = ""
    cluster: str = ""
    step: str = ""
    parked_at: datetime
    size_bytes: int
    replayable: bool
    """Whether its consumer can be asked to take it again."""


class ParkedView(ParkedSummary):
    """A parked message with all that it holds."""

    headers: dict[str, str]
    payload: bytes
    """The message as it was, in base64."""
    payload_dropped: bool
    """It was too large to be kept."""
    envelope: dict[str, Any] | None
    """The payload read as a CloudEvent; null where it is none."""

    @field_serializer("payload")
    def _in_base64(self, payload: bytes) -> str:
        return base64.b64encode(payload).decode()

    def summary(self) -> ParkedSummary:
        """Without what it holds."""
        return ParkedSummary(**{name: getattr(self, name) for name in ParkedSummary.model_fields})


class ParkedPage(Contract):
    """Parked messages, the oldest first; a page may be short, or empty, although more follows."""

    items: tuple[ParkedSummary, ...]
    continue_: str | None = Field(default=None, alias="continue")
    """To be sent for the next page; null: there is none."""


class ReplayResult(Contract):
    """What became of a parked message that its consumer was asked to take again."""

    outcome: Literal["handled", "refused", "postponed"]
    """`handled`: done, and no longer parked. `refused`: it stays parked, and `reason` says why. `postponed`: it stays
    parked because something is away at the moment."""
    reason: str = ""
    message: str = ""


class Problem(Contract):
    """Why a request was not answered as asked. Source: RFC 9457."""

    type: str
    """A URI that stands for the code."""
    title: str
    """The same for every problem of this type."""
    status: int
    detail: str = ""
    """What is wrong this time."""
    instance: str = ""
    """The path that was asked for."""
    code: str
    """Stable, CamelCase."""
    findings: tuple[Finding, ...] = ()
    """Everything that is wrong with a document."""
