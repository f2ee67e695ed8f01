"""A slice that lacks what others make: held back, looked for, and answered again when it has come."""

from datetime import UTC, datetime, timedelta

from shared.contracts.commands import PreparedStep
from shared.contracts.facts import RunHeldBack, RunPrepared, RunRejected
from shared.contracts.identity import ObjectKey
from shared.contracts.phases import Reason
from shared.contracts.plan import Reference
from tests.integration.executor.conftest import Executor, prepared
from tests.support.clusters import ADMIN, key, manifest
from tests.support.conditions import until


def waiting(executor: Executor, *names: str, waits: bool = True) -> PreparedStep:
    references = tuple(Reference(kind="Secret", namespace=executor.namespace, name=name) for name in names)
    return executor.step(prepared(executor.config_map()), references=references, waits=waits)


async def come(executor: Executor, name: str) -> None:
    await executor.kube.create(manifest("Secret", name, executor.namespace), field_manager=ADMIN)


async def test_slice_that_lacks_only_what_it_may_wait_for_is_held_back_and_nothing_is_created(
    executor: Executor,
) -> None:
    fact = await executor.answer(executor.prepare(waiting(executor, "a", "b")))

    assert isinstance(fact, RunHeldBack)
    assert [(p.step, p.reason) for p in fact.problems] == [("web", Reason.REFERENCE_NOT_FOUND)] * 2
    assert f"Secret {executor.namespace}/a" in fact.problems[0].message
    assert await executor.kube.find(ObjectKey.of(executor.config_map())) is None


async def test_it_is_answered_again_when_everything_has_come(executor: Executor) -> None:
    command = executor.prepare(waiting(executor, "a", "b"))
    await executor.answer(command)
    await come(executor, "a")
    await executor.commands.look_again()
    assert len(executor.answers.facts) == 1

    await come(executor, "b")
    await executor.commands.look_again()
    await executor.commands.look_again()

    [_, fact] = executor.answers.facts
    assert isinstance(fact, RunPrepared)
    assert (fact.run, fact.nonce) == (command.run, command.nonce)


async def test_anything_else_that_speaks_against_it_rejects_it_at_once(executor: Executor) -> None:
    await executor.kube.create(executor.config_map(a="1"), field_manager="helm")

    fact = await executor.answer(executor.prepare(waiting(executor, "a")))

    assert isinstance(fact, RunRejected)
    assert {p.reason for p in fact.problems} == {Reason.OWNED_BY_OTHER, Reason.REFERENCE_NOT_FOUND}


async def test_step_that_may_not_wait_rejects_it_with_one_that_may(executor: Executor) -> None:
    impatient = waiting(executor, "b", waits=False).model_copy(update={"step": "other"})

    fact = await executor.answer(executor.prepare(waiting(executor, "a"), impatient))

    assert isinstance(fact, RunRejected)
    assert [p.step for p in fact.problems] == ["web", "other"]


async def test_question_that_was_put_again_is_the_one_that_is_answered(executor: Executor) -> None:
    await executor.answer(executor.prepare(waiting(executor, "a")))
    await executor.answer(executor.prepare(waiting(executor, "a"), nonce=2))
    await come(executor, "a")

    await executor.commands.look_again()

    assert [(f.type, f.nonce) for f in executor.answers.facts[2:]] == [("RunPrepared", 2)]


async def test_newer_generation_ends_the_look(executor: Executor) -> None:
    await executor.answer(executor.prepare(waiting(executor, "a")))
    await executor.answer(executor.prepare(executor.step(), generation=2))
    await come(executor, "a")

    await executor.commands.look_again()

    assert [f.generation for f in executor.answers.facts] == [1, 2]


async def test_nothing_is_looked_for_when_the_question_is_no_longer_valid(executor: Executor) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=2)
    await executor.answer(executor.prepare(waiting(executor, "a"), not_after=soon))
    await come(executor, "a")
    await until(lambda: datetime.now(UTC) > soon)

    await executor.commands.look_again()

    assert len(executor.answers.facts) == 1


async def test_read_only_object_may_be_waited_for_too(executor: Executor) -> None:
    wanted = prepared(executor.config_map("theirs"))
    read_only = wanted.model_copy(update={"treatment": wanted.treatment.model_copy(update={"read_only": True})})
    fact = await executor.answer(executor.prepare(executor.step(read_only, waits=True)))
    assert isinstance(fact, RunHeldBack)

    await executor.kube.create(executor.config_map("theirs"), field_manager=ADMIN)
    await executor.commands.look_again()

    assert isinstance(executor.answers.facts[-1], RunPrepared)
    assert await executor.kube.find(key("ConfigMap", "theirs", executor.namespace)) is not None
