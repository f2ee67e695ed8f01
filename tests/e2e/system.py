"""The running system as its users see it: documents in over HTTP, answers out, and the clusters to look into."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import yaml
from pydantic import SecretStr

from dev.enrolment import enrol
from dev.layout import TENANT
from dev.stack import Options, Stack
from shared.contracts.annotations import TENANT_SERVICE_ACCOUNT
from shared.contracts.identity import ObjectKey
from shared.kube import GroupVersionKind, Impersonation, KubeApi
from shared.runtime.settings import StoreSettings
from shared.store.database import Database
from shared.store.registry import Registry
from tests.support.waiting import held

Document = dict[str, Any]
TIMEOUT_S = 45.0
_POLL_S = 0.1
_CALL_TIMEOUT_S = 10.0
_DEPLOYMENT = GroupVersionKind("apps/v1", "Deployment")
RUN_ENDS = {"Succeeded", "Failed", "Rejected", "Error", "TimedOut", "Cancelled"}


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    body: Any


@dataclass
class System:
    """One stack."""

    stack: Stack
    http: aiohttp.ClientSession
    database: Database
    kube: dict[str, KubeApi] = field(default_factory=dict)
    """By cluster, as its administrator."""

    @classmethod
    @asynccontextmanager
    async def running(cls, options: Options, progress: Callable[[str], None]) -> AsyncIterator["System"]:
        """Start a stack and connect to it."""
        async with Stack(options, progress) as stack:
            headers = {"Authorization": f"Bearer {stack.token}"}
            timeout = aiohttp.ClientTimeout(total=_CALL_TIMEOUT_S)
            database = Database.connect(StoreSettings(mongodb_uri=SecretStr(stack.mongodb.uri)))
            async with aiohttp.ClientSession(stack.server, headers=headers, timeout=timeout) as http:
                system = cls(stack, http, database)
                for cluster in stack.clusters:
                    system.kube[cluster.name] = await KubeApi.connect(
                        kubeconfig=str(cluster.kubeconfig), context=cluster.context
                    )
                try:
                    yield system
                finally:
                    for api in system.kube.values():
                        await api.close()
                    database.close()

    @property
    def clusters(self) -> list[str]:
        """Their names, the default one first."""
        return list(self.kube)

    async def enrolled_namespace(self) -> str:
        """A new namespace of the tenant in every cluster."""
        name = f"e2e-{secrets.token_hex(4)}"
        for cluster in self.stack.clusters:
            await enrol(str(cluster.kubeconfig), cluster.context, TENANT, [name])
            await self.admits(cluster.name, name)
        await Registry(self.database).add_tenant(TENANT, [name])
        return name

    async def admits(self, cluster: str, namespace: str) -> None:
        """Wait until the API server lets pods and the tenant into a namespace just enrolled."""
        kube, tenant = self.kube[cluster], Impersonation.service_account(namespace, TENANT_SERVICE_ACCOUNT)
        # Admission refuses pods before the namespace has its default account.
        account = ObjectKey(api_version="v1", kind="ServiceAccount", namespace=namespace, name="default")
        await self.until(lambda: kube.find(account), lambda found: found is not None)
        # The authorizer hears of a binding a moment after it was stored.
        await self.until(lambda: kube.may("patch", _DEPLOYMENT, namespace, acting_as=tenant), bool)

    async def call(self, method: str, path: str, *, text: str | None = None, **headers: str) -> Answer:
        """One call of the API."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if text is not None:
            named.setdefault("Content-Type", "application/yaml")
        async with self.http.request(method, f"/api/v1{path}", data=text, headers=named) as response:
            return Answer(response.status, await response.json(content_type=None))

    async def apply(self, document: Document | str, **headers: str) -> str:
        """Post a document that is accepted; returns its run."""
        text = document if isinstance(document, str) else yaml.safe_dump(document)
        answer = await self.call("POST", "/applications", text=text, **headers)
        assert answer.status == 202, answer.body
        return str(answer.body["run"])

    async def run(self, run: str) -> Document:
        """A run as the gateway tells it; empty while it does not know it yet."""
        answer = await self.call("GET", f"/runs/{run}")
        return dict(answer.body) if answer.status == 200 else {}

    async def ended(self, run: str, *, timeout_s: float = TIMEOUT_S, every_s: float = _POLL_S) -> Document:
        """Wait until a run has ended, asking every so many seconds."""
        return dict(
            await self.until(
                lambda: self.run(run), lambda r: r.get("phase") in RUN_ENDS, timeout_s=timeout_s, every_s=every_s
            )
        )

    async def delivered(self, document: Document | str) -> Document:
        """Apply a document and wait until its run has succeeded."""
        ended = await self.ended(await self.apply(document))
        assert ended["phase"] == "Succeeded", describe(ended)
        return ended

    async def application(self, namespace: str, name: str) -> Document:
        """An application as the gateway tells it; empty when there is none."""
        answer = await self.call("GET", f"/applications/{namespace}/{name}")
        return dict(answer.body) if answer.status == 200 else {}

    async def healthy(self, namespace: str, name: str) -> Document:
        """Wait until an application is healthy."""
        return dict(await self.until(lambda: self.application(namespace, name), lambda a: a.get("health") == "Healthy"))

    async def deleted(self, namespace: str, name: str, *, every_s: float = _POLL_S) -> None:
        """Delete an application and wait until it is gone, asking every so many seconds."""
        answer = await self.call("DELETE", f"/applications/{namespace}/{name}")
        assert answer.status == 202, answer.body
        await self.until(
            lambda: self.application(namespace, name), lambda a: not a or a["phase"] == "Deleted", every_s=every_s
        )

    async def object(self, kind: str, name: str, namespace: str, cluster: str = "") -> Document | None:
        """An object in a cluster, looked up by the administrator."""
        api_version = {
            "Deployment": "apps/v1",
            "StatefulSet": "apps/v1",
            "Job": "batch/v1",
            "Ingress": "networking.k8s.io/v1",
            "Role": "rbac.authorization.k8s.io/v1",
            "RoleBinding": "rbac.authorization.k8s.io/v1",
            "ClusterRole": "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
        }.get(kind, "v1")
        within = "" if kind.startswith("Cluster") else namespace
        key = ObjectKey(api_version=api_version, kind=kind, namespace=within, name=name)
        return await self.kube[cluster or self.clusters[0]].find(key)

    async def until(
        self,
        read: Callable[[], Any],
        holds: Callable[[Any], bool],
        *,
        timeout_s: float = TIMEOUT_S,
        every_s: float = _POLL_S,
    ) -> Any:
        """Read until it holds; fails with what was read last. A KeyError in `holds` means: not there yet."""
        last: Any = None
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    # No answer, or none in time, from what is killed and starved here: it is asked again.
                    with suppress(aiohttp.ClientConnectionError, TimeoutError):
                        last = await read()
                        if held(holds, last):
                            return last
                    await asyncio.sleep(every_s)
        except TimeoutError:
            detail = describe(last) if isinstance(last, dict) and "steps" in last else json.dumps(last, default=str)
            raise AssertionError(f"not within {timeout_s:g} s; last seen: {detail[:4000]}") from None


