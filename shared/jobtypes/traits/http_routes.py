"""`http-routes`, an extension of ours: an Ingress of several hosts that leads to several Services."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from shared.contracts.plan import Manifest
from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import (
    Annotations,
    CertificateHost,
    IngressHost,
    Labels,
    NonEmpty,
    ObjectName,
    PortNumber,
    ServiceName,
)
from shared.jobtypes.ingresses import KINDS, check_path, check_unique
from shared.jobtypes.objects import new_object, present


class HttpRoute(Parameters):
    """A path of a host, and where it leads."""

    host: IngressHost | None = None
    """Host name; any if left out."""
    path: NonEmpty = "/"
    """Path to match."""
    pathType: Literal["Prefix", "Exact", "ImplementationSpecific"] = "Prefix"
    """How it matches."""
    serviceName: ServiceName
    """The Service, such as that of a component: it bears the component's name."""
    servicePort: PortNumber = 80
    """Port of the Service."""


class Certificate(Parameters):
    """A TLS certificate."""

    secretName: ObjectName | None = None
    """Secret that holds it; the controller's own if left out."""
    hosts: list[CertificateHost] | None = None
    """Hosts that it is for."""


class HttpRoutesParameters(Parameters):
    """Lets HTTP traffic in from outside the cluster, to Services that are there already."""

    name: ObjectName | None = None
    """Name of the Ingress; the component's if left out."""
    className: ObjectName | None = None
    """Class of the ingress controller; the cluster's default if left out."""
    labels: Labels | None = None
    """Labels of the Ingress."""
    annotations: Annotations | None = None
    """Annotations of the Ingress."""
    tls: list[Certificate] | None = None
    """Certificates."""
    routes: list[HttpRoute] = Field(min_length=1)
    """Where paths lead."""


def apply(context: RenderContext, parameters: HttpRoutesParameters, rendering: Rendering) -> Rendering:
    """Add an Ingress; raises RenderError for a second one of its name and for relative paths."""
    name = parameters.name or context.component
    check_unique(rendering, name, "name", "Give one of them another name")
    ingress = new_object(context, "networking.k8s.io/v1", "Ingress", name)
    ingress["metadata"] |= present(labels=parameters.labels, annotations=parameters.annotations)
    tls = [certificate.model_dump(mode="json", exclude_none=True) for certificate in parameters.tls or ()]
    ingress["spec"] = present(ingressClassName=parameters.className, tls=tls or None, rules=_rules(parameters.routes))
    return replace(rendering, others=(*rendering.others, ingress))


def _rules(routes: Sequence[HttpRoute]) -> list[Manifest]:
    by_host: dict[str | None, list[dict[str, Any]]] = {}
    for index, route in enumerate(routes):
        check_path(route.path, route.pathType, f"routes[{index}].path")
        backend = {"service": {"name": route.serviceName, "port": {"number": route.servicePort}}}
        path = {"path": route.path, "pathType": route.pathType, "backend": backend}
        by_host.setdefault(route.host, []).append(path)
    return [{**present(host=host), "http": {"paths": paths}} for host, paths in by_host.items()]


HTTP_ROUTES = Trait(
    name="http-routes",
    title="An Ingress of several hosts that leads to several Services",
    parameters=HttpRoutesParameters,
    apply=apply,
    kinds=KINDS,
    examples=(
        {
            "className": "nginx",
            "tls": [{"secretName": "shop-tls", "hosts": ["shop.example"]}],
            "routes": [{"host": "shop.example", "path": "/", "serviceName": "web", "servicePort": 8080}],
        },
    ),
)
