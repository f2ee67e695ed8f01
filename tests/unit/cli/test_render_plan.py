"""Plans as a terminal shows them: order, overrides, and what would change in the clusters."""

from typing import Any

import pytest

from cli.render import findings, plans
from shared.contracts.differences import Change
from shared.contracts.identity import Namespace, StepId
from shared.contracts.phases import Reason
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
    PlanObjectView,
    PlanStepView,
    PlanView,
)
from tests.unit.cli import views


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
