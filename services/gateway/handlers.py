"""Changes: a document or a deletion becomes the next desired record, and a message about it.

A record counts once it is stored. The message only makes the planner look at once: where it is lost, the planner's
sweep over unobserved records finds it, so a bus that is away refuses nobody.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from services.gateway.comparing import Comparing
from services.gateway.domain import documents
from services.gateway.domain.access import Principal
from services.gateway.domain.preconditions import Precondition
from services.gateway.domain.records import (
    ApplicationDeleting,
    Cancel,
    Create,
    Decision,
    Repeated,
    Replace,
    Unchanged,
    Wanted,
    decide_apply,
    decide_cancel,
    decide_delete,
    is_of,
)
from services.gateway.domain.refusals import (
    ChangedMeanwhile,
    NamespaceForbidden,
    NoSuchId,
    NotFound,
    RevisionUnknown,
)
from services.gateway.drafting import Draft, Drafting, Edit, require_namespace
from services.gateway.ports import Announcer, ApplicationStore, Projections, RegistryReader, RevisionStore
from shared.contracts.api import Conversion
from shared.contracts.desired import DesiredRecord, StoredApplication
from shared.contracts.identity import AppRef, AppUid
from shared.contracts.phases import RunPhase
from shared.contracts.plan import Finding, Plan
from shared.contracts.views import PlanView
from shared.dialect import PathMap
from shared.errors import KubeMinError, Retryable
from shared.logging import bound, get_logger
from shared.planning import plan_view

logger = get_logger(__name__)

_ATTEMPTS = 5
"""Of a compare-and-set: as many others may change the same application in the same moment."""


class TooManyWriters(Retryable):
    """Others kept changing the application."""

    def __init__(self, app: AppRef) -> None:
        self.app = app
        super().__init__(f"application {app.namespace}/{app.name} is being changed by others", retry_after_s=1.0)


@dataclass(frozen=True)
class Accepted:
    """What is stored after a request."""

    stored: StoredApplication
    changed: bool
    warnings: tuple[Finding, ...] = ()
    in_dialect: bool = False
    """The document was sent in KubeMin-Cli's dialect."""


@dataclass(frozen=True, kw_only=True)
class Stores:
    """What a change is decided on, and where it is written."""

    applications: ApplicationStore
    revisions: RevisionStore
    registry: RegistryReader
    projections: Projections


