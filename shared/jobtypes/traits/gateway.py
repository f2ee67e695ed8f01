"""`gateway`: an Ingress before the component."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts import formats
from shared.contracts.naming import joined
from shared.contracts.plan import Manifest
from shared.jobtypes.base import Parameters, RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.fields import Annotations, IngressHost, Labels, NonEmpty, ObjectName, PortNumber, ServiceName
from shared.jobtypes.ingresses import CLASS_ANNOTATION, KINDS, check_paths, check_unique, new_ingress
from shared.jobtypes.objects import present
from shared.jobtypes.own_service import own_service
from shared.jobtypes.services import serve_port

_HOST_ANNOTATION = "ingress.controller/host"


class GatewayParameters(Parameters):
    """Lets HTTP traffic in from outside the cluster."""

    http: Annotated[dict[str, PortNumber], Field(min_length=1)]
    """Path to port of the component."""
    domain: IngressHost | None = None
    """Host name; any if left out."""
    class_: NonEmpty = Field(default="nginx", alias="class")
    """Class of the ingress controller."""
    classInSpec: bool = False
    """Write the class to `spec.ingressClassName` instead of the annotation `kubernetes.io/ingress.class`."""
    secretName: ObjectName | None = None
    """Secret with the TLS certificate of `domain`."""
    name: NonEmpty | None = None
    """Tells several gateways of a component apart: appended to the names of Ingress and Service."""
    pathType: Literal["ImplementationSpecific", "Prefix", "Exact"] = "ImplementationSpecific"
    """How paths match."""
    annotations: Annotations | None = None
    """Annotations of the Ingress."""
    labels: Labels | None = None
    """Labels of the Ingress."""
    gatewayHost: str | None = None
    """Host of the ingress gateway, for endpoints where `domain` is left out."""
    existingServiceName: ServiceName | None = None
    """A Service to lead to, instead of one of the component's own."""


def apply(context: RenderContext, parameters: GatewayParameters, rendering: Rendering) -> Rendering:
    """Add an Ingress and, unless one is named, a Service.

    A Service of that name that the component has already is used: a port that it lacks is added to it.
    Raises RenderError for TLS without a domain, a relative path and a second gateway of the same name.
    """
    name = joined(context.component, parameters.name or "")
    _check(parameters, name)
    check_unique(rendering, name, "name", "Give this gateway a name")
    if parameters.existingServiceName is not None:
        ingress = _ingress(context, parameters, name, parameters.existingServiceName, parameters.http)
        return replace(rendering, others=(*rendering.others, ingress))
    service, rest = own_service(context, rendering, name)
    paths = {path: serve_port(service, number) for path, number in parameters.http.items()}
    return replace(rest, others=(*rest.others, service, _ingress(context, parameters, name, name, paths)))


def _check(parameters: GatewayParameters, name: str) -> None:
    form = formats.LABEL if parameters.existingServiceName is None else formats.OBJECT_NAME
    for field, text, wanted in (("name", name, form), ("class", parameters.class_, formats.OBJECT_NAME)):
        if (field == "name" or parameters.classInSpec) and not wanted.takes(text):
            raise RenderError(field, "InvalidFormat", f"{text!r} {wanted.words}")
    if parameters.secretName is not None and parameters.domain is None:
        raise RenderError(
            "secretName", "DomainMissing", "a certificate is for a domain, and there is none", "Add domain"
        )
    check_paths(parameters.http, parameters.pathType)
    set_ = (parameters.annotations or {}).get(CLASS_ANNOTATION, parameters.class_)
    if not parameters.classInSpec and set_ != parameters.class_:
        raise RenderError(
            f'annotations["{CLASS_ANNOTATION}"]',
            "IngressClassConflict",
            f"the annotation says {set_}, class says {parameters.class_}",
            "Write the class into the parameter class alone",
        )


def _ingress(
    context: RenderContext, parameters: GatewayParameters, name: str, service: str, paths: dict[str, int]
) -> Manifest:
    ingress = new_ingress(
        context, name, service=service, paths=paths, host=parameters.domain, path_type=parameters.pathType
    )
    annotations = {
        **present(
            **{
                CLASS_ANNOTATION: None if parameters.classInSpec else parameters.class_,
                _HOST_ANNOTATION: parameters.gatewayHost,
            }
        ),
        **(parameters.annotations or {}),
    }
    ingress["metadata"] |= present(annotations=annotations or None, labels=parameters.labels)
    tls = parameters.secretName and [{"hosts": [parameters.domain], "secretName": parameters.secretName}]
    spec = present(ingressClassName=parameters.class_ if parameters.classInSpec else None, tls=tls)
    ingress["spec"] = {**spec, **ingress["spec"]}
    return ingress


GATEWAY = Trait(
    name="gateway",
    title="An Ingress that lets HTTP traffic in",
    parameters=GatewayParameters,
    apply=apply,
    kinds=KINDS | {"v1/Service"},
    examples=(
        {
            "domain": "shop.example",
            "http": {"/": 8080},
            "class": "nginx",
            "classInSpec": True,
            "secretName": "shop-tls",
        },
    ),
)
