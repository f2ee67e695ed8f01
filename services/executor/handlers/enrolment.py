"""Whether a namespace takes part for a tenant, and as whom we act in it."""

import time

from services.executor.domain.outcomes import Refused, meaning
from services.executor.ports import ClusterReader
from shared.contracts.annotations import LABEL_TENANT, TENANT_SERVICE_ACCOUNT
from shared.contracts.identity import ClusterName, ObjectKey
from shared.contracts.phases import Reason
from shared.kube.connection import Impersonation
from shared.kube.errors import KubeError

_REMEMBERED_S = 10.0
"""One step's objects are asked about once; a namespace that was taken off is noticed soon."""


class Enrolments:
    """Checks that the tenant's service account exists: impersonating an absent one can succeed."""

    def __init__(self, cluster: ClusterReader, name: ClusterName) -> None:
        """`name` is the cluster's, for messages."""
        self._cluster = cluster
        self._name = name
        self._confirmed_at: dict[tuple[str, str], float] = {}

    async def account(self, namespace: str, tenant: str) -> Impersonation:
        """Whom to act as in the namespace.

        Raises:
            Refused: NamespaceNotFound or NamespaceNotEnrolled, with the remedy.
            Outage: the API server could not say.

        """
        confirmed_at = self._confirmed_at.get((namespace, tenant))
        if confirmed_at is None or time.monotonic() - confirmed_at > _REMEMBERED_S:
            self._confirmed_at.pop((namespace, tenant), None)
            await self._check(namespace, tenant)
            self._confirmed_at[namespace, tenant] = time.monotonic()
        return Impersonation.service_account(namespace, TENANT_SERVICE_ACCOUNT)

    async def _check(self, namespace: str, tenant: str) -> None:
        account_key = ObjectKey(
            api_version="v1", kind="ServiceAccount", namespace=namespace, name=TENANT_SERVICE_ACCOUNT
        )
        namespace_key = ObjectKey(api_version="v1", kind="Namespace", namespace="", name=namespace)
        try:
            account = await self._cluster.find(account_key)
            # Most often there is one, and the namespace need not be asked for.
            there = account is not None or await self._cluster.find(namespace_key) is not None
        except KubeError as error:
            raise meaning(error, account_key, None) from error
        if not there:
            remedy = "an administrator of the cluster has to create and enrol it"
            raise Refused(
                Reason.NAMESPACE_NOT_FOUND, f"namespace {namespace} does not exist in cluster {self._name}; {remedy}"
            )
        label = ((account or {}).get("metadata", {}).get("labels") or {}).get(LABEL_TENANT)
        if label != tenant:
            raise Refused(Reason.NAMESPACE_NOT_ENROLLED, self._not_enrolled(namespace, tenant, account is None, label))

    def _not_enrolled(self, namespace: str, tenant: str, absent: bool, label: str | None) -> str:  # noqa: FBT001  # private
        account = f"{namespace}/{TENANT_SERVICE_ACCOUNT}"
        found = (
            f"service account {account} does not exist"
            if absent
            else f"service account {account} is labelled {LABEL_TENANT}={label}"
            if label
            else f"service account {account} has no label {LABEL_TENANT}"
        )
        commands = ["create serviceaccount " + TENANT_SERVICE_ACCOUNT] if absent else []
        commands.append(f"label --overwrite serviceaccount {TENANT_SERVICE_ACCOUNT} {LABEL_TENANT}={tenant}")
        remedy = " && ".join(f"kubectl -n {namespace} {command}" for command in commands)
        return (
            f"namespace {namespace} of cluster {self._name} is not enrolled for tenant {tenant}: {found}; "
            f"an administrator of the cluster can enrol it: {remedy}, and bind the account to a role"
        )
