from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from cli.render import applications, clusters, findings, plans, runs
from cli.render.layout import Rows
from cli.render.phases import look
from cli.render.text import plain
from shared.contracts.api import Problem
from shared.contracts.differences import Change
from shared.contracts.facts import PodPhase
from shared.contracts.identity import ClusterName, Namespace, StepId
from shared.contracts.phases import AppPhase, Health, Reason, RunPhase, StepPhase
from shared.contracts.plan import (
    ApplyMode,
    Disposal,
    Finding,
    KeptField,
    Override,
    Reference,
    Retention,
    Treatment,
)
from shared.contracts.views import (
    ApplicationView,
    ClusterHealth,
    ClusterView,
    PlanObjectView,
    PlanStepView,
    PlanView,
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


def plan_step(name: str, *objects: PlanObjectView, **fields: object) -> PlanStepView:
    made: dict[str, object] = {
        "cluster": views.CLUSTER,
        "namespace": Namespace("demo"),
        "step": StepId(name),
        "component": name,
        "job_type": "worker",
        "objects": objects,
    }
    return PlanStepView.model_validate({**made, **fields})


def plan_of(*steps: PlanStepView, **fields: object) -> PlanView:
    made: dict[str, object] = {"tenant": "acme", "namespace": "demo", "name": "shop", "generation": 2, "steps": steps}
    return PlanView.model_validate({**made, **fields})


def plan_object(kind: str = "Deployment", name: str = "web", **fields: Any) -> PlanObjectView:
    made: dict[str, object] = {"key": views.key(kind, name), "mode": ApplyMode.APPLY, "manifest": {}}
    return PlanObjectView.model_validate({**made, **fields})


def test_plan_shows_order_objects_overrides_and_warnings() -> None:
    volume = plan_object("PersistentVolumeClaim", "data", mode=ApplyMode.CREATE, volume=True)
    need = Reference(kind="Secret", namespace="demo", name="token")
    extra = Reference(kind="ConfigMap", namespace="other", name="extra", optional=True)
    plan = plan_of(
        plan_step("db=pvc=data", volume),
        plan_step("web", plan_object(), waits_for=("db=pvc=data",), references=(need, extra)),
        plan_step("old", plan_object("ConfigMap", "c"), overridden_by="web", references=(need,), runs_once=True),
        overrides=(
            Override(
                key=views.key("ConfigMap", "c"),
                loser=StepId("old"),
                loser_path="spec.components[2]",
                winner=StepId("web"),
                winner_path="spec.components[1]",
            ),
        ),
        warnings=(Finding(path="spec.x", code="Unknown", message="nobody reads this", remedy="Take it out."),),
    )
    origin = findings.Origin("shop.yaml", {"spec.x": 7}.get)
    assert views.shown(plans.plan(plan, origin), width=100).splitlines() == [
        "demo/shop  generation 2: 3 steps, 2 objects, 1 override, 1 warning",
        "",
        "cluster east",
        "  1  db=pvc=data  worker",
        "       create if absent  PersistentVolumeClaim data (outlives the application)",
        "  2  web  worker",
        "       waits for 1 db=pvc=data",
        "       apply             Deployment web",
        "  3  old  worker, runs once",
        "       skipped: web carries ConfigMap c later",
        "",
        "  NOT IN THE PLAN",
        "  Secret token           needed by web, old",
        "  ConfigMap other/extra  optional, used by web",
        "",
        "Overrides:",
        "  ConfigMap demo/c",
        "    counts   web  spec.components[1]",
        "    skipped  old  spec.components[2]",
        "",
        "Warnings:",
        "  shop.yaml:7 spec.x: nobody reads this",
        "      Take it out.",
    ]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"treatment": Treatment(read_only=True, take_over=True)}, "read only  Deployment web (has to be there)"),
        ({"mode": ApplyMode.CREATE}, "create if absent  Deployment web"),
        ({"treatment": Treatment(take_over=True)}, "take over  Deployment web (adopted if no application has it)"),
        (
            {"treatment": Treatment(shared=True)},
            "share  Deployment web (the first application writes it, the last one deletes it)",
        ),
        (
            {"treatment": Treatment(kept=(KeptField(path="spec.replicas"), KeptField(path="spec.paused")))},
            "apply  Deployment web (keeps live spec.replicas, spec.paused)",
        ),
        (
            {"treatment": Treatment(kept=(KeptField(path="*", on_update=False),))},
            "apply  Deployment web (keeps live state unless the document changes it)",
        ),
        (
            {"treatment": Treatment(replace=True, recreate_fields=("spec.selector",))},
            "apply  Deployment web (updates replace all of it; made anew where spec.selector changes)",
        ),
        (
            {"treatment": Treatment(disposal=Disposal(retention=Retention.NEVER, orphan_dependents=True))},
            "apply  Deployment web (never deleted)",
        ),
        (
            {"volume": True, "treatment": Treatment(disposal=Disposal(retention=Retention.ON_APP_UPDATE))},
            "apply  Deployment web (deleted when no longer wanted)",
        ),
    ],
)
def test_plan_says_how_policies_treat_an_object(fields: dict[str, Any], line: str) -> None:
    text = views.shown(plans.plan(plan_of(plan_step("web", plan_object(**fields)))), width=100)
    assert text.splitlines()[-1].strip() == line