def describe(run: Document) -> str:
    """A run in a few lines, for failures."""
    lines = [f"{run.get('phase')} {run.get('reason')} {run.get('message')}"]
    lines += [f"  {s['cluster']}/{s['step']}: {s['phase']} {s['reason']} {s['message']}" for s in run.get("steps", [])]
    return "\n".join(lines)


def step(run: Document, name: str, cluster: str = "") -> Document:
    """One step of a run."""
    found = [s for s in run["steps"] if s["step"] == name and cluster in ("", s["cluster"])]
    assert len(found) == 1, (name, [s["step"] for s in run["steps"]])
    return dict(found[0])


def glimpse(run: Document, name: str) -> Document:
    """One step of a run that may not be known yet; empty until then."""
    return step(run, name) if run.get("steps") else {}


def application(
    namespace: str,
    *components: Document,
    name: str = "app",
    clusters: list[str] | None = None,
    annotations: dict[str, str] | None = None,
) -> Document:
    """An Application document."""
    spec: Document = {"components": list(components)}
    if clusters:
        spec["policies"] = [{"name": "where", "type": "topology", "properties": {"clusters": clusters}}]
    return {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations or {}},
        "spec": spec,
    }


def component(
    name: str,
    type_: str = "worker",
    *,
    traits: list[Document] | None = None,
    after: list[str] | None = None,
    **properties: Any,
) -> Document:
    """A component; `after` is its dependsOn."""
    made: Document = {"name": name, "type": type_, "properties": {"image": "registry.example/app:1", **properties}}
    if traits:
        made["traits"] = traits
    if after:
        made["dependsOn"] = after
    return made


def simulate(behaviour: str) -> Document:
    """Pod annotations that make its pods misbehave, in the simulator and in the real control plane alike."""
    return {"annotations": {"kubemin.dev/simulate": behaviour}}
