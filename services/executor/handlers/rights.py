"""Whether the tenant's account may do what a run will have to do, asked before anything is created."""

import time

from services.executor.domain.outcomes import meaning
from services.executor.ports import ClusterReader
from shared.contracts.identity import ObjectKey
from shared.kube.connection import Impersonation
from shared.kube.errors import Forbidden, KindUnknown, KubeError
from shared.kube.kinds import GroupVersionKind

_VERBS = ("create", "patch", "delete")
"""Server-side apply patches, and creates what is absent; pruning deletes."""
_REMEMBERED_S = 30.0
"""Rights change rarely, and the API server has the last word anyway."""


class Rights:
    """Asks the API server, and remembers what is granted."""

    def __init__(self, cluster: ClusterReader) -> None:
        self._cluster = cluster
        self._granted_at: dict[tuple[str, GroupVersionKind], float] = {}

    async def missing(self, gvk: GroupVersionKind, namespace: str, account: Impersonation) -> list[str]:
        """The verbs that the account lacks for a kind; raises Outage where the cluster cannot say."""
        granted_at = self._granted_at.get((account.user, gvk))
        if granted_at is not None and time.monotonic() - granted_at < _REMEMBERED_S:
            return []
        try:
            missing = [v for v in _VERBS if not await self._cluster.may(v, gvk, namespace, acting_as=account)]
        except (Forbidden, KindUnknown):
            # It may not ask about its own rights: the attempt will tell. An unknown kind is told elsewhere.
            return []
        except KubeError as error:
            of_kind = ObjectKey(api_version=gvk.api_version, kind=gvk.kind, namespace=namespace, name="*")
            raise meaning(error, of_kind, account) from error
        if not missing:
            self._granted_at[account.user, gvk] = time.monotonic()
        return missing


def not_granted(gvk: GroupVersionKind, namespace: str, account: Impersonation, verbs: list[str]) -> str:
    """The sentence that says what is missing and who can grant it."""
    name = account.user.rpartition(":")[2]
    remedy = f"kubectl -n {namespace} create rolebinding {name} --clusterrole=admin --serviceaccount={namespace}:{name}"
    return (
        f"{account.user} may not {', '.join(verbs)} objects of kind {gvk.kind} in namespace {namespace}; "
        f"an administrator of the cluster can grant it, for example: {remedy}"
    )
