import pytest

from cli.documents import split
from cli.locating import Lines

RAW = """\
kind: First
---
kind: Application
spec:
  components:
    - name: a
    - name: b
      properties:
        image: x
        labels: {"a.b/c": d, e: f}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("kind", 3),
        ("spec.components[1]", 7),
        ("spec.components[1].properties.image", 9),
        ('spec.components[1].properties.labels["a.b/c"]', 10),
        # What is missing is told where it would have to be.
        ("spec.components[1].properties.port", 8),
        ("spec.components[7]", 5),
        ("", None),
        ("nowhere", None),
    ],
)
def test_path_leads_to_the_line_of_the_file(path: str, line: int | None) -> None:
    assert Lines(split("f.yaml", RAW.encode())[1]).line(path) == line


@pytest.mark.parametrize("raw", ["a: [", "[" * 5000, "- just a list", "42"])
def test_text_without_a_readable_place_gives_none(raw: str) -> None:
    assert Lines(split("f.yaml", raw.encode())[0]).line("spec.components[0]") is None
