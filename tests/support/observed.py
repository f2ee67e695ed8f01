"""Objects as a cluster shows them to the observer: ours, pods, and what stands between."""

from itertools import count
from typing import Any

from shared.contracts import annotations
from shared.contracts.completion import CompletionRule
from shared.contracts.identity import AppRef, AppUid
from shared.jobtypes.rules import rule_for

Object = dict[str, Any]

APP = AppRef(tenant="acme", namespace="acme-dev", name="shop")
APP_UID = AppUid("a1b2")
DIGEST = "d" * 64

_numbers = count(1)


def annotated(
    manifest: Object,
    *,
    step: str = "web",
    generation: int = 1,
    digest: str = DIGEST,
    app: AppRef = APP,
    app_uid: str = APP_UID,
    rule: CompletionRule | None = None,
) -> Object:
    """The manifest with what the system writes on it; the rule is that of its kind unless given."""
    rule = rule or rule_for(manifest)
    metadata = dict(manifest["metadata"])
    metadata["labels"] = {
        **metadata.get("labels", {}),
        annotations.LABEL_MANAGED_BY: annotations.MANAGED_BY,
        annotations.LABEL_APP: app.name,
        annotations.LABEL_COMPONENT: step.split("=", maxsplit=1)[0],
    }
    metadata["annotations"] = {
        **metadata.get("annotations", {}),
        annotations.ANNOTATION_TENANT: app.tenant,
        annotations.ANNOTATION_NAMESPACE: app.namespace,
        annotations.ANNOTATION_APP: app.name,
        annotations.ANNOTATION_APP_UID: app_uid,
        annotations.ANNOTATION_STEP: step,
        annotations.ANNOTATION_DIGEST: digest,
        annotations.ANNOTATION_GENERATION: str(generation),
    }
    if rule is not None:
        metadata["annotations"][annotations.ANNOTATION_RULE] = rule.model_dump_json()
    return {**manifest, "metadata": metadata}


def live(manifest: Object, *, uid: str = "", manager: str | None = None, **metadata: Any) -> Object:
    """As the API server has it after our apply."""
    app_uid = manifest["metadata"].get("annotations", {}).get(annotations.ANNOTATION_APP_UID, "")
    managed = {"manager": manager or annotations.field_manager(app_uid), "apiVersion": manifest["apiVersion"]}
    return {
        **manifest,
        "metadata": {
            **manifest["metadata"],
            "namespace": APP.namespace,
            "uid": uid or f"uid-{next(_numbers)}",
            "resourceVersion": "1",
            "generation": 1,
            "managedFields": [{**managed, "operation": "Apply"}],
            **metadata,
        },
    }


def deployment(name: str = "web", *, wanted: int = 1, **status: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": wanted},
        "status": {"observedGeneration": 1, **status},
    }


def healthy(replicas: int = 1) -> Object:
    """The status of a Deployment that is done."""
    return dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"), replicas)


def job(name: str = "task", **status: Any) -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"completions": 1},
        "status": status,
    }


def condition(type_: str, status: str = "True", reason: str = "", message: str = "") -> Object:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def owned_by(owner: Object) -> Object:
    metadata = owner["metadata"]
    return {"ownerReferences": [{"uid": metadata["uid"], "kind": owner["kind"], "controller": True}]}


def replica_set(owner: Object, *, uid: str, revision: int = 1) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": uid,
            "namespace": APP.namespace,
            "uid": uid,
            # The controller copies the annotations of the Deployment, ours among them.
            "annotations": {
                **owner["metadata"].get("annotations", {}),
                "deployment.kubernetes.io/revision": str(revision),
            },
            **owned_by(owner),
        },
    }


def pod(owner: Object, name: str = "web-1", *, node: str = "node-1", **status: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": APP.namespace, "uid": f"pod-{name}", **owned_by(owner)},
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": "Pending", **status},
    }


def container(
    name: str = "app", *, ready: bool = False, restarts: int = 0, last: Object | None = None, **state: Any
) -> Object:
    held = {"lastState": {"terminated": last}} if last else {}
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state, **held}


def running(*, ready: bool = True) -> Object:
    """The status of a pod that runs."""
    return {
        "phase": "Running",
        "conditions": [condition("Ready", "True" if ready else "False")],
        "containerStatuses": [container(ready=ready, running={})],
    }


def warning(about: Object, reason: str, message: str, *, at: str = "2026-01-02T03:04:05Z", uid: str = "") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "event", "namespace": APP.namespace, "uid": uid or f"event-{next(_numbers)}"},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": at,
        "involvedObject": {"uid": about["metadata"]["uid"]},
    }
