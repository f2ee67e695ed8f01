"""What policies ask of the executor, onto objects that are there already: adopt, share, keep, replace, make anew."""

from typing import Any

from shared.contracts import annotations
from shared.contracts.facts import AppliedObject, ObjectsPruned, RunPrepared, RunRejected, StepApplied, StepRejected
from shared.contracts.identity import PRUNE, AppUid
from shared.contracts.managed import applied_fields
from shared.contracts.phases import Reason
from shared.contracts.plan import Disposal, KeptField, Manifest, Retention, Treatment
from shared.kube.kinds import Object
from tests.integration.executor.conftest import Executor, prepared, to_apply, to_prune
from tests.support.clusters import ADMIN

OTHER = AppUid("other-uid")
TAKE_OVER = Treatment(take_over=True)
SHARED = Treatment(shared=True)
READ_ONLY = Treatment(read_only=True)


def marked(manifest: Manifest, uid: AppUid) -> Manifest:
    """As planning marks objects."""
    notes = {annotations.ANNOTATION_APP_UID: uid, annotations.ANNOTATION_STEP: "web"}
    labels = {annotations.LABEL_MANAGED_BY: annotations.MANAGED_BY}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": notes, "labels": labels}}


async def apply(
    executor: Executor, wanted: Manifest, *, app: str = "shop", uid: AppUid | None = None, **more: Any
) -> AppliedObject:
    """Apply one object as an application; it has to succeed."""
    generation, introduced = more.pop("generation", 1), more.pop("introduced", None)
    obj = to_apply(marked(wanted, uid or executor.uid), generation=introduced or generation, **more)
    command = executor.apply(obj, generation=generation, uid=uid)
    command = command.model_copy(update={"app": command.app.model_copy(update={"name": app})})
    fact = await executor.answer(command)
    assert isinstance(fact, StepApplied), fact
    return fact.objects[0]


async def prune(executor: Executor, live: Object, *, app: str = "shop", **more: Any) -> ObjectsPruned:
    """Prune one object as an application."""
    uid, generation = more.pop("uid", None), more.pop("generation", 1)
    target = to_prune(live).model_copy(update=more)
    command = executor.prune(target, **executor.header(PRUNE, generation, uid=uid))
    command = command.model_copy(update={"app": command.app.model_copy(update={"name": app})})
    fact = await executor.answer(command)
    assert isinstance(fact, ObjectsPruned), fact
    return fact


def notes(live: Object) -> dict[str, str]:
    return dict(live["metadata"].get("annotations") or {})


def managers(live: Object) -> set[str]:
    return {entry["manager"] for entry in live["metadata"]["managedFields"]}


# take-over


async def test_object_of_nobody_is_adopted_and_what_nobody_asked_for_stays(executor: Executor) -> None:
    foreign = await executor.kube.apply(executor.config_map(a="theirs", b="kept"), field_manager="helm", force=False)
    adopted = await apply(executor, executor.config_map(a="ours"), treatment=TAKE_OVER)
    live = await executor.live(executor.config_map())
    assert adopted.object_uid == foreign["metadata"]["uid"]
    assert live["data"] == {"a": "ours", "b": "kept"}
    assert notes(live)[annotations.ANNOTATION_APP_UID] == executor.uid


async def test_adoption_is_prepared_without_complaint_and_nothing_else_is(executor: Executor) -> None:
    await executor.kube.apply(executor.config_map(a="1"), field_manager="helm", force=False)
    wanted = prepared(executor.config_map())
    adopting = wanted.model_copy(update={"treatment": TAKE_OVER})
    assert isinstance(await executor.answer(executor.prepare(executor.step(adopting))), RunPrepared)
    refused = await executor.answer(executor.prepare(executor.step(wanted)))
    assert isinstance(refused, RunRejected)
    assert "take-over" in refused.problems[0].message


async def test_object_of_another_application_is_never_adopted(executor: Executor) -> None:
    await apply(executor, executor.config_map(a="1"), uid=OTHER)
    fact = await executor.answer(executor.apply(to_apply(executor.config_map(a="2"), treatment=TAKE_OVER)))
    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.OWNED_BY_OTHER
    assert (await executor.live(executor.config_map()))["data"] == {"a": "1"}


