"""Plays the cluster's administrator: makes namespaces and enrols them for a tenant.

Enrolled is a namespace that has the tenant's service account, labelled with the tenant, and a RoleBinding that says
what
the account may do. The executor impersonates that account and nothing else, so Kubernetes itself decides.
"""

from collections.abc import Sequence

from shared.contracts import annotations
from shared.kube.api import KubeApi
from shared.kube.kinds import Object

FIELD_MANAGER = "kubemin-admin"
CLUSTER_ROLE = "admin"
"""Kubernetes' own role for the administrator of one namespace."""


def manifests(namespace: str, tenant: str) -> list[Object]:
    """What enrols a namespace, in the order in which it is to be applied."""
    account = annotations.TENANT_SERVICE_ACCOUNT
    labels = {annotations.LABEL_TENANT: tenant}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": account, "namespace": namespace, "labels": labels},
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": account, "namespace": namespace, "labels": labels},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": CLUSTER_ROLE},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        },
    ]


async def enrol(kubeconfig: str, context: str, tenant: str, namespaces: Sequence[str]) -> None:
    """Make and enrol the namespaces; those that are enrolled already stay as they are.

    Raises KubeError where the cluster refuses or does not answer.
    """
    api = await KubeApi.connect(kubeconfig=kubeconfig, context=context)
    try:
        for namespace in namespaces:
            for manifest in manifests(namespace, tenant):
                await api.apply(manifest, field_manager=FIELD_MANAGER, force=True)
    finally:
        await api.close()
