"""The calls that we make to a Kubernetes API server, over plain dicts.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, NamedTuple, Self

from shared.contracts.identity import ObjectKey
from shared.kube.connection import Connection, Impersonation, Request
from shared.kube.discovery import Discovery
from shared.kube.errors import Invalid, NotFound
from shared.kube.kinds import GroupVersionKind, Object, Resource, Selection
from shared.kube.watch import WatchEvent, read_events
from shared.runtime.stoppable import Stopping, until_stopped

CALL_TIMEOUT_S = 20.0
"""Of one call, unless it is told another."""
_APPLY = "application/apply-patch+yaml"
_MERGE_PATCH = "application/merge-patch+json"
_JSON = "application/json"
_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_PAGE = 500
"""Objects per page, as kubectl: bounds the memory that one list costs the server."""


_EVERYTHING = Selection()
_REVIEW = GroupVersionKind("authorization.k8s.io/v1", "SelfSubjectAccessReview")


class Listing(NamedTuple):
    """The objects of a kind at one resource version."""

    objects: list[Object]
    resource_version: str


class KubeApi:
    """One API server, as one identity that may impersonate others. Every call has a timeout and raises KubeError."""

    def __init__(self, connection: Connection, *, call_timeout_s: float) -> None:
        """Use `connect`."""
        self._connection = connection
        self._call_timeout_s = call_timeout_s
        self._discovery = Discovery(self._read_path)

    @classmethod
    async def connect(
        cls,
        *,
        kubeconfig: str = "",
        context: str = "",
        call_timeout_s: float = CALL_TIMEOUT_S,
        user_agent: str = "kubemin",
    ) -> Self:
        """Read the credentials; the server itself is first asked by the first call.

        An empty `kubeconfig` means the service account of the pod, an empty `context` the current one.
        `user_agent` tells our processes apart in the server's audit log.

        Raises:
            KubeconfigInvalid: the credentials cannot be used.

        """
        connection = Connection(kubeconfig, context, user_agent=user_agent)
        await connection.open()
        return cls(connection, call_timeout_s=call_timeout_s)

    async def close(self) -> None:
        """Close every connection; watches end with ApiUnavailable."""
        await self._connection.close()

    async def version(self) -> dict[str, str]:
        """The server's version as it states it: gitVersion, platform, …."""
        return await self._read_path("/version")

    async def resource(self, gvk: GroupVersionKind) -> Resource:
        """How the kind is served; raises KindUnknown."""
        return await self._discovery.resource(gvk)

    async def resource_named(self, group: str, plural: str) -> Resource:
        """How a resource is served, in the version that its group prefers; raises KindUnknown."""
        return await self._discovery.named(group, plural)

    async def resources(self) -> list[Resource]:
        """Everything that the server serves, each kind in the version that its group prefers."""
        return await self._discovery.preferred()

    async def get(
        self, key: ObjectKey, *, acting_as: Impersonation | None = None, metadata_only: bool = False
    ) -> Object:
        """Read one object; raises NotFound.

        With `metadata_only` the server leaves out everything else, such as a Secret's values.
        """
        accept = _METADATA_ONLY if metadata_only else "application/json"
        return await self._call(Request("GET", await self._path(key), accept=accept, acting_as=acting_as))

    async def find(
        self, key: ObjectKey, *, acting_as: Impersonation | None = None, metadata_only: bool = False
    ) -> Object | None:
        """Read one object, None when it is not there."""
        try:
            return await self.get(key, acting_as=acting_as, metadata_only=metadata_only)
        except NotFound:
            return None

    async def list_objects(
        self, gvk: GroupVersionKind, *, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> Listing:
        """Read all objects of a kind, page by page; raises Gone when the server forgot the pages in between."""
        objects: list[Object] = []
        resource_version = ""
        pages = self.list_pages(gvk, namespace=namespace, label_selector=label_selector, field_selector=field_selector)
        async with aclosing(pages):
            async for page in pages:
                objects += page.objects
                resource_version = page.resource_version
        return Listing(objects, resource_version)

    async def list_pages(
        self,
        gvk: GroupVersionKind,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        page_size: int = _PAGE,
        acting_as: Impersonation | None = None,
    ) -> AsyncGenerator[Listing, None]:
        """Read all objects of a kind, a page at a time, so that nobody has to hold all of them at once.

        The resource version is the same on every page. Raises Gone when the server forgot the pages in between.
        """
        path = (await self.resource(gvk)).path(namespace)
        query = _selectors(label_selector, field_selector) | {"limit": str(page_size)}
        accept = _METADATA_LIST if metadata_only else _JSON
        while True:
            page = await self._call(Request("GET", path, query, accept=accept, acting_as=acting_as))
            metadata = page.get("metadata") or {}
            yield Listing(
                [_named(gvk, item) for item in page.get("items") or ()], str(metadata.get("resourceVersion", ""))
            )
            if not metadata.get("continue"):
                return
            query = {**query, "continue": metadata["continue"]}

    async def create(
        self,
        manifest: Object,
        *,
        field_manager: str,
        acting_as: Impersonation | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Create an object; raises AlreadyExists."""
        key = ObjectKey.of(manifest)
        path = (await self._resource_for(key)).path(key.namespace)
        query = {"fieldManager": field_manager} | _dry_run(dry_run)
        return await self._call(Request("POST", path, query, manifest, acting_as=acting_as))

    async def apply(
        self,
        manifest: Object,
        *,
        field_manager: str,
        force: bool,
        acting_as: Impersonation | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Server-side apply; `metadata.uid` and `metadata.resourceVersion` in the manifest are preconditions.

        Raises:
            Conflict: with `field_managers` when others own what it would change and `force` is off,
                without any when a precondition does not hold.

        """
        query = {"fieldManager": field_manager, "force": str(force).lower()} | _dry_run(dry_run)
        path = await self._path(ObjectKey.of(manifest))
        return await self._call(Request("PATCH", path, query, manifest, _APPLY, acting_as=acting_as))

    async def patch(
        self,
        key: ObjectKey,
        patch: Object,
        *,
        field_manager: str,
        subresource: str = "",
        acting_as: Impersonation | None = None,
        dry_run: bool = False,
    ) -> Object:
        """JSON merge patch; lists are replaced as a whole."""
        path = await self._path(key) + (f"/{subresource}" if subresource else "")
        query = {"fieldManager": field_manager} | _dry_run(dry_run)
        return await self._call(Request("PATCH", path, query, patch, _MERGE_PATCH, acting_as=acting_as))

    async def replace(
        self,
        manifest: Object,
        *,
        field_manager: str,
        acting_as: Impersonation | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Write the whole object; with `metadata.resourceVersion` it raises Conflict if somebody wrote since."""
        path = await self._path(ObjectKey.of(manifest))
        query = {"fieldManager": field_manager} | _dry_run(dry_run)
        return await self._call(Request("PUT", path, query, manifest, acting_as=acting_as))

    async def delete(
        self,
        key: ObjectKey,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: str = "Background",
        acting_as: Impersonation | None = None,
        dry_run: bool = False,
    ) -> None:
        """Ask for the deletion of an object; finalizers may keep it for a while.

        Raises:
            NotFound: it is not there.
            Conflict: the object of this name has another uid or resource version.

        """
        wanted = {"uid": uid, "resourceVersion": resource_version}
        preconditions = {field: value for field, value in wanted.items() if value}
        options: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        if preconditions:
            options["preconditions"] = preconditions
        if dry_run:
            options["dryRun"] = ["All"]
        await self._call(Request("DELETE", await self._path(key), body=options, acting_as=acting_as))

    async def may(self, verb: str, gvk: GroupVersionKind, namespace: str, *, acting_as: Impersonation) -> bool:
        """Whether an account has a right; raises Forbidden where it may not even ask about its own."""
        resource = await self.resource(gvk)
        group = gvk.api_version.rpartition("/")[0]
        asked = {"verb": verb, "group": group, "resource": resource.plural, "namespace": namespace}
        review = {"apiVersion": _REVIEW.api_version, "kind": _REVIEW.kind, "spec": {"resourceAttributes": asked}}
        path = (await self.resource(_REVIEW)).path()
        answer = await self._call(Request("POST", path, body=review, acting_as=acting_as))
        allowed = bool(answer["status"]["allowed"])
        if not allowed:
            denied = f"{acting_as.user} may not {verb} {resource.plural}"
            await self._connection.check_started(timeout_s=self._call_timeout_s, instead_of=denied)
        return allowed

    async def watch(
        self,
        gvk: GroupVersionKind,
        selection: Selection = _EVERYTHING,
        *,
        resource_version: str,
        timeout_s: float = 120.0,
        grace_s: float = 10.0,
        stopping: Stopping | None = None,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Events after a resource version, until the server ends the watch after about `timeout_s`, or until the stop.

        BOOKMARKs are among them. A server that has not closed the watch `grace_s` after its time-out has lost it.

        Raises:
            Gone: the resource version is too old: list again.
            ApiUnavailable: the connection broke, was silent beyond the server's time-out, or ended inside a line.

        """
        path = (await self.resource(gvk)).path(selection.namespace)
        query = _selectors(selection.label_selector, selection.field_selector) | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(max(1, int(timeout_s))),
        }
        idle_timeout_s = timeout_s + grace_s
        request = Request("GET", path, query, accept=_METADATA_ONLY if selection.metadata_only else _JSON)
        async with self._connection.stream(request, idle_timeout_s=idle_timeout_s) as chunks:
            wanted = chunks if stopping is None else until_stopped(stopping, chunks)
            async for event in read_events(wanted):
                yield WatchEvent(event.type, _named(gvk, event.object))

    async def _call(self, request: Request) -> Object:
        return await self._connection.call(request, timeout_s=self._call_timeout_s)

    async def _read_path(self, path: str) -> dict[str, Any]:
        return await self._call(Request("GET", path))

    async def _path(self, key: ObjectKey) -> str:
        return (await self._resource_for(key)).path(key.namespace, key.name)

    async def _resource_for(self, key: ObjectKey) -> Resource:
        resource = await self.resource(GroupVersionKind(key.api_version, key.kind))
        if resource.namespaced != bool(key.namespace):
            scope = "belongs into a namespace and names none" if resource.namespaced else "belongs to the whole cluster"
            msg = f"{key}: a {key.kind} {scope}"
            raise Invalid(msg)
        return resource


def _named(gvk: GroupVersionKind, item: Object) -> Object:
    """With its kind: a list's items have none, and metadata alone comes under a kind of its own."""
    return {**item, "apiVersion": gvk.api_version, "kind": gvk.kind}


def _selectors(label_selector: str, field_selector: str) -> dict[str, str]:
    selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
    return {name: selector for name, selector in selectors.items() if selector}


def _dry_run(asked: bool) -> dict[str, str]:  # noqa: FBT001  # a private helper of callers that pass their own flag
    return {"dryRun": "All"} if asked else {}