# read-only


async def test_read_only_object_is_looked_at_and_not_written(executor: Executor) -> None:
    before = await executor.kube.apply(executor.config_map(a="theirs"), field_manager="helm", force=False)
    seen = await apply(executor, executor.config_map(a="ours"), treatment=READ_ONLY)
    assert (seen.existed, seen.final, seen.object_uid) == (True, True, before["metadata"]["uid"])
    assert await executor.live(executor.config_map()) == before


async def test_read_only_object_has_to_exist(executor: Executor) -> None:
    wanted = prepared(executor.config_map()).model_copy(update={"treatment": READ_ONLY})
    rejected = await executor.answer(executor.prepare(executor.step(wanted)))
    assert isinstance(rejected, RunRejected)
    assert [p.reason for p in rejected.problems] == [Reason.REFERENCE_NOT_FOUND]
    fact = await executor.answer(executor.apply(to_apply(executor.config_map(), treatment=READ_ONLY)))
    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.REFERENCE_NOT_FOUND


# apply-once


def keeping(*paths: str, **when: bool) -> Treatment:
    return Treatment(kept=tuple(KeptField(path=path, **when) for path in paths))


async def test_kept_field_keeps_its_live_value_and_others_are_reverted(executor: Executor) -> None:
    treatment = keeping("data.a")
    await apply(executor, executor.config_map(a="1", b="1"), treatment=treatment)
    drifted = executor.config_map(a="drifted", b="drifted")
    await executor.kube.apply(drifted, field_manager="kubectl", force=True)
    await apply(executor, executor.config_map(a="2", b="2"), treatment=treatment, generation=2)
    assert (await executor.live(drifted))["data"] == {"a": "drifted", "b": "2"}


async def test_field_that_was_removed_stays_removed(executor: Executor) -> None:
    await apply(executor, executor.config_map(a="1", b="1"))
    await executor.kube.patch(to_apply(executor.config_map()).key, {"data": {"a": None}}, field_manager=ADMIN)
    await apply(executor, executor.config_map(a="2", b="2"), treatment=keeping("data.a"), generation=2)
    assert (await executor.live(executor.config_map()))["data"] == {"b": "2"}


async def test_whole_object_is_kept_while_it_is_not_changed_and_its_marks_are_not(executor: Executor) -> None:
    treatment = keeping("*", on_update=False)
    first = executor.config_map(a="1")
    await apply(executor, first, treatment=treatment)
    await executor.kube.apply(executor.config_map(a="drifted"), field_manager="kubectl", force=True)
    await apply(executor, first, treatment=treatment, generation=2, introduced=1)
    assert (await executor.live(first))["data"] == {"a": "drifted"}
    await apply(executor, executor.config_map(a="2"), treatment=treatment, generation=3)
    assert (await executor.live(first))["data"] == {"a": "2"}


async def test_object_that_is_kept_on_updates_too_bears_the_new_marks(executor: Executor) -> None:
    await apply(executor, executor.config_map(a="1"))
    new = to_apply(marked(executor.config_map(a="2"), executor.uid))
    await apply(executor, executor.config_map(a="2"), treatment=keeping("*"), generation=2)
    live = await executor.live(new.key)
    assert live["data"] == {"a": "1"}
    assert notes(live)[annotations.ANNOTATION_DIGEST] == new.digest
    assert notes(live)[annotations.ANNOTATION_GENERATION] == "2"


# resource-update


async def test_changed_field_makes_the_object_anew_once(executor: Executor) -> None:
    treatment = Treatment(recreate_fields=("data.a",))
    first = await apply(executor, executor.config_map(a="1"), treatment=treatment)
    second = await apply(executor, executor.config_map(a="2"), treatment=treatment, generation=2)
    again = await apply(executor, executor.config_map(a="2"), treatment=treatment, generation=2)
    third = await apply(executor, executor.config_map(a="2", b="1"), treatment=treatment, generation=3)
    assert first.object_uid != second.object_uid
    assert second.object_uid == again.object_uid == third.object_uid


