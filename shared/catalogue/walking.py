"""Walks the JSON Schema of a type by field path, such as `ports.containerPort`, as `kubectl explain` does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "minProperties": "at least {} keys",
}


class NoSuchField(LookupError):
    """A path leads nowhere; says how far it got."""

    def __init__(self, path: str, name: str, known: list[str]) -> None:
        """`known` are the fields that there are instead."""
        super().__init__(f"{path} has no field {name!r}")
        self.path = path
        self.name = name
        self.known = known


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a schema."""

    name: str
    type: str
    """`string`, `integer`, `[]object`, `map[string]string`, …"""
    required: bool = False
    deprecated: bool = False
    description: str = ""
    default: Any = None
    """None: there is none."""
    values: tuple[Any, ...] = ()
    """All that it may be; empty: not listed."""
    bounds: str = ""
    """In words, such as `at least 1, at most 65535`."""


class Walker:
    """Reads one schema with its definitions."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._definitions: Schema = root.get("$defs", {})

    def field(self, path: Sequence[str]) -> Field:
        """Describe the field at the end of the path; the empty path means the whole. Raises NoSuchField."""
        schema, required = self._at(path)
        return self._described(path[-1] if path else str(self._root.get("title", "")), schema, required=required)

    def children(self, path: Sequence[str]) -> list[Field]:
        """Describe the fields below it, the required ones first. Raises NoSuchField."""
        schema, _ = self._at(path)
        found = [self._described(name, s, required=needed) for name, (s, needed) in self._properties(schema).items()]
        return sorted(found, key=lambda field: (not field.required, field.name))

    def _at(self, path: Sequence[str]) -> tuple[Schema, bool]:
        schema, required, here = self._root, False, str(self._root.get("title", ""))
        for name in path:
            known = self._properties(schema)
            if name not in known:
                raise NoSuchField(here, name, list(known))
            schema, required = known[name]
            here = f"{here}.{name}"
        return schema, required

    def _properties(self, schema: Schema) -> dict[str, tuple[Schema, bool]]:
        """The fields of a map, also of those in a list and of maps of maps; a union has the fields of all its parts."""
        found: dict[str, tuple[Schema, bool]] = {}
        for part in self._parts(schema):
            required = part.get("required", ())
            for name, inner in part.get("properties", {}).items():
                found.setdefault(name, (inner, name in required))
            for below in (part.get("items"), part.get("additionalProperties")):
                if isinstance(below, Mapping):
                    found |= {name: one for name, one in self._properties(below).items() if name not in found}
        return found

    def _parts(self, schema: Schema) -> Iterator[Schema]:
        resolved = self._resolved(schema)
        options = resolved.get("anyOf") or resolved.get("oneOf")
        if options is None:
            yield resolved
        else:
            for option in options:
                yield from self._parts(option)

    def _resolved(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        if reference is None:
            return schema
        return {**self._definitions[str(reference).removeprefix("#/$defs/")], **schema}

    def _described(self, name: str, schema: Schema, *, required: bool) -> Field:
        resolved = self._resolved(schema)
        # What has to match a pattern is said in words; the pattern itself is in the schema.
        bounds = [
            words.format(part[key]) for part in self._parts(schema) for key, words in _BOUNDS.items() if key in part
        ]
        bounds += ["not empty"] if any(part.get("minLength") == 1 for part in self._parts(schema)) else []
        return Field(
            name=name,
            type=self.type_of(schema),
            required=required,
            deprecated=bool(resolved.get("deprecated")),
            description=str(resolved.get("description", "")),
            default=resolved.get("default"),
            values=self._values(schema),
            bounds=", ".join(dict.fromkeys(bounds)),
        )

    def _values(self, schema: Schema) -> tuple[Any, ...]:
        found: list[Any] = []
        for part in self._parts(schema):
            listed = part.get("enum", [part["const"]] if "const" in part else [])
            if not listed:
                # Of what may be something else besides, a list would be taken for the whole.
                return ()
            found += listed
        return tuple(found)

    def type_of(self, schema: Schema) -> str:
        """The type in the notation of `kubectl explain`."""
        return " or ".join(dict.fromkeys(self._type(part) for part in self._parts(schema)))

    def _type(self, part: Schema) -> str:
        match part.get("type"):
            case "array":
                return f"[]{self._nested(part.get('items', {}))}"
            case "object" if isinstance(part.get("additionalProperties"), Mapping) and not part.get("properties"):
                return f"map[string]{self._nested(part['additionalProperties'])}"
            case str(scalar):
                return scalar
            case _:
                return "any"

    def _nested(self, schema: Schema) -> str:
        inner = self.type_of(schema)
        return f"({inner})" if " or " in inner else inner
