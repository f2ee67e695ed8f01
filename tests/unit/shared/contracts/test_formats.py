"""How Kubernetes wants texts to be written; `tests/plane/test_formats.py` asks Kubernetes itself."""

import re
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.support.formats import CASES, Case


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_right_texts_are_taken_and_wrong_ones_are_not(case: Case) -> None:
    assert {text: case.format.takes(text) for text in case.right} == dict.fromkeys(case.right, True)
    assert {text: case.format.takes(text) for text in case.wrong} == dict.fromkeys(case.wrong, False)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_schema_takes_every_right_text(case: Case) -> None:
    """It may take more: JSON Schema cannot say everything."""
    schema = TypeAdapter(Annotated[str, case.format]).json_schema()
    refused = [
        text
        for text in case.right
        if not re.search(schema["pattern"], text) or len(text) > schema.get("maxLength", len(text))
    ]
    assert refused == []


def test_field_says_what_is_wrong_in_one_sentence_and_never_the_text() -> None:
    case = CASES["label value"]
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Annotated[str, case.format]).validate_python("a secret")
    (error,) = refused.value.errors()
    assert (error["type"], error["msg"]) == ("invalid_format", case.format.words)
    assert "secret" not in error["msg"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_long_texts_are_judged_at_once(case: Case) -> None:
    """No pattern looks back again and again: this would take for ever."""
    for text in ("a-" * 50_000, "a." * 50_000 + "_", "1-" * 50_000, "a/" * 50_000):
        case.format.takes(text)
