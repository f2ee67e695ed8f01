"""Admission: what is checked and filled in from other objects when an object is created."""

from dev.simulator import kinds
from dev.simulator.errors import forbidden, not_found
from dev.simulator.kinds import Kind
from dev.simulator.lifecycle import DEFAULT_CLASS_ANNOTATION
from dev.simulator.objects import Object, annotations_of, is_deleting, name_of
from dev.simulator.store import Store

_TOLERATIONS = [
    {"key": f"node.kubernetes.io/{state}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for state in ("not-ready", "unreachable")
]


def admit(store: Store, kind: Kind, namespace: str, obj: Object) -> None:
    """Check a new object against its namespace and the objects it needs, and fill in defaults from others, in place.

    Raises:
        ApiError: 404, the namespace does not exist; 403, it is being deleted, or a Pod's ServiceAccount does not exist.
    """
    name = obj["metadata"].get("generateName") or obj["metadata"].get("name", "")
    if kind.namespaced:
        _check_namespace(store, kind, namespace, name)
    if kind is kinds.POD:
        _admit_pod(store, namespace, name, obj)
    if kind is kinds.CLAIM and "storageClassName" not in obj["spec"]:
        for storage_class in store.all(kinds.STORAGE_CLASS):
            if annotations_of(storage_class).get(DEFAULT_CLASS_ANNOTATION) == "true":
                obj["spec"]["storageClassName"] = name_of(storage_class)


def _check_namespace(store: Store, kind: Kind, namespace: str, name: str) -> None:
    space = store.get(kinds.NAMESPACE, "", namespace)
    if space is None:
        raise not_found(kinds.NAMESPACE, namespace)
    if is_deleting(space) and kind is not kinds.EVENT:
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {namespace} is being terminated",
            "field": "metadata.namespace",
        }
        raise forbidden(kind, name, why, [cause])


def _admit_pod(store: Store, namespace: str, name: str, pod: Object) -> None:
    spec = pod["spec"]
    account = spec.setdefault("serviceAccountName", "default")
    spec["serviceAccount"] = account
    tolerated = {toleration.get("key") for toleration in spec.get("tolerations") or ()}
    spec["tolerations"] = [
        *(spec.get("tolerations") or ()),
        *(toleration for toleration in _TOLERATIONS if toleration["key"] not in tolerated),
    ]
    if store.get(kinds.SERVICE_ACCOUNT, namespace, account) is None:
        why = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
        raise forbidden(kinds.POD, name, why)
