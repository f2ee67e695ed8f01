import stat
from pathlib import Path

import pytest

from shared.sealing import generate, load_key, public_key_of, save_key
from shared.sealing.__main__ import main
from shared.sealing.keys import KeyFileInvalid


def test_keygen_writes_a_private_file_and_prints_the_public_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sealing.key"

    assert main(["keygen", "--out", str(path)]) == 0

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert capsys.readouterr().out.strip() == public_key_of(load_key(path))


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
        load_key(path)

    assert "no sealing key" in str(raised.value)
    assert raised.value.__cause__ is None


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileInvalid, match=r"absent\.key: No such file"):
        load_key(tmp_path / "absent.key")
