import os
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cli.documents import Document, read_all, split
from cli.failures import UsageProblem

NOTHING = BytesIO()
TWO = """\
# about the first
kind: A
---
kind: B
text: |
  --- not a marker
...
---
kind: C
"""


def texts(raw: str) -> list[str]:
    return [document.text.strip("\n") for document in split("f.yaml", raw.encode())]


def test_file_with_one_document_is_sent_as_it_is() -> None:
    raw = "# comment\nkind: A\n\n"
    assert split("f.yaml", raw.encode()) == [Document("f.yaml", 1, raw)]


def test_documents_are_split_at_markers_alone() -> None:
    found = texts(TWO)
    assert [yaml.safe_load(text)["kind"] for text in found] == ["A", "B", "C"]
    assert "--- not a marker" in found[1]


def test_lines_of_a_document_are_the_lines_of_its_file() -> None:
    lines = TWO.split("\n")
    for document in split("f.yaml", TWO.encode()):
        kept = document.text.split("\n")
        number = next(n for n, line in enumerate(kept) if line.startswith("kind:"))
        assert kept[number] == lines[number]
    assert [document.name for document in split("f.yaml", TWO.encode())] == [
        "f.yaml (document 1, line 1)",
        "f.yaml (document 2, line 3)",
        "f.yaml (document 3, line 8)",
    ]


@pytest.mark.parametrize("raw", ["", "\n\n", "---\n", "# only a comment\n---\n# another\n...\n", "%YAML 1.2\n---\n"])
def test_what_holds_nothing_is_no_document(raw: str) -> None:
    assert split("f.yaml", raw.encode()) == []


def test_directives_belong_to_the_document_after_them() -> None:
    assert texts("%YAML 1.2\n---\nkind: A\n...\n%YAML 1.2\n---\nkind: B\n") == [
        "%YAML 1.2\n---\nkind: A",
        "%YAML 1.2\n---\nkind: B",
    ]


def test_marker_may_have_content_or_a_comment() -> None:
    assert texts("--- {kind: A}\n--- # two\nkind: B\n") == ["--- {kind: A}", "--- # two\nkind: B"]


def test_carriage_returns_are_line_ends_too() -> None:
    assert [yaml.safe_load(text) for text in texts("kind: A\r\n---\r\nkind: B\r\n")] == [{"kind": "A"}, {"kind": "B"}]


def test_json_is_never_split() -> None:
    assert [d.text for d in split("f.json", b'{"a": "\\n---\\n"}')] == ['{"a": "\\n---\\n"}']


def test_text_that_is_no_utf8_is_refused_with_its_line() -> None:
    with pytest.raises(UsageProblem, match=r"f\.yaml: line 2 is not UTF-8"):
        split("f.yaml", b"a: b\nc: \xff\n")


SCALARS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20)
DOCUMENTS = st.lists(st.dictionaries(SCALARS, SCALARS | st.lists(SCALARS, max_size=3), min_size=1, max_size=3))


@given(DOCUMENTS)
def test_every_document_of_a_stream_is_found_and_means_the_same(documents: list[dict[str, object]]) -> None:
    raw = yaml.safe_dump_all(documents, allow_unicode=True).encode()
    assert [yaml.safe_load(document.text) for document in split("f.yaml", raw)] == documents


def test_directory_gives_its_files_by_name_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "c.json", "README.md"):
        (tmp_path / name).write_text(f'{{"from": "{name}"}}', encoding="utf-8")
    (tmp_path / "d.yaml").mkdir()
    found = read_all([str(tmp_path)], NOTHING)
    assert [Path(document.source).name for document in found] == ["a.yaml", "b.yml", "c.json"]


def test_standard_input_is_read_for_a_dash() -> None:
    assert [document.source for document in read_all(["-"], BytesIO(b"kind: A"))] == ["(standard input)"]


@pytest.mark.parametrize("made", ["missing.yaml", "empty.yaml", "empty-directory"])
def test_what_has_no_document_is_refused_by_name(tmp_path: Path, made: str) -> None:
    (tmp_path / "empty.yaml").touch()
    (tmp_path / "empty-directory").mkdir()
    with pytest.raises(UsageProblem, match=made):
        read_all([str(tmp_path / made)], NOTHING)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_that_may_not_be_read_is_refused_by_name(tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.touch(mode=0o000)
    with pytest.raises(UsageProblem, match="cannot be read"):
        read_all([str(secret)], NOTHING)
