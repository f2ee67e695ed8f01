"""What documents take for granted in a cluster: made beforehand by the administrator who plays along."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from services.executor.domain.grants import DEFAULT_GRANTED_KINDS
from shared.contracts import annotations, sealed
from shared.contracts.identity import ObjectKey
from shared.contracts.plan import Manifest, Plan, Reference
from shared.kube import GroupVersionKind, KindUnknown, KubeApi, NotFound
from tests.support.waiting import eventually

Document = dict[str, Any]

ADMINISTRATOR = "administrator"
"""Field manager."""
PROVISIONER = "kubemin.dev/dev"
"""Of the control plane's storage classes."""
STORAGE_CLASSES = ("fast", "slow")
GRANTED_KINDS = (
    *DEFAULT_GRANTED_KINDS,
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
    "example.com/v1/*",
    "rbac.authorization.k8s.io/v1/ClusterRole",
)
"""What an administrator lets people write by hand, beyond the default."""
_SERVICES = GroupVersionKind("v1", "Service")
_NODES = GroupVersionKind("v1", "Node")
_ADDRESS = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
_LOOK_EVERY_S = 0.2
_node_ports = itertools.count(30100)


def at_home(component: Document, namespace: str, nodes: list[str]) -> Document:
    """The component for a namespace of its own: what is of the whole cluster bears the namespace's name."""
    names = {"shop-prod": namespace, "pv-7": f"pv-7-{namespace}", "node-1": nodes[0], "node-2": nodes[1]}
    found: Document = _renamed(component, names)
    return found


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {k: next(_node_ports) if k == "nodePort" else _renamed(v, names) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if isinstance(value, str):
        # Nobody has the key that golden files pretend to be sealed with.
        return "b2s=" if value.startswith(sealed.PREFIX) else names.get(value, value)
    return value


async def node_names(kube: KubeApi) -> list[str]:
    """Of the nodes, in order."""
    nodes, _ = await kube.list_objects(_NODES)
    return sorted(node["metadata"]["name"] for node in nodes)


async def of_the_cluster(kube: KubeApi) -> None:
    """Storage classes, and nodes in zones."""
    for name in STORAGE_CLASSES:
        await _make(kube, _storage_class(name))
    for number, name in enumerate(await node_names(kube)):
        labels = {"zone": "a", "disk": "ssd", "cpus": "16", "topology.kubernetes.io/zone": f"z{number}"}
        key = ObjectKey(api_version="v1", kind="Node", namespace="", name=name)
        await kube.patch(key, {"metadata": {"labels": labels}}, field_manager=ADMINISTRATOR)


async def of_a_plan(kube: KubeApi, plan: Plan, nodes: list[str]) -> None:
    """What its objects refer to, volumes that its claims name, rights that its kinds need, and its neighbours."""
    namespace = plan.app.namespace
    for step in plan.steps:
        for reference in step.references:
            await _make(kube, _referred(reference))
        for obj in step.objects:
            for claim in _claims(obj.manifest):
                await _make(kube, _volume(claim))
            if f"{obj.key.api_version}/{obj.key.kind}" not in DEFAULT_GRANTED_KINDS:
                await trust(kube, namespace)
            if "podAffinity" in str(obj.manifest):
                await _make_neighbour(kube, namespace, nodes[0])


async def trust(kube: KubeApi, namespace: str) -> None:
    """Let the tenant's account do anything: what Kubernetes' own role for a namespace does not give."""
    account = annotations.TENANT_SERVICE_ACCOUNT
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"trusted-{namespace}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }
    await _make(kube, binding)


def definition(group: str, plural: str) -> Manifest:
    """A kind with any fields and a status of its own."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": plural, "singular": plural.removesuffix("s"), "kind": plural.capitalize()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "versions": [{**version, "subresources": {"status": {}}}],
        },
    }


async def install(kube: KubeApi, definition: Manifest) -> None:
    """Apply a CustomResourceDefinition, and return when its kind can be used."""
    await kube.apply(definition, field_manager=ADMINISTRATOR, force=True)
    await served(kube, definition)


async def served(kube: KubeApi, definition: Manifest) -> None:
    """Wait until the kind is listed: a little later than its definition says Established."""
    spec = definition["spec"]
    wanted = [GroupVersionKind(f"{spec['group']}/{v['name']}", spec["names"]["kind"]) for v in spec["versions"]]

    async def listed() -> bool:
        try:
            return all([await kube.resource(gvk) for gvk in wanted])
        except KindUnknown:
            return False

    await eventually(listed, bool)


@asynccontextmanager
async def load_balancers(kube: KubeApi) -> AsyncIterator[None]:
    """Play the cloud: give each Service of type LoadBalancer an address."""

    async def play() -> None:
        while True:
            services, _ = await kube.list_objects(_SERVICES)
            for service in services:
                if _wants_address(service):
                    await give_address(kube, ObjectKey.of(service))
            await asyncio.sleep(_LOOK_EVERY_S)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(play(), name="load-balancers")
        yield
        task.cancel()


async def give_address(kube: KubeApi, service: ObjectKey) -> None:
    """What the controller of a cloud does."""
    try:
        await kube.patch(service, _ADDRESS, field_manager=ADMINISTRATOR, subresource="status")
    except NotFound:
        # Deleted since it was listed.
        return


def _wants_address(service: Manifest) -> bool:
    has = service.get("status", {}).get("loadBalancer", {}).get("ingress")
    return service["spec"].get("type") == "LoadBalancer" and not has


async def _make(kube: KubeApi, manifest: Manifest) -> None:
    await kube.apply(manifest, field_manager=ADMINISTRATOR, force=True)


def _storage_class(name: str) -> Manifest:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": PROVISIONER,
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def _referred(reference: Reference) -> Manifest:
    claim = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    return {
        "apiVersion": "v1",
        "kind": reference.kind,
        "metadata": {"name": reference.name, "namespace": reference.namespace},
        **(claim if reference.kind == "PersistentVolumeClaim" else {}),
    }


def _claims(manifest: Manifest) -> Iterator[Manifest]:
    """Those that name their volume."""
    found = [manifest] if manifest["kind"] == "PersistentVolumeClaim" else []
    if manifest["kind"] == "StatefulSet":
        found += manifest["spec"].get("volumeClaimTemplates", [])
    yield from (claim for claim in found if claim["spec"].get("volumeName"))


def _volume(claim: Manifest) -> Manifest:
    spec = claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": spec["volumeName"]},
        "spec": {
            "storageClassName": spec.get("storageClassName", "standard"),
            "accessModes": spec["accessModes"],
            "volumeMode": spec.get("volumeMode", "Filesystem"),
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "hostPath": {"path": "/var/lib/volume"},
        },
    }


async def _make_neighbour(kube: KubeApi, namespace: str, node: str) -> None:
    """A pod to be near to, in a namespace that is chosen by its labels."""
    labels = {"env": "prod", "team": "core"}
    key = ObjectKey(api_version="v1", kind="Namespace", namespace="", name=namespace)
    await kube.patch(key, {"metadata": {"labels": labels}}, field_manager=ADMINISTRATOR)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "cache", "namespace": namespace, "labels": {"app": "cache", "tier": "a"}},
        "spec": {"nodeName": node, "containers": [{"name": "cache", "image": "cache:1"}]},
    }
    await _make(kube, pod)
