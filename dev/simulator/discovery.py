"""Discovery documents and the version, generated from the table of kinds."""

from dev.simulator.kinds import GROUP_VERSIONS, KINDS, Subresource
from dev.simulator.objects import Object
from dev.simulator.reviews import REVIEWS

GIT_VERSION = "v1.36.3-kubemin-simulator"

SERVED: tuple[tuple[str, str], ...] = tuple(
    dict.fromkeys((*GROUP_VERSIONS, *((review.group, review.version) for review in REVIEWS.values())))
)
"""Every served group version."""

_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
_SUBRESOURCE_VERBS = ["get", "patch", "update"]


def version() -> Object:
    """Return the answer to GET /version, which owns up to what answers."""
    return {
        "major": "1",
        "minor": "36",
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "simulator",
    }


def core_versions(address: str) -> Object:
    """Return the answer to GET /api."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_list() -> Object:
    """Return the answer to GET /apis."""
    groups = [_group(name, number) for name, number in SERVED if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(name: str) -> Object | None:
    """Return the answer to GET /apis/NAME; None when there is no such group."""
    for served, number in SERVED:
        if served and served == name:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, number)}
    return None


def _group(name: str, number: str) -> Object:
    preferred = {"groupVersion": f"{name}/{number}", "version": number}
    return {"name": name, "versions": [preferred], "preferredVersion": preferred}


def resource_list(name: str, number: str) -> Object | None:
    """Return the resources of a group version; None when it is not served."""
    if (name, number) not in SERVED:
        return None
    resources: list[Object] = []
    for kind in KINDS:
        if (kind.group, kind.version) == (name, number):
            entry: Object = {
                "name": kind.plural,
                "singularName": kind.singular,
                "namespaced": kind.namespaced,
                "kind": kind.kind,
                "verbs": _VERBS,
            }
            names = {"shortNames": list(kind.short_names)} if kind.short_names else {}
            resources.append(entry | names | ({"categories": ["all"]} if kind.in_all else {}))
            resources.extend(_subresource(entry, subresource) for subresource in kind.subresources)
    resources.extend(
        {"name": review.plural, "singularName": "", "namespaced": False, "kind": review.kind, "verbs": ["create"]}
        for review in REVIEWS.values()
        if (review.group, review.version) == (name, number)
    )
    api_version = f"{name}/{number}" if name else number
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": resources}


def _subresource(entry: Object, subresource: Subresource) -> Object:
    described = {
        "name": f"{entry['name']}/{subresource}",
        "singularName": "",
        "namespaced": entry["namespaced"],
        "kind": entry["kind"],
        "verbs": _SUBRESOURCE_VERBS,
    }
    match subresource:
        case Subresource.SCALE:
            return described | {"group": "autoscaling", "version": "v1", "kind": "Scale"}
        case Subresource.LOG:
            return described | {"verbs": ["get"]}
        case Subresource.STATUS:
            return described
