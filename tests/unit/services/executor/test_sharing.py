"""Who shares an object, and the patches by which an application signs it or gives it up."""

from typing import Any

from services.executor.domain.ownership import Standing, left_to, standing
from services.executor.domain.sharing import sharers, signature, withdrawal
from shared.contracts import annotations
from shared.contracts.annotations import ANNOTATION_SHARED_BY
from shared.contracts.identity import AppRef, AppUid
from shared.contracts.plan import Treatment
from shared.kube.kinds import Object

APP = AppRef(tenant="acme", namespace="shop", name="web")
UID, OTHER = AppUid("mine"), AppUid("other")
SHARED = Treatment(shared=True)


def live(*appliers: str, shared_by: str = "", **more: Any) -> Object:
    notes = {ANNOTATION_SHARED_BY: shared_by} if shared_by else {}
    managers = [{"manager": manager, "operation": "Apply"} for manager in appliers]
    marks: dict[str, str] = more.pop("marks", {})
    return {
        "metadata": {
            "uid": "u",
            "resourceVersion": "7",
            "annotations": notes | marks,
            "managedFields": managers,
            **more,
        }
    }


def mine(obj: Object, treatment: Treatment = SHARED, known_uid: str | None = None) -> Standing:
    return standing(obj, APP, UID, known_uid, treatment)


def test_names_are_read_once_each_in_order() -> None:
    assert sharers(live(shared_by=" b/b, a/a,,b/b")) == ["b/b", "a/a"]
    assert sharers({"metadata": {}}) == []


def test_who_applies_it_writes_it_and_who_comes_later_signs() -> None:
    assert mine(live("kubemin:mine", shared_by="shop/web")) is Standing.WRITE
    assert mine(live("kubemin:other", shared_by="a/a")) is Standing.SIGN
    assert mine(live("kubemin:other")) is Standing.NOTHING
    assert mine(live("helm")) is Standing.NOTHING


def test_the_first_that_has_signed_inherits_and_nobody_else() -> None:
    assert mine(live("helm", shared_by="shop/web,a/a")) is Standing.WRITE
    assert mine(live("helm", shared_by="a/a,shop/web")) is Standing.SIGN
    assert mine(live("kubemin:other", shared_by="shop/web")) is Standing.SIGN


def test_having_recorded_an_object_is_no_claim_to_what_another_applies() -> None:
    own, theirs = live("kubemin:mine"), live("kubemin:other")
    assert mine(own, Treatment(), "u") is mine(live("helm"), Treatment(), "u") is Standing.WRITE
    assert mine(theirs, Treatment(), "u") is Standing.NOTHING
    assert mine(theirs, Treatment(take_over=True), "u") is Standing.NOTHING
    assert mine(live("helm"), Treatment(take_over=True)) is Standing.WRITE


def test_a_signature_is_added_once_and_guarded() -> None:
    guarded = {"uid": "u", "resourceVersion": "7"}
    notes = {ANNOTATION_SHARED_BY: "a/a,shop/web"}
    assert signature(live(shared_by="a/a"), APP) == {"metadata": {**guarded, "annotations": notes}}
    assert signature(live(shared_by="shop/web,a/a"), APP) is None


def test_giving_up_takes_off_everything_of_ours_and_nothing_else() -> None:
    marks = {annotations.ANNOTATION_APP_UID: UID, annotations.ANNOTATION_STEP: "web", "theirs": "x"}
    labels = {annotations.LABEL_APP: "web", "theirs": "x"}
    obj = live("kubemin:mine", "helm", shared_by="shop/web", marks=marks, labels=labels)
    patch = withdrawal(obj, APP, UID)
    assert patch == {
        "metadata": {
            "uid": "u",
            "resourceVersion": "7",
            "labels": {annotations.LABEL_APP: None},
            "annotations": {
                ANNOTATION_SHARED_BY: None,
                annotations.ANNOTATION_APP_UID: None,
                annotations.ANNOTATION_STEP: None,
            },
            "managedFields": [{"manager": "helm", "operation": "Apply"}],
        }
    }


def test_the_last_manager_is_cleared_by_an_empty_entry() -> None:
    patch = withdrawal(live("kubemin:mine"), APP, UID)
    assert patch is not None
    assert patch["metadata"]["managedFields"] == [{}]


def test_who_only_signed_takes_off_the_signature_alone() -> None:
    marks = {annotations.ANNOTATION_APP_UID: OTHER}
    patch = withdrawal(live("kubemin:other", shared_by="a/a,shop/web", marks=marks), APP, UID)
    assert patch is not None
    assert patch["metadata"] == {"uid": "u", "resourceVersion": "7", "annotations": {ANNOTATION_SHARED_BY: "a/a"}}
    assert withdrawal(live("kubemin:other", marks=marks), APP, UID) is None


def test_object_is_left_to_the_last_that_shares_it() -> None:
    assert left_to(live("helm", shared_by="shop/web"), APP, UID)
    assert not left_to(live("kubemin:other", shared_by="shop/web"), APP, UID)
    assert not left_to(live("helm", shared_by="shop/web,a/a"), APP, UID)
    assert not left_to(live("helm"), APP, UID)
