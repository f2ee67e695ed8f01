"""What the executor refuses, and in whose words."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.contracts.facts import StepErrored, StepRejected
from shared.contracts.phases import Reason
from shared.kube import GroupVersionKind, Impersonation
from tests.integration.executor.conftest import Executor, to_apply
from tests.support.clusters import ADMIN, RunningCluster, deployment, key, manifest
from tests.support.conditions import until


async def test_immutable_field_is_refused_in_kubernetes_words(executor: Executor) -> None:
    await executor.answer(executor.apply(to_apply(deployment(executor.namespace))))

    fact = await executor.answer(executor.apply(to_apply(deployment(executor.namespace, app="other"))))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.IMMUTABLE
    assert "field is immutable" in fact.message


async def test_invalid_object_is_refused_in_kubernetes_words(executor: Executor) -> None:
    fact = await executor.answer(executor.apply(to_apply(deployment(executor.namespace, replicas=-1))))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.INVALID
    assert "must be greater than or equal to 0" in fact.message


@pytest.mark.parametrize(
    "spoil",
    [{"replicaz": 2}, {"replicas": "two"}, {"template": "none"}, {"selector": {"matchLabels": ["app"]}}],
    ids=["unknown field", "wrong type", "no mapping", "no map"],
)
async def test_misspelt_object_is_refused_for_good(
    executor: Executor, cluster: RunningCluster, spoil: dict[str, Any]
) -> None:
    if not cluster.enforces_rbac and "replicaz" in spoil:
        pytest.skip("the simulator keeps no schema of all fields")
    wanted = deployment(executor.namespace)
    wanted["spec"] |= spoil

    fact = await executor.answer(executor.apply(to_apply(wanted)))

    assert isinstance(fact, StepRejected), fact
    assert fact.reason is Reason.INVALID
    assert "spec" in fact.message


async def until_refused(may: Callable[[], Awaitable[bool]]) -> None:
    async def refused() -> bool:
        return not await may()

    await until(refused)


async def test_missing_right_names_the_account_that_was_refused(unenrolled: Executor, cluster: RunningCluster) -> None:
    if not cluster.enforces_rbac:
        pytest.skip("the simulator stores roles and does not enforce them")
    await unenrolled.enrol()
    await unenrolled.kube.delete(
        key("RoleBinding", "kubemin-tenant", unenrolled.namespace, "rbac.authorization.k8s.io/v1")
    )
    account = Impersonation.service_account(unenrolled.namespace, "kubemin-tenant")
    kind = GroupVersionKind("v1", "ConfigMap")
    await until_refused(lambda: unenrolled.kube.may("get", kind, unenrolled.namespace, acting_as=account))

    fact = await unenrolled.answer(unenrolled.apply(to_apply(unenrolled.config_map(a="1"))))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.FORBIDDEN
    assert f"acting as system:serviceaccount:{unenrolled.namespace}:kubemin-tenant" in fact.message


@pytest.mark.parametrize("tenant", [None, "somebody-else"])
async def test_namespace_without_the_tenants_account_is_refused(unenrolled: Executor, tenant: str | None) -> None:
    if tenant is not None:
        await unenrolled.enrol(tenant)

    fact = await unenrolled.answer(unenrolled.apply(to_apply(unenrolled.config_map(a="1"))))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.NAMESPACE_NOT_ENROLLED
    assert await unenrolled.kube.find(key("ConfigMap", "a", unenrolled.namespace)) is None


async def test_kind_that_was_not_granted_is_refused_naming_the_setting(executor: Executor) -> None:
    role = manifest("Role", "r", executor.namespace, "rbac.authorization.k8s.io/v1", rules=[])

    fact = await executor.answer(executor.apply(to_apply(role), job_type="k8s-objects"))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.KIND_NOT_ALLOWED
    assert "KUBEMIN_GRANTED_KINDS" in fact.message
    assert await executor.kube.find(key("Role", "r", executor.namespace, "rbac.authorization.k8s.io/v1")) is None


async def test_object_that_is_being_deleted_is_waited_for(executor: Executor) -> None:
    wanted = executor.config_map(a="1")
    wanted["metadata"]["finalizers"] = ["example.com/hold"]
    await executor.answer(executor.apply(to_apply(wanted)))
    await executor.kube.delete(to_apply(wanted).key)

    fact = await executor.answer(executor.apply(to_apply(wanted)))

    assert isinstance(fact, StepErrored)
    assert fact.reason is Reason.CONFLICT
    assert fact.retry_after_s is not None
    await executor.kube.patch(to_apply(wanted).key, {"metadata": {"finalizers": None}}, field_manager=ADMIN)


async def test_command_that_contradicts_itself_is_refused(executor: Executor) -> None:
    wanted = to_apply(executor.config_map(a="1"))
    other = wanted.model_copy(update={"key": key("ConfigMap", "b", executor.namespace)})

    fact = await executor.answer(executor.apply(other))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.INTERNAL
