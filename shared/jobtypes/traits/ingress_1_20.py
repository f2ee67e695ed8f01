"""`ingress-1-20`, in KubeVela's older notation: a gateway of few parameters."""

from pydantic import Field

from shared.jobtypes.base import RenderContext, Rendering, Trait
from shared.jobtypes.fields import NonEmpty
from shared.jobtypes.traits import gateway
from shared.jobtypes.traits.ingress import RouteParameters


class ClassedRouteParameters(RouteParameters):
    """Lets HTTP traffic in from outside the cluster."""

    class_: NonEmpty = Field(default="nginx", alias="class")
    """Class of the ingress controller."""


def apply(context: RenderContext, parameters: ClassedRouteParameters, rendering: Rendering) -> Rendering:
    """Add an Ingress, and its ports to the component's Service; raises RenderError as `gateway` does."""
    same = gateway.GatewayParameters(domain=parameters.domain, http=parameters.http, class_=parameters.class_)
    return gateway.apply(context, same, rendering)


INGRESS_1_20 = Trait(
    name="ingress-1-20",
    title="An Ingress and a Service (older spelling of gateway)",
    parameters=ClassedRouteParameters,
    apply=apply,
    kinds=gateway.GATEWAY.kinds,
    successor="gateway",
    examples=({"domain": "shop.example", "http": {"/": 8080}, "class": "nginx"},),
)