def test_plan_tells_clusters_that_get_the_same_together() -> None:
    steps = [
        plan_step(f"web{at}", plan_object(manifest={"sealed": cluster}), cluster=cluster, namespace=namespace)
        for cluster, namespace, at in (("east", "demo", ""), ("east", "prod", "@prod"), ("west", "demo", ""))
    ]
    assert views.shown(plans.plan(plan_of(*steps))).splitlines()[2:] == [
        "clusters east, west",
        "  1  web  worker",
        "       apply  Deployment web",
        "",
        "cluster east, namespace prod",
        "  1  web@prod  worker",
        "       apply  Deployment demo/web",
    ]


def test_plan_of_long_names_keeps_within_a_hundred_columns() -> None:
    name = "n" * 63
    kept = Treatment(kept=(KeptField(path="spec.template.spec.containers[0].image"),), take_over=True)
    need = Reference(kind="PersistentVolumeClaim", namespace="demo", name=name)
    step = plan_step(name, plan_object("PersistentVolumeClaim", name, treatment=kept), references=(need,))
    lines = views.shown(plans.plan(plan_of(step)), width=100).splitlines()
    assert max(map(len, lines)) <= 100
    assert f"needed by {name}" in " ".join(" ".join(lines).split())


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


def live(change: Change, kind: str = "Deployment", **fields: Any) -> PlanObjectView:
    told = {"step": "web", "key": views.key(kind, "web"), "change": change, **fields}
    return plan_object(kind, live=told)


TEXT = "--- live\n+++ planned\n@@ -1,2 +1,2 @@\n data:\n-  a: \x1b[31m1\n+  a: '2'"
CHANGES = plan_of(
    plan_step(
        "web",
        live(Change.CHANGED, "ConfigMap", text=TEXT, fields=({"path": "data.a", "before": "1", "after": "2"},)),
        live(Change.CHANGED, fields=tuple({"path": f"spec.f{i}"} for i in range(5)), shortened=True),
        live(Change.UNCHANGED, "Service"),
        live(Change.REFUSED, "Ingress", reason=Reason.INVALID, message="bad"),
        live(Change.UNKNOWN, "Secret"),
    ),
    changed=False,
    clusters=(
        {
            "cluster": "east",
            "compared": False,
            "message": "cluster east: 1 of 5 objects could not be looked at: silent",
            "problems": (
                {"step": "web", "reason": Reason.INVALID, "message": "bad"},
                {"step": "web", "reason": Reason.REFERENCE_NOT_FOUND, "message": "ConfigMap x does not exist"},
            ),
            "warnings": ("Secret tls does not exist",),
            "unwanted": ({"key": views.key("ConfigMap", "old"), "change": Change.DELETED},),
        },
    ),
)


def test_plan_tells_what_speaks_against_it_first_and_what_would_change() -> None:
    assert views.shown(plans.plan(CHANGES), width=100).splitlines() == [
        "demo/shop  generation 2: 1 step, 5 objects",
        "2 to change, 1 to delete, 1 refused, 1 unchanged, 1 not known",
        "It is what was applied last: applying it again does nothing.",
        "",
        "It would be refused:",
        "  REASON             STEP",
        "  ReferenceNotFound  web   ConfigMap x does not exist",
        "  Invalid            web   bad",
        "",
        "cluster east",
        "  1  web  worker",
        "       ~ change     ConfigMap web (data.a)",
        "       ~ change     Deployment web (spec.f0, spec.f1, spec.f2 and 2 more)",
        "       = unchanged  Service web",
        "       ! refused    Ingress web",
        "       apply        Secret web",
        "",
        "Not wanted any more:",
        "  - delete     ConfigMap demo/old",
        "",
        "The clusters warn:",
        "  Secret tls does not exist",
        "",
        "Not known:",
        "  cluster east: 1 of 5 objects could not be looked at: silent",
    ]


def test_diffs_stand_beneath_their_objects_with_nothing_that_a_terminal_would_act_upon() -> None:
    lines = views.shown(plans.plan(CHANGES, diffs=True), width=100).splitlines()
    start = lines.index("       ~ change     ConfigMap web")
    assert lines[start + 1 : start + 5] == [
        "           @@ -1,2 +1,2 @@",
        "            data:",
        "           -  a: \\x1b[31m1",
        "           +  a: '2'",
    ]
    assert "           … there is more, which is too long to be shown" in lines
