import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from cli.failures import CouldNotTell, NotAuthenticated, Unavailable, Unreachable
from cli.sse import ServerEvent, SseParser
from cli.waiting import Followed, LostContact, follow
from shared.contracts.api import Problem
from shared.contracts.phases import RunPhase
from tests.unit.cli import views

SERVER = "http://gateway"
STATE = ServerEvent("state", views.run(n=3).model_dump_json(), "3")
CHANGE = ServerEvent("change", views.run_changed(4, RunPhase.SUCCEEDED).model_dump_json(), "4")
END = ServerEvent("end", views.ended(views.run()).model_dump_json(), "4")
REFUSED = Unreachable(SERVER, "nothing listens there")
Connection = list[ServerEvent | Exception]


class Scripted:
    """Events of one connection after another; each ends with the end of its list, or with an error in it."""

    def __init__(self, *connections: Connection) -> None:
        self.connections = list(connections)
        self.resumed_at: list[str] = []

    async def events(self, run: str, stream: SseParser) -> AsyncGenerator[ServerEvent, None]:
        """Play the next connection; the first byte asks for a quick return."""
        assert run == views.RUN
        self.resumed_at.append(stream.last_id)
        await asyncio.sleep(0)
        for each in self.connections.pop(0):
            if isinstance(each, Exception):
                raise each
            stream.feed(b"retry: 1\n\n")
            yield each


async def followed(
    events: Scripted, patience_s: float = 5, changed: Callable[[Followed], None] = lambda _: None
) -> Followed:
    run = Followed(views.RUN)
    await follow(events, run, changed, patience_s=patience_s)
    return run


async def test_run_is_followed_to_its_end() -> None:
    run = await followed(Scripted([STATE, CHANGE, END]))
    assert (run.tracked.ended, run.tracked.phase, run.trouble) == (True, RunPhase.SUCCEEDED, "")


async def test_lost_connection_is_resumed_where_it_was() -> None:
    events = Scripted([STATE, Unreachable(SERVER, "lost")], [CHANGE], [END])
    assert (await followed(events)).tracked.phase is RunPhase.SUCCEEDED
    assert events.resumed_at == ["", "3", "4"]


async def test_trouble_is_told_and_taken_back() -> None:
    told: list[str] = []
    await followed(
        Scripted([STATE, REFUSED], [ServerEvent("open", "", "3"), END]), changed=lambda run: told.append(run.trouble)
    )
    assert told == ["", "nothing listens there", "", ""]


async def test_gateway_that_cannot_answer_now_is_asked_again() -> None:
    busy = Unavailable(SERVER, Problem(type="t", title="Busy", status=503, code="U"), retry_after_s=0.01)
    events = Scripted([STATE], [busy], [END])
    assert (await followed(events)).tracked.ended


async def test_patience_ends() -> None:
    with pytest.raises(LostContact, match="nothing listens there") as raised:
        await followed(Scripted([REFUSED]), patience_s=0)
    assert f"kubemin watch {views.RUN}" in raised.value.remedy


async def test_final_answers_are_not_asked_for_again() -> None:
    with pytest.raises(NotAuthenticated):
        await followed(Scripted([STATE, NotAuthenticated(SERVER, token_source="KUBEMIN_TOKEN")], [END]))


async def test_events_of_another_version_end_the_wait() -> None:
    with pytest.raises(CouldNotTell, match="cannot read"):
        await followed(Scripted([ServerEvent("state", "{}", "1")]))
