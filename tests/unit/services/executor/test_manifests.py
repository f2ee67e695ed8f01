from typing import Any

import pytest

from services.executor.domain.manifests import ManifestMismatch, finished, onto
from shared.contracts import annotations
from shared.contracts.commands import ObjectToApply
from shared.contracts.completion import AllOf, CompletionRule, Not
from shared.contracts.identity import Digest, ObjectKey
from shared.contracts.plan import ApplyMode
from shared.contracts.sealed import PREFIX

RULE = CompletionRule(success=Not(of=AllOf(of=())))


def wanted(kind: str = "ConfigMap", rule: CompletionRule | None = None, **fields: Any) -> ObjectToApply:
    metadata = {"name": "a", "namespace": "shop"} | fields.pop("metadata", {})
    return ObjectToApply(
        key=ObjectKey(api_version="v1", kind=kind, namespace="shop", name="a"),
        manifest={"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields},
        digest=Digest("d" * 64),
        generation=4,
        mode=ApplyMode.APPLY,
        rule=rule,
    )


def unopened(_key: str, _text: str) -> str:
    raise AssertionError("nothing is sealed here")


def test_stamps_are_added_beside_the_objects_own_annotations() -> None:
    given = wanted(rule=RULE, metadata={"annotations": {"team": "blue"}})

    stamped = finished(given, unopened)["metadata"]["annotations"]

    assert stamped["team"] == "blue"
    assert stamped[annotations.ANNOTATION_DIGEST] == "d" * 64
    assert stamped[annotations.ANNOTATION_GENERATION] == "4"
    assert CompletionRule.model_validate_json(stamped[annotations.ANNOTATION_RULE]) == RULE


def test_object_without_a_rule_bears_none() -> None:
    assert annotations.ANNOTATION_RULE not in finished(wanted(), unopened)["metadata"]["annotations"]


def test_command_is_left_as_it_was() -> None:
    given = wanted(metadata={"annotations": {"team": "blue"}}, data={"k": "v"})
    before = given.model_dump_json()

    finished(given, unopened)["data"]["k"] = "changed"

    assert given.model_dump_json() == before


@pytest.mark.parametrize("field", ["uid", "resourceVersion", "managedFields", "creationTimestamp", "generation"])
def test_what_only_the_server_writes_is_left_out(field: str) -> None:
    assert field not in finished(wanted(metadata={field: "1"}), unopened)["metadata"]


def test_namespace_of_the_command_holds_where_the_manifest_has_none() -> None:
    given = wanted()
    del given.manifest["metadata"]["namespace"]

    assert finished(given, unopened)["metadata"]["namespace"] == "shop"


@pytest.mark.parametrize("metadata", [{"name": "b"}, {"namespace": "other"}])
def test_manifest_of_another_object_is_refused(metadata: dict[str, str]) -> None:
    with pytest.raises(ManifestMismatch):
        finished(wanted(metadata=metadata), unopened)


def test_sealed_values_of_a_secret_end_up_in_data() -> None:
    given = wanted(
        "Secret",
        data={"a": f"{PREFIX}1", "plain": "cGxhaW4="},
        stringData={"b": f"{PREFIX}2"},
    )

    manifest = finished(given, lambda key, text: f"opened {key} {text.removeprefix(PREFIX)}")

    assert manifest["data"] == {"a": "opened a 1", "plain": "cGxhaW4=", "b": "opened b 2"}
    assert "stringData" not in manifest


def test_plain_values_stay_where_they_are() -> None:
    manifest = finished(wanted("Secret", stringData={"b": "plain"}), unopened)

    assert manifest["stringData"] == {"b": "plain"}


def test_nothing_but_a_secret_is_opened() -> None:
    manifest = finished(wanted(data={"a": f"{PREFIX}1"}), unopened)

    assert manifest["data"] == {"a": f"{PREFIX}1"}


def test_preconditions_are_those_of_the_live_object() -> None:
    manifest = finished(wanted(), unopened)

    conditioned = onto(manifest, {"metadata": {"uid": "x", "resourceVersion": "9", "labels": {"l": "v"}}})

    assert conditioned["metadata"]["uid"] == "x"
    assert conditioned["metadata"]["resourceVersion"] == "9"
    assert "labels" not in conditioned["metadata"]
    assert "uid" not in manifest["metadata"]
