"""Request paths of the Kubernetes API: which resource, object and subresource a path names."""

from dataclasses import dataclass

from dev.simulator import kinds
from dev.simulator.errors import unknown_resource
from dev.simulator.kinds import Kind, Subresource
from dev.simulator.store import Key


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names: a collection when the name is empty."""

    kind: Kind
    namespace: str
    name: str
    subresource: Subresource | None = None

    @property
    def key(self) -> Key:
        """Where the object is stored."""
        return Key(self.kind, self.namespace, self.name)


def group_version(segments: list[str]) -> tuple[str, str, list[str]] | None:
    """Split off group and version; None when the path does not begin with both."""
    match segments:
        case ["api", version, *rest]:
            return "", version, rest
        case ["apis", group, version, *rest]:
            return group, version, rest
        case _:
            return None


def resolve(group: str, version: str, rest: list[str]) -> Target:
    """Find what the rest of a path names within a group version.

    Raises:
        ApiError: 404, there is no such resource or subresource.
    """
    namespace = ""
    if len(rest) >= 3 and rest[0] == "namespaces" and (group or not _is_namespace_subresource(rest)):
        namespace, rest = rest[1], rest[2:]
    kind = kinds.BY_RESOURCE.get((group, version, rest[0])) if rest else None
    if kind is None or len(rest) > 3:
        raise unknown_resource()
    name = rest[1] if len(rest) > 1 else ""
    if (kind.namespaced and name and not namespace) or (namespace and not kind.namespaced):
        raise unknown_resource()
    if len(rest) < 3:
        return Target(kind, namespace, name)
    if rest[2] not in kind.subresources:
        raise unknown_resource()
    return Target(kind, namespace, name, Subresource(rest[2]))


def _is_namespace_subresource(rest: list[str]) -> bool:
    return len(rest) == 3 and rest[2] in kinds.NAMESPACE.subresources
