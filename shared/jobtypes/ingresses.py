"""Ingresses that lead to one Service."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.contracts.plan import Manifest
from shared.jobtypes.base import RenderContext, RenderError, Rendering
from shared.jobtypes.objects import group_kind, new_object, present

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
KINDS = frozenset({"networking.k8s.io/v1/Ingress"})


def check_paths(paths: Iterable[str]) -> None:
    """Raises RenderError for a relative path: Kubernetes refuses it."""
    for path in paths:
        if not path.startswith("/"):
            raise RenderError(f'http["{path}"]', "PathNotAbsolute", f"{path!r} does not start with /", f"Write /{path}")


def check_unique(rendering: Rendering, name: str, path: str, remedy: str) -> None:
    """Raises RenderError where the component has an Ingress of that name."""
    if any(
        group_kind(o) == ("networking.k8s.io", "Ingress") and o["metadata"]["name"] == name for o in rendering.others
    ):
        raise RenderError(path, "GatewayNotUnique", f"there is an Ingress {name} already", remedy)


def new_ingress(
    context: RenderContext,
    name: str,
    *,
    service: str,
    paths: Mapping[str, int],
    host: str | None,
    path_type: str = "ImplementationSpecific",
) -> Manifest:
    """Begin an Ingress that leads each path to a port of the Service."""
    ingress = new_object(context, "networking.k8s.io/v1", "Ingress", name)
    rendered: list[dict[str, Any]] = [
        {
            "path": path,
            "pathType": path_type,
            "backend": {"service": {"name": service, "port": {"number": number}}},
        }
        for path, number in paths.items()
    ]
    ingress["spec"] = {"rules": [{**present(host=host), "http": {"paths": rendered}}]}
    return ingress
