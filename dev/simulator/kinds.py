"""The table of kinds that the simulator supports. Everything else is answered as an unknown resource."""

from dataclasses import dataclass
from enum import StrEnum


class Subresource(StrEnum):
    """The subresources that are served."""

    STATUS = "status"
    SCALE = "scale"
    LOG = "log"


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One row of the table: how a kind is addressed, and where kinds differ in how the API server treats them."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    status: bool = False
    """Has a status subresource: the main endpoint leaves status alone."""
    scale: bool = False
    """Has a scale subresource."""
    log: bool = False
    """Has a log subresource."""
    generation: bool = False
    """metadata.generation counts the changes of spec."""
    selectable: tuple[str, ...] = ()
    """Field selectors beside metadata.name and metadata.namespace."""
    upsert: bool = False
    """A PUT on an absent object creates it (AllowCreateOnUpdate)."""
    unconditional_update: bool = True
    """A PUT without resourceVersion overwrites (AllowUnconditionalUpdate)."""
    returns_deleted: bool = False
    """DELETE answers with the object, not with a Status (ReturnDeletedObject)."""
    short_names: tuple[str, ...] = ()
    in_all: bool = False
    """`kubectl get all` shows it."""

    @property
    def api_version(self) -> str:
        """The apiVersion of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """The group resource as error messages write it, such as deployments.apps."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def group_kind(self) -> str:
        """The group kind as error messages write it, such as Deployment.apps."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def singular(self) -> str:
        """The singular name of the resource."""
        return self.kind.lower()

    @property
    def subresources(self) -> tuple[Subresource, ...]:
        """The subresources of the kind."""
        found = [Subresource.STATUS] if self.status else []
        if self.scale:
            found.append(Subresource.SCALE)
        if self.log:
            found.append(Subresource.LOG)
        return tuple(found)


_APPS = ("apps", "v1")
_BATCH = ("batch", "v1")
_NETWORKING = ("networking.k8s.io", "v1")
_RBAC = ("rbac.authorization.k8s.io", "v1")

NAMESPACE = Kind(
    "",
    "v1",
    "Namespace",
    "namespaces",
    namespaced=False,
    status=True,
    selectable=("status.phase",),
    short_names=("ns",),
)
NODE = Kind(
    "", "v1", "Node", "nodes", namespaced=False, status=True, selectable=("spec.unschedulable",), short_names=("no",)
)
POD = Kind(
    "",
    "v1",
    "Pod",
    "pods",
    status=True,
    log=True,
    generation=True,
    selectable=(
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
    ),
    short_names=("po",),
    in_all=True,
)
SERVICE = Kind(
    "", "v1", "Service", "services", status=True, returns_deleted=True, upsert=True, short_names=("svc",), in_all=True
)
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps", short_names=("cm",))
SECRET = Kind("", "v1", "Secret", "secrets", selectable=("type",))
CLAIM = Kind(
    "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", status=True, returns_deleted=True, short_names=("pvc",)
)
VOLUME = Kind(
    "",
    "v1",
    "PersistentVolume",
    "persistentvolumes",
    namespaced=False,
    status=True,
    returns_deleted=True,
    short_names=("pv",),
)
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts", returns_deleted=True, short_names=("sa",))
EVENT = Kind(
    "",
    "v1",
    "Event",
    "events",
    upsert=True,
    selectable=(
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "type",
    ),
    short_names=("ev",),
)
DEPLOYMENT = Kind(
    *_APPS, "Deployment", "deployments", status=True, scale=True, generation=True, short_names=("deploy",), in_all=True
)
REPLICA_SET = Kind(
    *_APPS, "ReplicaSet", "replicasets", status=True, scale=True, generation=True, short_names=("rs",), in_all=True
)
STATEFUL_SET = Kind(
    *_APPS, "StatefulSet", "statefulsets", status=True, scale=True, generation=True, short_names=("sts",), in_all=True
)
DAEMON_SET = Kind(*_APPS, "DaemonSet", "daemonsets", status=True, generation=True, short_names=("ds",), in_all=True)
JOB = Kind(*_BATCH, "Job", "jobs", status=True, generation=True, in_all=True)
CRON_JOB = Kind(*_BATCH, "CronJob", "cronjobs", status=True, generation=True, short_names=("cj",), in_all=True)
INGRESS = Kind(*_NETWORKING, "Ingress", "ingresses", status=True, generation=True, short_names=("ing",))
NETWORK_POLICY = Kind(*_NETWORKING, "NetworkPolicy", "networkpolicies", generation=True, short_names=("netpol",))
ROLE = Kind(*_RBAC, "Role", "roles", upsert=True)
ROLE_BINDING = Kind(*_RBAC, "RoleBinding", "rolebindings", upsert=True)
CLUSTER_ROLE = Kind(*_RBAC, "ClusterRole", "clusterroles", namespaced=False, upsert=True)
CLUSTER_ROLE_BINDING = Kind(*_RBAC, "ClusterRoleBinding", "clusterrolebindings", namespaced=False, upsert=True)
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases", upsert=True, unconditional_update=False)
AUTOSCALER = Kind(
    "autoscaling",
    "v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    status=True,
    short_names=("hpa",),
    in_all=True,
)
STORAGE_CLASS = Kind(
    "storage.k8s.io",
    "v1",
    "StorageClass",
    "storageclasses",
    namespaced=False,
    returns_deleted=True,
    short_names=("sc",),
)

KINDS: tuple[Kind, ...] = (
    NAMESPACE,
    NODE,
    POD,
    SERVICE,
    CONFIG_MAP,
    SECRET,
    CLAIM,
    VOLUME,
    SERVICE_ACCOUNT,
    EVENT,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    DAEMON_SET,
    JOB,
    CRON_JOB,
    INGRESS,
    NETWORK_POLICY,
    ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    LEASE,
    AUTOSCALER,
    STORAGE_CLASS,
)

BY_RESOURCE = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
GROUP_VERSIONS: tuple[tuple[str, str], ...] = tuple(dict.fromkeys((kind.group, kind.version) for kind in KINDS))
