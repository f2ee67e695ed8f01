"""The rights of the agents: exactly what they need, proved by agents that have no others."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.enrolment import manifests as enrolment
from dev.layout import TENANT
from dev.plane.control_plane import ControlPlane
from dev.repo.tree import ROOT
from dev.services import Service
from dev.stack import Options
from shared.contracts.annotations import TENANT_SERVICE_ACCOUNT
from shared.kube import Forbidden, GroupVersionKind, Impersonation, KubeApi
from tests.e2e.system import System, application, component, describe
from tests.packaging.control_plane import AGENT, Operator, Right
from tests.packaging.rendering import Manifests, named, of_kind
from tests.support.waiting import eventually

pytestmark = [pytest.mark.plane, pytest.mark.timeout(240, func_only=True)]

EXAMPLES = sorted((ROOT / "examples").glob("*/*.yaml"))
_LEASE = "kubemin-observe"
_CONFIG_MAP = GroupVersionKind("v1", "ConfigMap")

ALLOWED = {
    "executor": [
        Right("get", "namespaces", name="kube-system"),
        Right("get", "serviceaccounts", "shop", TENANT_SERVICE_ACCOUNT),
        Right("impersonate", "serviceaccounts", "shop", TENANT_SERVICE_ACCOUNT),
    ],
    "observe": [
        Right("watch", "pods"),
        Right("list", "secrets"),
        Right("list", "apps/deployments"),
        Right("get", "namespaces", name="kube-system"),
        Right("create", "coordination.k8s.io/leases", AGENT),
        Right("update", "coordination.k8s.io/leases", AGENT, _LEASE),
    ],
}
DENIED = {
    "executor": [
        Right("list", "namespaces"),
        Right("get", "serviceaccounts", "shop", "default"),
        Right("impersonate", "serviceaccounts", "shop", "default"),
        Right("impersonate", "serviceaccounts", "kube-system", "namespace-controller"),
        Right("impersonate", "users", name="admin"),
        Right("impersonate", "groups", name="system:masters"),
        Right("impersonate", "groups", name="system:authenticated"),
        Right("get", "secrets", AGENT),
        Right("list", "pods"),
        *(Right("patch", kind, "shop") for kind in ("apps/deployments", "configmaps", "secrets", "services")),
        *(Right("create", kind) for kind in ("namespaces", "rbac.authorization.k8s.io/clusterrolebindings")),
    ],
    "observe": [
        Right("get", "secrets", "shop", "password"),
        Right("get", "namespaces", name="shop"),
        Right("impersonate", "serviceaccounts", "shop", TENANT_SERVICE_ACCOUNT),
        *(Right(verb, "pods", "shop") for verb in ("create", "delete", "patch", "update")),
        *(Right(verb, "apps/deployments", "shop") for verb in ("create", "delete", "patch", "update")),
        Right("create", "pods/exec", "shop"),
        Right("create", "coordination.k8s.io/leases", "kube-system"),
        Right("update", "coordination.k8s.io/leases", AGENT, "other"),
    ],
}


@pytest.fixture(scope="module")
async def operator(plane: ControlPlane, manifests: Manifests) -> AsyncIterator[Operator]:
    """A cluster with the agent's manifests."""
    operator = Operator(plane)
    objects = manifests.render("agent")
    operator.apply(objects)
    # The kinds that observe may see are joined into its role by a controller.
    operator.run("wait", "clusterrole/kubemin-observe", "--timeout=30s", "--for=jsonpath={.rules[0].verbs[0]}=list")
    yield operator
    operator.delete(objects)


async def comes_to(operator: Operator, account: str, right: Right, *, allowed: bool) -> None:
    """Wait until a right is there, or gone: the API server hears of a binding a moment after it was stored."""
    await eventually(lambda: operator.allows(account, right), lambda found: found is allowed)


