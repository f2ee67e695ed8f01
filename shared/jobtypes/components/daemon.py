"""`daemon`: a DaemonSet, one pod on every node."""

from typing import Literal

from shared.jobtypes.base import JobType, RenderContext, RenderError, Rendering
from shared.jobtypes.objects import new_object
from shared.jobtypes.pods import HostAlias, LabelledPodParameters, pod_template, rendered_host_aliases
from shared.jobtypes.probes import HostLivenessProbe, HostProbe, rendered_probe
from shared.jobtypes.rules import rule_for
from shared.jobtypes.services import (
    ServedParameters,
    ServicePort,
    container_ports,
    exposed_ports,
    exposing_service,
)
from shared.jobtypes.volumes import NodeVolumeMounts, pod_volumes


class DaemonParameters(LabelledPodParameters, ServedParameters):
    """A service that runs on every node, such as a log collector.

    KubeVela's Service forgets the protocol, so that a UDP port is exposed as TCP; here it keeps its own.
    """

    ports: list[ServicePort] | None = None
    """Ports of the container; those with `expose` get a Service."""
    exposeType: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] = "ClusterIP"
    """Type of the Service for the exposed ports. `ExternalName` leads out of the cluster: with exposed ports, which
    need pods, it is refused."""
    volumeMounts: NodeVolumeMounts | None = None
    """Volumes and where they are mounted."""
    livenessProbe: HostLivenessProbe | None = None
    """Says whether the container is to be restarted."""
    readinessProbe: HostProbe | None = None
    """Says whether the container can serve."""
    hostAliases: list[HostAlias] | None = None
    """Lines of the pods' hosts file."""


def render(context: RenderContext, parameters: DaemonParameters) -> Rendering:
    """Render a DaemonSet and, for exposed ports, a Service; both bear the component's name.

    Raises RenderError for a Service of type ExternalName: Kubernetes would refuse it.
    """
    template = pod_template(
        context,
        parameters,
        pod_volumes(parameters.volumeMounts, parameters.volumes),
        container={
            "ports": container_ports(parameters.ports, parameters.port),
            "imagePullPolicy": parameters.imagePullPolicy,
            "livenessProbe": rendered_probe(parameters.livenessProbe, "livenessProbe"),
            "readinessProbe": rendered_probe(parameters.readinessProbe, "readinessProbe"),
        },
        pod={"hostAliases": rendered_host_aliases(parameters.hostAliases)},
    )
    daemon_set = new_object(context, "apps/v1", "DaemonSet")
    daemon_set["spec"] = {"selector": {"matchLabels": context.selector}, "template": template}
    exposed = exposed_ports(parameters.ports)
    if not exposed:
        return Rendering(workload=daemon_set)
    if parameters.exposeType == "ExternalName":
        raise RenderError(
            "exposeType",
            "ExternalNameMissing",
            "a Service of type ExternalName leads to a name outside of the cluster, not to the component's ports",
            "Use ClusterIP, NodePort or LoadBalancer",
        )
    return Rendering(workload=daemon_set, others=(exposing_service(context, exposed, parameters.exposeType),))


DAEMON = JobType(
    name="daemon",
    title="A service that runs on every node (DaemonSet)",
    parameters=DaemonParameters,
    render=render,
    kinds=frozenset({"apps/v1/DaemonSet", "v1/Service"}),
    completion=rule_for,
    examples=(
        {
            "image": "fluent/fluent-bit:3",
            "volumeMounts": {"hostPath": [{"name": "logs", "mountPath": "/var/log", "path": "/var/log"}]},
        },
    ),
)
