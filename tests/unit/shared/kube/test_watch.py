import itertools
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kube import ApiUnavailable, Gone, WatchEvent
from shared.kube.watch import read_events


async def chunked(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def events(*chunks: bytes) -> list[WatchEvent]:
    return [event async for event in read_events(chunked(*chunks))]


def line(type_: str, **obj: object) -> bytes:
    return json.dumps({"type": type_, "object": obj}).encode() + b"\n"


@given(st.lists(st.integers(0, 400), max_size=30).map(sorted))
async def test_chunks_may_be_cut_anywhere(cuts: list[int]) -> None:
    whole = b"".join(line("ADDED", name=f"ä{n}", text="x" * n) for n in range(10))
    bounds = [0, *[min(cut, len(whole)) for cut in cuts], len(whole)]
    chunks = [whole[start:end] for start, end in itertools.pairwise(bounds)]

    assert [event.object["name"] for event in await events(*chunks)] == [f"ä{n}" for n in range(10)]


async def test_blank_lines_are_passed_over() -> None:
    assert len(await events(b"\n", line("ADDED"), b"\n\n")) == 1


async def test_stream_that_ends_inside_a_line_is_no_clean_end() -> None:
    stream = read_events(chunked(line("ADDED"), line("MODIFIED")[:-5]))

    assert (await anext(stream)).type == "ADDED"
    with pytest.raises(ApiUnavailable, match="inside a line"):
        await anext(stream)


@pytest.mark.parametrize("text", [b"no json\n", b"[]\n", b'{"type": "ADDED"}\n', b'"text"\n'])
async def test_line_that_is_no_event_is_an_error(text: bytes) -> None:
    with pytest.raises(ApiUnavailable, match="no event"):
        await events(text)


async def test_error_event_of_an_expired_version_is_gone() -> None:
    with pytest.raises(Gone, match="too old"):
        await events(line("ERROR", kind="Status", code=410, reason="Expired", message="too old resource version"))


async def test_line_without_end_is_given_up() -> None:
    with pytest.raises(ApiUnavailable, match="longer than"):
        await events(*[b"x" * 1024 * 1024] * 20)
