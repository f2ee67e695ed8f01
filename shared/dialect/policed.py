"""What policies say of components: of applications written in OAM, for the dialect has no such policies."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.planning.lookup import bare
from shared.planning.policies.meant import matching
from shared.planning.trees import listing, mapping

_OVERRIDE, _REPLICATION = "override", "replication"


def naming(document: Mapping[str, Any], name: str) -> str:
    """The first policy that names the component and would mean another, or nothing, without it; empty for none."""
    for policy, properties in _policies(document, _OVERRIDE, _REPLICATION):
        named = [mapping(one).get("name") for one in listing(properties.get("components"))]
        if name in (*named, *listing(properties.get("selector"))):
            return policy
    return ""


def giving(document: Mapping[str, Any], component: Mapping[str, Any], key: str, trait: str) -> str:
    """The last policy that gives the component this property, or this trait; empty for none."""
    found = ""
    for policy, properties in _policies(document, _OVERRIDE):
        for one in map(mapping, listing(properties.get("components"))):
            traits = (bare(str(mapping(t).get("type", ""))) for t in listing(one.get("traits")))
            if _means(one, component) and (key in mapping(one.get("properties")) or trait in traits):
                found = policy
    return found


def _policies(document: Mapping[str, Any], *types: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, policy in enumerate(map(mapping, listing(mapping(document.get("spec")).get("policies")))):
        if policy.get("type") in types:
            yield str(policy.get("name") or f"spec.policies[{index}]"), mapping(policy.get("properties"))


def _means(one: Mapping[str, Any], component: Mapping[str, Any]) -> bool:
    if one.get("name"):
        return bool(matching(one["name"], [component["name"]]))
    return not one.get("type") or bare(one["type"]) == bare(component["type"])
