"""Changes a component of an application that exists: image, replicas, variables, and how its pods give way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.dialect.fields import Fields, Texts
from shared.dialect.findings import Notes
from shared.dialect.policed import giving
from shared.planning.lookup import bare
from shared.planning.trees import path_text

_SCALER, _STRATEGY = "scaler", "k8s-update-strategy"
_RECREATE = {"targetKind": "Deployment", "strategy": {"type": "Recreate"}}
_DEPLOYED = frozenset({"webservice", "worker"})
_SCALED = _DEPLOYED | {"store", "statefulset"}
"""What a number of pods can be given to; types of the registry and the dialect's."""


@dataclass(frozen=True)
class Update:
    """Where the request says what has changed."""

    path: str
    places: dict[str, str] = field(default_factory=dict)
    """Places within the component with those in the request."""


class Updating:
    """Changes one component in place."""

    def __init__(self, component: dict[str, Any], document: Mapping[str, Any], notes: Notes) -> None:
        self._component = component
        self._document = document
        self._notes = notes
        self._type = bare(component["type"])

    def update(self, fields: Fields, *, recreate: bool) -> Update:
        """Carry out what an entry says."""
        update = Update(fields.path)
        if (image := fields.text("image")) is not None and self._has_pods(image.path, "image"):
            self._properties["image"] = image.value
            self._warn_of_policy(image.path, "image")
            update.places["properties.image"] = image.path
        if (replicas := fields.number("replicas")) is not None:
            self._scale(replicas.value, replicas.path)
            self._warn_of_policy(replicas.path, "replicas", _SCALER)
            update.places["traits"] = replicas.path
        env = fields.text_map("env")
        if env and self._has_pods(fields.place("env"), "env"):
            update.places.update(self._merge(env))
            self._warn_of_policy(fields.place("env"), "env")
        self._roll()
        if recreate and "image" in self._properties:
            self._recreate(fields.path)
        return update

    def _recreate(self, path: str) -> None:
        """All pods of the old version end before one of the new one begins."""
        if self._type not in _DEPLOYED:
            self._notes.no_effect(path, f"pods of a {self._type} are replaced one by one, whatever the strategy")
            return
        self._traits.append({"type": _STRATEGY, "properties": dict(_RECREATE)})

    @property
    def _properties(self) -> dict[str, Any]:
        if self._component.get("properties") is None:
            self._component["properties"] = {}
        found: dict[str, Any] = self._component["properties"]
        return found

    @property
    def _traits(self) -> list[dict[str, Any]]:
        if self._component.get("traits") is None:
            self._component["traits"] = []
        found: list[dict[str, Any]] = self._component["traits"]
        return found

    def _has_pods(self, path: str, what: str) -> bool:
        if "image" in self._properties:
            return True
        if policy := giving(self._document, self._component, "image", ""):
            message = f"the policy {policy!r} gives the component its image, and a version changes no policy"
        else:
            message = f"a {self._type} has no pods, and so no {what}"
        self._notes.error(path, "Unsupported", message, "Send the whole document to change it.")
        return False

    def _warn_of_policy(self, path: str, key: str, trait: str = "") -> None:
        if policy := giving(self._document, self._component, key, trait):
            self._notes.no_effect(path, f"the policy {policy!r} gives the component its {key}, and lies on top")

    def _scale(self, replicas: int, path: str) -> None:
        if self._type not in _SCALED:
            if "image" in self._properties:
                message = f"the number of pods of a {self._type} is no number of replicas"
                self._notes.error(path, "Unsupported", message)
            else:
                self._notes.no_effect(path, f"a {self._type} has no pods")
            return
        wanted = {"replicas": max(replicas, 1)}
        for trait in self._traits:
            if bare(trait["type"]) == _SCALER:
                trait["properties"] = wanted
                return
        self._traits.insert(0, {"type": _SCALER, "properties": wanted})

    def _merge(self, env: Texts) -> dict[str, str]:
        """Variables by name: what had another source has the value now."""
        old = self._properties.get("env")
        values = {name: found.value for name, found in env.items()}
        merged = [
            {"name": one["name"], "value": values[one["name"]]} if _name(one) in values else one
            for one in (old if isinstance(old, list) else ())
            if isinstance(one, Mapping)
        ]
        names = {_name(one) for one in merged}
        merged += [{"name": name, "value": value} for name, value in values.items() if name not in names]
        self._properties["env"] = merged
        return {
            path_text("properties.env", index): env[_name(one)].path
            for index, one in enumerate(merged)
            if _name(one) in env
        }

    def _roll(self) -> None:
        """Take back what `recreate` wrote."""
        if self._component.get("traits"):
            self._component["traits"] = [
                trait
                for trait in self._component["traits"]
                if not (trait["type"] == _STRATEGY and trait.get("properties") == _RECREATE)
            ]


def _name(variable: Mapping[str, Any]) -> str:
    # A policy may replace these properties, and then they are stored whatever they are.
    name = variable.get("name")
    return name if isinstance(name, str) else ""
