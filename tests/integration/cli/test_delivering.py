"""`apply`, `delete` and `watch`, followed to the end."""

import json
import signal
from pathlib import Path

import pytest

from shared.contracts.api import ApplicationPage, ApplyResult
from shared.contracts.phases import Reason, RunPhase, StepPhase
from shared.contracts.plan import Finding
from shared.contracts.runs import Action
from tests.integration.cli.api import STAY, Api, Command, ended, frame, line_with, problem
from tests.integration.cli.screen import on_screen
from tests.support.conditions import until
from tests.unit.cli import views

POST = "POST /api/v1/applications"
RUN = views.RUN
ACCEPTED = ApplyResult(application=views.summary(), run=RUN, changed=True)
STATE = views.run(phase=RunPhase.ACCEPTED, n=0)
SUCCEEDED = [
    frame("state", STATE, 0),
    frame("change", views.accepted(1, "db", "web"), 1),
    frame("change", views.run_changed(2, RunPhase.RUNNING), 2),
    frame("change", views.step_changed(3, "db", StepPhase.SUCCEEDED), 3),
    frame("progress", views.pods_seen("web", views.pod())),
    frame("change", views.step_changed(4, "web", StepPhase.SUCCEEDED), 4),
    frame("change", views.run_changed(5, RunPhase.SUCCEEDED), 5),
    frame("end", views.ended(STATE, n=5), 5),
]
FAILED = [
    frame("state", STATE, 0),
    frame("change", views.accepted(1, "web"), 1),
    frame(
        "change", views.step_changed(2, "web", StepPhase.FAILED, reason=Reason.OOM_KILLED, message="out of memory"), 2
    ),
    frame("end", views.ended(STATE, RunPhase.FAILED, reason=Reason.STEP_NOT_SUCCEEDED, n=3), 3),
]


async def test_apply_tells_what_it_started(api: Api, kubemin: Command, document: Path) -> None:
    warning = Finding(path="spec.components[0].name", code="Short", message="a short name")
    api.on(POST, ACCEPTED.model_copy(update={"warnings": (warning,)}), status=202)
    result = await kubemin("apply", "-f", str(document))
    assert result.code == 0
    assert result.out.splitlines() == [
        "demo/shop created (generation 1)",
        f"{document}:4 spec.components[0].name: a short name",
        f"kubemin watch {RUN}",
    ]


async def test_apply_of_the_same_again_says_that_nothing_changed(api: Api, kubemin: Command, document: Path) -> None:
    api.on(POST, ACCEPTED.model_copy(update={"changed": False}), status=202)
    assert (await kubemin("apply", "-f", str(document))).out == "demo/shop unchanged (generation 1)\n"


async def test_wait_shows_every_change_and_ends_well(api: Api, kubemin: Command, document: Path) -> None:
    api.on(POST, ACCEPTED, status=202)
    api.streams = [SUCCEEDED]
    result = await kubemin("apply", "-f", str(document), "--wait")
    assert (result.code, result.err) == (0, "")
    lines = [line.partition(" ")[2] for line in result.out.splitlines()]
    assert lines[1:6] == ["deploy Accepted", "deploy Running", "db Succeeded", "web Succeeded", "deploy Succeeded"]
    assert result.out.splitlines()[-1].startswith("demo/shop ✓ Succeeded after")


async def test_wait_for_a_failing_run_says_why(api: Api, kubemin: Command, document: Path) -> None:
    api.on(POST, ACCEPTED, status=202)
    api.streams = [FAILED]
    result = await kubemin("apply", "-f", str(document), "--wait", "-o", "json")
    assert result.code == 1
    assert json.loads(result.out)["run"] == RUN
    assert "✗ web: Failed(OOMKilled)\n      out of memory\n" in result.err


async def test_lost_stream_is_resumed_after_what_was_seen(api: Api, kubemin: Command) -> None:
    api.streams = [SUCCEEDED[:3], SUCCEEDED[3:5], [], SUCCEEDED[5:]]
    result = await kubemin("watch", RUN)
    assert result.code == 0
    assert [call.last_event_id for call in api.calls] == [None, "2", "3", "3"]
    assert result.out.count("db Succeeded") == 1
    assert "in contact again" in result.out


async def test_restarting_gateway_is_waited_for(api: Api, kubemin: Command) -> None:
    api.streams = [SUCCEEDED[:3]]
    process = await kubemin.start("watch", RUN)
    # Now it answers 503, as one does that has just begun.
    await line_with(process.stdout, "trying again")
    api.streams = [SUCCEEDED[3:]]
    assert (await ended(process)).code == 0


