import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from shared.logging import bound, configure, get_logger


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure("gateway", stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_event_level_time_and_service(lines: io.StringIO) -> None:
    get_logger("shared.test").info("run_accepted", generation=3)
    (line,) = read(lines)
    assert line.pop("at").endswith("Z")
    assert line == {"event": "run_accepted", "level": "info", "service": "gateway", "generation": 3}


def test_bound_fields_are_on_every_line_of_the_scope_and_on_none_after_it(lines: io.StringIO) -> None:
    with bound(run="r-1", cluster="east"):
        get_logger("shared.test").info("inside")
    get_logger("shared.test").info("outside")
    inside, outside = read(lines)
    assert (inside["run"], inside["cluster"]) == ("r-1", "east")
    assert "run" not in outside


def test_a_field_named_like_a_secret_is_not_written(lines: io.StringIO) -> None:
    get_logger("shared.test").info("login", password="hunter2", token="t0k3n", user="ada")
    assert "hunter2" not in lines.getvalue()
    assert "t0k3n" not in lines.getvalue()
    assert read(lines)[0]["user"] == "ada"


def test_a_traceback_shows_no_local_variables(lines: io.StringIO) -> None:
    value = "canary" + "-1"

    def fail() -> None:
        copy = value
        raise ZeroDivisionError(len(copy))

    try:
        fail()
    except ZeroDivisionError:
        get_logger("shared.test").exception("task_failed")
    (line,) = read(lines)
    assert "ZeroDivisionError: 8" in line["exception"]
    assert "canary-1" not in lines.getvalue()


def test_libraries_take_the_same_way_out_but_only_their_warnings(lines: io.StringIO) -> None:
    logging.getLogger("somelibrary").info("chatter")
    logging.getLogger("somelibrary").warning("trouble with %s", "it")
    (line,) = read(lines)
    assert (line["event"], line["level"], line["service"]) == ("trouble with it", "warning", "gateway")
