"""`parked list`, `show`, `replay` and `drop` against a stand-in of the API."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.contracts.api import ParkedPage, ParkedSummary, ParkedView, ReplayResult
from tests.integration.cli.api import Api, Command, problem

LIST = "GET /api/v1/parked"


def summary(sequence: int = 7, **fields: Any) -> ParkedSummary:
    known: dict[str, Any] = {
        "sequence": sequence,
        "consumer": "planner-facts",
        "reason": "Malformed",
        "message": "no CloudEvents envelope",
        "subject": "kubemin.status.east.acme.demo.shop",
        "namespace": "demo",
        "name": "shop",
        "cluster": "east",
        "parked_at": datetime.now(UTC),
        "size_bytes": 2,
        "replayable": True,
    }
    return ParkedSummary(**(known | fields))


def view(**fields: Any) -> ParkedView:
    known: dict[str, Any] = {"headers": {"X-A": "1"}, "payload": b"{}", "payload_dropped": False, "envelope": None}
    return ParkedView(**(dict(summary()) | known | fields))


async def test_list_shows_the_pages_as_one(api: Api, kubemin: Command) -> None:
    first, second = ParkedPage(items=(summary(1),), continue_="1"), ParkedPage(items=(summary(2),))
    api.on(LIST, first, second)
    result = await kubemin("parked", "list", "--consumer", "planner-facts")
    assert (result.code, result.err) == (0, "")
    assert [line.split()[0] for line in result.out.splitlines()] == ["NUMBER", "1", "2"]
    assert "demo/shop" in result.out
    assert api.paths() == [
        "/api/v1/parked?limit=200&consumer=planner-facts",
        "/api/v1/parked?limit=200&consumer=planner-facts&continue=1",
    ]


async def test_nothing_parked_is_said(api: Api, kubemin: Command) -> None:
    api.on(LIST, ParkedPage(items=()))
    assert (await kubemin("parked", "list")).out == "Nothing is parked.\n"
    assert json.loads((await kubemin("parked", "list", "-o", "json")).out) == {"items": [], "continue": None}


async def test_show_tells_what_is_in_it(api: Api, kubemin: Command) -> None:
    envelope = {"type": "dev.kubemin.StepApplied.v1", "data": {"message": "\x1b[31mred"}}
    api.on("GET /api/v1/parked/7", view(envelope=envelope))
    result = await kubemin("parked", "show", "7")
    assert result.code == 0
    assert "X-A: 1" in result.out
    assert '    "type": "dev.kubemin.StepApplied.v1"' in result.out
    assert "\x1b" not in result.out
    assert json.loads((await kubemin("parked", "show", "7", "-o", "json")).out)["payload"] == "e30="


@pytest.mark.parametrize(
    ("fields", "words"), [({}, "are no message"), ({"payload_dropped": True, "payload": b""}, "too large")]
)
async def test_show_says_when_there_is_nothing_to_read(
    api: Api, kubemin: Command, fields: dict[str, Any], words: str
) -> None:
    api.on("GET /api/v1/parked/7", view(**fields))
    assert words in (await kubemin("parked", "show", "7")).out


@pytest.mark.parametrize(
    ("result", "code", "words"),
    [
        (ReplayResult(outcome="handled"), 0, "7 ✓ handled\n"),
        (ReplayResult(outcome="refused", reason="Outdated", message="too late"), 1, "7 ✗ refused Outdated: too late\n"),
        (ReplayResult(outcome="postponed", message="it is away"), 2, "7 … postponed it is away\n"),
    ],
)
async def test_replay_says_what_came_of_it(
    api: Api, kubemin: Command, result: ReplayResult, code: int, words: str
) -> None:
    api.on("POST /api/v1/parked/7/replay", result)
    ended = await kubemin("parked", "replay", "7")
    assert (ended.code, ended.out, ended.err) == (code, words, "")


async def test_several_are_replayed_one_after_another_and_the_worst_counts(api: Api, kubemin: Command) -> None:
    api.on("POST /api/v1/parked/7/replay", ReplayResult(outcome="refused", reason="Outdated"))
    api.on("POST /api/v1/parked/8/replay", ReplayResult(outcome="handled"))
    ended = await kubemin("parked", "replay", "7", "8")
    assert (ended.code, len(ended.out.splitlines())) == (1, 2)
    assert api.paths("POST") == ["/api/v1/parked/7/replay", "/api/v1/parked/8/replay"]


async def test_drop_removes_each(api: Api, kubemin: Command) -> None:
    for number in (7, 8):
        api.on(f"DELETE /api/v1/parked/{number}", summary(number))
    ended = await kubemin("parked", "drop", "7", "8", "-o", "json")
    assert ended.code == 0
    assert [json.loads(line)["sequence"] for line in ended.out.splitlines()] == [7, 8]


async def test_what_is_not_there_is_said(api: Api, kubemin: Command) -> None:
    api.on("GET /api/v1/parked/7", problem(404, "NotFound", detail="there is no parked message 7"))
    ended = await kubemin("parked", "show", "7")
    assert (ended.code, ended.out) == (1, "")
    assert "there is no parked message 7" in ended.err


@pytest.mark.parametrize("number", ["0", "-1", "x", ""])
async def test_what_is_no_number_is_not_asked_for(api: Api, kubemin: Command, number: str) -> None:
    assert (await kubemin("parked", "show", "--", number)).code == 2
    assert api.calls == []