async def test_drift_alone_does_not_make_the_object_anew(executor: Executor) -> None:
    treatment = Treatment(recreate_fields=("data.a",))
    first = await apply(executor, executor.config_map(a="1"), treatment=treatment)
    await executor.kube.apply(executor.config_map(a="drifted"), field_manager="kubectl", force=True)
    again = await apply(executor, executor.config_map(a="1"), treatment=treatment)
    assert again.object_uid == first.object_uid
    assert (await executor.live(executor.config_map()))["data"] == {"a": "1"}


async def test_replacing_takes_out_what_others_wrote_but_finalizers(executor: Executor) -> None:
    treatment = Treatment(replace=True)
    first = await apply(executor, executor.config_map(a="1"), treatment=treatment)
    key = to_apply(executor.config_map()).key
    theirs = {"metadata": {"finalizers": ["example.com/wait"]}, "data": {"theirs": "x"}}
    await executor.kube.patch(key, theirs, field_manager=ADMIN)
    second = await apply(executor, executor.config_map(a="2"), treatment=treatment, generation=2)
    live = await executor.live(key)
    assert (live["data"], live["metadata"]["finalizers"]) == ({"a": "2"}, ["example.com/wait"])
    assert first.object_uid == second.object_uid
    assert annotations.field_manager(executor.uid) in managers(live)
    await executor.kube.patch(key, {"metadata": {"finalizers": None}}, field_manager=ADMIN)


# shared-resource


async def test_first_application_writes_others_sign_and_the_last_deletes(executor: Executor) -> None:
    await apply(executor, executor.config_map(a="first"), treatment=SHARED)
    signed = await apply(executor, executor.config_map(a="second"), app="blog", uid=OTHER, treatment=SHARED)
    live = await executor.live(executor.config_map())
    namespace = executor.namespace
    assert live["data"] == {"a": "first"}
    assert signed.final
    assert notes(live)[annotations.ANNOTATION_SHARED_BY] == f"{namespace}/shop,{namespace}/blog"

    await apply(executor, executor.config_map(a="changed"), treatment=SHARED, generation=2)
    changed = await executor.live(executor.config_map())
    assert changed["data"] == {"a": "changed"}
    assert notes(changed)[annotations.ANNOTATION_SHARED_BY] == f"{namespace}/shop,{namespace}/blog"

    gone = await prune(executor, live, generation=2)
    assert gone.released == (live["metadata"]["uid"],)
    passed_on = await executor.live(executor.config_map())
    assert notes(passed_on) == {annotations.ANNOTATION_SHARED_BY: f"{namespace}/blog"}
    assert annotations.field_manager(executor.uid) not in managers(passed_on)

    inherited = await apply(executor, executor.config_map(a="second"), app="blog", uid=OTHER, treatment=SHARED)
    assert (await executor.live(executor.config_map()))["data"] == {"a": "second"}
    assert inherited.object_uid == live["metadata"]["uid"]
    assert (await prune(executor, live, app="blog", uid=OTHER)).gone == (live["metadata"]["uid"],)
    assert await executor.kube.find(to_apply(executor.config_map()).key) is None


async def test_signer_that_goes_leaves_the_object_to_its_owner(executor: Executor) -> None:
    await apply(executor, executor.config_map(a="first"), treatment=SHARED)
    await apply(executor, executor.config_map(a="second"), app="blog", uid=OTHER, treatment=SHARED)
    live = await executor.live(executor.config_map())
    assert (await prune(executor, live, app="blog", uid=OTHER)).released
    left = await executor.live(executor.config_map())
    assert notes(left)[annotations.ANNOTATION_SHARED_BY] == f"{executor.namespace}/shop"
    assert notes(left)[annotations.ANNOTATION_APP_UID] == executor.uid


async def test_object_that_its_owner_does_not_share_is_refused(executor: Executor) -> None:
    await apply(executor, executor.config_map(a="first"))
    fact = await executor.answer(executor.apply(to_apply(executor.config_map()), uid=OTHER))
    assert isinstance(fact, StepRejected)
    fact = await executor.answer(executor.apply(to_apply(executor.config_map(), treatment=SHARED), uid=OTHER))
    assert isinstance(fact, StepRejected)
    assert "shared-resource" in fact.message


