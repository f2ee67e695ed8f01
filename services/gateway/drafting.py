"""From a request's bytes to what could be stored: checked, placed, sealed and planned once.

Planning a large document takes seconds of a thread, so it runs beside the event loop, a few at a time.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.gateway.copying import Copying
from services.gateway.domain import copying, documents, strictness
from services.gateway.domain.access import Principal
from services.gateway.domain.copying import Copies, Errand
from services.gateway.domain.documents import Checked, Parsed
from services.gateway.domain.records import Wanted
from services.gateway.domain.refusals import NamespaceForbidden
from services.gateway.ports import ApplicationReader, RegistryReader, Sealer
from shared.contracts.desired import DesiredRecord, StoredApplication
from shared.contracts.identity import AppRef, AppUid, Tenant
from shared.contracts.phases import AppPhase
from shared.contracts.plan import Finding, Placement, Plan
from shared.contracts.registry import ClusterRecord
from shared.dialect import Edited, with_clones
from shared.jobtypes.base import Registry as JobTypes
from shared.planning import (
    Application,
    DocumentRejected,
    Limits,
    LocatedSecret,
    SoughtAddress,
    SoughtObjects,
    make_plan,
    objects_sought,
    plan_document,
    secret_locations,
    warned,
)
from shared.planning.trees import path_text

Sought = Sequence[SoughtObjects | SoughtAddress]
Edit = Callable[[dict[str, Any]], Edited]
"""From an application's document to the next; raises DocumentRejected in the places of the request."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A document that its author may send, for registered clusters; its secret values are still plain."""

    app: AppRef
    checked: Checked
    clusters: tuple[ClusterRecord, ...]
    placements: tuple[Placement, ...]
    errand: Errand
    """What has to be read before it can be planned."""
    strict: bool
    """Warnings refuse it."""
    sealed: frozenset[str] = frozenset()
    """Values that are sealed already, where the document is an application's own."""


