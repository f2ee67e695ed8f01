"""One JSON Schema for a whole Application, for editors: what `properties` may hold depends on `type`."""

from collections.abc import Iterable
from typing import Any

from shared.catalogue.entries import Catalogue
from shared.catalogue.schemas import DIALECT
from shared.contracts.catalogue import TypeView
from shared.contracts.kinds import TypeKind
from shared.planning.document import API_VERSION, KIND, Application

_PLACES = {TypeKind.COMPONENT: "Component", TypeKind.TRAIT: "TraitEntry", TypeKind.POLICY: "Policy"}
"""Kind of a type → the definition of the part of the document where it stands."""


def document_schema(catalogue: Catalogue) -> dict[str, Any]:
    """JSON Schema 2020-12 of a document; unknown keys are allowed, unknown types are not."""
    schema = Application.model_json_schema()
    definitions: dict[str, Any] = schema.pop("$defs")
    for part in definitions.values():
        _take_null_as_absent(part)
    for kind, definition in _PLACES.items():
        views = [view for view in catalogue.views if view.kind is kind]
        for view in views:
            definitions |= _definitions(view)
        part = definitions[definition]
        part["properties"]["type"] |= {"enum": [name for view in views for name in _names(view)]}
        part["allOf"] = [_when(view) for view in views]
    schema["properties"]["apiVersion"] |= {"const": API_VERSION}
    schema["properties"]["kind"] |= {"const": KIND}
    return {
        "$schema": DIALECT,
        **schema,
        "title": f"{KIND} ({API_VERSION})",
        "description": "An application as KubeMin delivers it.",
        "$defs": dict(sorted(definitions.items())),
    }


def _names(view: TypeView) -> list[str]:
    names = (view.name, *view.aliases)
    return [*names, *(f"{name}@v{view.version}" for name in names)]


def _take_null_as_absent(part: dict[str, Any]) -> None:
    """Let what may be left out be null, as the model of the document does: `traits:` with nothing below it."""
    for name, schema in part["properties"].items():
        if name not in part.get("required", ()) and isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]


def _when(view: TypeView) -> dict[str, Any]:
    parameters: dict[str, Any] = {"$ref": f"#/$defs/{_prefix(view)}"}
    if view.parameters.get("required"):
        then = {"properties": {"properties": parameters}, "required": ["properties"]}
    else:
        # A union would tell what is wrong with the whole instead of with the parameter.
        then = {"properties": {"properties": {"if": {"type": "null"}, "else": parameters}}}
    return {"if": {"properties": {"type": {"enum": _names(view)}}, "required": ["type"]}, "then": then}


def _prefix(view: TypeView) -> str:
    return f"{view.kind.value}.{view.name}"


def _definitions(view: TypeView) -> dict[str, Any]:
    """The type's schema and its definitions, under names that no other type has."""
    own = {key: value for key, value in view.parameters.items() if key not in ("$schema", "$defs")}
    parts = {_prefix(view): own}
    parts |= {f"{_prefix(view)}.{name}": part for name, part in view.parameters.get("$defs", {}).items()}
    return {name: _moved(part, _prefix(view)) for name, part in parts.items()}


def _moved(value: Any, prefix: str) -> Any:
    if isinstance(value, dict):
        return {key: _reference(item, prefix) if key == "$ref" else _moved(item, prefix) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_moved(item, prefix) for item in value]
    return value


def _reference(reference: str, prefix: str) -> str:
    return reference.replace("#/$defs/", f"#/$defs/{prefix}.")
