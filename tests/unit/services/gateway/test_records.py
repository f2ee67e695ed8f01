"""What a user's action makes of the stored record."""

from typing import Any

import pytest

from services.gateway.domain import preconditions
from services.gateway.domain.preconditions import Precondition, PreconditionFailed, PreconditionInvalid
from services.gateway.domain.records import (
    ApplicationDeleting,
    Cancel,
    Create,
    Decision,
    Replace,
    Unchanged,
    Wanted,
    decide_apply,
    decide_cancel,
    decide_delete,
)
from services.gateway.domain.refusals import NoRunUnderWay, RunNotCurrent
from shared.contracts.desired import CopiedObjects, StoredApplication
from shared.contracts.identity import ClusterName, RunId
from shared.contracts.phases import RunPhase
from shared.contracts.plan import Placement
from tests.support.records import NOW, UID, a_record, stored

ANY = Precondition()
ENDED_BADLY = [phase for phase in RunPhase if phase.terminal and phase is not RunPhase.SUCCEEDED]
GOING_ON = [None, RunPhase.SUCCEEDED, *(phase for phase in RunPhase if not phase.terminal)]


def apply(
    before: StoredApplication | None,
    *,
    document: dict[str, Any] | None = None,
    clusters: tuple[str, ...] = ("east",),
    last: RunPhase | None = None,
    precondition: Precondition = ANY,
    copies: tuple[CopiedObjects, ...] = (),
) -> Decision:
    wanted = Wanted(
        app=a_record().app,
        uid=UID,
        document={"spec": {}} if document is None else document,
        placements=tuple(Placement(cluster=ClusterName(cluster)) for cluster in clusters),
        copies=copies,
    )
    return decide_apply(before, last, wanted, actor="bob", at=NOW, precondition=precondition)


def cancel(
    before: StoredApplication,
    last: RunPhase | None = RunPhase.RUNNING,
    wanted: Cancel | None = None,
    *,
    precondition: Precondition = ANY,
) -> Decision:
    return decide_cancel(before, last, wanted or Cancel(), actor="eve", at=NOW, precondition=precondition)


def cancelled(last: RunPhase | None = RunPhase.RUNNING) -> StoredApplication:
    """The fourth generation, which cancels the third."""
    decision = cancel(stored(a_record(generation=3, document={"a": 1})), last)
    assert isinstance(decision, Replace)
    return stored(decision.record)


def test_a_new_application_begins_with_generation_1() -> None:
    decision = apply(None)
    assert isinstance(decision, Create)
    assert (decision.record.generation, decision.record.uid) == (1, UID)
    assert (decision.record.audit.actor, decision.record.audit.action) == ("bob", "create")


def test_another_document_raises_the_generation_and_keeps_uid_and_creation() -> None:
    before = a_record(generation=3)
    decision = apply(stored(before), document={"spec": {"a": 1}})
    assert isinstance(decision, Replace)
    assert decision.expected_generation == 3
    assert decision.record.generation == 4
    assert (decision.record.uid, decision.record.created_at) == (before.uid, before.created_at)
    assert decision.record.audit.action == "update"


def test_other_clusters_for_the_same_document_are_a_change() -> None:
    assert isinstance(apply(stored(a_record()), clusters=("east", "west")), Replace)


def test_objects_that_have_become_others_are_a_change_and_are_kept_with_it() -> None:
    def copies(colour: str) -> tuple[CopiedObjects, ...]:
        return (CopiedObjects(component="copies", objects=({"kind": "ConfigMap", "data": {"colour": colour}},)),)

    first = apply(None, copies=copies("red"))
    assert isinstance(first, Create)
    before = stored(first.record)
    assert apply(before, copies=copies("red")) == Unchanged(before)
    changed = apply(before, copies=copies("blue"))
    assert isinstance(changed, Replace)
    assert (changed.record.generation, changed.record.copies) == (2, copies("blue"))


@pytest.mark.parametrize("last", GOING_ON)
def test_the_same_again_changes_nothing(last: RunPhase | None) -> None:
    before = stored(a_record(document={"a": 1, "b": 2}))
    assert apply(before, document={"b": 2, "a": 1}, last=last) == Unchanged(before)


@pytest.mark.parametrize("last", ENDED_BADLY)
def test_the_same_again_runs_again_where_the_last_run_did_not_succeed(last: RunPhase) -> None:
    decision = apply(stored(a_record()), last=last)
    assert isinstance(decision, Replace)
    assert (decision.record.generation, decision.record.audit.action) == (2, "rerun")


def test_the_name_of_an_application_that_is_being_deleted_is_taken() -> None:
    with pytest.raises(ApplicationDeleting) as caught:
        apply(stored(a_record(deleted=True)))
    assert caught.value.reason == "Deleting"


def test_deletion_raises_the_generation_once() -> None:
    decision = decide_delete(stored(a_record(generation=2)), actor="bob", at=NOW, precondition=ANY)
    assert isinstance(decision, Replace)
    assert decision.record.deleted
    assert (decision.record.generation, decision.record.audit.action) == (3, "delete")
    again = stored(decision.record)
    assert decide_delete(again, actor="bob", at=NOW, precondition=ANY) == Unchanged(again)