class Drafting:
    """Makes drafts, and seals and plans them."""

    def __init__(
        self,
        *,
        registry: RegistryReader,
        applications: ApplicationReader,
        sealer: Sealer,
        copier: Copying,
        job_types: JobTypes,
        limits: Limits,
        parallel: int,
    ) -> None:
        """`parallel` documents at most are worked on at once."""
        self._registry = registry
        self._applications = applications
        self._sealer = sealer
        self._copier = copier
        self._job_types = job_types
        self._limits = limits
        self._slots = asyncio.Semaphore(parallel)

    async def draft(self, principal: Principal, raw: bytes, *, strict: bool) -> Draft:
        """Read a request's document; raises DocumentUnreadable, DocumentRejected and NamespaceForbidden."""
        with strictness.all_told(strict=strict):
            parsed = await self._parse(principal, raw)
            async with self._slots:
                checked, sought = await asyncio.to_thread(self._check, parsed, principal.tenant)
            app = documents.ref(checked.application, principal.tenant)
            owner, registered = await asyncio.gather(self._registry.tenant_of(app.namespace), self._registry.clusters())
            _require_owned(owner, principal, app.namespace)
            with documents.told_of(checked.paths, checked.warnings):
                resolved = documents.resolve(checked.application, registered)
                errand = self._copier.errand(sought, registered)
        await self._require_namespaces(principal, resolved.placements, errand)
        return Draft(
            app=app,
            checked=checked,
            clusters=resolved.clusters,
            placements=resolved.placements,
            errand=errand,
            strict=strict,
        )

    async def edited(self, principal: Principal, stored: StoredApplication, edit: Edit) -> Draft:
        """Change an application's document; raises as `draft` does.

        It goes where it has gone before: the values in it are sealed for there.
        """
        record = stored.record
        async with self._slots:
            checked, sought = await asyncio.to_thread(self._check_edit, record, edit)
        registered = await self._registry.clusters()
        clusters = documents.still_registered(record.clusters, registered)
        with documents.told_of(checked.paths, checked.warnings):
            errand = self._copier.errand(sought, registered)
        await require_namespace(self._registry, principal, record.app.namespace)
        await self._require_namespaces(principal, record.targets, errand)
        return Draft(
            app=record.app,
            checked=checked,
            clusters=clusters,
            placements=record.targets,
            errand=errand,
            strict=False,
            sealed=documents.sealed_values(record.document),
        )

    def _check(self, parsed: Parsed, tenant: Tenant) -> tuple[Checked, Sought]:
        checked = documents.read(parsed, self._job_types)
        return checked, self._sought(checked, documents.ref(checked.application, tenant))

    def _check_edit(self, record: DesiredRecord, edit: Edit) -> tuple[Checked, Sought]:
        checked = documents.edited(record.document, edit, self._job_types)
        return checked, self._sought(checked, record.app)

    def _sought(self, checked: Checked, app: AppRef) -> Sought:
        return objects_sought(checked.application, app, self._job_types)

    async def _require_namespaces(self, principal: Principal, placements: Sequence[Placement], errand: Errand) -> None:
        """Raise NamespaceForbidden for where it goes and for where it has something copied from."""
        placed = (placement.namespace for placement in placements)
        for namespace in dict.fromkeys((*placed, *errand.namespaces)):
            if namespace:
                await require_namespace(self._registry, principal, namespace)

    async def convert(self, principal: Principal, raw: bytes, *, strict: bool) -> Parsed:
        """Read a request's document as OAM, whichever way it is written; raises DocumentUnreadable, DocumentRejected.

        Secret values in it are plain: it is for its author alone.
        """
        with strictness.all_told(strict=strict):
            parsed = await self._parse(principal, raw)
        strictness.admit(parsed.warnings, strict=strict)
        return parsed

    async def _parse(self, principal: Principal, raw: bytes) -> Parsed:
        async with self._slots:
            parsed = await asyncio.to_thread(documents.parse, raw, self._limits)
        if parsed.converted is None or not parsed.converted.clones:
            return parsed
        templates = {
            clone.template.value: await self._template(principal, clone.template.value)
            for clone in parsed.converted.clones
        }
        async with self._slots:
            converted = await asyncio.to_thread(with_clones, parsed.converted, templates, limits=self._limits)
        return Parsed(converted.document, converted)

    async def _template(self, principal: Principal, name: str) -> dict[str, Any] | None:
        """The document of a template, by the application's uid or by `<namespace>/<name>`; None where there is none."""
        namespace, slash, app = name.partition("/")
        if slash:
            stored = await self._applications.by_name(namespace, app)
        else:
            stored = await self._applications.load(AppUid(name))
        if stored is None or stored.phase is not AppPhase.ACTIVE or stored.record.app.tenant != principal.tenant:
            return None
        return stored.record.document

    async def revive(self, principal: Principal, record: DesiredRecord, generation: int) -> Plan:
        """Plan a stored document as a new generation, where it was placed then and with the values sealed then.

        Raises DocumentRejected for what cannot be delivered any more, and NamespaceForbidden.
        """
        await self._require_namespaces(principal, record.targets, Errand())
        documents.still_registered(record.clusters, await self._registry.clusters())
        async with self._slots:
            return await asyncio.to_thread(self._plan_again, record, generation)

    def _plan_again(self, record: DesiredRecord, generation: int) -> Plan:
        return plan_document(
            record.document,
            ref=record.app,
            uid=record.uid,
            generation=generation,
            placements=record.targets,
            registry=self._job_types,
            copies=record.copies,
            limits=self._limits,
        )

    async def seal(self, draft: Draft, stored: StoredApplication | None, uid: AppUid) -> tuple[Wanted, Plan]:
        """Read what it copies, seal for an application's uid, and plan its next generation.

        Raises DocumentRejected, ClusterSilent and AddressSilent.
        """
        checked = draft.checked
        with strictness.all_told(strict=draft.strict), documents.told_of(checked.paths, checked.warnings):
            copies = await self._read(draft, stored, uid)
            async with self._slots:
                wanted, plan = await asyncio.to_thread(self._seal, draft, stored, uid, copies)
        plan = documents.told_plan(plan, checked.paths)
        strictness.admit(plan.warnings, strict=draft.strict)
        return wanted, plan

    async def _read(self, draft: Draft, stored: StoredApplication | None, uid: AppUid) -> Copies:
        return await self._copier.read(
            draft.errand,
            app=draft.app,
            uid=uid,
            recipients=copying.recipients(draft.placements, draft.clusters),
            previous=() if stored is None else stored.record.copies,
            slots=self._slots,
        )

    def replanned(self, record: DesiredRecord) -> Plan | None:
        """Plan a stored generation again, in the caller's thread; None where this build refuses the document."""
        try:
            return self._plan_again(record, record.generation)
        except DocumentRejected:
            return None

    def _seal(self, draft: Draft, stored: StoredApplication | None, uid: AppUid, copies: Copies) -> tuple[Wanted, Plan]:
        # The plan is made of the sealed document, so that no plain value gets any further than the sealer.
        checked = draft.checked
        locations = secret_locations(checked.application, self._job_types)
        sealing = self._sealer.seal(
            checked.document,
            [one for one in locations if documents.value_at(checked.document, one.path) not in draft.sealed],
            app=draft.app,
            uid=uid,
            clusters=draft.clusters,
            placements=draft.placements,
            previous=None if stored is None else stored.record.document,
        )
        # It was checked before its values were sealed, and rendering looks at each again.
        plan = make_plan(
            Application.model_validate(sealing.document) if locations else checked.application,
            ref=draft.app,
            uid=uid,
            generation=1 if stored is None else stored.record.generation + 1,
            placements=draft.placements,
            registry=self._job_types,
            copies=copies.of,
            limits=self._limits,
        )
        # Rendering has told what is wrong with them, with the rest; none may be stored as it is even if it has not.
        if sealing.unsealed:
            raise DocumentRejected([_not_sealable(location) for location in sealing.unsealed])
        wanted = Wanted(
            app=draft.app, uid=uid, document=sealing.document, placements=draft.placements, copies=copies.of
        )
        return wanted, warned(plan, [*checked.warnings, *copies.warnings])


async def require_namespace(registry: RegistryReader, principal: Principal, namespace: str) -> None:
    """Raise NamespaceForbidden unless the namespace is the caller's tenant's."""
    _require_owned(await registry.tenant_of(namespace), principal, namespace)


def _require_owned(owner: Tenant | None, principal: Principal, namespace: str) -> None:
    if owner != principal.tenant:
        raise NamespaceForbidden(principal.tenant, namespace)


def _not_sealable(location: LocatedSecret) -> Finding:
    return Finding(
        path=path_text("", *location.path),
        code="InvalidBase64",
        message=f"the value of key {location.key!r} is no base64",
        remedy="Encode the value, or write it in stringData.",
    )
