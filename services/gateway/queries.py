"""Reads: projections, with what was observed last and how old it is, within the caller's tenant."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from services.gateway.domain import beats, health, merging, pages
from services.gateway.domain.access import Principal
from services.gateway.domain.merging import Observations
from services.gateway.domain.refusals import NamespaceForbidden, NotFound
from services.gateway.ports import ApplicationReader, Beats, Projections, RegistryReader, RevisionReader
from shared.contracts.api import ApplicationPage, ClusterPage, RevisionPage, RunPage
from shared.contracts.desired import DesiredRecord, PagePosition, StoredApplication
from shared.contracts.identity import AppUid, ClusterName, RunId, parse_run_id
from shared.contracts.phases import AppPhase, RunPhase
from shared.contracts.views import ApplicationSummary, ApplicationView, ClusterHealth, RevisionView, RunSummary, RunView

_SCANNED, _SCANNED_PAGES = 200, 10
"""Applications at a time, and how often, to fill a page of those that are searched for."""


class Queries:
    """Everything that the API reads; raises NamespaceForbidden, NotFound and Retryable."""

    def __init__(
        self,
        *,
        store: ApplicationReader,
        revisions: RevisionReader,
        registry: RegistryReader,
        projections: Projections,
        live: Beats,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._store = store
        self._revisions = revisions
        self._registry = registry
        self._projections = projections
        self._beats = live
        self._monotonic_s = monotonic_s

    async def application(self, principal: Principal, namespace: str, name: str) -> ApplicationView:
        """Return one application with its newest run's steps and its health by cluster."""
        return await self._view(await self._by_name(principal, namespace, name))

    async def applications(
        self,
        principal: Principal,
        *,
        namespace: str | None,
        phases: Sequence[AppPhase],
        after: PagePosition | None,
        limit: int,
    ) -> ApplicationPage:
        """Return a page of the tenant's applications."""
        owned = await self._registry.namespaces_of(principal.tenant)
        if namespace is not None and namespace not in owned:
            raise NamespaceForbidden(principal.tenant, namespace)
        namespaces = owned if namespace is None else [namespace]
        # One more than asked for tells whether there is another page.
        found = await self._store.page(principal.tenant, namespaces, phases, after=after, limit=limit + 1)
        page = found[:limit]
        last = page[-1].record if len(found) > limit else None
        token = pages.write(PagePosition(last.app.namespace, last.app.name, last.uid)) if last else None
        return ApplicationPage(items=await self._summaries(page), continue_=token)

    async def chosen(
        self,
        principal: Principal,
        holds: Callable[[StoredApplication], bool],
        *,
        after: PagePosition | None,
        limit: int,
    ) -> tuple[list[StoredApplication], str | None]:
        """Return those of the tenant's applications of which something holds, and where the page ended.

        It may be short although more follows: what is looked at for one page is bounded.
        """
        owned = await self._registry.namespaces_of(principal.tenant)
        found: list[StoredApplication] = []
        for _ in range(_SCANNED_PAGES):
            page = await self._store.page(principal.tenant, owned, (AppPhase.ACTIVE,), after=after, limit=_SCANNED)
            for stored in page:
                record = stored.record
                after = PagePosition(record.app.namespace, record.app.name, record.uid)
                if holds(stored):
                    found.append(stored)
                    if len(found) == limit:
                        return found, pages.write(after)
            if len(page) < _SCANNED:
                return found, None
        return found, None if after is None else pages.write(after)

    async def summary(self, stored: StoredApplication) -> ApplicationSummary:
        """Return an application as lists show it."""
        return (await self._summaries([stored]))[0]

    async def runs(self, principal: Principal, namespace: str, name: str, *, limit: int) -> RunPage:
        """Return an application's runs, the newest first; the newest may only be awaited yet."""
        stored = await self._by_name(principal, namespace, name)
        runs = await self._projections.runs_of(stored.record.uid, limit=limit)
        if stored.unobserved and not any(run.generation == stored.record.run_generation for run in runs):
            runs = [merging.awaited_run(stored).summary(), *runs][:limit]
        return RunPage(items=tuple(runs))

    async def revisions(self, principal: Principal, namespace: str, name: str) -> RevisionPage:
        """Return the generations that an application can be rolled back to, the present one included."""
        stored = await self._by_name(principal, namespace, name)
        kept = await self._revisions.of(stored.record.uid)
        # One that was kept and not replaced after all is the present one.
        records = [stored.record, *(r for r in kept if r.generation < stored.record.generation)]
        runs = await self._projections.runs_of(stored.record.uid, limit=len(records) + 1)
        phases = {run.generation: run.phase for run in runs}
        current = stored.record.generation
        return RevisionPage(items=tuple(_revision(r, phases, current=current) for r in records if not r.deleted))

    async def run(self, principal: Principal, run: RunId) -> RunView:
        """Return a run with what was observed of it."""
        view = await self.planned_run(principal, run)
        observed, pods = await asyncio.gather(
            self._projections.observations([view.uid], self._beats.restated), self._projections.pods(view.uid)
        )
        return merging.with_observations(view, observed.get(view.uid, {}), pods)

    async def planned_run(self, principal: Principal, run: RunId) -> RunView:
        """Return a run as projected; one that was accepted a moment ago is awaited."""
        view = await self._projections.run(run)
        if view is not None:
            if view.tenant != principal.tenant:
                raise NotFound("run", run)
            return view
        try:
            uid, generation = parse_run_id(run)
        except ValueError as error:
            raise NotFound("run", run) from error
        stored = await self._store.load(uid)
        if stored is None or stored.record.app.tenant != principal.tenant or generation > stored.record.run_generation:
            raise NotFound("run", run)
        if generation < stored.record.run_generation:
            raise NotFound("run", run, f": generation {stored.record.run_generation} took its place before it began")
        return merging.awaited_run(stored)

    async def clusters(self) -> ClusterPage:
        """Return the registered clusters and the state of their agents."""
        now_s = self._monotonic_s()
        records = await self._registry.clusters()
        return ClusterPage(items=tuple(beats.cluster_view(r, self._beats.heard, now_s) for r in records))

    async def _by_name(self, principal: Principal, namespace: str, name: str) -> StoredApplication:
        if await self._registry.tenant_of(namespace) != principal.tenant:
            raise NamespaceForbidden(principal.tenant, namespace)
        stored = await self._store.by_name(namespace, name)
        if stored is None or stored.record.app.tenant != principal.tenant:
            raise NotFound("application", f"{namespace}/{name}")
        return stored

    async def _view(self, stored: StoredApplication) -> ApplicationView:
        uid = stored.record.uid
        newest, observed, generations, pods = await asyncio.gather(
            self._projections.newest_runs([uid]),
            self._projections.observations([uid], self._beats.restated),
            self._projections.observed_generations([uid]),
            self._projections.pods(uid),
        )
        plain = newest.get(uid)
        run = None if plain is None else merging.with_observations(plain, observed.get(uid, {}), pods)
        clusters = self._health(stored, run)
        summary = _summary(stored, run, clusters, generations.get(uid, 0))
        return ApplicationView(
            **{name: getattr(summary, name) for name in ApplicationSummary.model_fields},
            cluster_health=clusters,
            steps=() if run is None else run.steps,
            warnings=() if run is None else run.warnings,
        )

    async def _summaries(self, page: Sequence[StoredApplication]) -> tuple[ApplicationSummary, ...]:
        # Of one that was never taken up there is nothing to find.
        uids = [s.record.uid for s in page if not s.unobserved or s.record.generation > 1]
        newest: Mapping[AppUid, RunView] = {}
        observed: Mapping[AppUid, Observations] = {}
        generations: Mapping[AppUid, int] = {}
        if uids:
            newest, observed, generations = await asyncio.gather(
                self._projections.newest_runs(uids),
                self._projections.observations(uids, self._beats.restated),
                self._projections.observed_generations(uids),
            )
        summaries = []
        for stored in page:
            uid = stored.record.uid
            run = _observed(newest.get(uid), observed.get(uid, {}))
            clusters = self._health(stored, run)
            summaries.append(_summary(stored, run, clusters, generations.get(uid, 0)))
        return tuple(summaries)

    def _health(self, stored: StoredApplication, run: RunView | None) -> tuple[ClusterHealth, ...]:
        now_s = self._monotonic_s()
        clusters = stored.record.clusters
        ages = {c: beats.age_s(self._beats.heard, ClusterName(c), beats.OBSERVE, now_s) for c in clusters}
        return health.of_clusters(clusters, run, stored.phase, ages)


