"""`pure-ingress`: an Ingress that leads to a Service of the component's name, whoever makes that."""

from dataclasses import replace

from shared.jobtypes.base import RenderContext, Rendering, Trait
from shared.jobtypes.ingresses import KINDS, check_paths, check_unique, new_ingress
from shared.jobtypes.traits.ingress import RouteParameters


def apply(context: RenderContext, parameters: RouteParameters, rendering: Rendering) -> Rendering:
    """Add an Ingress and no Service; raises RenderError for a relative path and a second Ingress."""
    check_paths(parameters.http)
    check_unique(rendering, context.component, "", "Use gateway, which takes a name")
    name = context.component
    ingress = new_ingress(context, name, service=name, paths=parameters.http, host=parameters.domain)
    return replace(rendering, others=(*rendering.others, ingress))


PURE_INGRESS = Trait(
    name="pure-ingress",
    title="An Ingress without a Service (older spelling of gateway with existingServiceName)",
    parameters=RouteParameters,
    apply=apply,
    kinds=KINDS,
    successor="gateway",
    examples=({"domain": "shop.example", "http": {"/": 8080}},),
)
