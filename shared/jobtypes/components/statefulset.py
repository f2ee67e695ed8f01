"""`statefulset`, also called `store`: a StatefulSet, for databases and the like."""

from typing import Any

from pydantic import Field

from shared.contracts.naming import joined
from shared.contracts.plan import Manifest
from shared.jobtypes.base import JobType, Parameters, RenderContext, RenderError, Rendering
from shared.jobtypes.fields import AccessModes, NonEmpty, Size, StorageClass, SubPath, VolumeName
from shared.jobtypes.objects import new_object, present
from shared.jobtypes.pods import HostAlias, LabelledPodParameters, pod_template, rendered_host_aliases
from shared.jobtypes.probes import HostLivenessProbe, HostProbe, rendered_probe
from shared.jobtypes.rules import rule_for
from shared.jobtypes.services import (
    ExposedParameters,
    container_ports,
    exposed_ports,
    exposing_service,
    new_service,
    service_ports,
)
from shared.jobtypes.volumes import PodVolumes, VolumeMounts, pod_volumes


class ClaimTemplate(Parameters):
    """A volume of its own for each pod; it outlives the pod."""

    name: VolumeName
    """Name of the volume; the claims are called `<name>-<component>-<number of the pod>`."""
    mountPath: NonEmpty
    """Path within the container."""
    subPath: SubPath | None = None
    """Path within the volume; its root if left out."""
    readOnly: bool = False
    """Mount it read-only."""
    size: Size = "8Gi"
    """At least this much."""
    storageClassName: StorageClass | None = None
    """Class of the volume; the cluster's default if left out."""
    accessModes: AccessModes = Field(default=["ReadWriteOnce"])
    """How many nodes and pods may use it."""


class StatefulSetParameters(LabelledPodParameters, ExposedParameters):
    """A long-running service whose pods have names and places of their own, such as a database.

    A headless Service with the component's name governs it and leads to its ports. KubeVela renders none, so that its
    pods have no DNS names. What is exposed outside of the cluster gets a second Service, `<component>-expose`.
    """

    args: list[str] | None = None
    """Arguments of the command."""
    volumeMounts: VolumeMounts | None = None
    """Volumes and where they are mounted."""
    livenessProbe: HostLivenessProbe | None = None
    """Says whether the container is to be restarted."""
    readinessProbe: HostProbe | None = None
    """Says whether the container can serve."""
    hostAliases: list[HostAlias] | None = None
    """Lines of the pods' hosts file."""
    volumeClaimTemplates: list[ClaimTemplate] = Field(default_factory=list)
    """KubeMin's own: a volume for each pod. Kubernetes lets nobody change them once the StatefulSet is there."""


def render(context: RenderContext, parameters: StatefulSetParameters) -> Rendering:
    """Render a StatefulSet and the Service that governs it; both bear the component's name."""
    volumes = pod_volumes(parameters.volumeMounts, parameters.volumes)
    _check_volume_names(parameters, volumes)
    mounts = [*volumes.mounts, *map(_mount, parameters.volumeClaimTemplates)]
    template = pod_template(
        context,
        parameters,
        PodVolumes(volumes.volumes, mounts),
        container={
            "ports": container_ports(parameters.ports, parameters.port),
            "imagePullPolicy": parameters.imagePullPolicy,
            "args": parameters.args,
            "livenessProbe": rendered_probe(parameters.livenessProbe, "livenessProbe"),
            "readinessProbe": rendered_probe(parameters.readinessProbe, "readinessProbe"),
        },
        pod={"hostAliases": rendered_host_aliases(parameters.hostAliases)},
    )
    stateful_set = new_object(context, "apps/v1", "StatefulSet")
    stateful_set["spec"] = {
        "serviceName": context.component,
        "selector": {"matchLabels": context.selector},
        "template": template,
        **present(volumeClaimTemplates=[*map(_claim, parameters.volumeClaimTemplates)] or None),
    }
    return Rendering(workload=stateful_set, others=_services(context, parameters))


def _check_volume_names(parameters: StatefulSetParameters, volumes: PodVolumes) -> None:
    taken = {volume["name"] for volume in volumes.volumes}
    for index, claim in enumerate(parameters.volumeClaimTemplates):
        if claim.name in taken:
            raise RenderError(
                f"volumeClaimTemplates[{index}].name",
                "VolumeConflict",
                f"there is another volume {claim.name!r} already",
                "Give one of them another name",
            )
        taken.add(claim.name)


def _mount(claim: ClaimTemplate) -> dict[str, Any]:
    return present(name=claim.name, mountPath=claim.mountPath, subPath=claim.subPath, readOnly=claim.readOnly or None)


def _claim(claim: ClaimTemplate) -> Manifest:
    # With all that the API server would add: a template that lacks it would seem changed, and changes are refused.
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim.name},
        "spec": present(
            accessModes=claim.accessModes,
            storageClassName=claim.storageClassName,
            resources={"requests": {"storage": claim.size}},
            volumeMode="Filesystem",
        ),
    }


def _services(context: RenderContext, parameters: StatefulSetParameters) -> tuple[Manifest, ...]:
    """The governing Service is headless, so that each pod has a DNS name of its own.

    `spec.serviceName` is immutable, hence one name whatever is exposed. A headless Service cannot lead to another port
    of the pod: exposed ports with a `containerPort` of its own need a Service with an address instead, and the pods go
    without names. Exposure outside the cluster is a Service of its own beside the headless one.
    """
    exposed = exposed_ports(parameters.ports)
    if any(port.target != port.port for _, port in exposed):
        return (exposing_service(context, exposed, parameters.exposeType),)
    headless = new_service(context, context.selector)
    headless["spec"]["clusterIP"] = "None"
    ports = service_ports(enumerate(parameters.ports or ()), node_ports=False)
    if ports:
        headless["spec"]["ports"] = ports
    if not exposed or parameters.exposeType == "ClusterIP":
        return (headless,)
    return (headless, exposing_service(context, exposed, parameters.exposeType, joined(context.component, "expose")))


STATEFULSET = JobType(
    name="statefulset",
    title="A service whose pods have names and places of their own (StatefulSet and headless Service)",
    parameters=StatefulSetParameters,
    render=render,
    kinds=frozenset({"apps/v1/StatefulSet", "v1/Service"}),
    completion=rule_for,
    aliases=("store",),
    examples=(
        {
            "image": "postgres:17",
            "ports": [{"port": 5432, "expose": True}],
            "volumeClaimTemplates": [{"name": "data", "mountPath": "/var/lib/postgresql/data", "size": "20Gi"}],
        },
    ),
)
