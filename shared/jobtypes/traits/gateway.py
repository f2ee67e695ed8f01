"""`gateway`: an Ingress before the component."""

import copy
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.contracts.naming import joined
from shared.contracts.plan import Manifest
from shared.jobtypes.base import Parameters, RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.fields import NonEmpty, PortNumber
from shared.jobtypes.objects import group_kind, new_object, present
from shared.jobtypes.services import new_service, pod_selector, serve_port

_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_HOST_ANNOTATION = "ingress.controller/host"


class GatewayParameters(Parameters):
    """Lets HTTP traffic in from outside the cluster."""

    http: Annotated[dict[str, PortNumber], Field(min_length=1)]
    """Path to port of the component."""
    domain: NonEmpty | None = None
    """Host name; any if left out."""
    class_: NonEmpty = Field(default="nginx", alias="class")
    """Class of the ingress controller."""
    classInSpec: bool = False
    """Write the class to `spec.ingressClassName` instead of the annotation `kubernetes.io/ingress.class`."""
    secretName: NonEmpty | None = None
    """Secret with the TLS certificate of `domain`."""
    name: NonEmpty | None = None
    """Tells several gateways of a component apart: appended to the names of Ingress and Service."""
    pathType: Literal["ImplementationSpecific", "Prefix", "Exact"] = "ImplementationSpecific"
    """How paths match."""
    annotations: dict[str, str] | None = None
    """Annotations of the Ingress."""
    labels: dict[str, str] | None = None
    """Labels of the Ingress."""
    gatewayHost: str | None = None
    """Host of the ingress gateway, for endpoints where `domain` is left out."""
    existingServiceName: NonEmpty | None = None
    """A Service to lead to, instead of one of the component's own."""


def apply(context: RenderContext, parameters: GatewayParameters, rendering: Rendering) -> Rendering:
    """Add an Ingress and, unless one is named, a Service.

    A Service of that name that the component has already is used: a port that it lacks is added to it.
    Raises RenderError for TLS without a domain, a relative path and a second gateway of the same name.
    """
    _check(parameters)
    name = joined(context.component, parameters.name or "")
    if any(
        group_kind(o) == ("networking.k8s.io", "Ingress") and o["metadata"]["name"] == name for o in rendering.others
    ):
        raise RenderError("name", "GatewayNotUnique", f"there is an Ingress {name} already", "Give this gateway a name")
    others = list(rendering.others)
    ports = {number: number for number in parameters.http.values()}
    if parameters.existingServiceName is None:
        service = _take_service(context, others, name, rendering)
        ports = {number: serve_port(service, number) for number in ports}
        others.append(service)
    others.append(_ingress(context, parameters, name, ports))
    return replace(rendering, others=tuple(others))


def _check(parameters: GatewayParameters) -> None:
    if parameters.secretName is not None and parameters.domain is None:
        raise RenderError(
            "secretName", "DomainMissing", "a certificate is for a domain, and there is none", "Add domain"
        )
    for path in parameters.http:
        if not path.startswith("/"):
            raise RenderError(f'http["{path}"]', "PathNotAbsolute", f"{path!r} does not start with /", f"Write /{path}")
    set_ = (parameters.annotations or {}).get(_CLASS_ANNOTATION, parameters.class_)
    if not parameters.classInSpec and set_ != parameters.class_:
        raise RenderError(
            f'annotations["{_CLASS_ANNOTATION}"]',
            "IngressClassConflict",
            f"the annotation says {set_}, class says {parameters.class_}",
            "Write the class into the parameter class alone",
        )


def _take_service(context: RenderContext, others: list[Manifest], name: str, rendering: Rendering) -> Manifest:
    """Copy the component's Service of that name out of `others`, or begin one."""
    for index, other in enumerate(others):
        if group_kind(other) == ("", "Service") and other["metadata"]["name"] == name:
            return copy.deepcopy(others.pop(index))
    return new_service(context, pod_selector(context, rendering), name)


def _ingress(context: RenderContext, parameters: GatewayParameters, name: str, ports: dict[int, int]) -> Manifest:
    ingress = new_object(context, "networking.k8s.io/v1", "Ingress", name)
    annotations = {
        **present(
            **{
                _CLASS_ANNOTATION: None if parameters.classInSpec else parameters.class_,
                _HOST_ANNOTATION: parameters.gatewayHost,
            }
        ),
        **(parameters.annotations or {}),
    }
    ingress["metadata"] |= present(annotations=annotations or None, labels=parameters.labels)
    service = parameters.existingServiceName or name
    paths: list[dict[str, Any]] = [
        {
            "path": path,
            "pathType": parameters.pathType,
            "backend": {"service": {"name": service, "port": {"number": ports[number]}}},
        }
        for path, number in parameters.http.items()
    ]
    tls = parameters.secretName and [{"hosts": [parameters.domain], "secretName": parameters.secretName}]
    ingress["spec"] = {
        **present(ingressClassName=parameters.class_ if parameters.classInSpec else None, tls=tls),
        "rules": [{**present(host=parameters.domain), "http": {"paths": paths}}],
    }
    return ingress


GATEWAY = Trait(
    name="gateway",
    title="An Ingress that lets HTTP traffic in",
    parameters=GatewayParameters,
    apply=apply,
    kinds=frozenset({"v1/Service", "networking.k8s.io/v1/Ingress"}),
)
