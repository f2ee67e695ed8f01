"""The desired record: what users asked for. It lives in MongoDB; `ApplicationChanged` carries all of it on the bus."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import Field, TypeAdapter

from shared.contracts.identity import AppRef, AppUid, ClusterName, RunId, run_id
from shared.contracts.model import Contract
from shared.contracts.phases import AppPhase
from shared.contracts.plan import Manifest, Placement


class Audit(Contract):
    """Who asked for the change that made this generation."""

    actor: str
    """Name of the token or identity."""
    action: Literal["create", "update", "rerun", "rollback", "cancel", "delete"]
    at: datetime
    rolled_back_to: int | None = None
    """Of a rollback: the generation whose document this one has."""


class CopiedObjects(Contract):
    """What a component is made of that was read in a cluster or fetched, as it was when the application was changed."""

    component: str
    objects: tuple[Manifest, ...]
    """Without what belongs to that cluster; the values of Secrets are sealed for where they go."""


class Cancellation(Contract):
    """The run of an earlier generation is to end; who asks is in the audit of the generation that says so."""

    generation: int = Field(ge=1)
    """The one whose run is meant: of any other nothing is cancelled."""
    requested_by: str
    """Who had asked for that generation: its run may not have begun."""
    reason: str = ""
    """In the user's words."""
    on_behalf_of: str = ""
    """Whom a client names besides itself; nothing vouches for it."""


class DesiredRecord(Contract):
    """One application as its users want it."""

    app: AppRef
    uid: AppUid
    generation: int = Field(ge=1)
    """Raised by every user action, by compare-and-set."""
    document: dict[str, Any]
    """The OAM Application as accepted, secret values sealed."""
    clusters: tuple[ClusterName, ...]
    """Placement, resolved to names."""
    placements: tuple[Placement, ...] = ()
    """The same with the namespaces that policies name; empty where they name none."""
    copies: tuple[CopiedObjects, ...] = ()
    """Of the components whose types seek objects: so the generation renders the same whenever it is planned."""
    cancels: Cancellation | None = None
    """This generation has the document of the one before, and no run of its own: it only ends a run."""
    places: dict[str, str] = Field(default_factory=dict)
    """Of a document that was converted: from places that its runs may name to those of the document that was sent."""
    deleted: bool = False
    """The user asked for deletion."""
    audit: Audit
    created_at: datetime

    @property
    def targets(self) -> tuple[Placement, ...]:
        """Where it goes."""
        return self.placements or tuple(Placement(cluster=cluster) for cluster in self.clusters)

    @property
    def run_generation(self) -> int:
        """The generation whose run brings the application to this document."""
        return self.generation if self.cancels is None else self.cancels.generation

    @property
    def run(self) -> RunId:
        """That run, whether or not it has begun."""
        return run_id(self.uid, self.run_generation)


class ApplicationChanged(Contract):
    """A desired record was written."""

    type: Literal["ApplicationChanged"] = "ApplicationChanged"
    record: DesiredRecord


SPEC_EVENT: TypeAdapter[ApplicationChanged] = TypeAdapter(ApplicationChanged)


@dataclass(frozen=True, kw_only=True)
class StoredApplication:
    """A desired record as it is stored."""

    record: DesiredRecord
    unobserved: bool
    """The planner has not taken up this generation yet."""
    tombstone: bool
    """Deleted, and gone from every cluster."""
    request: str = ""
    """Of the request that made this generation, if it bore a key: asked again, it finds that it has been done."""

    @property
    def updated_at(self) -> datetime:
        """When this generation was asked for."""
        return self.record.audit.at

    @property
    def phase(self) -> AppPhase:
        """Where the application stands."""
        if self.tombstone:
            return AppPhase.DELETED
        return AppPhase.DELETING if self.record.deleted else AppPhase.ACTIVE


@dataclass(frozen=True, order=True)
class PagePosition:
    """Where a page of applications ended: they are listed in this order."""

    namespace: str
    name: str
    uid: str
