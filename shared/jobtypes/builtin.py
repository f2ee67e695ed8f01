"""The registry of everything that is built in: the only place that lists the entries."""

from shared.jobtypes.base import Registry
from shared.jobtypes.components.config import CONFIG
from shared.jobtypes.components.cron_task import CRON_TASK
from shared.jobtypes.components.daemon import DAEMON
from shared.jobtypes.components.helm import HELM
from shared.jobtypes.components.helmchart import HELMCHART
from shared.jobtypes.components.k8s_objects import K8S_OBJECTS
from shared.jobtypes.components.kustomize import KUSTOMIZE
from shared.jobtypes.components.raw import RAW
from shared.jobtypes.components.ref_objects import REF_OBJECTS
from shared.jobtypes.components.secret import SECRET
from shared.jobtypes.components.statefulset import STATEFULSET
from shared.jobtypes.components.task import TASK
from shared.jobtypes.components.volume import VOLUME
from shared.jobtypes.components.webservice import WEBSERVICE
from shared.jobtypes.components.worker import WORKER
from shared.jobtypes.traits.affinity import AFFINITY
from shared.jobtypes.traits.annotations import ANNOTATIONS
from shared.jobtypes.traits.claim_templates import CLAIM_TEMPLATES
from shared.jobtypes.traits.command import COMMAND
from shared.jobtypes.traits.configmap import CONFIGMAP
from shared.jobtypes.traits.container_image import CONTAINER_IMAGE
from shared.jobtypes.traits.container_ports import CONTAINER_PORTS
from shared.jobtypes.traits.container_resources import CONTAINER_RESOURCES
from shared.jobtypes.traits.cpuscaler import CPUSCALER
from shared.jobtypes.traits.env import ENV
from shared.jobtypes.traits.env_from import ENV_FROM
from shared.jobtypes.traits.expose import EXPOSE
from shared.jobtypes.traits.gateway import GATEWAY
from shared.jobtypes.traits.hostalias import HOSTALIAS
from shared.jobtypes.traits.hpa import HPA
from shared.jobtypes.traits.http_routes import HTTP_ROUTES
from shared.jobtypes.traits.ingress import INGRESS
from shared.jobtypes.traits.ingress_1_20 import INGRESS_1_20
from shared.jobtypes.traits.init_container import INIT_CONTAINER
from shared.jobtypes.traits.json_merge_patch import JSON_MERGE_PATCH
from shared.jobtypes.traits.json_patch import JSON_PATCH
from shared.jobtypes.traits.k8s_update_strategy import K8S_UPDATE_STRATEGY
from shared.jobtypes.traits.keda_auto_scaler import KEDA_AUTO_SCALER
from shared.jobtypes.traits.labels import LABELS
from shared.jobtypes.traits.lifecycle import LIFECYCLE
from shared.jobtypes.traits.nocalhost import NOCALHOST
from shared.jobtypes.traits.node_affinity import NODE_AFFINITY
from shared.jobtypes.traits.object_labels import OBJECT_LABELS
from shared.jobtypes.traits.podsecuritycontext import PODSECURITYCONTEXT
from shared.jobtypes.traits.probes import PROBES
from shared.jobtypes.traits.pure_ingress import PURE_INGRESS
from shared.jobtypes.traits.pvc import PVC
from shared.jobtypes.traits.rbac import RBAC
from shared.jobtypes.traits.resource import RESOURCE
from shared.jobtypes.traits.scaler import SCALER
from shared.jobtypes.traits.securitycontext import SECURITYCONTEXT
from shared.jobtypes.traits.service_account import SERVICE_ACCOUNT
from shared.jobtypes.traits.service_binding import SERVICE_BINDING
from shared.jobtypes.traits.sidecar import SIDECAR
from shared.jobtypes.traits.startup_probe import STARTUP_PROBE
from shared.jobtypes.traits.storage import STORAGE
from shared.jobtypes.traits.topologyspreadconstraints import TOPOLOGY_SPREAD_CONSTRAINTS
from shared.jobtypes.traits.volume_claims import VOLUME_CLAIMS
from shared.jobtypes.traits.volume_mounts import VOLUME_MOUNTS
from shared.jobtypes.traits.volumes import VOLUMES

BUILTIN = Registry.of(
    job_types=(
        CONFIG,
        CRON_TASK,
        DAEMON,
        HELM,
        HELMCHART,
        K8S_OBJECTS,
        KUSTOMIZE,
        RAW,
        REF_OBJECTS,
        SECRET,
        STATEFULSET,
        TASK,
        VOLUME,
        WEBSERVICE,
        WORKER,
    ),
    traits=(
        AFFINITY,
        ANNOTATIONS,
        CLAIM_TEMPLATES,
        COMMAND,
        CONFIGMAP,
        CONTAINER_IMAGE,
        CONTAINER_PORTS,
        CONTAINER_RESOURCES,
        CPUSCALER,
        ENV,
        ENV_FROM,
        EXPOSE,
        GATEWAY,
        HOSTALIAS,
        HPA,
        HTTP_ROUTES,
        INGRESS,
        INGRESS_1_20,
        INIT_CONTAINER,
        JSON_MERGE_PATCH,
        JSON_PATCH,
        K8S_UPDATE_STRATEGY,
        KEDA_AUTO_SCALER,
        LABELS,
        LIFECYCLE,
        NOCALHOST,
        NODE_AFFINITY,
        OBJECT_LABELS,
        PODSECURITYCONTEXT,
        PROBES,
        PURE_INGRESS,
        PVC,
        RBAC,
        RESOURCE,
        SCALER,
        SECURITYCONTEXT,
        SERVICE_ACCOUNT,
        SERVICE_BINDING,
        SIDECAR,
        STARTUP_PROBE,
        STORAGE,
        TOPOLOGY_SPREAD_CONSTRAINTS,
        VOLUMES,
        VOLUME_CLAIMS,
        VOLUME_MOUNTS,
    ),
)
