from datetime import timedelta

import pytest
from rich.console import Console
from rich.text import Text

from cli.render import applications, clusters, findings, runs
from cli.render.layout import Rows
from cli.render.phases import look
from cli.render.text import plain
from shared.contracts.api import Problem
from shared.contracts.facts import PodPhase
from shared.contracts.identity import ClusterName
from shared.contracts.phases import AppPhase, Health, Reason, RunPhase, StepPhase
from shared.contracts.plan import (
    Finding,
)
from shared.contracts.views import (
    ApplicationView,
    ClusterHealth,
    ClusterView,
    RunView,
)
from tests.unit.cli import views
from tests.unit.cli.views import NOW


def status(app: ApplicationView, cluster: ClusterView | None = None, *, tree: bool = False, width: int = 120) -> str:
    known = {} if cluster is None else {cluster.name: cluster}
    return views.shown(applications.status(app, known, NOW, tree=tree), width=width)


@pytest.mark.parametrize("kind", [StepPhase, RunPhase, Health, AppPhase])
def test_every_phase_has_a_look(kind: type[StepPhase | RunPhase | Health | AppPhase]) -> None:
    assert all(look(phase) for phase in kind)


def test_text_from_elsewhere_cannot_command_the_terminal() -> None:
    assert plain("a\x1b[2Jb\x9b0mc\nd\u202ee") == "a\\x1b[2Jb\\x9b0mc d\\u202ee"
    text = status(views.application(views.run(views.step("web", StepPhase.FAILED, message="\x1b]0;title\x07[red]x"))))
    assert "\x1b" not in text
    assert "[red]x" in text


def test_status_says_how_it_is_at_a_glance() -> None:
    newest = views.run(
        views.step("db", objects=(views.obj(),), started_at=NOW - timedelta(seconds=4), ended_at=NOW),
        views.step("web", StepPhase.WAITING, after=["db", "init"]),
        views.step("init", StepPhase.PENDING, reason=Reason.UNSCHEDULABLE, message="0/3 nodes are available"),
    )
    text = status(views.application(newest, health=Health.PROGRESSING), views.cluster(simulated=True))
    assert text.splitlines() == [
        "→ demo/shop  Progressing  generation 1, changed 2h 5m ago",
        "  deploy → Running for 1m 30s, asked for by ada",
        f"  run {views.RUN}",
        "  cluster east (simulation): ✓ Healthy",
        "",
        "Why:",
        "  … init: Pending(Unschedulable)",
        "      0/3 nodes are available",
        "      holds up: web",
        "",
        "STEP  PHASE                     READY  TIME  MESSAGE",
        "db    ✓ Succeeded                      4s",
        "web   · Waiting                              waits for init",
        "init  … Pending(Unschedulable)",
    ]


def test_status_tells_what_a_run_waits_for_and_what_it_is_warned_of() -> None:
    waiting = views.step(
        "web",
        StepPhase.WAITING,
        reason=Reason.REFERENCE_NOT_FOUND,
        message="v1 Secret demo/db does not exist",
        deadline=NOW + timedelta(seconds=42),
    )
    warning = Finding(path="spec.components[0]", code="ReferenceNotFound", message="on east: v1 Secret demo/x")
    text = status(views.application(views.run(waiting, phase=RunPhase.PREPARING, warnings=(warning,))))
    assert "  · web: Waiting(ReferenceNotFound)\n      v1 Secret demo/db does not exist\n      gives up in 42s" in text
    assert text.splitlines()[-2:] == ["Warnings:", "  spec.components[0]: on east: v1 Secret demo/x"]


def test_status_without_trouble_has_no_why() -> None:
    assert "Why" not in status(views.application(views.run(views.step(), phase=RunPhase.SUCCEEDED)))


def test_status_before_the_first_run_says_what_is_awaited() -> None:
    text = status(views.application(None, observed_generation=0, health=Health.PROGRESSING))
    assert "generation 1 is stored; the planner has not taken it up yet" in text