@pytest.mark.parametrize("last", [None, RunPhase.ACCEPTED, RunPhase.PREPARING, RunPhase.RUNNING])
def test_cancelling_is_a_generation_that_names_the_run_and_has_the_same_document(last: RunPhase | None) -> None:
    before = a_record(generation=3, document={"a": 1})
    wanted = Cancel(run=before.run, reason="wrong image", on_behalf_of="bob")
    decision = cancel(stored(before), last, wanted)
    assert isinstance(decision, Replace)
    record = decision.record
    assert (record.generation, record.run, record.document) == (4, before.run, before.document)
    assert (record.audit.action, record.audit.actor) == ("cancel", "eve")
    told = record.cancels
    assert told is not None
    assert (told.generation, told.requested_by, told.reason, told.on_behalf_of) == (3, "ann", "wrong image", "bob")


def test_cancelling_again_changes_nothing() -> None:
    before = cancelled()
    assert cancel(before, RunPhase.RUNNING, Cancel(run=before.record.run)) == Unchanged(before)


@pytest.mark.parametrize("last", [phase for phase in RunPhase if phase.terminal])
@pytest.mark.parametrize("before", [stored(a_record(generation=3)), cancelled()], ids=["ran", "was cancelled"])
def test_a_run_that_has_ended_is_not_cancelled(before: StoredApplication, last: RunPhase) -> None:
    with pytest.raises(NoRunUnderWay) as caught:
        cancel(before, last)
    assert str(caught.value).endswith(f"{UID}-3, has ended as {last}")


@pytest.mark.parametrize("run", [f"{UID}-2", f"{UID}-4", "other-3", ""])
def test_another_run_than_the_one_that_is_meant_is_not_cancelled(run: str) -> None:
    with pytest.raises(RunNotCurrent):
        cancel(stored(a_record(generation=3)), wanted=Cancel(run=RunId(run)))


def test_a_deletion_is_not_cancelled() -> None:
    with pytest.raises(ApplicationDeleting):
        cancel(stored(a_record(deleted=True)))


@pytest.mark.parametrize("last", [phase for phase in RunPhase if phase is not RunPhase.SUCCEEDED])
def test_the_same_document_runs_again_after_a_cancellation_whether_or_not_that_was_carried_out_yet(
    last: RunPhase,
) -> None:
    decision = apply(cancelled(), document={"a": 1}, last=last)
    assert isinstance(decision, Replace)
    assert (decision.record.generation, decision.record.audit.action, decision.record.cancels) == (5, "rerun", None)
    assert decision.record.run == f"{UID}-5"


def test_a_run_that_had_succeeded_before_it_was_cancelled_is_not_run_again() -> None:
    before = cancelled()
    assert apply(before, document={"a": 1}, last=RunPhase.SUCCEEDED) == Unchanged(before)


def test_a_deletion_cancels_nothing_any_more() -> None:
    decision = decide_delete(cancelled(), actor="bob", at=NOW, precondition=ANY)
    assert isinstance(decision, Replace)
    assert (decision.record.cancels, decision.record.run) == (None, f"{UID}-5")


def test_a_precondition_is_checked_before_anything_else() -> None:
    wanted = preconditions.read('"7"', None)
    with pytest.raises(PreconditionFailed) as caught:
        apply(stored(a_record(generation=3, deleted=True)), precondition=wanted)
    assert caught.value.generation == 3
    with pytest.raises(PreconditionFailed):
        decide_delete(stored(a_record()), actor="bob", at=NOW, precondition=wanted)
    with pytest.raises(PreconditionFailed):
        cancel(stored(a_record(deleted=True)), precondition=wanted)


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "generation", "holds"),
    [
        (None, None, None, True),
        (None, None, 3, True),
        ('"3"', None, 3, True),
        ('"2", "3"', None, 3, True),
        ('"3"', None, 4, False),
        ('"3"', None, None, False),
        ('W/"3"', None, 3, False),
        ('"abc"', None, 3, False),
        ("*", None, 3, True),
        ("*", None, None, False),
        (None, "*", None, True),
        (None, "*", 3, False),
    ],
)
def test_preconditions(if_match: str | None, if_none_match: str | None, generation: int | None, holds: bool) -> None:  # noqa: FBT001 - a table
    precondition = preconditions.read(if_match, if_none_match)
    if holds:
        precondition.check(generation)
    else:
        with pytest.raises(PreconditionFailed):
            precondition.check(generation)


@pytest.mark.parametrize(("if_match", "if_none_match"), [("3", None), ("", None), ('"3', None), (None, '"3"')])
def test_headers_that_are_no_preconditions_are_refused(if_match: str | None, if_none_match: str | None) -> None:
    with pytest.raises(PreconditionInvalid):
        preconditions.read(if_match, if_none_match)
