"""Views for tests: valid ones, with what a test is about given by name."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console, RenderableType

from shared.contracts.facts import ObservationOrder, PodPhase, PodSeen, PodsObserved, Progress
from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace, ObjectKey, RunId, StepId
from shared.contracts.phases import AppPhase, Health, RunPhase, StepPhase
from shared.contracts.runs import Action, RunAccepted, RunPhaseChanged, StepOutline, StepPhaseChanged
from shared.contracts.views import (
    ApplicationSummary,
    ApplicationView,
    ClusterHealth,
    ClusterView,
    ObjectView,
    RunSummary,
    RunView,
    StepView,
)

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
UID = AppUid("0123456789abcdef")
RUN = RunId(f"{UID}-1")
APP = AppRef(tenant="acme", namespace="demo", name="shop")
CLUSTER = ClusterName("east")


def shown(renderable: RenderableType, *, width: int = 120) -> str:
    """What a program would read of it."""
    console = Console(width=width, highlight=False, markup=False, emoji=False, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def key(kind: str = "Deployment", name: str = "web") -> ObjectKey:
    return ObjectKey(api_version="v1", kind=kind, namespace="demo", name=name)


def step(name: str = "web", phase: StepPhase = StepPhase.SUCCEEDED, **fields: Any) -> StepView:
    after = tuple(StepId(each) for each in fields.pop("after", ()))
    made: dict[str, Any] = {
        "cluster": CLUSTER,
        "namespace": Namespace("demo"),
        "step": StepId(name),
        "component": name,
        "job_type": "webservice",
        "depends_on": after,
        "phase": phase,
    }
    return StepView(**{**made, **fields})


def obj(health: Health = Health.HEALTHY, **fields: Any) -> ObjectView:
    made: dict[str, Any] = {"key": key(), "object_uid": "u", "health": health, "observed_at": NOW}
    return ObjectView(**{**made, **fields})


def pod(name: str = "web-1", phase: PodPhase = PodPhase.RUNNING, **fields: Any) -> PodSeen:
    return PodSeen(**{"name": name, "phase": phase, "ready": phase is PodPhase.RUNNING, **fields})


def run(*steps: StepView, phase: RunPhase = RunPhase.RUNNING, **fields: Any) -> RunView:
    made: dict[str, Any] = {
        "run": RUN,
        "uid": UID,
        "tenant": APP.tenant,
        "namespace": APP.namespace,
        "name": APP.name,
        "generation": 1,
        "action": Action.DEPLOY,
        "phase": phase,
        "requested_by": "ada",
        "accepted_at": NOW - timedelta(seconds=90),
        "ended_at": NOW if phase.terminal else None,
        "n": 3,
        "steps": steps,
    }
    return RunView(**{**made, **fields})


def summary(**fields: Any) -> ApplicationSummary:
    made: dict[str, Any] = {
        "uid": UID,
        "tenant": APP.tenant,
        "namespace": APP.namespace,
        "name": APP.name,
        "phase": AppPhase.ACTIVE,
        "generation": 1,
        "observed_generation": 1,
        "clusters": (CLUSTER,),
        "health": Health.HEALTHY,
        "created_at": NOW - timedelta(hours=3),
        "updated_at": NOW - timedelta(hours=2, minutes=5),
    }
    return ApplicationSummary(**{**made, **fields})


def application(newest: RunView | None = None, **fields: Any) -> ApplicationView:
    made: dict[str, Any] = {
        **dict(summary()),
        "run": None if newest is None else newest.summary(),
        "steps": () if newest is None else newest.steps,
        "warnings": () if newest is None else newest.warnings,
        "cluster_health": (ClusterHealth(cluster=CLUSTER, health=Health.HEALTHY, beat_age_s=1.0),),
    }
    return ApplicationView(**{**made, **fields})


def cluster(**fields: Any) -> ClusterView:
    made: dict[str, Any] = {
        "name": CLUSTER,
        "default": True,
        "reachable": True,
        "kubernetes_version": "v1.36.0",
        "executor_beat_age_s": 1.0,
        "observe_beat_age_s": 2.0,
    }
    return ClusterView(**{**made, **fields})


def header(n: int) -> dict[str, Any]:
    return {"app": APP, "uid": UID, "n": n, "run": RUN, "generation": 1, "at": NOW}


def accepted(n: int, *names: str) -> RunAccepted:
    outlines = tuple(
        StepOutline(cluster=CLUSTER, namespace=Namespace("demo"), step=StepId(name), component=name, job_type="worker")
        for name in names
    )
    return RunAccepted(**header(n), action=Action.DEPLOY, requested_by="ada", steps=outlines)


def run_changed(n: int, phase: RunPhase, **fields: Any) -> RunPhaseChanged:
    return RunPhaseChanged(**header(n), phase=phase, **fields)


def step_changed(n: int, name: str, phase: StepPhase, **fields: Any) -> StepPhaseChanged:
    return StepPhaseChanged(**header(n), cluster=CLUSTER, step=StepId(name), phase=phase, **fields)


def pods_seen(name: str, *pods: PodSeen) -> PodsObserved:
    order = ObservationOrder(incarnation="i", transitions=0, counter=1)
    return PodsObserved(
        app=APP, uid=UID, cluster=CLUSTER, step=StepId(name), order=order, at=NOW, pods=pods, total=len(pods)
    )


def progress(ready: int, desired: int) -> Progress:
    return Progress(ready=ready, desired=desired)


def ended(view: RunView, phase: RunPhase = RunPhase.SUCCEEDED, **fields: Any) -> RunSummary:
    return view.summary().model_copy(update={"phase": phase, "ended_at": NOW, **fields})