def test_silent_cluster_is_shown_with_the_age_of_what_is_known() -> None:
    silent = ClusterHealth(
        cluster=views.CLUSTER, health=Health.UNKNOWN, reason=Reason.CLUSTER_UNREACHABLE, beat_age_s=185.0
    )
    never = silent.model_copy(update={"cluster": ClusterName("west"), "beat_age_s": None})
    text = status(views.application(None, cluster_health=(silent, never), health=Health.UNKNOWN))
    assert "cluster east: ? Unknown(ClusterUnreachable)  last heard of 3m 5s ago" in text
    assert "cluster west: ? Unknown(ClusterUnreachable)  never heard of" in text


def test_tree_goes_down_to_pods() -> None:
    web = views.step(
        "web",
        StepPhase.RUNNING,
        progress=views.progress(1, 2),
        objects=(views.obj(Health.PROGRESSING), views.obj(key=views.key("Service"))),
        pods=(
            views.pod("web-a", node="n1"),
            views.pod("web-b", ready=False, reason=Reason.CRASH_LOOP_BACK_OFF, message="exit code 1", restarts=3),
        ),
    )
    later = views.step("later", StepPhase.WAITING, objects=(views.obj(object_uid="", observed_at=None),))
    text = status(views.application(views.run(web, later)), tree=True)
    tree = text[text.index("demo/shop  ✓") :].splitlines()
    assert tree == [
        "demo/shop  ✓ Healthy",
        "└── cluster east  ✓ Healthy",
        "    ├── web webservice  → Running  1/2 ready",
        "    │   ├── Deployment web  → Progressing",
        "    │   │   ├── pod web-a  ✓ Running  on n1",
        "    │   │   └── pod web-b  ✗ Running, not ready  CrashLoopBackOff (3 restarts): exit code 1",
        "    │   └── Service web  ✓ Healthy",
        "    └── later webservice  · Waiting",
        "        └── Deployment web  not applied",
    ]


def test_narrow_terminal_loses_no_message() -> None:
    message = "a long message that has no room beside the columns of the table"
    newest = views.run(views.step("a-rather-long-name-of-a-step", StepPhase.SKIPPED, message=message))
    text = status(views.application(newest), width=50)
    assert message in " ".join(text.split())


def test_list_has_a_line_for_each_application() -> None:
    deleting = views.summary(name="old", phase=AppPhase.DELETING, health=Health.PROGRESSING)
    failed = views.run(phase=RunPhase.FAILED, reason=Reason.STEP_NOT_SUCCEEDED).summary()
    text = views.shown(applications.listed([deleting, views.summary(health=Health.DEGRADED, run=failed)], NOW))
    assert text.splitlines() == [
        "NAMESPACE  NAME  HEALTH      RUN                         GEN  CLUSTERS  CHANGED",
        "demo       old   - Deleting  none yet                    1    east      2h 5m ago",
        "demo       shop  ✗ Degraded  ✗ Failed(StepNotSucceeded)  1    east      2h 5m ago",
    ]


def test_simulated_clusters_are_called_so() -> None:
    text = views.shown(clusters.listed([views.cluster(simulated=True, labels={"region": "eu"}), views.cluster()]))
    assert "east (default)  ✓ reachable  1s ago    2s ago    v1.36.0 (simulation)  region=eu" in text
    assert "east is a simulation: no container runs there." in text
    assert "simulation" not in views.shown(clusters.listed([views.cluster()]))


def test_unreachable_cluster_is_told_apart_from_a_silent_part() -> None:
    text = views.shown(clusters.listed([views.cluster(reachable=False, observe_beat_age_s=None)]))
    assert "✗ unreachable  1s ago    never" in text


def problem(*found: Finding, detail: str = "") -> Problem:
    return Problem(type="t", title="The document has errors", status=422, code="C", detail=detail, findings=found)


