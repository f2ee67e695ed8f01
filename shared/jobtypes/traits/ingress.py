"""`ingress`, in KubeVela's older notation: an Ingress and a Service."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import IngressHost, PortNumber
from shared.jobtypes.ingresses import KINDS, check_paths, check_unique, new_ingress
from shared.jobtypes.own_service import own_service
from shared.jobtypes.services import serve_port


class RouteParameters(Parameters):
    """Lets HTTP traffic in from outside the cluster.

    KubeVela writes version v1beta1 of the Ingress, which Kubernetes has not had since 1.22; we write v1. It has no
    class: the cluster's default controller takes it.
    """

    domain: IngressHost
    """Host name."""
    http: Annotated[dict[str, PortNumber], Field(min_length=1)]
    """Path to port of the component."""


def apply(context: RenderContext, parameters: RouteParameters, rendering: Rendering) -> Rendering:
    """Add an Ingress, and its ports to the component's Service; raises RenderError as `gateway` does."""
    check_paths(parameters.http)
    check_unique(rendering, context.component, "", "Use gateway, which takes a name")
    service, rest = own_service(context, rendering)
    paths = {path: serve_port(service, number) for path, number in parameters.http.items()}
    name = context.component
    ingress = new_ingress(context, name, service=name, paths=paths, host=parameters.domain)
    return replace(rest, others=(*rest.others, service, ingress))


INGRESS = Trait(
    name="ingress",
    title="An Ingress and a Service (older spelling of gateway)",
    parameters=RouteParameters,
    apply=apply,
    kinds=KINDS | {"v1/Service"},
    successor="gateway",
    examples=({"domain": "shop.example", "http": {"/": 8080}},),
)
