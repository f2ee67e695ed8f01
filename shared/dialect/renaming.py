"""Gives the parts of a copied component names of their own, and leads everything that speaks of them there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shared.contracts.naming import joined

_OBJECTS = frozenset({"cmName", "secretName", "serviceName", "existingServiceName", "containerName"})
_REFERENCES = frozenset({"secretKeyRef", "configMapKeyRef", "secretRef", "configMapRef"})
_SOURCES = ("configMap", "secret")
_HOSTS = frozenset({"host", "hosts", "domain"})
_PROBES = frozenset({"httpGet", "tcpSocket"})
_BEFORE = r"""(?:^|(?<=//)|(?<=[@,;=\s"']))"""
_AFTER = r"""(?=$|[:/.,;?\s"'])(?!://)"""
_ACCOUNT_NAMES = frozenset({"serviceAccountName", "roleName", "bindingName"})


@dataclass(frozen=True, kw_only=True)
class Renaming:
    """Old names and new ones."""

    app: str
    """The application that gets the copy."""
    components: Mapping[str, str]
    """Also of what keeps its name."""
    claims: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    """Of ConfigMaps and Secrets that components bring along."""

    def claims_of(self, component: Mapping[str, Any]) -> dict[str, str]:
        """New names for the claims that a component makes; those that it only refers to stay."""
        old = component["name"]
        new = self.components[old]
        if new == old:
            return {}
        made = [
            claim["claimName"]
            for trait in component["traits"] or ()
            if trait["type"] == "volume-claims"
            for claim in trait["properties"]["claims"]
        ]
        made += [
            claim["name"]
            for trait in component["traits"] or ()
            if trait["type"] == "storage"
            for claim in trait["properties"].get("pvc", ())
            if not claim.get("mountOnly")
        ]
        return {claim: joined(claim.removesuffix(f"-{old}"), new) for claim in made}

    def sources_of(self, component: Mapping[str, Any]) -> dict[str, str]:
        """New names for the ConfigMaps and Secrets that a component brings along."""
        old = component["name"]
        new = self.components[old]
        if new == old:
            return {}
        made = [
            entry["name"]
            for trait in component["traits"] or ()
            if trait["type"] == "storage"
            for kind in _SOURCES
            for entry in trait["properties"].get(kind, ())
            if not entry.get("mountOnly")
        ]
        return {source: joined(source.removesuffix(f"-{old}"), new) for source in made}

    def component(self, component: Mapping[str, Any]) -> dict[str, Any]:
        """The component with all that it says about others."""
        renamed = {key: self._value(value, key, "") for key, value in component.items() if key != "traits"}
        renamed["name"] = self.components[component["name"]]
        renamed["dependsOn"] = [self.components.get(one, one) for one in component["dependsOn"]]
        renamed["traits"] = [self._trait(trait, component["name"]) for trait in component["traits"] or ()] or None
        return renamed

    def _trait(self, trait: Mapping[str, Any], component: str) -> dict[str, Any]:
        properties = self._value(trait["properties"], "properties", "")
        if self.components[component] != component:
            self._own_names(trait["type"], properties, component)
        return {"type": trait["type"], "properties": properties}

    def _own_names(self, type_: str, properties: dict[str, Any], component: str) -> None:
        new = self.components[component]
        if type_ == "storage":
            for claim in properties.get("pvc", ()):
                claim["name"] = self.claims.get(claim["name"], claim["name"])
            for source in (one for kind in _SOURCES for one in properties.get(kind, ())):
                source["name"] = self.sources.get(source["name"], source["name"])
        if type_ == "http-routes" and "name" in properties:
            follows = properties["name"].startswith(f"{component}-")
            rest = properties["name"].removeprefix(f"{component}-")
            properties["name"] = joined(new if follows else self.app, rest)
        for key in _ACCOUNT_NAMES & properties.keys():
            # Names that the author chose stay; made ones are made of the component's.
            made = re.fullmatch(rf"{re.escape(component)}((?:-\d+)?-sa(?:-role|-binding)?)", properties[key])
            properties[key] = joined(f"{new}{made[1]}") if made else properties[key]

    def _value(self, value: Any, key: str, parent: str) -> Any:
        if isinstance(value, Mapping):
            return {k: self._value(v, k, key) for k, v in value.items()}
        if isinstance(value, list):
            return [self._value(item, key, parent) for item in value]
        return self._text(value, key, parent) if isinstance(value, str) else value

    def _text(self, text: str, key: str, parent: str) -> str:
        if key in _OBJECTS or (key == "name" and parent in _REFERENCES):
            return self.components.get(text) or self.sources.get(text, text)
        if key == "claimName":
            return self.claims.get(text, text)
        if key in _HOSTS and parent not in _PROBES:
            return self.host(text)
        return self._addresses(text) if key in ("value", "host") or parent == "data" else text

    def host(self, host: str) -> str:
        """A host of its own, under the same certificate where that is for `*.<domain>`."""
        wildcard = "*." if host.startswith("*.") else ""
        label, dot, domain = host.removeprefix("*.").partition(".")
        return f"{wildcard}{self.components.get(label) or joined(self.app, label)}{dot}{domain}"

    def _addresses(self, text: str) -> str:
        """A text with the names of components where hosts stand."""
        return text if self._hosts is None else self._hosts.sub(lambda found: self.components[found.group()], text)

    @cached_property
    def _hosts(self) -> re.Pattern[str] | None:
        names = sorted((old for old, new in self.components.items() if old != new), key=len, reverse=True)
        return re.compile(f"{_BEFORE}(?:{'|'.join(map(re.escape, names))}){_AFTER}") if names else None
