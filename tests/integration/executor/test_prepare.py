import pytest

from shared.contracts.facts import Answer, RunPrepared, RunRejected, StepProblem, Superseded
from shared.contracts.phases import Reason
from shared.contracts.plan import ApplyMode, Manifest, Reference
from shared.kube import GroupVersionKind, Impersonation
from tests.integration.executor.conftest import Executor, prepared, to_apply
from tests.support.clusters import ADMIN, RunningCluster, key, manifest
from tests.support.conditions import until


def problem(fact: Answer) -> StepProblem:
    assert isinstance(fact, RunRejected), fact
    [found] = fact.problems
    return found


async def test_slice_that_can_be_applied_is_prepared_and_nothing_is_created(executor: Executor) -> None:
    wanted = executor.config_map(a="1")

    fact = await executor.answer(executor.prepare(executor.step(prepared(wanted))))

    assert isinstance(fact, RunPrepared)
    assert fact.warnings == ()
    assert await executor.kube.find(to_apply(wanted).key) is None


async def test_missing_namespace_is_told_once(executor: Executor) -> None:
    elsewhere = manifest("ConfigMap", "a", "no-such-namespace")
    steps = [
        executor.step(prepared(elsewhere), namespace="no-such-namespace", step=name, component=name)
        for name in ("a", "b")
    ]

    found = problem(await executor.answer(executor.prepare(*steps)))

    assert found.reason is Reason.NAMESPACE_NOT_FOUND
    assert "no-such-namespace" in found.message


async def test_namespace_that_is_not_enrolled_is_told_with_the_remedy(unenrolled: Executor) -> None:
    found = problem(await unenrolled.answer(unenrolled.prepare(unenrolled.step(prepared(unenrolled.config_map())))))

    assert found.reason is Reason.NAMESPACE_NOT_ENROLLED
    assert f"kubectl -n {unenrolled.namespace} create serviceaccount kubemin-tenant" in found.message
    assert "label --overwrite serviceaccount kubemin-tenant kubemin.dev/tenant=acme" in found.message


async def test_remedy_enrols(unenrolled: Executor) -> None:
    command = unenrolled.prepare(unenrolled.step(prepared(unenrolled.config_map())))
    assert isinstance(await unenrolled.answer(command), RunRejected)
    await unenrolled.enrol()

    assert isinstance(await unenrolled.answer(command), RunPrepared)


async def test_everything_that_is_wrong_is_told_at_once(executor: Executor) -> None:
    await executor.kube.create(executor.config_map("taken", a="1"), field_manager="helm")
    unknown = manifest("Frobnicator", "f", executor.namespace, "example.com/v1")
    role = manifest("Role", "r", executor.namespace, "rbac.authorization.k8s.io/v1")
    missing = Reference(kind="Secret", namespace=executor.namespace, name="db", path="spec.components[0]")

    fact = await executor.answer(
        executor.prepare(
            executor.step(prepared(executor.config_map("taken")), step="a", component="a"),
            executor.step(prepared(unknown), prepared(role), step="b", component="b", job_type="k8s-objects"),
            executor.step(references=(missing,), step="c", component="c"),
        )
    )

    assert isinstance(fact, RunRejected)
    assert [(p.step, p.reason) for p in fact.problems] == [
        ("a", Reason.OWNED_BY_OTHER),
        ("b", Reason.KIND_NOT_FOUND),
        ("b", Reason.KIND_NOT_ALLOWED),
        ("c", Reason.REFERENCE_NOT_FOUND),
    ]
    words = " ".join(p.message for p in fact.problems)
    assert "helm" in words
    assert "component c needs it at spec.components[0]" in words


async def test_optional_reference_is_a_warning(executor: Executor) -> None:
    optional = Reference(
        kind="ConfigMap", namespace=executor.namespace, name="extra", optional=True, path="spec.components[0]"
    )

    fact = await executor.answer(executor.prepare(executor.step(references=(optional,))))

    assert isinstance(fact, RunPrepared)
    [warning] = fact.warnings
    assert (warning.code, warning.path) == ("ReferenceNotFound", "spec.components[0]")
    assert "extra" in warning.message


