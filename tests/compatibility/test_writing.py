"""Fixtures come out the same each time, and a kept version is never written again."""

import pytest

from tests.compatibility import kept
from tests.compatibility.messages import messages, on_the_wire
from tests.compatibility.write import main


def test_a_kept_version_is_not_written_again(capsys: pytest.CaptureFixture[str]) -> None:
    version = kept.versions()[-1]
    before = {path: path.read_bytes() for path in (kept.FIXTURES / version).rglob("*.json")}
    assert main([version]) == 1
    assert "kept already" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (kept.FIXTURES / version).rglob("*.json")} == before


def test_the_same_comes_out_each_time() -> None:
    first, second = ({name: on_the_wire(*sent) for name, sent in messages().items()} for _ in range(2))
    assert first == second


@pytest.mark.parametrize("arguments", [[], ["next"], ["0.1", "0.2"]])
def test_what_is_no_version_is_refused(arguments: list[str]) -> None:
    assert main(arguments) == 2
