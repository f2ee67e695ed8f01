"""`webservice`: a Deployment with a network endpoint."""

from shared.jobtypes.base import JobType, Parameters, RenderContext, Rendering
from shared.jobtypes.fields import Quantity
from shared.jobtypes.objects import new_object, present
from shared.jobtypes.pods import HostAlias, LabelledPodParameters, pod_template, rendered_host_aliases
from shared.jobtypes.probes import HostLivenessProbe, HostProbe, rendered_probe
from shared.jobtypes.rules import rule_for
from shared.jobtypes.services import ExposedParameters, container_ports, exposed_ports, exposing_service
from shared.jobtypes.volumes import VolumeMounts, pod_volumes


class Limit(Parameters):
    """Upper limits; the parameters `cpu` and `memory` are then requests."""

    cpu: Quantity | None = None
    """CPU limit, such as `1`."""
    memory: Quantity | None = None
    """Memory limit, such as `1Gi`."""


class WebserviceParameters(LabelledPodParameters, ExposedParameters):
    """A long-running, scalable service that others reach over the network."""

    args: list[str] | None = None
    """Arguments of the command."""
    limit: Limit | None = None
    """Limits apart from the requests."""
    volumeMounts: VolumeMounts | None = None
    """Volumes and where they are mounted."""
    livenessProbe: HostLivenessProbe | None = None
    """Says whether the container is to be restarted."""
    readinessProbe: HostProbe | None = None
    """Says whether the container can serve."""
    hostAliases: list[HostAlias] | None = None
    """Lines of the pods' hosts file."""


def render(context: RenderContext, parameters: WebserviceParameters) -> Rendering:
    """Render a Deployment and, for exposed ports, a Service; both bear the component's name."""
    template = pod_template(
        context,
        parameters,
        pod_volumes(parameters.volumeMounts, parameters.volumes),
        container={
            "ports": container_ports(parameters.ports, parameters.port),
            "imagePullPolicy": parameters.imagePullPolicy,
            "args": parameters.args,
            "livenessProbe": rendered_probe(parameters.livenessProbe, "livenessProbe"),
            "readinessProbe": rendered_probe(parameters.readinessProbe, "readinessProbe"),
        },
        pod={"hostAliases": rendered_host_aliases(parameters.hostAliases)},
    )
    if parameters.limit is not None:
        resources = template["spec"]["containers"][0].setdefault("resources", {})
        resources.setdefault("limits", {}).update(present(cpu=parameters.limit.cpu, memory=parameters.limit.memory))
    deployment = new_object(context, "apps/v1", "Deployment")
    deployment["spec"] = {"selector": {"matchLabels": context.selector}, "template": template}
    exposed = exposed_ports(parameters.ports)
    services = (exposing_service(context, exposed, parameters.exposeType),) if exposed else ()
    return Rendering(workload=deployment, others=services)


WEBSERVICE = JobType(
    name="webservice",
    title="A long-running service that others reach over the network (Deployment and Service)",
    parameters=WebserviceParameters,
    render=render,
    kinds=frozenset({"apps/v1/Deployment", "v1/Service"}),
    completion=rule_for,
    examples=(
        {"image": "nginx:1.27", "ports": [{"port": 80, "expose": True}], "cpu": "100m", "memory": "128Mi"},
        {"image": "registry.example/api:2", "env": [{"name": "LEVEL", "value": "info"}], "exposeType": "LoadBalancer"},
    ),
)
