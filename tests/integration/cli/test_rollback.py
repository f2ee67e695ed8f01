"""`revisions` and `rollback` against a stand-in of the API."""

import pytest

from shared.contracts.api import ApplyResult, RevisionPage
from shared.contracts.differences import Change, UnwantedDifference
from shared.contracts.identity import ClusterName, ObjectKey
from shared.contracts.phases import RunPhase, StepPhase
from shared.contracts.views import PlanClusterView, PlanView, RevisionView
from tests.integration.cli.api import Api, Command, problem
from tests.unit.cli import views

ROLLBACK = "POST /api/v1/applications/demo/shop/rollback"
REVISIONS = "GET /api/v1/applications/demo/shop/revisions"


def a_revision(generation: int, action: str, **fields: object) -> RevisionView:
    made = {"current": False, "requested_by": "ann", "at": views.NOW, "clusters": (views.CLUSTER,)}
    return RevisionView.model_validate({"generation": generation, "action": action, **made, **fields})


async def test_revisions_tell_what_made_them_and_how_they_went(api: Api, kubemin: Command) -> None:
    now = a_revision(4, "cancel", cancelled=3, phase=RunPhase.CANCELLED, current=True)
    back = a_revision(3, "rollback", rolled_back_to=1)
    page = RevisionPage(items=(now, back, a_revision(2, "update", phase=RunPhase.FAILED), a_revision(1, "create")))
    api.on(REVISIONS, page)
    result = await kubemin("revisions", "demo/shop")
    assert (result.code, result.err) == (0, "")
    lines = [line.split("  ")[0:2] for line in result.out.splitlines()]
    assert [line[0].strip() for line in lines] == ["GEN", "4 (now)", "3", "2", "1"]
    assert "cancel of 3" in result.out
    assert "rollback to 1" in result.out
    assert "Failed" in result.out
    assert "not begun" in result.out


async def test_rollback_says_what_becomes_of_it(api: Api, kubemin: Command) -> None:
    newest = views.run(views.step("web", StepPhase.RUNNING))
    api.on(ROLLBACK, ApplyResult(application=views.summary(generation=3), run=newest.run, changed=True), status=202)
    result = await kubemin("rollback", "shop", "-n", "demo", "--to", "1")
    assert result.code == 0
    assert "demo/shop updated (generation 3), as generation 1 was" in result.out
    assert f"kubemin watch {newest.run}" in result.out
    assert api.paths("POST") == ["/api/v1/applications/demo/shop/rollback?generation=1"]


async def test_dry_run_shows_the_plan_of_the_rollback_and_asks_for_nothing_else(api: Api, kubemin: Command) -> None:
    config = ObjectKey(api_version="v1", kind="ConfigMap", namespace="demo", name="old")
    unwanted = UnwantedDifference(key=config, change=Change.DELETED)
    cluster = PlanClusterView(cluster=ClusterName("edge"), compared=True, unwanted=(unwanted,))
    api.on(
        ROLLBACK,
        PlanView(tenant="acme", namespace="demo", name="shop", generation=3, steps=(), clusters=(cluster,)),
    )
    result = await kubemin("rollback", "demo/shop", "--to", "1", "--dry-run", "--detailed-exitcode")
    assert result.code == 3
    assert "demo/shop  generation 3: 0 steps, 0 objects" in result.out
    assert "ConfigMap demo/old" in result.out
    assert api.paths("POST") == ["/api/v1/applications/demo/shop/rollback?generation=1&dryRun=true"]


@pytest.mark.parametrize("options", [("--dry-run", "--wait"), ("--diff",), ("--detailed-exitcode",)])
async def test_options_that_a_rollback_would_ignore_are_refused(
    api: Api, kubemin: Command, options: tuple[str, ...]
) -> None:
    result = await kubemin("rollback", "demo/shop", "--to", "1", *options)
    assert (result.code, api.paths("POST")) == (2, [])
    assert "--dry-run" in result.err


async def test_rollback_to_what_is_not_kept_is_refused(api: Api, kubemin: Command) -> None:
    detail = "application demo/shop has no generation 9 to roll back to; kept are 2, 1"
    api.on(ROLLBACK, problem(404, "RevisionUnknown", detail=detail))
    result = await kubemin("rollback", "demo/shop", "--to", "9")
    assert result.code == 1
    assert "kept are 2, 1" in result.err
    assert (await kubemin("rollback", "demo/shop")).code == 2
