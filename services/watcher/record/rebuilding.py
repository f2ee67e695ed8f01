"""Folds the whole archive again: what people read holds nothing that the archive does not say."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.watcher.record.domain.observations import object_view
from services.watcher.record.ports import HistoryPort
from services.watcher.record.projector import Projector
from shared.contracts.facts import (
    Fact,
    ObjectVanished,
    Observed,
    PodsObserved,
    StepFailed,
    StepProgressed,
    StepSucceeded,
)
from shared.contracts.identity import AppUid, RunId
from shared.contracts.projection import ProjectedApp
from shared.contracts.runs import ObjectForgotten
from shared.contracts.views import ObjectView, RunView
from shared.store.projections import ObservationKey, Observations, SeenObject
from shared.store.reads import APP_STATUS, OBSERVATIONS, RUNS


class ArchivePort(HistoryPort, Protocol):
    """The archive, facts included."""

    async def facts(self, uid: AppUid) -> list[Fact]:
        """Every fact about an application, oldest first."""
        ...


class StoredPort(Protocol):
    """The projections as they are stored; a replacement never takes the place of something newer."""

    async def app(self, uid: AppUid) -> ProjectedApp:
        """How far an application is projected."""
        ...

    async def runs_of(self, uid: AppUid) -> dict[RunId, RunView]:
        """Every run of an application."""
        ...

    async def observations_of(self, uid: AppUid) -> Observations:
        """What was seen last of its objects."""
        ...

    async def replace_app(self, uid: AppUid, app: ProjectedApp) -> None:
        """Store how far it is projected, in the place of what is as new."""
        ...

    async def replace_run(self, view: RunView) -> None:
        """Store a view in the place of one that is as new."""
        ...

    async def replace_observations(self, uid: AppUid, wrong: Observations, right: Observations) -> None:
        """Take away what was read as `wrong` and store `right` in the place of what is as new."""
        ...


@dataclass
class Rebuilt:
    """What the archive says of one application; the projector and the recorder fold into it as into the database."""

    folded: ProjectedApp = field(default_factory=ProjectedApp)
    runs: dict[RunId, RunView] = field(default_factory=dict)
    observations: Observations = field(default_factory=dict)
    _forgotten: set[str] = field(default_factory=set)

    async def apps(self, uids: Collection[AppUid]) -> dict[AppUid, ProjectedApp]:
        """How far it is folded."""
        return dict.fromkeys(uids, self.folded)

    async def views(self, runs: Collection[RunId]) -> dict[RunId, RunView]:
        """Those that are folded so far."""
        return {run: self.runs[run] for run in runs if run in self.runs}

    async def save_runs(self, views: Sequence[RunView], *, new: Collection[RunId]) -> None:
        """Keep views."""
        del new
        self.runs |= {view.run: view for view in views}

    async def save_apps(self, apps: Mapping[AppUid, ProjectedApp], *, new: Collection[AppUid]) -> None:
        """Keep how far it is folded."""
        del new
        for app in apps.values():
            self.folded = app

    async def observe(self, observed: Iterable[tuple[Observed, ObjectView]]) -> None:
        """Keep what was seen last of objects that were not deleted on purpose."""
        for fact, view in observed:
            key: ObservationKey = (fact.cluster, fact.key)
            before = self.observations.get(key)
            if fact.object_uid not in self._forgotten and (before is None or fact.order.later_than(before.order)):
                self.observations[key] = SeenObject(fact.step, fact.object_uid, fact.order, view)

    async def observe_pods(self, observed: Iterable[PodsObserved]) -> None:
        """Pods are not archived: they are seen again."""
        del observed

    async def forget_objects(self, forgotten: Iterable[ObjectForgotten]) -> None:
        """Note objects that were deleted on purpose, before any fact is folded."""
        self._forgotten.update(event.object_uid for event in forgotten)


@dataclass(frozen=True)
class Comparison:
    """The documents of one application, stored against rebuilt."""

    uid: AppUid
    documents: Mapping[str, int]
    """Stored or rebuilt, by collection."""
    different: tuple[str, ...]
    """`<collection>/<id>` of each that is stored otherwise, or on one side alone."""


class Rebuilder:
    """Folds applications anew, compares, and stores what the archive says."""

    def __init__(self, *, archive: ArchivePort, stored: StoredPort) -> None:
        self._archive = archive
        self._stored = stored

    async def compare(self) -> AsyncIterator[Comparison]:
        """Compare every application with what the archive says of it; raises Retryable."""
        for uid in await self._archive.applications():
            yield (await self._look(uid)).comparison

    async def rebuild(self) -> AsyncIterator[Comparison]:
        """Store every document that differs as the archive has it, and tell what differed; raises Retryable."""
        for uid in await self._archive.applications():
            look = await self._look(uid)
            rebuilt = look.rebuilt
            for view in rebuilt.runs.values():
                if look.runs.get(view.run) != view:
                    await self._stored.replace_run(view)
            if look.observations != rebuilt.observations:
                await self._stored.replace_observations(
                    uid,
                    wrong=_other(look.observations, rebuilt.observations),
                    right=_other(rebuilt.observations, look.observations),
                )
            if look.app != rebuilt.folded:
                await self._stored.replace_app(uid, rebuilt.folded)
            yield look.comparison

    async def _look(self, uid: AppUid) -> "_Look":
        # First what is stored: what is archived in between is newer, and a difference that the next look explains.
        app = await self._stored.app(uid)
        runs = await self._stored.runs_of(uid)
        observations = await self._stored.observations_of(uid)
        rebuilt = Rebuilt()
        failures = await Projector(history=self._archive, projections=rebuilt).catch_up({uid: None})
        for failure in failures.values():
            raise failure
        facts = await self._archive.facts(uid)
        await rebuilt.observe(
            (fact, object_view(fact))
            for fact in facts
            if isinstance(fact, StepProgressed | StepSucceeded | StepFailed | ObjectVanished)
        )
        return _Look(uid, app, runs, observations, rebuilt)


@dataclass(frozen=True)
class _Look:
    uid: AppUid
    app: ProjectedApp
    runs: dict[RunId, RunView]
    observations: Observations
    rebuilt: Rebuilt

    @property
    def comparison(self) -> Comparison:
        runs, observations = self.rebuilt.runs, self.rebuilt.observations
        different = [f"{APP_STATUS}/{self.uid}"] if self.app != self.rebuilt.folded else []
        different += [f"{RUNS}/{run}" for run in {**self.runs, **runs} if self.runs.get(run) != runs.get(run)]
        different += [
            f"{OBSERVATIONS}/{self.uid}/{cluster}/{key}"
            for cluster, key in {**self.observations, **observations}
            if self.observations.get((cluster, key)) != observations.get((cluster, key))
        ]
        documents = {
            APP_STATUS: 1,
            RUNS: len({**self.runs, **runs}),
            OBSERVATIONS: len({**self.observations, **observations}),
        }
        return Comparison(self.uid, documents, tuple(different))


def _other(observations: Observations, against: Observations) -> Observations:
    return {key: seen for key, seen in observations.items() if against.get(key) != seen}