async def test_signer_that_drops_the_policy_does_not_take_the_object(executor: Executor) -> None:
    await apply(executor, executor.config_map(a="first"), treatment=SHARED)
    signed = await apply(executor, executor.config_map(a="second"), app="blog", uid=OTHER, treatment=SHARED)
    taking = to_apply(executor.config_map(a="second"), known_uid=signed.object_uid)
    assert isinstance(await executor.answer(executor.apply(taking, uid=OTHER)), StepRejected)


# garbage-collect


async def test_released_object_stays_and_is_nobodys(executor: Executor) -> None:
    await apply(executor, executor.config_map(a="1"))
    live = await executor.live(executor.config_map())
    fact = await prune(executor, live, release=True)
    assert (fact.gone, fact.released) == ((), (live["metadata"]["uid"],))
    left = await executor.live(executor.config_map())
    assert left["data"] == {"a": "1"}
    assert (notes(left), left["metadata"].get("labels", {})) == ({}, {})
    assert annotations.field_manager(executor.uid) not in {
        entry["manager"] for entry in left["metadata"].get("managedFields", [])
    }
    adopted = await apply(executor, executor.config_map(a="2"), uid=OTHER, treatment=TAKE_OVER)
    assert adopted.object_uid == live["metadata"]["uid"]


async def test_what_was_given_up_is_not_deleted_when_it_is_taken_for_a_stray_later(executor: Executor) -> None:
    await apply(executor, executor.config_map(a="1"))
    live = await executor.live(executor.config_map())
    await prune(executor, live, release=True)
    fact = await prune(executor, live)
    assert (fact.gone, fact.released) == ((), (live["metadata"]["uid"],))
    assert (await executor.live(executor.config_map()))["data"] == {"a": "1"}


async def test_volume_is_deleted_only_where_a_policy_says_so(executor: Executor) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": executor.namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    live = await executor.kube.create(marked(claim, executor.uid), field_manager=ADMIN)
    kept = await prune(executor, live)
    assert (kept.gone, [r.object_uid for r in kept.remaining]) == ((), [live["metadata"]["uid"]])
    deleted = await prune(executor, live, volume=True)
    assert live["metadata"]["uid"] in (*deleted.gone, *(r.object_uid for r in deleted.remaining))
    after = await executor.kube.find(to_apply(claim).key)
    assert after is None or "deletionTimestamp" in after["metadata"]


async def test_what_becomes_of_an_object_is_repeated_in_the_answer(executor: Executor) -> None:
    disposal = Disposal(retention=Retention.NEVER)
    applied = await apply(executor, executor.config_map(a="1"), treatment=Treatment(disposal=disposal))
    assert applied.disposal == disposal


# drift


async def revert(executor: Executor, wanted: Manifest, **more: Any) -> AppliedObject:
    """Apply one object of generation 1 once more, because others have changed it; it has to succeed."""
    obj = to_apply(marked(wanted, executor.uid), **more)
    fact = await executor.answer(executor.apply(obj, reverting=True))
    assert isinstance(fact, StepApplied), fact
    return fact.objects[0]


async def ours(executor: Executor, wanted: Manifest) -> str:
    """What the observer tells of the fields that are ours."""
    return applied_fields(await executor.live(wanted), annotations.field_manager(executor.uid))


async def test_whoever_changes_a_field_takes_it_and_is_named_when_it_is_taken_back(executor: Executor) -> None:
    wanted = executor.config_map(a="1", b="1")
    first = await apply(executor, wanted)
    assert (first.written, first.fields) == (True, await ours(executor, wanted))
    key = to_apply(wanted).key
    await executor.kube.patch(key, {"data": {"c": "theirs"}}, field_manager="kubectl-edit")
    assert await ours(executor, wanted) == first.fields
    await executor.kube.patch(key, {"data": {"a": "2"}}, field_manager="kubectl-edit")
    assert await ours(executor, wanted) != first.fields
    back = await revert(executor, wanted)
    assert (back.written, back.fields, back.taken_from) == (True, first.fields, ("kubectl-edit (data.a)",))
    assert (await executor.live(wanted))["data"] == {"a": "1", "b": "1", "c": "theirs"}
    again = await revert(executor, wanted)
    assert (again.written, again.fields, again.taken_from) == (False, first.fields, ())


