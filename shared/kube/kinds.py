"""Kinds and the paths under which the API server serves them."""

from typing import Any, NamedTuple, Self
from urllib.parse import quote

from shared.kube.errors import Invalid

Object = dict[str, Any]
"""A Kubernetes object as the API has it."""


class GroupVersionKind(NamedTuple):
    """A kind in the version that we speak; `api_version` is `v1` or `<group>/<version>`."""

    api_version: str
    kind: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `apiVersion/Kind`, such as `v1/Secret` or `apps/v1/Deployment`; raises ValueError for anything else."""
        api_version, _, kind = text.rpartition("/")
        if not api_version or not kind or api_version.count("/") > 1:
            msg = f"{text!r} is no apiVersion/Kind, such as apps/v1/Deployment"
            raise ValueError(msg)
        return cls(api_version, kind)

    def __str__(self) -> str:
        """`apiVersion/Kind`."""
        return f"{self.api_version}/{self.kind}"


class Resource(NamedTuple):
    """How the API server serves a kind."""

    gvk: GroupVersionKind
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of one object, or of a collection (of all namespaces when `namespace` is empty).

        Raises Invalid for a name that would lead elsewhere.
        """
        parts = [group_version_path(self.gvk.api_version)]
        if self.namespaced and namespace:
            parts += ["namespaces", _segment(namespace)]
        parts.append(self.plural)
        if name:
            parts.append(_segment(name))
        return "/".join(parts)


class Selection(NamedTuple):
    """Which objects of a kind, and how much of them."""

    namespace: str = ""
    """Empty: all."""
    label_selector: str = ""
    field_selector: str = ""
    metadata_only: bool = False


def group_version_path(api_version: str) -> str:
    """`/api/v1` of the core group, else `/apis/<group>/<version>`."""
    group, _, version = api_version.rpartition("/")
    return f"/apis/{quote(group, safe='')}/{quote(version, safe='')}" if group else f"/api/{quote(version, safe='')}"


def _segment(name: str) -> str:
    # As Kubernetes' IsValidPathSegmentName has it.
    if name in {".", ".."} or "/" in name or "%" in name:
        raise Invalid(f"{name!r} cannot be the name of an object")
    return quote(name, safe="")