async def test_run_that_takes_too_long_is_neither_success_nor_failure(api: Api, kubemin: Command) -> None:
    held = views.run(views.step("web", StepPhase.PENDING, message="0/3 nodes are available"))
    api.streams = [[frame("state", held, 3), STAY]]
    result = await kubemin("watch", RUN, "--timeout", "1s")
    assert result.code == 2
    assert "not done within 1s" in result.err
    assert f"kubemin watch {RUN}" in result.err
    # What it was waiting for.
    assert "… web: Pending\n      0/3 nodes are available\n" in result.out


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_interrupted_wait_says_that_the_run_goes_on(
    api: Api, kubemin: Command, sent: signal.Signals, code: int
) -> None:
    api.streams = [[*SUCCEEDED[:4], STAY]]
    process = await kubemin.start("watch", RUN)
    await line_with(process.stdout, "db Succeeded")
    process.send_signal(sent)
    result = await ended(process)
    assert result.code == code
    assert result.err == f"Interrupted; what was started goes on: `kubemin watch {RUN}` shows it.\n"


async def test_run_that_never_began_is_a_failure(api: Api, kubemin: Command) -> None:
    superseded = views.ended(
        STATE, RunPhase.CANCELLED, reason=Reason.SUPERSEDED, message="Generation 2 took its place.", n=0
    )
    api.streams = [[frame("state", STATE, 0), frame("end", superseded, 0)]]
    result = await kubemin("watch", RUN)
    assert result.code == 1
    assert "Cancelled(Superseded): Generation 2 took its place." in result.out


async def test_every_document_is_sent_and_the_worst_counts(api: Api, kubemin: Command, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.yaml").write_text("a: 1\n---\nb: 2\n", encoding="utf-8")
    (tmp_path / "docs" / "b.json").write_text('{"c": 3}', encoding="utf-8")
    bad = problem(422, "DocumentInvalid", title="The document has errors", detail="bad")
    api.on(POST, ACCEPTED, bad, ACCEPTED, status=202)
    api.streams = [SUCCEEDED]
    result = await kubemin("apply", "-f", str(tmp_path / "docs"), "--wait")
    assert result.code == 1
    assert result.err == f"{tmp_path / 'docs' / 'a.yaml'} (document 2, line 2): The document has errors: bad\n"
    assert [call.body for call in api.calls if call.method == "POST"] == ["a: 1\n", "\n---\nb: 2\n", '{"c": 3}']
    assert "demo/shop ✓ Succeeded" in result.out


async def test_standard_input_is_applied(api: Api, kubemin: Command) -> None:
    api.on(POST, ACCEPTED, status=202)
    assert (await kubemin("apply", "-f", "-", stdin="kind: Application\n")).code == 0
    assert [call.body for call in api.calls] == ["kind: Application\n"]


async def test_gateway_that_goes_away_between_documents_stops_the_rest(
    api: Api, kubemin: Command, tmp_path: Path
) -> None:
    three = tmp_path / "three.yaml"
    three.write_text("a: 1\n---\nb: 2\n---\nc: 3\n", encoding="utf-8")
    api.on(POST, ACCEPTED, problem(503, "Unavailable"), status=202)
    result = await kubemin("apply", "-f", str(three))
    assert result.code == 2
    assert "sending it again is safe" in result.err
    assert "1 more not sent" in result.err
    assert len(api.calls) == 2


async def test_delete_waits_for_the_end(api: Api, kubemin: Command) -> None:
    api.on("DELETE /api/v1/applications/demo/shop", ACCEPTED, status=202)
    deleting = views.run(action=Action.DELETE)
    api.streams = [[frame("state", deleting, 3), frame("end", views.ended(deleting, n=4), 4)]]
    result = await kubemin("delete", "shop", "-n", "demo", "--wait")
    assert result.code == 0
    assert "demo/shop is being deleted" in result.out
    assert "demo/shop delete ✓ Succeeded" in result.out
    assert "volumes are kept" in result.out


async def test_delete_never_guesses_the_namespace(api: Api, kubemin: Command) -> None:
    api.on("DELETE /api/v1/applications/default/shop", problem(404, "NotFound", detail="there is none"))
    api.on("GET /api/v1/applications", ApplicationPage(items=(views.summary(),)))
    result = await kubemin("delete", "shop")
    assert result.code == 1
    assert result.err.splitlines() == [
        "kubemin: there is no application default/shop",
        "There is one in namespace demo: say which with -n.",
    ]
    assert api.paths("DELETE") == ["/api/v1/applications/default/shop"]


async def test_terminal_gets_a_picture_and_its_cursor_back(api: Api, kubemin: Command) -> None:
    api.streams = [[*SUCCEEDED[:4], STAY]]
    async with on_screen(kubemin, "watch", RUN) as screen:
        await until(lambda: b"1/2 steps" in screen.seen)
        screen.process.send_signal(signal.SIGINT)
        await screen.end()
    assert screen.process.returncode == 130
    # Hidden while it drew, shown again at the end.
    assert b"\x1b[?25l" in screen.seen
    assert screen.seen.rfind(b"\x1b[?25h") > screen.seen.rfind(b"\x1b[?25l")
    assert b"goes on" in screen.seen


async def test_terminal_is_asked_before_anything_is_deleted(api: Api, kubemin: Command) -> None:
    async with on_screen(kubemin, "delete", "shop", "-n", "demo") as screen:
        await until(lambda: b"Delete shop with all that is its own, except volumes?" in screen.seen)
        screen.type(b"n\n")
        await screen.end()
    assert screen.process.returncode == 1
    assert api.calls == []
