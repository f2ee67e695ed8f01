import stat
from pathlib import Path

import pytest

from shared.sealing import generate, load_keys, public_key_of, save_key
from shared.sealing.__main__ import main
from shared.sealing.keys import KeyFileInvalid, add_key, mark_key_of


def test_keygen_writes_a_private_file_and_prints_the_public_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sealing.key"

    assert main(["keygen", "--out", str(path)]) == 0

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert capsys.readouterr().out.strip() == public_key_of(load_keys(path)[0])


def test_keygen_does_not_replace_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sealing.key"
    save_key(generate(), path)
    before = path.read_bytes()

    assert main(["keygen", "--out", str(path)]) == 2

    assert path.read_bytes() == before
    assert "File exists" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "no key", "c2hvcnQ=", "ä"])
def test_file_without_a_key_is_refused_without_quoting_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "sealing.key"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(KeyFileInvalid) as raised:
        load_keys(path)

    assert "no sealing keys" in str(raised.value)
    assert raised.value.__cause__ is None


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileInvalid, match=r"absent\.key: No such file"):
        load_keys(tmp_path / "absent.key")


def test_rotation_puts_the_new_key_first_and_keeps_the_old_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sealing.key"
    first = generate()
    save_key(first, path)

    assert main(["rotate", "--file", str(path)]) == 0

    newest, *others = load_keys(path)
    assert others == [first]
    assert capsys.readouterr().out.strip() == public_key_of(newest)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["sealing.key"]


def test_retiring_keeps_the_newest_key_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sealing.key"
    save_key(generate(), path)
    add_key(generate(), path)
    newest = load_keys(path)[0]

    assert main(["retire", "--file", str(path)]) == 0

    assert load_keys(path) == (newest,)
    assert capsys.readouterr().out == "1 old keys are forgotten\n"


@pytest.mark.parametrize("command", ["rotate", "retire"])
def test_changing_what_is_no_key_file_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    path = tmp_path / "sealing.key"
    path.write_text("no key", encoding="utf-8")

    assert main([command, "--file", str(path)]) == 2

    assert path.read_text(encoding="utf-8") == "no key"
    assert "nothing was changed" in capsys.readouterr().err


def test_mark_key_stays_when_a_newer_key_comes_and_is_no_key_itself(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    save_key(generate(), path)
    before = mark_key_of(load_keys(path))
    add_key(generate(), path)

    assert mark_key_of(load_keys(path)) == before
    assert mark_key_of([generate()]) != before
    assert load_keys(path)[-1].encode() not in before
