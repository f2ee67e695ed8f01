"""`cancel` against a stand-in of the API."""

import json

import pytest

from shared.contracts.api import ApplyResult
from shared.contracts.phases import Reason, RunPhase
from tests.integration.cli.api import Api, Command, frame, problem
from tests.unit.cli import views

CANCEL = "POST /api/v1/applications/demo/shop/cancel"
ACCEPTED = ApplyResult(application=views.summary(generation=4), run=views.RUN, changed=True)


async def test_cancel_names_the_run_that_ends(api: Api, kubemin: Command) -> None:
    api.on(CANCEL, ACCEPTED, status=202)
    result = await kubemin("cancel", "shop", "-n", "demo")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        f"demo/shop: run {views.RUN} is being cancelled",
        f"kubemin watch {views.RUN}",
    ]
    assert json.loads(api.calls[-1].body) == {"reason": ""}


async def test_run_and_reason_are_sent(api: Api, kubemin: Command) -> None:
    api.on(CANCEL, ACCEPTED.model_copy(update={"changed": False}), status=202)
    result = await kubemin("cancel", "demo/shop", "--run", views.RUN, "--reason", 'wrong "image"')
    assert result.code == 0
    assert "is being cancelled already" in result.out
    assert json.loads(api.calls[-1].body) == {"run": views.RUN, "reason": 'wrong "image"'}


@pytest.mark.parametrize(("phase", "code"), [(RunPhase.CANCELLED, 0), (RunPhase.SUCCEEDED, 1)])
async def test_waiting_is_well_only_where_the_run_was_cancelled(
    api: Api, kubemin: Command, phase: RunPhase, code: int
) -> None:
    running = views.run(phase=RunPhase.RUNNING, n=3)
    reason = Reason.REQUESTED if phase is RunPhase.CANCELLED else Reason.NONE
    api.on(CANCEL, ACCEPTED, status=202)
    end = [
        frame("change", views.run_changed(4, phase, reason=reason), 4),
        frame("end", views.ended(running, phase, n=4), 4),
    ]
    api.streams = [[frame("state", running, 3), *end]]
    result = await kubemin("cancel", "demo/shop", "--wait")
    assert result.code == code, result.err


async def test_what_cannot_be_cancelled_is_refused(api: Api, kubemin: Command) -> None:
    detail = f"no run of application demo/shop is under way: its newest, {views.RUN}, has ended as Succeeded"
    api.on(CANCEL, problem(409, "NoRunUnderWay", detail=detail))
    result = await kubemin("cancel", "demo/shop")
    assert result.code == 1
    assert detail in " ".join(result.err.split())
    assert (await kubemin("cancel", "demo/shop", "--run", "no run")).code == 2
    assert (await kubemin("cancel", "demo/shop", "--reason", "x" * 501)).code == 2
