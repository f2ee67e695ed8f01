"""Objects in files that were fetched: what is taken of them, and what is refused."""

import json
from typing import Any

import pytest

from services.gateway.domain.fetched import answers, objects_of
from services.gateway.domain.refusals import FileRefused
from shared.contracts.reads import OBJECTS_LIMIT, OBJECTS_LIMIT_BYTES
from shared.planning import DEFAULT_LIMITS

Document = dict[str, Any]


def config(name: str = "a", **metadata: Any) -> Document:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name} | metadata, "data": {"k": "v"}}


def stream(*documents: Any) -> bytes:
    return "\n---\n".join(json.dumps(one) for one in documents).encode()


@pytest.mark.parametrize(
    "raw",
    [
        stream(config("a"), config("b")),
        stream({"apiVersion": "v1", "kind": "List", "items": [config("a"), config("b")]}),
        b"# two\n---\n" + stream(config("a")) + b"\n---\n---\n# nothing\n---\n" + stream(config("b")) + b"\n...\n",
    ],
)
def test_every_object_of_a_file_is_taken_in_its_order(raw: bytes) -> None:
    assert objects_of(raw) == (config("a"), config("b"))


def test_what_belongs_to_a_cluster_or_an_owner_is_left_behind() -> None:
    given = config(
        uid="1",
        resourceVersion="2",
        ownerReferences=[{"kind": "Application"}],
        namespace="theirs",
        labels={"team": "blue", "app.oam.dev/name": "other"},
    )

    assert objects_of(stream({**given, "status": {}})) == (config(labels={"team": "blue"}),)


def test_object_without_a_namespace_goes_where_the_application_goes_unless_it_says_that_it_lives_in_none() -> None:
    assert objects_of(stream(config("a"), config("b", namespace=""))) == (config("a"), config("b", namespace=""))


@pytest.mark.parametrize(
    ("raw", "code", "message"),
    [
        (b"", "Empty", "no object"),
        (b"# nothing\n---\n", "Empty", "no object"),
        (stream({"apiVersion": "v1", "kind": "List", "items": []}), "Empty", "no object"),
        (b"<html><body>Sign in</body></html>", "ObjectIncomplete", "number 1"),
        (b"[1, 2]", "ObjectIncomplete", "number 1"),
        (stream(config(), {"apiVersion": "v1", "kind": "ConfigMap"}), "ObjectIncomplete", "number 2"),
        (stream({**config(), "kind": ""}), "ObjectIncomplete", "number 1"),
        (stream({**config(), "apiVersion": 1}), "ObjectIncomplete", "number 1"),
        (stream(config("")), "ObjectIncomplete", "number 1"),
        (stream({**config(), "metadata": {"generateName": "a-"}}), "ObjectIncomplete", "number 1"),
        (
            stream({"apiVersion": "v1", "kind": "List", "items": [{**config(), "kind": "List"}]}),
            "ObjectIncomplete",
            "1",
        ),
        (b"a: &x 1\n---\nb: *x", "InvalidAlias", "line 3"),
        (stream(config(labels=["a"])), "ObjectMalformed", "labels"),
        (stream(config(annotations="a")), "ObjectMalformed", "annotations"),
        (b"a: [", "InvalidYaml", "cannot be read"),
        (b"a: 1\n---\n- {b: ]", "InvalidYaml", "line 3"),
        (b"\xff\xfe", "InvalidText", "UTF-8"),
        (b"a: !!python/object:os.system {}", "UnsupportedTag", "line 1"),
        (b"[" * 100, "TooDeep", "levels"),
    ],
)
def test_file_with_something_else_is_refused(raw: bytes, code: str, message: str) -> None:
    with pytest.raises(FileRefused, match=message) as refused:
        objects_of(raw)

    assert refused.value.reason == code


@pytest.mark.parametrize("field", ["data", "stringData", "immutable"])
def test_secret_is_refused_and_its_value_not_told(field: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, field: {"password": "Y2FuYXJ5"}}

    with pytest.raises(FileRefused, match="object 2 is a Secret") as refused:
        objects_of(stream(config(), secret))

    assert refused.value.reason == "SecretValueInOpen"
    assert "Y2FuYXJ5" not in str(refused.value)


def test_aliases_of_all_documents_count_together() -> None:
    values = DEFAULT_LIMITS.nodes // 40
    bomb = f"a: &a [{', '.join(['1'] * values)}]\nb: [{', '.join(['*a'] * 30)}]\n"

    with pytest.raises(FileRefused, match="no Kubernetes object"):
        objects_of(bomb.encode())
    with pytest.raises(FileRefused, match="aliases expanded") as refused:
        objects_of(f"{bomb}---\n{bomb}".encode())

    assert refused.value.reason == "TooLarge"


def test_limits_are_for_all_files_of_a_document_together() -> None:
    half = [config(f"c{n}") for n in range(OBJECTS_LIMIT // 2)]
    large = {**config("large"), "data": {"k": "v" * (OBJECTS_LIMIT_BYTES // 2)}}

    counted = answers({"one": stream(*half), "two": stream(*half), "three": stream(config("more"))})
    measured = answers({"one": stream(large), "two": stream(large), "three": b"never parsed: ["})

    assert [answer.code for answer in counted.values()] == ["", "", "TooManyObjects"]
    assert [answer.code for answer in measured.values()] == ["", "ObjectsTooLarge", "ObjectsTooLarge"]
