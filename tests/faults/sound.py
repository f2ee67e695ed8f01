"""Sound documents and their parts, to be broken in one place."""

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]
Rule = tuple[str, str, str, list[Any], dict[str, Any]]
"""Name, code, path, components, and what besides stands in spec or metadata."""
FIRST = "spec.components[0]"
PROPERTIES = f"{FIRST}.properties"
TRAIT = f"{FIRST}.traits[0].properties"


def document(namespace: str, *components: Any, metadata: Mapping[str, Any] | None = None, **spec: Any) -> Document:
    """An application."""
    return {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": namespace, **(metadata or {})},
        "spec": {"components": list(components), **spec},
    }


def web(name: Any = "web", *traits: Any, **properties: Any) -> Document:
    """A component."""
    made = {"name": name, "type": "webservice", "properties": {"image": "nginx", **properties}}
    return {**made, "traits": list(traits)} if traits else made


def trait(type_: str, **properties: Any) -> Document:
    """A trait."""
    return {"type": type_, "properties": properties}


def objects(*manifests: Any) -> Document:
    """A component of objects as they are."""
    return {"name": "raw", "type": "k8s-objects", "properties": {"objects": list(manifests)}}


def config_map(**fields: Any) -> Document:
    """An object."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, **fields}


def policy(**fields: Any) -> dict[str, Any]:
    """What a document with one policy has besides."""
    return {"policies": [{"name": "p", "type": "topology", **fields}]}
