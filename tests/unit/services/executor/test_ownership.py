from typing import Any

import pytest

from services.executor.domain.ownership import generation_of, owned_by_other, proven_ours
from shared.contracts import annotations
from shared.contracts.identity import AppUid, ObjectKey

UID = AppUid("u1")
KEY = ObjectKey(api_version="v1", kind="ConfigMap", namespace="shop", name="a")


def entry(manager: str, operation: str = "Apply", **fields: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields}


def live(*managed: dict[str, Any], uid: str = "x", **noted: str) -> dict[str, Any]:
    return {"metadata": {"name": "a", "uid": uid, "managedFields": list(managed), "annotations": noted}}


def test_our_field_manager_is_proof() -> None:
    assert proven_ours(live(entry("kubemin:u1")), UID, None)


@pytest.mark.parametrize(
    "managed",
    [
        [],
        [entry("kubemin:u1", "Update")],
        [entry("kubemin:u11")],
        [entry("kubemin:")],
        [entry("kubectl")],
    ],
)
def test_anything_else_is_none(managed: list[dict[str, Any]]) -> None:
    assert not proven_ours(live(*managed), UID, None)
    assert not proven_ours(live(*managed), UID, "another uid")


def test_recorded_uid_is_proof_until_the_object_is_another() -> None:
    assert proven_ours(live(entry("kubectl"), uid="known"), UID, "known")
    assert not proven_ours(live(entry("kubectl"), uid="newer"), UID, "known")


def test_object_without_managed_fields_is_not_ours() -> None:
    assert not proven_ours({"metadata": {"name": "a", "uid": "x"}}, UID, None)
    assert "no field managers" in owned_by_other(KEY, {"metadata": {"name": "a", "uid": "x"}})


@pytest.mark.parametrize(("value", "expected"), [("7", 7), ("", 0), ("x", 0), ("-1", 0), ("1.5", 0)])
def test_generation_is_read_off_the_annotation(value: str, expected: int) -> None:
    assert generation_of(live(**{annotations.ANNOTATION_GENERATION: value})) == expected


def test_object_without_annotations_has_no_generation() -> None:
    assert generation_of({"metadata": {"name": "a"}}) == 0


def test_owner_is_named_with_a_few_of_the_fields() -> None:
    many: dict[str, Any] = {f"f:k{number}": {} for number in range(6)}
    fields = {"f:metadata": {"f:labels": {"f:x": {}}}, "f:data": {".": {}, **many}, "f:status": {"f:phase": {}}}

    message = owned_by_other(KEY, live(entry("helm", "Update", **fields), entry("kubectl", "Update")))

    assert message.startswith("ConfigMap shop/a exists already and belongs to the field managers ")
    assert "helm (data.k0, data.k1, data.k2, data.k3, …), kubectl" in message


def test_other_application_is_named_only_if_its_field_manager_is_there() -> None:
    noted = {
        annotations.ANNOTATION_APP_UID: "u2",
        annotations.ANNOTATION_NAMESPACE: "shop",
        annotations.ANNOTATION_APP: "blog",
    }

    assert "the application shop/blog" in owned_by_other(KEY, live(entry("kubemin:u2"), **noted))
    assert "blog" not in owned_by_other(KEY, live(entry("kubectl"), **noted))