class Changes:
    """The handlers of everything that changes an application."""

    def __init__(
        self,
        stores: Stores,
        *,
        announcer: Announcer,
        drafting: Drafting,
        comparing: Comparing,
        now: Callable[[], datetime],
        new_uid: Callable[[], AppUid],
    ) -> None:
        self._store = stores.applications
        self._revisions = stores.revisions
        self._registry = stores.registry
        self._projections = stores.projections
        self._announcer = announcer
        self._drafting = drafting
        self._comparing = comparing
        self._now = now
        self._new_uid = new_uid

    async def apply(
        self, principal: Principal, raw: bytes, precondition: Precondition, *, strict: bool = False, request: str = ""
    ) -> Accepted:
        """Create the application, raise its generation, or find that nothing changed.

        Where it is `strict`, warnings refuse the document.
        `request` names the request, if it bore a key: what it has done already is not done again.
        Raises whatever is wrong with the document (DocumentUnreadable, DocumentRejected), the caller's rights
        (NamespaceForbidden) or the moment (ApplicationDeleting, PreconditionFailed, Retryable).
        """
        draft = await self._drafting.draft(principal, raw, strict=strict)
        with bound(app=str(draft.app)):
            for _ in range(_ATTEMPTS):
                decision, plan, _ = await self._decide(principal, draft, precondition, request)
                accepted = await self._write(decision, plan.warnings, request)
                if accepted is not None:
                    return replace(accepted, in_dialect=draft.checked.paths is not None)
        raise TooManyWriters(draft.app)

    async def edit(self, principal: Principal, uid: AppUid, edit: Edit, *, request: str = "") -> Accepted:
        """Change an application's own document, in which secret values are sealed already; raises as `apply` does.

        `edit` is asked again for every document that it is to change.
        """
        stored = await self.owned(principal, uid)
        for _ in range(_ATTEMPTS):
            if is_of(stored, request):
                return Accepted(stored, changed=True)
            if stored.record.deleted:
                raise ApplicationDeleting(stored.record.app)
            with bound(app=str(stored.record.app)):
                draft = await self._drafting.edited(principal, stored, edit)
                decision, plan = await self._decide_on(stored, principal, draft, Precondition(), request)
                accepted = await self._write(decision, plan.warnings, request)
            if accepted is not None:
                return accepted
            stored = await self.owned(principal, uid)
        raise TooManyWriters(stored.record.app)

    async def check_edit(self, principal: Principal, uid: AppUid, edit: Edit) -> PlanView:
        """Return the plan of what `edit` would write; touches nothing and raises the same."""
        stored = await self.owned(principal, uid)
        draft = await self._drafting.edited(principal, stored, edit)
        _, plan = await self._decide_on(stored, principal, draft, Precondition(), "")
        return plan_view(plan)

    async def owned(self, principal: Principal, uid: AppUid) -> StoredApplication:
        """Return an application of the caller's that is not gone; raises NoSuchId."""
        stored = await self._store.load(uid)
        if stored is None or stored.tombstone or stored.record.app.tenant != principal.tenant:
            raise NoSuchId("application", uid)
        await require_namespace(self._registry, principal, stored.record.app.namespace)
        return stored

    async def plan(
        self, principal: Principal, raw: bytes, precondition: Precondition, *, strict: bool = False
    ) -> PlanView:
        """Return the plan of what `apply` would write, and what the clusters say of it.

        Touches nothing, and raises the same as `apply`.
        """
        draft = await self._drafting.draft(principal, raw, strict=strict)
        with bound(app=str(draft.app)):
            decision, plan, stored = await self._decide(principal, draft, precondition, "")
            return await self._compared(decision, plan, stored)

    async def convert(self, principal: Principal, raw: bytes, *, strict: bool = False) -> Conversion:
        """Return a document as OAM, secret values as they were sent; raises DocumentUnreadable, DocumentRejected."""
        parsed = await self._drafting.convert(principal, raw, strict=strict)
        return Conversion(document=parsed.document, warnings=parsed.warnings)

    async def rollback(
        self,
        principal: Principal,
        namespace: str,
        name: str,
        generation: int,
        precondition: Precondition,
        *,
        request: str = "",
    ) -> Accepted:
        """Make a new generation with the document, the placement, the copies and the sealed values of an earlier one.

        Nobody else's change is overridden by it: whoever asks has seen what is stored.
        Raises RevisionUnknown and ChangedMeanwhile, and otherwise as `apply`.
        """
        stored = await self._mine(principal, namespace, name)
        with bound(app=str(stored.record.app)):
            decision, plan = await self._decide_rollback(stored, principal, generation, precondition, request)
            accepted = await self._write(decision, plan.warnings, request)
        if accepted is None:
            raise ChangedMeanwhile(f"{namespace}/{name}")
        return accepted

    async def plan_rollback(
        self, principal: Principal, namespace: str, name: str, generation: int, precondition: Precondition
    ) -> PlanView:
        """Return the plan of what `rollback` would write, and what the clusters say of it.

        Touches nothing, and raises the same as `rollback`.
        """
        stored = await self._mine(principal, namespace, name)
        with bound(app=str(stored.record.app)):
            decision, plan = await self._decide_rollback(stored, principal, generation, precondition, "")
            return await self._compared(decision, plan, stored)

    async def cancel(
        self,
        principal: Principal,
        namespace: str,
        name: str,
        wanted: Cancel,
        precondition: Precondition,
        *,
        request: str = "",
    ) -> Accepted:
        """Ask for the end of the run that is under way; asking again changes nothing.

        A generation that somebody else adds in the same moment is not cancelled instead.
        Raises NotFound, NoRunUnderWay and RunNotCurrent among others.
        """
        for _ in range(_ATTEMPTS):
            stored = await self._mine(principal, namespace, name)
            wanted = replace(wanted, run=wanted.run or stored.record.run)
            decision = decide_cancel(
                stored,
                await self._phase_of_last_run(stored),
                wanted,
                actor=principal.actor,
                at=self._now(),
                precondition=precondition,
                request=request,
            )
            with bound(app=str(stored.record.app)):
                accepted = await self._write(decision, (), request)
            if accepted is not None:
                return accepted
        raise TooManyWriters(AppRef(tenant=principal.tenant, namespace=namespace, name=name))

    async def delete(
        self, principal: Principal, namespace: str, name: str, precondition: Precondition, *, request: str = ""
    ) -> Accepted:
        """Ask for deletion; asking again while it goes on changes nothing. Raises NotFound among others."""
        for _ in range(_ATTEMPTS):
            stored = await self._mine(principal, namespace, name)
            decision = decide_delete(
                stored, actor=principal.actor, at=self._now(), precondition=precondition, request=request
            )
            with bound(app=str(stored.record.app)):
                accepted = await self._write(decision, (), request)
            if accepted is not None:
                return accepted
        raise TooManyWriters(AppRef(tenant=principal.tenant, namespace=namespace, name=name))

    async def _decide(
        self, principal: Principal, draft: Draft, precondition: Precondition, request: str
    ) -> tuple[Decision, Plan, StoredApplication | None]:
        stored = await self._store.by_name(draft.app.namespace, draft.app.name)
        if stored is not None and stored.record.app.tenant != principal.tenant:
            # The namespace has changed hands; what is left in it is still its former tenant's.
            raise NamespaceForbidden(principal.tenant, draft.app.namespace)
        documents.check_id(draft.checked, draft.app, None if stored is None else stored.record.uid)
        return (*await self._decide_on(stored, principal, draft, precondition, request), stored)

    async def _decide_rollback(
        self,
        stored: StoredApplication,
        principal: Principal,
        generation: int,
        precondition: Precondition,
        request: str,
    ) -> tuple[Decision, Plan]:
        record = stored.record
        if record.deleted:
            raise ApplicationDeleting(record.app)
        kept = record if generation == record.generation else await self._revisions.load(record.uid, generation)
        if kept is None:
            known = [record.generation, *(r.generation for r in await self._revisions.of(record.uid))]
            raise RevisionUnknown(f"{record.app.namespace}/{record.app.name}", generation, known)
        decision = decide_apply(
            stored,
            await self._phase_of_last_run(stored),
            Wanted.again(kept),
            actor=principal.actor,
            at=self._now(),
            precondition=precondition,
            request=request,
            rolled_back_to=generation,
        )
        plan = await self._drafting.revive(principal, kept, record.generation + 1)
        return decision, documents.told_plan(plan, PathMap(kept.places))

    async def _compared(self, decision: Decision, plan: Plan, stored: StoredApplication | None) -> PlanView:
        """The plan of a decision that is not carried out, and what the clusters say of it."""
        record = None if stored is None else stored.record
        previous = (lambda: None) if record is None else partial(self._drafting.replanned, record)
        view = await self._comparing.compared(plan, record, previous)
        if not isinstance(decision, Unchanged):
            return view
        return view.model_copy(update={"changed": False, "generation": decision.stored.record.generation})

    async def _decide_on(
        self,
        stored: StoredApplication | None,
        principal: Principal,
        draft: Draft,
        precondition: Precondition,
        request: str,
    ) -> tuple[Decision, Plan]:
        wanted, plan = await self._drafting.seal(draft, stored, stored.record.uid if stored else self._new_uid())
        if draft.checked.paths is not None:
            wanted = replace(wanted, places=draft.checked.paths.naming(plan))
        documents.check_size([wanted.document, *(copied.objects for copied in wanted.copies), dict(wanted.places)])
        last = None if stored is None else await self._phase_of_last_run(stored)
        decision = decide_apply(
            stored,
            last,
            wanted,
            actor=principal.actor,
            at=self._now(),
            precondition=precondition,
            request=request,
        )
        return decision, plan

    async def _mine(self, principal: Principal, namespace: str, name: str) -> StoredApplication:
        """Return the caller's application; raises NotFound and NamespaceForbidden."""
        await require_namespace(self._registry, principal, namespace)
        stored = await self._store.by_name(namespace, name)
        if stored is None or stored.record.app.tenant != principal.tenant:
            raise NotFound("application", f"{namespace}/{name}")
        return stored

    async def _phase_of_last_run(self, stored: StoredApplication) -> RunPhase | None:
        run = await self._projections.run(stored.record.run)
        return None if run is None else run.phase

    async def _write(self, decision: Decision, warnings: tuple[Finding, ...], request: str) -> Accepted | None:
        """Store and announce; None where somebody else was faster."""
        if isinstance(decision, Unchanged | Repeated):
            return Accepted(decision.stored, changed=isinstance(decision, Repeated), warnings=warnings)
        record = decision.record
        if isinstance(decision, Create):
            written = await self._store.create(record, request=request)
        else:
            written = await self._replace(decision, request)
        if not written:
            return None
        logger.info(
            "application_changed",
            uid=record.uid,
            generation=record.generation,
            run=record.run,
            action=record.audit.action,
            actor=record.audit.actor,
        )
        await self._announce(record)
        new = StoredApplication(record=record, unobserved=True, tombstone=False, request=request)
        return Accepted(new, changed=True, warnings=warnings)

    async def _replace(self, decision: Replace, request: str) -> bool:
        record, expected = decision.record, decision.expected_generation
        if not record.deleted:
            # First: what is replaced without having been kept would be lost.
            await self._revisions.keep(decision.before)
        written = await self._store.replace(record, expected_generation=expected, request=request)
        if written:
            try:
                await self._forget(record)
            except KubeMinError as error:
                # The change is stored, and the next one forgets as well.
                logger.warning("revisions_not_forgotten", uid=record.uid, error=str(error))
        return written

    async def _forget(self, record: DesiredRecord) -> None:
        if record.deleted:
            await self._revisions.forget_all(record.uid)
        else:
            await self._revisions.forget_before(record.uid, record.generation)

    async def _announce(self, record: DesiredRecord) -> None:
        try:
            await self._announcer.changed(record)
        except KubeMinError as error:
            # Stored is accepted: the planner's sweep picks it up.
            logger.warning("application_not_announced", error=str(error))
