"""The registry of everything that is built in: the only place that lists the entries."""

from shared.jobtypes.base import Registry
from shared.jobtypes.components.k8s_objects import K8S_OBJECTS
from shared.jobtypes.components.raw import RAW
from shared.jobtypes.components.statefulset import STATEFULSET
from shared.jobtypes.components.task import TASK
from shared.jobtypes.components.webservice import WEBSERVICE
from shared.jobtypes.components.worker import WORKER
from shared.jobtypes.traits.env import ENV
from shared.jobtypes.traits.gateway import GATEWAY
from shared.jobtypes.traits.init_container import INIT_CONTAINER
from shared.jobtypes.traits.resource import RESOURCE
from shared.jobtypes.traits.scaler import SCALER
from shared.jobtypes.traits.sidecar import SIDECAR
from shared.jobtypes.traits.storage import STORAGE

BUILTIN = Registry.of(
    job_types=(WEBSERVICE, WORKER, STATEFULSET, TASK, K8S_OBJECTS, RAW),
    traits=(ENV, GATEWAY, INIT_CONTAINER, RESOURCE, SCALER, SIDECAR, STORAGE),
)
