"""Clusters and how their agents are."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from cli import durations
from cli.render.layout import Rows
from cli.render.phases import BAD, GOOD, HELD, QUIET
from cli.render.text import plain
from shared.contracts.api import KeyRotation
from shared.contracts.views import ClusterView


def listed(clusters: Sequence[ClusterView]) -> RenderableType:
    """A line for each."""
    rows = Rows(("NAME", "AGENT", "EXECUTOR", "OBSERVER", "KUBERNETES", "LABELS"))
    for cluster in clusters:
        labels = ", ".join(f"{plain(key)}={plain(value)}" for key, value in sorted(cluster.labels.items()))
        rows.add(
            f"{cluster.name} (default)" if cluster.default else cluster.name,
            Text("✓ reachable", style=GOOD) if cluster.reachable else Text("✗ unreachable", style=BAD),
            _heard(cluster.executor_beat_age_s),
            _heard(cluster.observe_beat_age_s),
            _version(cluster),
            note=Text(labels, style=QUIET),
        )
    simulated = [cluster.name for cluster in clusters if cluster.simulated]
    if not simulated:
        return rows
    verb = "is a simulation" if len(simulated) == 1 else "are simulations"
    return Group(rows, "", Text(f"{', '.join(simulated)} {verb}: no container runs there.", style=HELD))


def rotated(rotation: KeyRotation) -> RenderableType:
    """What secret values are sealed for from now on, and what else there is to do."""
    return Group(
        Text(f"Cluster {rotation.cluster}: secret values are sealed for key {rotation.now} from now on."),
        Text(
            f"What was sealed for {rotation.before} opens as long as the cluster keeps that key: "
            "apply documents with secrets again before you retire it.",
            style=QUIET,
        ),
    )


def _version(cluster: ClusterView) -> Text:
    text = Text(plain(cluster.kubernetes_version))
    return text.append(" (simulation)", style=HELD) if cluster.simulated else text


def _heard(age_s: float | None) -> Text:
    return Text("never", style=HELD) if age_s is None else Text(f"{durations.text(age_s)} ago")
