"""Applications: the list, and one with everything that is known about it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from cli import durations
from cli.render.explanation import Key, explained, is_told, trouble_of, waits_for
from cli.render.findings import warnings
from cli.render.layout import Rows, indented
from cli.render.phases import BAD, HELD, QUIET, look, shown
from cli.render.text import age, plain, seconds_between
from cli.render.why import why
from shared.contracts.facts import PodPhase, PodSeen
from shared.contracts.identity import ClusterName
from shared.contracts.phases import AppPhase, Health, StepPhase
from shared.contracts.views import (
    ApplicationSummary,
    ApplicationView,
    ClusterHealth,
    ClusterView,
    ObjectView,
    RunSummary,
    StepView,
)

_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"})


def listed(applications: Sequence[ApplicationSummary], now: datetime) -> RenderableType:
    """A line for each."""
    rows = Rows(("NAMESPACE", "NAME", "HEALTH", "RUN", "GEN", "CLUSTERS", "CHANGED"))
    for app in applications:
        rows.add(
            app.namespace,
            app.name,
            shown(app.health) if app.phase is AppPhase.ACTIVE else shown(app.phase),
            Text("none yet", style=QUIET) if app.run is None else shown(app.run.phase, app.run.reason),
            str(app.generation),
            ", ".join(app.clusters),
            note=age(app.updated_at, now),
        )
    return rows


def status(
    app: ApplicationView, clusters: Mapping[ClusterName, ClusterView], now: datetime, *, tree: bool
) -> RenderableType:
    """One application: how it is, why, and where every step stands."""
    parts: list[RenderableType] = [_head(app, now)]
    parts += [_cluster_line(health, clusters.get(health.cluster)) for health in app.cluster_health]
    reasons = why(app.run, app.steps, now)
    if reasons is not None:
        parts += ["", Text("Why:", style="bold"), indented(reasons, 2)]
    if app.steps:
        told = explained(app.steps, now)
        parts += ["", _tree(app, clusters, now, told) if tree else steps_table(app.steps, now, told)]
    if app.warnings:
        parts += ["", Text("Warnings:", style="bold"), indented(warnings(app.warnings), 2)]
    return Group(*parts)


def steps_table(steps: Sequence[StepView], now: datetime, told: Collection[Key]) -> RenderableType:
    """A line for each step; those that are explained elsewhere, at length, without their message."""
    by_key: dict[Key, StepView] = {(step.cluster, step.step): step for step in steps}
    several = len({step.cluster for step in steps}) > 1
    rows = Rows(("STEP", *(("CLUSTER",) if several else ()), "PHASE", "READY", "TIME", "MESSAGE"))
    for step in steps:
        rows.add(
            plain(step.step),
            *((step.cluster,) if several else ()),
            shown(step.phase, step.reason),
            ready(step),
            since(step, now),
            note="" if (step.cluster, step.step) in told else said(step, by_key),
        )
    return rows


def said(step: StepView, steps: Mapping[Key, StepView]) -> str:
    """What there is to say about a step, on one line."""
    if step.message:
        return plain(step.message)
    if missing := waits_for(step, steps):
        return f"waits for {', '.join(plain(name) for name in missing)}"
    if step.phase in (StepPhase.PENDING, StepPhase.RUNNING):
        return next((f"pod {plain(pod.name)}: {trouble}" for pod in step.pods if (trouble := trouble_of(pod))), "")
    return ""


def ready(step: StepView) -> str:
    """`1/2`, or empty where nothing is counted."""
    return f"{step.progress.ready}/{step.progress.desired}" if step.progress.desired else ""


def since(step: StepView, now: datetime) -> str:
    """How long it took, or takes already."""
    if step.started_at is None or step.phase is StepPhase.SKIPPED:
        return ""
    return seconds_between(step.started_at, step.ended_at or now)


def _head(app: ApplicationView, now: datetime) -> RenderableType:
    sign, style = look(app.health)
    head = Text.assemble((f"{sign} ", style), (f"{app.namespace}/{app.name}", "bold"), "  ", (app.health.value, style))
    if app.phase is not AppPhase.ACTIVE:
        head.append("  ").append_text(shown(app.phase, icon=False))
    head.append(f"  generation {app.generation}, changed {age(app.updated_at, now)}", style=QUIET)
    lines = [head]
    if app.run is not None:
        lines.append(_run_line(app.run, now))
    if app.observed_generation < app.generation:
        lines.append(Text(f"  generation {app.generation} is stored; the planner has not taken it up yet", style=HELD))
    return Group(*lines)


def _run_line(run: RunSummary, now: datetime) -> Text:
    line = Text.assemble(f"  {run.action} ", shown(run.phase, run.reason))
    taken = seconds_between(run.accepted_at, run.ended_at or now)
    line.append(f" {'after' if run.ended_at else 'for'} {taken}")
    return line.append(f", asked for by {plain(run.requested_by)}\n  run {run.run}", style=QUIET)


def _cluster_line(health: ClusterHealth, cluster: ClusterView | None) -> RenderableType:
    line = Text.assemble("  cluster ", (health.cluster, "bold"))
    if cluster is not None and cluster.simulated:
        line.append(" (simulation)", style=HELD)
    line.append(": ").append_text(shown(health.health, health.reason))
    if health.beat_age_s is None:
        line.append("  never heard of", style=HELD)
    elif health.health is Health.UNKNOWN:
        line.append(f"  last heard of {durations.text(health.beat_age_s)} ago", style=HELD)
    return line


def _tree(
    app: ApplicationView, clusters: Mapping[ClusterName, ClusterView], now: datetime, told: Collection[Key]
) -> Tree:
    by_key: dict[Key, StepView] = {(step.cluster, step.step): step for step in app.steps}
    root = Tree(Text.assemble((f"{app.namespace}/{app.name}", "bold"), "  ", shown(app.health)), guide_style=QUIET)
    healths = {health.cluster: health for health in app.cluster_health}
    for name in dict.fromkeys(step.cluster for step in app.steps):
        branch = root.add(_cluster_node(name, healths.get(name), clusters.get(name)))
        for step in app.steps:
            if step.cluster == name:
                message = "" if (name, step.step) in told else said(step, by_key)
                _add_step(branch, step, message, now)
    return root


def _cluster_node(name: ClusterName, health: ClusterHealth | None, cluster: ClusterView | None) -> Text:
    node = Text.assemble("cluster ", (name, "bold"))
    if cluster is not None and cluster.simulated:
        node.append(" (simulation)", style=HELD)
    return node.append("  ").append_text(shown(health.health, health.reason)) if health is not None else node


def _add_step(branch: Tree, step: StepView, message: str, now: datetime) -> None:
    label = Text.assemble((plain(step.step), "bold"), (f" {plain(step.job_type)}  ", QUIET))
    label.append_text(shown(step.phase, step.reason))
    for part in (ready(step) and f"{ready(step)} ready", since(step, now)):
        if part:
            label.append(f"  {part}", style=QUIET)
    if message:
        label.append(f"  {message}")
    node = branch.add(label)
    # Pods are known by step: they hang on its workload where there is exactly one.
    workloads = [obj for obj in step.objects if obj.key.kind in _WORKLOADS]
    for obj in step.objects:
        child = node.add(_object_label(obj, {step.message}))
        if len(workloads) == 1 and obj is workloads[0]:
            _add_pods(child, step.pods, {step.message, obj.message})
    if len(workloads) != 1:
        _add_pods(node, step.pods, {step.message})


def _object_label(obj: ObjectView, known: Collection[str]) -> Text:
    label = Text(plain(f"{obj.key.kind} {obj.key.name}"))
    if obj.observed_at is not None:
        label.append("  ").append_text(shown(obj.health, obj.reason))
    elif not obj.object_uid:
        label.append("  not applied", style=QUIET)
    if not is_told(obj.message, known) and obj.health is not Health.HEALTHY:
        label.append(f"  {plain(obj.message)}")
    return label


def _add_pods(node: Tree, pods: Sequence[PodSeen], known: Collection[str]) -> None:
    for pod in pods:
        node.add(_pod_label(pod, known))


def _pod_label(pod: PodSeen, known: Collection[str]) -> Text:
    trouble = trouble_of(pod, known)
    well = not trouble and (pod.ready or pod.phase is PodPhase.SUCCEEDED)
    sign, style = ("✓", "green") if well else ("✗", BAD) if trouble else ("…", HELD)
    label = Text.assemble(f"pod {plain(pod.name)}  ", (f"{sign} {pod.phase}", style))
    if pod.phase is PodPhase.RUNNING and not pod.ready:
        label.append(", not ready", style=style)
    if pod.node:
        label.append(f"  on {plain(pod.node)}", style=QUIET)
    return label.append(f"  {trouble}") if trouble else label
