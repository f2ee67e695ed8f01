from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from shared.contracts.facts import ObjectsPruned, StepErrored, Superseded
from shared.contracts.identity import ObjectKey
from shared.contracts.phases import Reason
from shared.kube import GroupVersionKind
from shared.kube.kinds import Object
from tests.integration.executor.conftest import Executor, to_apply, to_prune
from tests.support.clusters import ADMIN, key, manifest
from tests.support.conditions import until


async def test_exactly_what_is_named_goes(executor: Executor) -> None:
    for name in ("a", "b"):
        await executor.answer(executor.apply(to_apply(executor.config_map(name))))
    live = await executor.live(executor.config_map("a"))

    fact = await executor.answer(executor.prune(to_prune(live)))

    assert isinstance(fact, ObjectsPruned)
    assert fact.gone == (live["metadata"]["uid"],)
    assert fact.remaining == ()
    assert not executor.answers.nudges[-1].restate
    assert await executor.kube.find(key("ConfigMap", "a", executor.namespace)) is None
    assert await executor.kube.find(key("ConfigMap", "b", executor.namespace)) is not None


async def test_what_is_gone_already_is_gone(executor: Executor) -> None:
    await executor.answer(executor.apply(to_apply(executor.config_map())))
    live = await executor.live(executor.config_map())
    await executor.kube.delete(to_apply(executor.config_map()).key)

    fact = await executor.answer(executor.prune(to_prune(live)))

    assert isinstance(fact, ObjectsPruned)
    assert fact.gone == (live["metadata"]["uid"],)


async def test_another_object_of_the_same_name_stays(executor: Executor) -> None:
    await executor.answer(executor.apply(to_apply(executor.config_map())))
    live = await executor.live(executor.config_map())
    await executor.kube.delete(to_apply(executor.config_map()).key)
    await executor.kube.create(executor.config_map(a="theirs"), field_manager=ADMIN)

    fact = await executor.answer(executor.prune(to_prune(live)))

    assert isinstance(fact, ObjectsPruned)
    assert fact.gone == (live["metadata"]["uid"],)
    assert (await executor.live(executor.config_map()))["data"] == {"a": "theirs"}


async def test_newer_object_supersedes_and_nothing_goes(executor: Executor) -> None:
    await executor.answer(executor.apply(to_apply(executor.config_map("a"), generation=1)))
    await executor.answer(executor.apply(to_apply(executor.config_map("b"), generation=7), generation=7))
    objects = [to_prune(await executor.live(executor.config_map(name))) for name in ("a", "b")]

    fact = await executor.answer(executor.prune(*objects, generation=6))

    assert isinstance(fact, Superseded)
    assert fact.by_generation == 7
    assert await executor.kube.find(key("ConfigMap", "a", executor.namespace)) is not None


async def test_volume_is_never_deleted(executor: Executor) -> None:
    claim = manifest(
        "PersistentVolumeClaim",
        "data",
        executor.namespace,
        spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    )
    live = await executor.kube.create(claim, field_manager=ADMIN)

    fact = await executor.answer(executor.prune(to_prune(live)))

    assert isinstance(fact, ObjectsPruned)
    assert fact.gone == ()
    [remaining] = fact.remaining
    assert "never deleted" in remaining.message
    assert "deletionTimestamp" not in (await executor.live(claim))["metadata"]


async def test_what_waits_for_a_finalizer_remains_with_its_name(executor: Executor) -> None:
    wanted = executor.config_map()
    wanted["metadata"]["finalizers"] = ["example.com/hold"]
    await executor.answer(executor.apply(to_apply(wanted)))
    live = await executor.live(wanted)

    fact = await executor.answer(executor.prune(to_prune(live)))

    assert isinstance(fact, ObjectsPruned)
    assert fact.gone == ()
    [remaining] = fact.remaining
    assert "example.com/hold" in remaining.message
    await executor.kube.patch(to_apply(wanted).key, {"metadata": {"finalizers": None}}, field_manager=ADMIN)


async def test_namespace_that_is_gone_took_everything_with_it(executor: Executor) -> None:
    live = await executor.kube.create(executor.config_map(), field_manager=ADMIN)
    live["metadata"]["namespace"] = "no-such-namespace"

    fact = await executor.answer(executor.prune(to_prune(live)))

    assert isinstance(fact, ObjectsPruned)
    assert fact.gone == (live["metadata"]["uid"],)


async def test_namespace_that_was_taken_off_is_an_error_and_nothing_goes(unenrolled: Executor) -> None:
    live = await unenrolled.kube.create(unenrolled.config_map(), field_manager=ADMIN)

    fact = await unenrolled.answer(unenrolled.prune(to_prune(live)))

    assert isinstance(fact, StepErrored)
    assert fact.reason is Reason.NAMESPACE_NOT_ENROLLED
    assert await unenrolled.kube.find(key("ConfigMap", "a", unenrolled.namespace)) is not None


async def test_command_past_its_time_deletes_nothing(executor: Executor) -> None:
    live = await executor.kube.create(executor.config_map(), field_manager=ADMIN)

    late = executor.prune(to_prune(live), not_after=datetime.now(UTC) - timedelta(seconds=1))

    fact = await executor.answer(late)

    assert isinstance(fact, StepErrored)
    assert fact.reason is Reason.COMMAND_EXPIRED
    assert await executor.kube.find(key("ConfigMap", "a", executor.namespace)) is not None


async def test_pods_of_an_orphaning_rule_stay_without_their_owner(executor: Executor) -> None:
    wanted = manifest(
        "Deployment",
        "web",
        executor.namespace,
        "apps/v1",
        spec={
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "registry.example/app:1"}]},
            },
        },
    )
    await executor.answer(executor.apply(to_apply(wanted)))
    [pod] = await made_of(executor, GroupVersionKind("v1", "Pod"))
    live = await executor.live(wanted)

    await executor.answer(executor.prune(to_prune(live).model_copy(update={"orphan_dependents": True})))

    async def gone() -> bool:
        return await executor.kube.find(ObjectKey.of(wanted)) is None

    await until(gone, timeout_s=60)
    [left] = await made_of(executor, GroupVersionKind("apps/v1", "ReplicaSet"))
    assert "ownerReferences" not in left["metadata"]
    [kept] = await made_of(executor, GroupVersionKind("v1", "Pod"))
    assert kept["metadata"]["uid"] == pod["metadata"]["uid"]
    assert "deletionTimestamp" not in kept["metadata"]


async def made_of(executor: Executor, gvk: GroupVersionKind) -> Sequence[Object]:
    """What controllers have made of the workload, as soon as there is some of it."""
    found: Sequence[Object] = ()

    async def some() -> bool:
        nonlocal found
        found = (await executor.kube.list_objects(gvk, namespace=executor.namespace, label_selector="app=web")).objects
        return bool(found)

    await until(some, timeout_s=60)
    return found