@pytest.mark.parametrize("account", ["executor", "observe"])
async def test_account_may_do_what_it_needs_and_nothing_beside_it(operator: Operator, account: str) -> None:
    for right in ALLOWED[account]:
        await comes_to(operator, account, right, allowed=True)
    for right in DENIED[account]:
        assert not await operator.allows(account, right), right


async def test_impersonation_can_be_bound_namespace_by_namespace(operator: Operator, manifests: Manifests) -> None:
    wide = named(manifests.render("agent"), "ClusterRoleBinding", "kubemin-executor-impersonation")
    operator.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bound"}}])
    narrow = {**wide, "kind": "RoleBinding", "metadata": {"name": "kubemin-executor", "namespace": "bound"}}
    operator.delete([wide])
    operator.apply([narrow])
    try:
        allowed = Right("impersonate", "serviceaccounts", "bound", TENANT_SERVICE_ACCOUNT)
        await comes_to(operator, "executor", allowed, allowed=True)
        await comes_to(operator, "executor", allowed._replace(namespace="shop"), allowed=False)
    finally:
        operator.delete([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bound"}}])
        operator.apply([wide])
        await comes_to(operator, "executor", allowed._replace(namespace="shop"), allowed=True)


@dataclass
class Delivery:
    """The running system, with agents that have the rights of the manifests and no others."""

    system: System
    operator: Operator
    agents: dict[str, Service]

    def logged(self, agent: str) -> list[dict[str, Any]]:
        """What an agent logged."""
        lines = self.agents[agent].process.log_path.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture(scope="module")
async def delivery(
    plane: ControlPlane, operator: Operator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Delivery]:
    directory = tmp_path_factory.mktemp("rights")
    kubeconfigs = {name: await operator.kubeconfig_of(name, directory / name) for name in ("executor", "observe")}
    with pytest.MonkeyPatch.context() as environment:
        # The stack takes the control plane that runs; its administrator enrols namespaces.
        environment.setenv("KUBECONFIG", str(plane.kubeconfig))
        async with System.running(Options(cluster="kubeconfig"), lambda _: None) as system:
            agents = await _with_their_own_rights(system, kubeconfigs)
            try:
                yield Delivery(system, operator, agents)
            finally:
                for agent in agents.values():
                    await agent.process.stop()


async def _with_their_own_rights(system: System, kubeconfigs: dict[str, Path]) -> dict[str, Service]:
    """Start an executor and an observer in place of those that the stack started as the administrator."""
    layout, cluster = system.stack.layout, system.clusters[0]
    for name in ("executor", "observe"):
        await system.stack.services[f"{name}-{cluster}"].process.stop()
    modules = {"executor": ["services.executor"], "observe": ["services.watcher", "observe"]}
    agents = {}
    for name, kubeconfig in kubeconfigs.items():
        environment = {
            "KUBEMIN_CLUSTER": cluster,
            "KUBEMIN_KUBECONFIG": str(kubeconfig),
            "KUBEMIN_LEASE_NAMESPACE": AGENT,
            "KUBEMIN_NATS_CREDENTIALS_FILE": str(layout.credentials(f"cluster-{cluster}")),
            "KUBEMIN_SEALING_KEY_FILE": str(layout.sealing_key(cluster)),
        }
        agents[name] = Service(f"packaged-{name}", modules[name], layout, environment)
        await agents[name].start()
    for agent in agents.values():
        await agent.ready()
    return agents


async def test_examples_are_delivered(delivery: Delivery) -> None:
    system = delivery.system
    namespace = await system.enrolled_namespace()
    for path in EXAMPLES:
        for document in yaml.safe_load_all(path.read_text("utf-8")):
            document["metadata"]["namespace"] = namespace
            # There is one cluster here.
            document["spec"].pop("policies", None)
            await system.delivered(document)
            await system.healthy(namespace, document["metadata"]["name"])


async def test_application_is_updated_pruned_and_deleted(delivery: Delivery) -> None:
    system = delivery.system
    namespace = await system.enrolled_namespace()
    await system.delivered(application(namespace, component("web"), component("worker")))
    await system.delivered(application(namespace, component("web", image="registry.example/app:2")))
    assert await system.object("Deployment", "worker", namespace) is None
    await system.deleted(namespace, "app")
    assert await system.object("Deployment", "web", namespace) is None


async def test_agents_were_refused_nothing_that_they_need(delivery: Delivery) -> None:
    namespace = await delivery.system.enrolled_namespace()
    await delivery.system.delivered(application(namespace, component("web")))
    for agent in delivery.agents:
        refused = [line for line in delivery.logged(agent) if "forbidden" in json.dumps(line).lower()]
        # Kinds which observe may not list cannot hold anything of ours: the executor is not granted them either.
        assert {line["event"] for line in refused} <= {"kind_not_searched"}


async def test_observer_holds_its_lease_in_the_namespace_of_the_agent(delivery: Delivery) -> None:
    lease = delivery.operator.get("--namespace", AGENT, "lease", _LEASE)
    assert lease["spec"]["holderIdentity"].startswith(delivery.system.clusters[0])


async def test_namespace_that_is_not_enrolled_is_told_as_such(delivery: Delivery) -> None:
    system = delivery.system
    namespace = await system.enrolled_namespace()
    delivery.operator.run("--namespace", namespace, "delete", "serviceaccount", TENANT_SERVICE_ACCOUNT)
    run = await system.ended(await system.apply(application(namespace, component("web"))))
    assert (run["phase"], run["reason"]) == ("Rejected", "NamespaceNotEnrolled"), describe(run)


@pytest.fixture
async def as_executor(delivery: Delivery, tmp_path: Path) -> AsyncIterator[KubeApi]:
    kubeconfig = await delivery.operator.kubeconfig_of("executor", tmp_path / "executor")
    api = await KubeApi.connect(kubeconfig=str(kubeconfig))
    yield api
    await api.close()


async def test_tenant_without_a_binding_is_refused_by_kubernetes(delivery: Delivery, as_executor: KubeApi) -> None:
    system = delivery.system
    namespace = await system.enrolled_namespace()
    delivery.operator.run("--namespace", namespace, "delete", "rolebinding", TENANT_SERVICE_ACCOUNT)
    account = Impersonation.service_account(namespace, TENANT_SERVICE_ACCOUNT)
    await eventually(
        lambda: as_executor.may("create", _CONFIG_MAP, namespace, acting_as=account), lambda allowed: not allowed
    )
    run = await system.ended(await system.apply(application(namespace, component("web"))))
    assert (run["phase"], run["reason"]) == ("Rejected", "Forbidden"), describe(run)


async def test_tenant_acts_with_the_groups_of_its_account(delivery: Delivery, as_executor: KubeApi) -> None:
    namespace = await delivery.system.enrolled_namespace()
    [binding] = of_kind(enrolment(namespace, TENANT), "RoleBinding")
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": f"system:serviceaccounts:{namespace}"}
    delivery.operator.run("--namespace", namespace, "delete", "rolebinding", TENANT_SERVICE_ACCOUNT)
    delivery.operator.apply([{**binding, "subjects": [group]}])
    account = Impersonation.service_account(namespace, TENANT_SERVICE_ACCOUNT)
    await eventually(lambda: as_executor.may("create", _CONFIG_MAP, namespace, acting_as=account), bool)


async def test_groups_that_are_sent_along_are_refused(delivery: Delivery, as_executor: KubeApi) -> None:
    """Why they are not: the right to impersonate groups would be one to any of them."""
    namespace = await delivery.system.enrolled_namespace()
    account = Impersonation.service_account(namespace, TENANT_SERVICE_ACCOUNT)
    for group in ("system:masters", "system:authenticated"):
        with pytest.raises(Forbidden):
            await as_executor.may("create", _CONFIG_MAP, namespace, acting_as=account._replace(groups=(group,)))
