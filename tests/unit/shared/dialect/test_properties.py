"""Documents with anything anywhere are converted or refused: nothing falls over them."""

import contextlib
import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.dialect import convert, is_dialect
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, check_document
from tests.support import dialect
from tests.support.dialect import Document

SEEDS = [dialect.document_of(path) for path in dialect.paths()]
texts = st.text(max_size=8) | st.sampled_from(["web", "secret", "DAG", "", "1Gi", "_x", "persistent", "config.url"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=6,
)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, child in items for place in places(child, (*path, key)))]


@st.composite
def broken(draw: st.DrawFn) -> Document:
    """A document with other values in a few places."""
    document: Document = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(places(document)[1:]))
        target: Any = document
        for part in parents:
            target = target[part]
        target[last] = draw(values)
    return document


def check(document: Document) -> None:
    """Whatever comes of it is findings, each with a place of the document that was sent."""
    with contextlib.suppress(DocumentRejected):
        converted = convert(document)
        json.dumps(converted.document)
        try:
            check_document(converted.document, BUILTIN)
        except DocumentRejected as rejected:
            for finding in converted.paths.findings(rejected.findings):
                assert not finding.path.startswith(("spec", "metadata"))


@given(broken())
@settings(max_examples=300, deadline=None)
def test_document_with_anything_in_a_few_places_is_converted_or_refused(document: Document) -> None:
    if is_dialect(document):
        check(document)


@given(st.dictionaries(texts, values, max_size=4), values)
@settings(max_examples=200, deadline=None)
def test_any_map_with_components_is_converted_or_refused(document: Document, components: Any) -> None:
    check({**document, "component": components})
