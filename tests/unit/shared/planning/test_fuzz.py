"""Documents with anything anywhere are planned or refused: no type, trait or check falls over them."""

import contextlib
import copy
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, check_document, parse_document, plan_view, secret_locations
from tests.support.planning import Document, component, document, planned

EXAMPLES = Path(__file__).parents[4] / "examples"
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d", "labels": {"a": "b"}, "annotations": {"c": "d"}},
    "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {
                "containers": [{"name": "c", "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s"}}}]}],
                "volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "m"}}]}}],
                "imagePullSecrets": [{"name": "p"}],
            },
        },
    },
}
INGRESS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "i"},
    "spec": {"tls": [{"secretName": "t"}]},
}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "dg=="}}
SEEDS: list[Document] = [
    *(parse_document(path.read_bytes()) for path in sorted(EXAMPLES.glob("*/*.yaml"))),
    document(
        component(
            "raw",
            "k8s-objects",
            {"type": "env", "properties": {"env": {"A": "b"}}},
            {"type": "sidecar", "properties": {"name": "x", "image": "y"}},
            {"type": "resource", "properties": {"cpu": "1"}},
            properties={"objects": [DEPLOYMENT, INGRESS, SECRET]},
        )
    ),
    document(
        component(
            "web",
            "webservice",
            properties={"image": "x", "volumeMounts": {"pvc": [{"name": "a", "mountPath": "/a", "claimName": "c"}]}},
        )
    ),
]
values = st.recursive(
    st.sampled_from(
        [None, True, 0, -1, 1.5, "", "x", "a/b", "ConfigMap", "Secret", "List", "Pod", "v1", "x" * 300, "é"]
    ),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["name", "kind", "metadata", "spec", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Of everything in the document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([path] if path else []), *(p for key, item in items for p in paths(item, (*path, key)))]


@st.composite
def spoilt(draw: st.DrawFn) -> Document:
    """A document in which up to three places hold something else, or nothing."""
    doc = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(paths(doc)))
        parent: Any = doc
        for element in parents:
            parent = parent[element]
        if draw(st.booleans()):
            parent[last] = draw(values)
        else:
            del parent[last]
        if not paths(doc):
            break
    return doc


@settings(max_examples=400)
@given(spoilt())
def test_any_document_is_planned_or_refused(doc: Document) -> None:
    before = copy.deepcopy(doc)
    with contextlib.suppress(DocumentRejected):
        app, _ = check_document(doc, BUILTIN)
        secret_locations(app, BUILTIN)
        plan_view(planned(doc, registry=BUILTIN))
    assert doc == before


@settings(max_examples=200)
@given(spoilt())
def test_what_the_check_lets_through_can_be_planned(doc: Document) -> None:
    try:
        check_document(doc, BUILTIN)
    except DocumentRejected:
        return
    planned(doc, registry=BUILTIN)