async def test_removed_field_is_lost_and_comes_back(executor: Executor) -> None:
    wanted = executor.config_map(a="1", b="1")
    first = await apply(executor, wanted)
    await executor.kube.patch(to_apply(wanted).key, {"data": {"a": None}}, field_manager="kubectl-edit")
    assert await ours(executor, wanted) != first.fields
    back = await revert(executor, wanted)
    assert (back.written, back.fields, back.taken_from) == (True, first.fields, ())
    assert (await executor.live(wanted))["data"] == {"a": "1", "b": "1"}


async def test_deleted_object_is_written_anew(executor: Executor) -> None:
    wanted = executor.config_map(a="1")
    first = await apply(executor, wanted)
    await executor.kube.delete(to_apply(wanted).key)
    back = await revert(executor, wanted, known_uid=first.object_uid)
    assert (back.written, back.fields) == (True, first.fields)
    assert back.object_uid != first.object_uid


async def test_field_that_is_left_to_others_is_no_drift_and_stays_when_other_drift_is_reverted(
    executor: Executor,
) -> None:
    treatment = keeping("data.a", on_update=False)
    wanted = executor.config_map(a="1", b="1")
    first = await apply(executor, wanted, treatment=treatment)
    key = to_apply(wanted).key
    await executor.kube.patch(key, {"data": {"a": "theirs"}}, field_manager="kubectl-edit")
    assert await ours(executor, wanted) == first.fields
    await executor.kube.patch(key, {"data": {"b": "theirs"}}, field_manager="kubectl-edit")
    assert await ours(executor, wanted) != first.fields
    back = await revert(executor, wanted, treatment=treatment)
    assert back.fields == first.fields
    assert (await executor.live(wanted))["data"] == {"a": "theirs", "b": "1"}


async def test_field_that_is_left_to_others_in_updates_alone_is_set_back(executor: Executor) -> None:
    treatment = keeping("data.a", on_state_keep=False)
    wanted = executor.config_map(a="1")
    first = await apply(executor, wanted, treatment=treatment)
    await executor.kube.patch(to_apply(wanted).key, {"data": {"a": "theirs"}}, field_manager="kubectl-edit")
    assert await ours(executor, wanted) != first.fields
    await revert(executor, wanted, treatment=treatment)
    assert (await executor.live(wanted))["data"] == {"a": "1"}


async def test_nothing_is_told_of_the_fields_of_what_is_not_written(executor: Executor) -> None:
    foreign = executor.config_map(a="theirs")
    await executor.kube.apply(foreign, field_manager="helm", force=False)
    seen = await apply(executor, executor.config_map(a="ours"), treatment=READ_ONLY)
    assert (seen.fields, seen.written) == ("", False)


async def test_signature_of_another_application_is_no_drift(executor: Executor) -> None:
    wanted = executor.config_map(a="1")
    first = await apply(executor, wanted, treatment=SHARED)
    await apply(executor, wanted, app="second", uid=OTHER, treatment=SHARED)
    assert await ours(executor, wanted) == first.fields != ""


async def test_drift_neither_makes_an_object_anew_nor_takes_from_others_what_they_added(executor: Executor) -> None:
    treatment = Treatment(recreate_fields=("data.a",), replace=True)
    wanted = executor.config_map(a="1")
    first = await apply(executor, wanted, treatment=treatment)
    changes = {"data": {"a": "theirs", "b": "theirs"}}
    await executor.kube.patch(to_apply(wanted).key, changes, field_manager="kubectl-edit")
    back = await revert(executor, wanted, treatment=treatment)
    assert (back.object_uid, back.fields) == (first.object_uid, first.fields)
    assert (await executor.live(wanted))["data"] == {"a": "1", "b": "theirs"}
