"""A plain HTTP client of the Kubernetes API, for tests of the simulator."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

Object = dict[str, Any]

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"

PODS = "/api/v1/namespaces/default/pods"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
SERVICES = "/api/v1/namespaces/default/services"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
EVENTS = "/api/v1/namespaces/default/events"
NAMESPACES = "/api/v1/namespaces"
NODES = "/api/v1/nodes"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
REPLICA_SETS = "/apis/apps/v1/namespaces/default/replicasets"
STATEFUL_SETS = "/apis/apps/v1/namespaces/default/statefulsets"
DAEMON_SETS = "/apis/apps/v1/namespaces/default/daemonsets"
JOBS = "/apis/batch/v1/namespaces/default/jobs"

_WAIT_S = 30.0


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    body: Any
    headers: dict[str, str]


class Client:
    """Requests with a token, and waiting by watching."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def call(
        self, method: str, path: str, body: Object | None = None, *, type_: str = "application/json", **query: str
    ) -> Answer:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": type_}
        async with self.session.request(method, path, data=data, headers=headers, params=query) as response:
            raw = await response.text()
            return Answer(
                response.status,
                json.loads(raw) if response.content_type == "application/json" else raw,
                dict(response.headers),
            )

    async def get(self, path: str, **query: str) -> Any:
        return await self._expect(200, "GET", path, None, **query)

    async def create(self, path: str, body: Object, **query: str) -> Object:
        return await self._expect(201, "POST", path, body, **query)

    async def apply(self, path: str, body: Object, *, manager: str = "tests", **query: str) -> Answer:
        target = f"{path}/{body['metadata']['name']}"
        return await self.call("PATCH", target, body, type_=APPLY, fieldManager=manager, **query)

    async def patch(self, path: str, body: Object) -> Object:
        answer = await self.call("PATCH", path, body, type_=MERGE)
        assert answer.status == 200, answer
        return dict(answer.body)

    async def delete(self, path: str, body: Object | None = None, **query: str) -> Answer:
        return await self.call("DELETE", path, body, **query)

    async def _expect(self, status: int, method: str, path: str, body: Object | None, **query: str) -> Object:
        answer = await self.call(method, path, body, **query)
        assert answer.status == status, answer
        return dict(answer.body)

    @asynccontextmanager
    async def watch(self, path: str, **query: str) -> AsyncIterator[AsyncIterator[Object]]:
        async with self.session.get(path, params={"watch": "true", **query}) as response:
            assert response.status == 200, await response.text()
            yield self._events(response)

    async def _events(self, response: aiohttp.ClientResponse) -> AsyncIterator[Object]:
        async for line in response.content:
            yield json.loads(line)

    async def until(self, path: str, name: str, reached: Callable[[Object], bool]) -> Object:
        """Wait by watching until an object has reached a state."""
        last: Object | None = None
        try:
            async with asyncio.timeout(_WAIT_S), self.watch(path, fieldSelector=f"metadata.name={name}") as events:
                async for event in events:
                    last = event["object"]
                    if event["type"] != "DELETED" and reached(event["object"]):
                        return dict(event["object"])
        except TimeoutError:
            raise AssertionError(f"{path}/{name} did not get there: {json.dumps(last, indent=1)}") from None
        raise AssertionError(f"the watch of {path}/{name} ended: {last}")

    async def until_gone(self, path: str, name: str) -> None:
        """Wait by watching until an object has been removed."""
        listed = await self.get(path, fieldSelector=f"metadata.name={name}")
        if not listed["items"]:
            return
        version = listed["metadata"]["resourceVersion"]
        async with (
            asyncio.timeout(_WAIT_S),
            self.watch(path, fieldSelector=f"metadata.name={name}", resourceVersion=version) as events,
        ):
            async for event in events:
                if event["type"] == "DELETED":
                    return

    async def until_event(self, reason: str, name: str) -> Object:
        """Wait until something has been recorded about an object."""
        selector = f"reason={reason},involvedObject.name={name}"
        async with asyncio.timeout(_WAIT_S), self.watch(EVENTS, fieldSelector=selector) as events:
            async for event in events:
                return dict(event["object"])
        raise AssertionError("the watch of events ended")


def config_map(name: str = "c", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def pod_spec(**spec: Any) -> Object:
    containers = spec.pop("containers", [{"name": "main", "image": "registry.example/app:1"}])
    return {"containers": containers, **spec}


def pod_template(name: str, simulate: str = "", **spec: Any) -> Object:
    metadata: Object = {"labels": {"app": name}}
    if simulate:
        metadata["annotations"] = {"kubemin.dev/simulate": simulate}
    return {"metadata": metadata, "spec": pod_spec(**spec)}


def pod(name: str = "p", simulate: str = "", **spec: Any) -> Object:
    template = pod_template(name, simulate, **spec)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": name},
        "spec": template["spec"],
    }


def workload(kind: str, name: str, simulate: str = "", *, template: Object | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": template or pod_template(name, simulate),
            **spec,
        },
    }


def job(name: str = "j", simulate: str = "", *, restart: str = "Never", **spec: Any) -> Object:
    template = pod_template(name, simulate, restartPolicy=restart)
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template, **spec}}


def claim(name: str, storage_class: str | None = None, size: str = "1Gi") -> Object:
    spec: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def condition(obj: Object, type_: str) -> Object:
    """Return a status condition, empty while it is absent."""
    conditions = obj.get("status", {}).get("conditions", [])
    return next((dict(one) for one in conditions if one["type"] == type_), {})


def is_true(type_: str) -> Callable[[Object], bool]:
    return lambda obj: condition(obj, type_).get("status") == "True"


def waiting_for(reason: str) -> Callable[[Object], bool]:
    def reached(obj: Object) -> bool:
        statuses = obj.get("status", {}).get("containerStatuses", [])
        return any(one["state"].get("waiting", {}).get("reason") == reason for one in statuses)

    return reached


def in_phase(phase: str) -> Callable[[Object], bool]:
    return lambda obj: obj.get("status", {}).get("phase") == phase
