"""Converts what a component offers and lets in: ports and ingresses."""

from collections.abc import Iterator
from typing import Any

from shared.contracts import formats
from shared.contracts.naming import joined
from shared.dialect.findings import Code, Notes
from shared.dialect.model import Component, Ingress, Route
from shared.dialect.paths import At

_PORT = 80
_TARGET = "nginx.ingress.kubernetes.io/rewrite-target"
_REGEX = "nginx.ingress.kubernetes.io/use-regex"


def port_name(component: str, number: int) -> str:
    """The name of a port at Service and container."""
    name = f"{component}-{number}"
    return name if formats.PORT_NAME.takes(name) else f"p-{number}"


def ports(component: Component) -> list[At] | None:
    """Ports of the container that the Service has too."""
    found = [
        At({"port": port.number, "name": port_name(component.name.value, port.number.value), "expose": True}, port.path)
        for port in component.ports
    ]
    return found or None


def service(component: Component, notes: Notes) -> Iterator[At]:
    """The Service of a component without pods."""
    if not component.ports:
        return
    path = component.ports[0].path.rpartition("[")[0]
    notes.warn(path, "NoPods", f"a {component.type.value} has no pods: the Service leads nowhere", "Leave ports out.")
    entries = [
        At({"port": port.number, "name": port_name(component.name.value, port.number.value)}, port.path)
        for port in component.ports
    ]
    yield At({"type": "expose", "properties": {"ports": entries}}, path)


def every_ingress(component: Component) -> list[Ingress]:
    """The ingresses of the component and of its containers."""
    own = component.traits
    return [*own.ingress, *(i for c in (*own.init, *own.sidecar) for i in c.traits.ingress)]


def ingresses(component: Component, notes: Notes) -> Iterator[At]:
    """The ingresses of the component, numbered through."""
    for number, one in enumerate(every_ingress(component), 1):
        name = one.name or joined(component.name.value, "ingress", str(number) if number > 1 else "")
        properties = {
            "name": name,
            "className": one.class_name,
            "labels": one.labels or None,
            "annotations": {**one.annotations, **_rewrite(one, notes)} or None,
            "tls": [At({"secretName": tls.secret, "hosts": tls.hosts or None}, tls.path) for tls in one.tls] or None,
            "routes": [At(route, from_.path) for from_ in one.routes for route in _routes(one, from_)],
        }
        yield At({"type": "http-routes", "properties": properties}, one.path)


def _routes(ingress: Ingress, route: Route) -> Iterator[dict[str, Any]]:
    regex = route.rewrite is not None and route.rewrite.regex
    path_type = route.path_type or ingress.path_type or ("ImplementationSpecific" if regex else "Prefix")
    for host in (route.host,) if route.host else ingress.hosts or (None,):
        yield {
            "host": host,
            "path": route.url_path or "/",
            "pathType": path_type,
            "serviceName": route.service,
            "servicePort": route.port or _PORT,
        }


def _rewrite(ingress: Ingress, notes: Notes) -> dict[str, Any]:
    """Nginx takes one rewrite for an Ingress."""
    rewrites = [route.rewrite for route in ingress.routes if route.rewrite is not None]
    annotations: dict[str, Any] = {}
    targets = [rewrite for rewrite in rewrites if rewrite.replacement is not None]
    for rewrite in targets:
        if (
            rewrite.replacement is not None
            and rewrite.replacement.value != annotations.setdefault(_TARGET, rewrite.replacement).value
        ):
            message = "nginx rewrites all paths of an Ingress alike, and another route rewrites them otherwise"
            notes.error(rewrite.path, Code.INVALID_TRAIT_CONFIG, message, "Make two ingress entries of it.")
    if targets and len(targets) < len(ingress.routes):
        message = "nginx rewrites all paths of an Ingress, those of the other routes too"
        notes.warn(targets[0].path, "RewriteOfAll", message, "Make two ingress entries of it.")
    if any(rewrite.regex for rewrite in rewrites):
        annotations[_REGEX] = "true"
    return annotations
