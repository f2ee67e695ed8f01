import re

import pytest

from shared.runtime import trace

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FORM = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def test_without_a_parent_each_message_begins_a_trace() -> None:
    trace.adopt(None)
    first, second = trace.traceparent(), trace.traceparent()
    assert FORM.fullmatch(first)
    assert first.split("-")[1] != second.split("-")[1]


def test_a_message_continues_the_trace_under_a_span_of_its_own() -> None:
    trace.adopt(PARENT)
    version, trace_id, span, flags = trace.traceparent().split("-")
    assert (version, trace_id, flags) == ("00", "0af7651916cd43dd8448eb211c80319c", "01")
    assert span != "b7ad6b7169203331"
    trace.adopt(None)


@pytest.mark.parametrize("value", ["", "garbage", PARENT.upper(), f"00-{'0' * 32}-b7ad6b7169203331-01", f"{PARENT}-x"])
def test_what_is_no_traceparent_begins_a_new_trace(value: str) -> None:
    trace.adopt(value)
    assert trace.current.get() is None
