"""Ingresses that lead to one Service."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.contracts.plan import Manifest
from shared.jobtypes.base import RenderContext, RenderError, Rendering
from shared.jobtypes.objects import group_kind, new_object, present

_OF_CONTROLLER = "ImplementationSpecific"
_PARTS = ("//", "/./", "/../", "%2f")
_ENDS = ("/.", "/..")
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
KINDS = frozenset({"networking.k8s.io/v1/Ingress"})


def check_paths(paths: Iterable[str], path_type: str = _OF_CONTROLLER) -> None:
    """Raises RenderError for a path that Kubernetes refuses."""
    for path in paths:
        check_path(path, path_type, f'http["{path}"]')


def check_path(path: str, path_type: str, at: str) -> None:
    """Raises RenderError for a relative path, and for one that is not plain where Kubernetes compares it itself."""
    if not path.startswith("/"):
        raise RenderError(at, "PathNotAbsolute", f"{path!r} does not start with /", f"Write /{path}")
    if path_type != _OF_CONTROLLER and (path.endswith(_ENDS) or any(part in path.lower() for part in _PARTS)):
        message = f"of type {path_type} a path has no '//', '/./', '/../' or '%2f' in it, nor '/.' or '/..' at its end"
        raise RenderError(at, "InvalidFormat", message)


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
    path_type: str = _OF_CONTROLLER,
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