async def test_reference_that_is_there_or_comes_with_the_run_is_fine(executor: Executor) -> None:
    await executor.kube.create(manifest("Secret", "there", executor.namespace), field_manager=ADMIN)
    brought = executor.config_map("brought")
    references = (
        Reference(kind="Secret", namespace=executor.namespace, name="there"),
        Reference(kind="ConfigMap", namespace=executor.namespace, name="brought"),
    )

    fact = await executor.answer(
        executor.prepare(
            executor.step(references=references), executor.step(prepared(brought), step="web=configmap=brought")
        )
    )

    assert isinstance(fact, RunPrepared)


async def test_volume_that_is_there_is_fine_whoever_made_it(executor: Executor) -> None:
    claim: Manifest = manifest(
        "PersistentVolumeClaim",
        "data",
        executor.namespace,
        spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    )
    await executor.kube.create(claim, field_manager=ADMIN)

    fact = await executor.answer(
        executor.prepare(executor.step(prepared(claim, mode=ApplyMode.CREATE), job_type="k8s-objects"))
    )

    assert isinstance(fact, RunPrepared)


async def test_own_object_is_fine_and_a_newer_one_supersedes(executor: Executor) -> None:
    wanted = executor.config_map(a="1")
    await executor.answer(executor.apply(to_apply(wanted, generation=3), generation=3))
    step = executor.step(prepared(wanted))

    assert isinstance(await executor.answer(executor.prepare(step, generation=4)), RunPrepared)
    fact = await executor.answer(executor.prepare(step, generation=2))

    assert isinstance(fact, Superseded)
    assert fact.by_generation == 3


async def test_missing_rights_are_told_once_with_the_remedy(unenrolled: Executor, cluster: RunningCluster) -> None:
    if not cluster.enforces_rbac:
        pytest.skip("the simulator stores roles and does not enforce them")
    await unenrolled.enrol()
    await unenrolled.kube.patch(
        key("RoleBinding", "kubemin-tenant", unenrolled.namespace, "rbac.authorization.k8s.io/v1"),
        {"subjects": []},
        field_manager=ADMIN,
    )
    view = manifest(
        "RoleBinding",
        "view",
        unenrolled.namespace,
        "rbac.authorization.k8s.io/v1",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        subjects=[{"kind": "ServiceAccount", "name": "kubemin-tenant", "namespace": unenrolled.namespace}],
    )
    await unenrolled.kube.create(view, field_manager=ADMIN)
    account = Impersonation.service_account(unenrolled.namespace, "kubemin-tenant")
    kind = GroupVersionKind("v1", "ConfigMap")

    async def has_only_the_right_to_read() -> bool:
        may_read, may_write = [
            await unenrolled.kube.may(verb, kind, unenrolled.namespace, acting_as=account) for verb in ("get", "patch")
        ]
        return may_read and not may_write

    await until(has_only_the_right_to_read)
    steps = [unenrolled.step(prepared(unenrolled.config_map(name)), step=name, component=name) for name in ("a", "b")]

    found = problem(await unenrolled.answer(unenrolled.prepare(*steps)))

    assert (found.step, found.reason) == ("a", Reason.FORBIDDEN)
    assert "may not create, patch, delete objects of kind ConfigMap" in found.message
    assert f"kubectl -n {unenrolled.namespace} create rolebinding" in found.message


async def test_own_account_is_not_needed_beforehand(executor: Executor) -> None:
    wanted = manifest("ServiceAccount", "robot", executor.namespace)

    fact = await executor.answer(executor.prepare(executor.step(prepared(wanted), job_type="k8s-objects")))

    assert isinstance(fact, RunPrepared)
    assert await executor.kube.find(key("ServiceAccount", "robot", executor.namespace)) is None
