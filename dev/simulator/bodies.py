"""Objects as clients send them: checked for the address they were sent to, before anything is done with them."""

from dev.simulator.errors import bad_request
from dev.simulator.kinds import Kind
from dev.simulator.objects import Object, without_nulls
from dev.simulator.shapes import check_shape


def received(kind: Kind, namespace: str, body: Object, name: str = "") -> Object:
    """Copy a body and check that it is meant for this address.

    Raises:
        ApiError: 400.
    """
    obj: Object = without_nulls(body)
    if (obj.get("kind", kind.kind), obj.get("apiVersion", kind.api_version)) != (kind.kind, kind.api_version):
        raise bad_request(
            f'{obj.get("kind")} in version "{obj.get("apiVersion")}" cannot be handled as a {kind.kind}: '
            f"the request is for {kind.api_version}, Kind={kind.kind}"
        )
    obj.setdefault("kind", kind.kind)
    obj.setdefault("apiVersion", kind.api_version)
    check_shape(kind, obj)
    metadata = obj.setdefault("metadata", {})
    if kind.namespaced:
        if metadata.setdefault("namespace", namespace) != namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    else:
        metadata.pop("namespace", None)
    if name and metadata.get("name", name) != name:
        raise bad_request(f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})")
    return obj


def applied_configuration(kind: Kind, namespace: str, body: Object, name: str) -> tuple[Object, str | None, str | None]:
    """Copy an apply patch without what nobody owns; its uid and resourceVersion are preconditions and come apart.

    Raises:
        ApiError: 400.
    """
    if not body.get("kind") or not body.get("apiVersion"):
        group, _, version = str(body.get("apiVersion") or "").rpartition("/")
        raise bad_request(f"invalid object type: {group}/{version}, Kind={body.get('kind') or ''}")
    configuration = received(kind, namespace, body, name)
    metadata = configuration["metadata"]
    metadata.setdefault("name", name)
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    for field in ("creationTimestamp", "generation", "managedFields", "deletionTimestamp", "selfLink"):
        metadata.pop(field, None)
    return configuration, metadata.pop("uid", None), metadata.pop("resourceVersion", None)
