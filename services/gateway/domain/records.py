"""The next desired record: what a user's action makes of the one that is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self, TypeGuard

from services.gateway.domain.preconditions import Precondition
from services.gateway.domain.refusals import NoRunUnderWay, RunNotCurrent
from shared.contracts.canonical import canonical_json
from shared.contracts.desired import Audit, Cancellation, CopiedObjects, DesiredRecord, StoredApplication
from shared.contracts.identity import AppRef, AppUid, ClusterName, RunId
from shared.contracts.phases import RunPhase
from shared.contracts.plan import Placement
from shared.errors import Rejected


class ApplicationDeleting(Rejected):
    """The name is still taken by an application that is being deleted."""

    def __init__(self, app: AppRef) -> None:
        self.app = app
        super().__init__(
            f"application {app.namespace}/{app.name} is being deleted; it can be created again once that is done",
            reason="Deleting",
        )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a user sent, sealed and resolved."""

    app: AppRef
    uid: AppUid
    """Of the stored application, or a new one."""
    document: dict[str, Any]
    placements: tuple[Placement, ...]
    copies: tuple[CopiedObjects, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    """As the record has them."""

    @classmethod
    def again(cls, kept: DesiredRecord) -> Self:
        """What an earlier generation brought about."""
        return cls(
            app=kept.app,
            uid=kept.uid,
            document=kept.document,
            placements=kept.targets,
            copies=kept.copies,
            places=kept.places,
        )

    @property
    def clusters(self) -> tuple[ClusterName, ...]:
        """Their clusters, each once."""
        return tuple(dict.fromkeys(placement.cluster for placement in self.placements))


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """Which run a user wants to end, and why."""

    run: RunId | None = None
    """None: whichever is under way."""
    reason: str = ""
    on_behalf_of: str = ""
    """Whom a client names besides itself."""


@dataclass(frozen=True)
class Unchanged:
    """Nothing is written."""

    stored: StoredApplication


@dataclass(frozen=True)
class Repeated:
    """The stored generation is of this very request: its answer was lost."""

    stored: StoredApplication


@dataclass(frozen=True)
class Create:
    """Write the first generation."""

    record: DesiredRecord


@dataclass(frozen=True)
class Replace:
    """Write the next generation, if the stored one is still the expected one."""

    record: DesiredRecord
    before: DesiredRecord

    @property
    def expected_generation(self) -> int:
        """The one that it takes the place of."""
        return self.before.generation


Decision = Unchanged | Repeated | Create | Replace


def decide_apply(
    stored: StoredApplication | None,
    last_run: RunPhase | None,
    wanted: Wanted,
    *,
    actor: str,
    at: datetime,
    precondition: Precondition,
    request: str = "",
    rolled_back_to: int | None = None,
) -> Decision:
    """Create, raise the generation, or leave it: the same again runs again only where the last run did not succeed.

    `last_run` is the phase of the stored generation's run, None where it has not begun; one that was asked to end does
    not go on, whatever it shows yet. `rolled_back_to` is the generation that what is wanted was taken from.
    Raises ApplicationDeleting and PreconditionFailed.
    """
    if is_of(stored, request):
        return Repeated(stored)
    precondition.check(None if stored is None else stored.record.generation)
    if stored is None:
        audit = Audit(actor=actor, action="create", at=at)
        return Create(
            DesiredRecord(
                app=wanted.app,
                uid=wanted.uid,
                generation=1,
                audit=audit,
                created_at=at,
                **_content(wanted),
            )
        )
    record = stored.record
    if record.deleted:
        raise ApplicationDeleting(record.app)
    same = _same(record, wanted)
    under_way = record.cancels is None and (last_run is None or not last_run.terminal)
    if same and (under_way or last_run is RunPhase.SUCCEEDED):
        return Unchanged(stored)
    action: Literal["rollback", "rerun", "update"] = "rerun" if same else "update"
    if rolled_back_to is not None:
        action = "rollback"
    audit = Audit(actor=actor, action=action, at=at, rolled_back_to=rolled_back_to)
    return _next(record, {**_content(wanted), "audit": audit})


def decide_delete(
    stored: StoredApplication, *, actor: str, at: datetime, precondition: Precondition, request: str = ""
) -> Unchanged | Repeated | Replace:
    """Ask for deletion; asking again changes nothing. Raises PreconditionFailed."""
    if is_of(stored, request):
        return Repeated(stored)
    precondition.check(stored.record.generation)
    if stored.record.deleted:
        return Unchanged(stored)
    return _next(stored.record, {"deleted": True, "audit": Audit(actor=actor, action="delete", at=at)})


def decide_cancel(
    stored: StoredApplication,
    last_run: RunPhase | None,
    wanted: Cancel,
    *,
    actor: str,
    at: datetime,
    precondition: Precondition,
    request: str = "",
) -> Unchanged | Repeated | Replace:
    """Ask for the end of the run that is under way; asking again changes nothing.

    `last_run` is what `decide_apply` takes. Raises ApplicationDeleting, RunNotCurrent, NoRunUnderWay and
    PreconditionFailed.
    """
    if is_of(stored, request):
        return Repeated(stored)
    record = stored.record
    precondition.check(record.generation)
    if record.deleted:
        raise ApplicationDeleting(record.app)
    if wanted.run not in (None, record.run):
        raise RunNotCurrent(f"{record.app.namespace}/{record.app.name}", wanted.run, record.run)
    if last_run is not None and last_run.terminal:
        raise NoRunUnderWay(f"{record.app.namespace}/{record.app.name}", record.run, last_run)
    if record.cancels is not None:
        return Unchanged(stored)
    cancellation = Cancellation(
        generation=record.generation,
        requested_by=record.audit.actor,
        reason=wanted.reason,
        on_behalf_of=wanted.on_behalf_of,
    )
    return _next(record, {"cancels": cancellation, "audit": Audit(actor=actor, action="cancel", at=at)})


def _content(wanted: Wanted) -> dict[str, Any]:
    return {
        "document": wanted.document,
        "clusters": wanted.clusters,
        "placements": wanted.placements,
        "copies": wanted.copies,
        "places": dict(wanted.places),
    }


def _next(record: DesiredRecord, changes: dict[str, Any]) -> Replace:
    raised = record.model_copy(update={"cancels": None, **changes, "generation": record.generation + 1})
    return Replace(raised, before=record)


def is_of(stored: StoredApplication | None, request: str) -> TypeGuard[StoredApplication]:
    """Whether this very request has made the stored generation."""
    return bool(request) and stored is not None and stored.request == request


def _same(record: DesiredRecord, wanted: Wanted) -> bool:
    return (
        record.targets == wanted.placements
        and canonical_json(record.document) == canonical_json(wanted.document)
        and record.copies == wanted.copies
    )
