from hypothesis import given
from hypothesis import strategies as st

from cli.sse import ServerEvent, SseParser

NAMES = st.sampled_from(["state", "change", "progress", "end"])
TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=30)
IDS = st.none() | st.integers(0, 10**6).map(str)
ENDS = st.sampled_from(["\n", "\r", "\r\n"])


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[ServerEvent], list[int]]:
    """A stream as a server may write it, the events in it, and where it is cut into chunks."""
    wire, expected, last_id = "", [], ""
    for name, lines, id_, end in draw(
        st.lists(st.tuples(NAMES, st.lists(TEXT, min_size=1, max_size=3), IDS, ENDS), max_size=6)
    ):
        fields = [f"event: {name}", *(f"data: {line}" for line in lines), *([] if id_ is None else [f"id: {id_}"])]
        comment = draw(st.sampled_from(["", ": keep-alive", "retry: 1000", "unknown: field"]))
        written = [*draw(st.permutations(fields)), *([comment] if comment else []), "", ""]
        # The lines of the data keep their order.
        data = iter([f"data: {line}" for line in lines])
        written = [next(data) if line.startswith("data: ") else line for line in written]
        wire += end.join(written)
        last_id = last_id if id_ is None else id_
        expected.append(ServerEvent(name, "\n".join(lines), last_id))
    raw = wire.encode()
    return raw, expected, sorted(draw(st.lists(st.integers(0, len(raw)), max_size=8)))


@given(streams())
def test_events_do_not_depend_on_how_the_bytes_were_cut(stream: tuple[bytes, list[ServerEvent], list[int]]) -> None:
    raw, expected, cuts = stream
    parser = SseParser()
    found = [
        event for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True) for event in parser.feed(raw[start:end])
    ]
    assert found == expected


@given(streams())
def test_one_byte_at_a_time_is_the_same(stream: tuple[bytes, list[ServerEvent], list[int]]) -> None:
    raw, expected, _ = stream
    parser = SseParser()
    assert [event for byte in raw for event in parser.feed(bytes([byte]))] == expected


def test_incomplete_event_is_none() -> None:
    parser = SseParser()
    assert parser.feed(b"event: state\nid: 7\ndata: {}\n") == []
    # Nor does its id count: what was not dispatched is asked for again.
    assert parser.last_id == ""
    assert parser.feed(b"\n") == [ServerEvent("state", "{}", "7")]
    assert parser.last_id == "7"


def test_events_without_data_are_not_dispatched() -> None:
    assert SseParser().feed(b"event: state\n\n: keep-alive\n\n") == []


def test_id_stays_until_another_one_comes_and_a_null_in_it_is_ignored() -> None:
    parser = SseParser()
    events = parser.feed(b"id: 1\ndata: a\n\ndata: b\n\nid: x\0y\ndata: c\n\nid\ndata: d\n\n")
    assert [event.id for event in events] == ["1", "1", "1", ""]


def test_parser_resumes_with_the_id_it_was_given() -> None:
    assert SseParser(last_id="41").feed(b"event: progress\ndata: p\n\n") == [ServerEvent("progress", "p", "41")]


def test_reconnection_time_is_taken_from_the_server_and_nonsense_is_not() -> None:
    parser = SseParser()
    parser.feed(b"retry: 2500\n\nretry: soon\n\n")
    assert parser.retry_s == 2.5


def test_byte_order_mark_and_missing_blank_are_as_the_specification_has_them() -> None:
    assert SseParser().feed("\ufeffdata:  two blanks\ndata:none\n\n".encode()) == [
        ServerEvent("message", " two blanks\nnone", "")
    ]


def test_first_byte_tells_that_there_is_contact() -> None:
    parser = SseParser()
    assert not parser.begun
    parser.feed(b":")
    assert parser.begun
