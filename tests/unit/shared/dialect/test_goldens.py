"""What documents in the dialect become is what their golden files say.

After a wanted change: `python -m tests.unit.shared.dialect.write_goldens NAME…`, and read the difference.
"""

import copy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from shared.contracts.canonical import canonical_json
from shared.dialect import convert
from shared.planning import parse_document
from tests.support import dialect

if TYPE_CHECKING:
    from tests.support.dialect import Document


@pytest.mark.parametrize("path", dialect.paths(), ids=lambda path: path.stem)
def test_document_becomes_what_its_golden_file_says(path: Path) -> None:
    document = dialect.document_of(path)
    given = copy.deepcopy(document)
    actual = dialect.outcome(convert(given))
    assert given == document, "the conversion changed the document"
    golden = yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8"))
    assert canonical_json(golden) == canonical_json(actual)


@pytest.mark.parametrize("path", dialect.paths(), ids=lambda path: path.stem)
def test_converted_document_written_as_yaml_and_sent_has_the_same_plan(path: Path) -> None:
    application = convert(dialect.document_of(path)).document
    sent = parse_document(yaml.safe_dump(application, sort_keys=False).encode())
    assert dialect.planned(sent) == dialect.planned(application)


def camel_case(value: object) -> object:
    """As documents were written until the end of 2025; keys that are data stay."""
    if isinstance(value, list):
        return [camel_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    data = {"env", "conf", "secret", "labels", "label", "annotations", "data"}
    return {_camel(key): item if key in data and _is_data(item) else camel_case(item) for key, item in value.items()}


def _is_data(item: object) -> bool:
    return isinstance(item, dict) and all(isinstance(text, str) for text in item.values()) and "key" not in item


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.title() for word in rest) if first else key


@pytest.mark.parametrize("path", dialect.paths(), ids=lambda path: path.stem)
def test_both_spellings_of_keys_mean_the_same(path: Path) -> None:
    document = dialect.document_of(path)
    respelled = camel_case(document)
    assert isinstance(respelled, dict)
    assert convert(respelled).document == convert(document).document


def test_keys_are_matched_whatever_their_case() -> None:
    document: Document = {"Name": "shop", "COMPONENT": [{"NAME": "web", "component_type": "webservice", "Image": "x"}]}
    assert convert(document).document["spec"]["components"][0]["properties"]["image"] == "x"


def test_secret_values_stand_where_they_are_sealed_and_nowhere_else() -> None:
    canary = "canary-1f7c"
    document = dialect.document(dialect.component("keys", "secret", properties={"secret": {"password": canary}}))
    converted = convert(document)
    assert converted.document["spec"]["components"][0]["properties"] == {"stringData": {"password": canary}}
    assert canary not in repr(converted)


def test_secret_values_of_what_is_no_secret_are_dropped() -> None:
    document = dialect.document(dialect.component(properties={"secret": {"password": "canary"}}))
    assert "canary" not in str(convert(document).document)
    assert dialect.warned(document) == {("NoEffect", "component[0].properties.secret")}