def _revision(record: DesiredRecord, phases: Mapping[int, RunPhase], *, current: int) -> RevisionView:
    return RevisionView(
        generation=record.generation,
        current=record.generation == current,
        action=record.audit.action,
        rolled_back_to=record.audit.rolled_back_to,
        cancelled=None if record.cancels is None else record.cancels.generation,
        requested_by=record.audit.actor,
        at=record.audit.at,
        clusters=record.clusters,
        phase=phases.get(record.run_generation),
    )


def _observed(run: RunView | None, observed: Observations) -> RunView | None:
    return None if run is None else merging.with_observations(run, observed, ())


def _summary(
    stored: StoredApplication,
    run: RunSummary | RunView | None,
    clusters: Sequence[ClusterHealth],
    observed_generation: int,
) -> ApplicationSummary:
    record = stored.record
    return ApplicationSummary(
        uid=AppUid(record.uid),
        tenant=record.app.tenant,
        namespace=record.app.namespace,
        name=record.app.name,
        phase=stored.phase,
        generation=record.generation,
        # The planner's mark is in the record itself; the projection tells it for an older generation.
        observed_generation=observed_generation if stored.unobserved else record.generation,
        clusters=record.clusters,
        health=health.of_application(clusters),
        run=run.summary() if isinstance(run, RunView) else run,
        created_at=record.created_at,
        updated_at=stored.updated_at,
    )