def test_problem_lists_every_finding_with_its_place_in_the_order_of_the_file() -> None:
    lines = {"spec.b": 9, "spec.a": 4}
    origin = findings.Origin("shop.yaml", lines.get)
    text = views.shown(
        findings.problem(
            problem(
                Finding(path="spec.b", code="C", message="second"),
                Finding(path="spec.a", code="C", message="first", remedy="Do this."),
                Finding(path="", code="C", message="as a whole"),
            ),
            "shop.yaml",
            origin,
        )
    )
    assert text.splitlines() == [
        "shop.yaml: The document has errors",
        "  as a whole",
        "  shop.yaml:4 spec.a: first",
        "      Do this.",
        "  shop.yaml:9 spec.b: second",
    ]


def test_problem_without_findings_says_its_detail() -> None:
    assert (
        views.shown(findings.problem(problem(detail="because"), "kubemin"))
        == "kubemin: The document has errors: because"
    )


def lines_of(before: RunView | None, after: RunView) -> list[str]:
    return [line.plain for line in runs.changes(before, after)]


def test_changes_are_told_once_and_waiting_is_no_news() -> None:
    before = views.run(views.step("db", StepPhase.APPLYING), views.step("web", StepPhase.WAITING, after=["db"]))
    assert lines_of(None, before) == ["deploy Running", "db Applying"]
    db = views.step("db", StepPhase.PENDING, reason=Reason.UNSCHEDULABLE, message="0/3 nodes")
    after = before.model_copy(update={"steps": (db, before.steps[1])})
    assert lines_of(before, after) == ["db Pending(Unschedulable): 0/3 nodes"]
    assert lines_of(after, after) == []


def test_rise_of_ready_pods_is_a_change() -> None:
    before = views.run(views.step("web", StepPhase.RUNNING, progress=views.progress(0, 2)))
    after = before.model_copy(update={"steps": (views.step("web", StepPhase.RUNNING, progress=views.progress(1, 2)),)})
    assert lines_of(before, after) == ["web Running: 1/2 ready"]


def test_picture_keeps_to_the_rows_that_there_are_and_shows_what_matters() -> None:
    steps = [views.step(f"done-{n}") for n in range(50)]
    steps += [views.step("bad", StepPhase.FAILED), views.step("busy", StepPhase.RUNNING)]
    text = views.shown(runs.progress(views.run(*steps), "", "", NOW, rows=8), width=80)
    assert len(text.splitlines()) <= 8
    assert "bad" in text
    assert "busy" in text
    assert "51/52 steps" in text


def test_picture_says_that_contact_is_lost() -> None:
    assert "nothing listens there; trying again" in views.shown(
        runs.progress(views.run(), "", "nothing listens there", NOW, rows=9)
    )


def test_end_of_a_failed_run_says_why_and_that_of_a_good_one_does_not() -> None:
    failed = views.run(
        views.step("web", StepPhase.FAILED, message="exit 1"), phase=RunPhase.FAILED, reason=Reason.STEP_NOT_SUCCEEDED
    )
    assert views.shown(runs.ended(failed, NOW, steps=False)).splitlines() == [
        "demo/shop ✗ Failed(StepNotSucceeded) after 1m 30s",
        "  ✗ web: Failed",
        "      exit 1",
    ]
    good = views.run(views.step(objects=(views.obj(Health.PROGRESSING),)), phase=RunPhase.SUCCEEDED)
    assert views.shown(runs.ended(good, NOW, steps=False)) == "demo/shop ✓ Succeeded after 1m 30s"


def test_pod_in_trouble_speaks_for_a_step_that_says_nothing() -> None:
    step = views.step("web", StepPhase.PENDING, pods=(views.pod("p", PodPhase.PENDING, reason=Reason.UNSCHEDULABLE),))
    assert applications.said(step, {}) == "pod p: Unschedulable"


def test_rows_put_notes_beneath_where_they_do_not_fit() -> None:
    rows = Rows(("A", "B", "NOTE"))
    rows.add("x", Text("yy"), note="n" * 30)
    rows.add("xx", "y")
    console = Console(width=60)
    assert [str(line) for line in rows.__rich_console__(console, console.options)] == [
        "A   B   NOTE",
        "x   yy  " + "n" * 30,
        "xx  y",
    ]
    assert views.shown(rows, width=20).splitlines()[:3] == ["A   B", "x   yy", "    " + "n" * 16]
