"""Requests and limits of one container, and annotations of one object: which Kubernetes takes, and so do we."""

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]
Resources = Mapping[str, Mapping[str, Any]]

_GPU = "nvidia.com/gpu"
_PAGES = "hugepages-2Mi"
MOST_BYTES = 256 * 1024


def _both(resource: str, request: Any, limit: Any, **others: str) -> Resources:
    return {"requests": {resource: request, **others}, "limits": {resource: limit}}


TAKEN: dict[str, Resources] = {
    "equal in other words": _both("cpu", "1000m", "1"),
    "equal beyond a double": _both("memory", "9007199254740993", "9007199254740993"),
    "below": _both("memory", "1Gi", "1074M"),
    "rounded up to the same": _both("cpu", "0.0000000002", "0.0000000001"),
    "numbers": _both("cpu", 1, 1.5),
    "exponents": _both("memory", "1e3", "1k"),
    "request alone": {"requests": {"cpu": "2"}},
    "limit alone": {"limits": {_GPU: "2"}},
    "devices": _both(_GPU, "2", "2000m"),
    "parts of what is Kubernetes' own": _both("cpu", "0.5", "0.75"),
    "pages": _both(_PAGES, "4Mi", "4096Ki", cpu="1"),
}
REFUSED: dict[str, Resources] = {
    "above": _both("cpu", "2", "1"),
    "above by a byte": _both("memory", "9007199254740993", "9007199254740992"),
    "above in other words": _both("memory", "1Gi", "1073M"),
    "number above": _both("cpu", 2, 1.5),
    "exponent above": _both("ephemeral-storage", "1e4", "1k"),
    "part of a device": _both(_GPU, "0.5", "0.5"),
    "part of a device as limit": {"limits": {_GPU: "1500m"}},
    "tiny part of a device": {"limits": {_GPU: "0.0000000001"}},
    "devices above": _both(_GPU, "2", "1"),
    "devices below": _both(_GPU, "1", "2"),
    "pages below": _both(_PAGES, "2Mi", "4Mi", cpu="1"),
}


def deployment(resources: Resources = {}, notes: Mapping[str, str] = {}) -> Object:  # noqa: B006 - never changed
    """A Deployment with one container, its pods annotated."""
    labels = {"app": "web"}
    spec = {"containers": [{"name": "web", "image": "web:1", "resources": dict(resources)}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "probe"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, "annotations": dict(notes)}, "spec": spec},
        },
    }


def config_map(notes: Mapping[str, str]) -> Object:
    """A ConfigMap with annotations."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "annotations": dict(notes)}}


def notes_of(size_bytes: int) -> dict[str, str]:
    """Annotations of that many bytes, not all of them ASCII."""
    first = {"first": "ä" * 1000}
    return {**first, "second": "x" * (size_bytes - len("first") - 2000 - len("second"))}
