"""`statefulset`, also called `store`: a StatefulSet, for databases and the like."""

from shared.contracts.naming import joined
from shared.contracts.plan import Manifest
from shared.jobtypes.base import JobType, RenderContext, Rendering
from shared.jobtypes.objects import new_object
from shared.jobtypes.pods import HostAlias, LabelledPodParameters, pod_template, rendered_host_aliases
from shared.jobtypes.probes import HostProbe, rendered_probe
from shared.jobtypes.rules import rule_for
from shared.jobtypes.services import ServedParameters, container_ports, exposing_service, new_service, service_ports
from shared.jobtypes.volumes import VolumeMounts, pod_volumes


class StatefulSetParameters(LabelledPodParameters, ServedParameters):
    """A long-running service whose pods have names and places of their own, such as a database."""

    args: list[str] | None = None
    """Arguments of the command."""
    volumeMounts: VolumeMounts | None = None
    """Volumes and where they are mounted."""
    livenessProbe: HostProbe | None = None
    """Says whether the container is to be restarted."""
    readinessProbe: HostProbe | None = None
    """Says whether the container can serve."""
    hostAliases: list[HostAlias] | None = None
    """Lines of the pods' hosts file."""


def render(context: RenderContext, parameters: StatefulSetParameters) -> Rendering:
    """Render a StatefulSet and the Service that governs it; both bear the component's name."""
    template = pod_template(
        context,
        parameters,
        pod_volumes(parameters.volumeMounts, parameters.volumes),
        container={
            "ports": container_ports(parameters),
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
    }
    return Rendering(workload=stateful_set, others=_services(context, parameters))


def _services(context: RenderContext, parameters: StatefulSetParameters) -> tuple[Manifest, ...]:
    """The governing Service is headless, so that each pod has a DNS name of its own.

    `spec.serviceName` is immutable, hence one name whatever is exposed. A headless Service cannot lead to another port
    of the pod: exposed ports with a `containerPort` of its own need a Service with an address instead, and the pods go
    without names. Exposure outside the cluster is a Service of its own beside the headless one.
    """
    if any(port.target != port.port for _, port in parameters.exposed):
        return (exposing_service(context, parameters),)
    headless = new_service(context, context.selector)
    headless["spec"]["clusterIP"] = "None"
    ports = service_ports(enumerate(parameters.ports or ()), node_ports=False)
    if ports:
        headless["spec"]["ports"] = ports
    if not parameters.exposed or parameters.exposeType == "ClusterIP":
        return (headless,)
    return (headless, exposing_service(context, parameters, joined(context.component, "expose")))


STATEFULSET = JobType(
    name="statefulset",
    title="A service whose pods have names and places of their own (StatefulSet and headless Service)",
    parameters=StatefulSetParameters,
    render=render,
    kinds=frozenset({"apps/v1/StatefulSet", "v1/Service"}),
    completion=rule_for,
    aliases=("store",),
)
