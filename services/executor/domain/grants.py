"""Which kinds a job type may create in this cluster."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.kube.kinds import GroupVersionKind

ANYTHING_GRANTED = "*"

DEFAULT_GRANTED_KINDS = (
    "apps/v1/DaemonSet",
    "apps/v1/Deployment",
    "apps/v1/StatefulSet",
    "autoscaling/v2/HorizontalPodAutoscaler",
    "batch/v1/CronJob",
    "batch/v1/Job",
    "networking.k8s.io/v1/Ingress",
    "policy/v1/PodDisruptionBudget",
    "v1/ConfigMap",
    "v1/PersistentVolumeClaim",
    "v1/Pod",
    "v1/Secret",
    "v1/Service",
    "v1/ServiceAccount",
)
"""Workloads and what they read: nothing of the whole cluster, nothing that grants rights or opens networks."""


DECLARED_KINDS = {
    "volume": frozenset({"v1/PersistentVolumeClaim"}),
    "config": frozenset({"v1/ConfigMap"}),
    "secret": frozenset({"v1/Secret"}),
}
"""What components declare becomes steps of its own, under these names in place of a job type."""


@dataclass(frozen=True)
class Grants:
    """The kinds of the built-in types, and those that an admin of the cluster granted to objects written by hand."""

    built_in: Mapping[str, frozenset[str]]
    """By job type: `apiVersion/Kind`, or `*` for whatever is granted."""
    granted: frozenset[str]
    """`apiVersion/Kind`, or `<group>/<version>/*` for all of a group."""

    def allow(self, job_type: str, gvk: GroupVersionKind) -> bool:
        """Whether a component of this type may bring objects of this kind; an unknown type has what is granted."""
        kinds = self.built_in.get(job_type, frozenset({ANYTHING_GRANTED}))
        if str(gvk) in kinds:
            return True
        return ANYTHING_GRANTED in kinds and (str(gvk) in self.granted or f"{gvk.api_version}/*" in self.granted)

    def refusal(self, job_type: str, gvk: GroupVersionKind) -> str:
        """The sentence that says who can change it."""
        return (
            f"a component of type {job_type} may not create {gvk} in this cluster; "
            f"its administrator can add {gvk} to KUBEMIN_GRANTED_KINDS of the executor"
        )
