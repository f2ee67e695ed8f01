"""The reference of job types and traits, made of the registry."""

from typing import Any

from shared.jobtypes.base import JobType, Trait
from shared.jobtypes.builtin import BUILTIN

Entry = JobType[Any] | Trait[Any]
_HEAD = """# Job types and traits

Generated from the registry by `make gen`. Names, defaults and meanings are KubeVela's unless said otherwise; unknown
keys are kept out and warned of. Nested parameters are in the JSON Schemas under [`schemas/types`](schemas/types).
"""


def schemas() -> dict[str, Any]:
    """One JSON Schema per entry."""
    entries: list[Entry] = [*_job_types(), *_traits()]
    return {
        entry.name: {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **entry.parameters.model_json_schema(),
            "title": entry.name,
            "description": entry.title,
        }
        for entry in entries
    }


def reference() -> str:
    """The page."""
    parts = [_HEAD, "\n## Component types\n"]
    parts += [_section(entry) for entry in _job_types()]
    parts.append("\n## Traits\n")
    parts += [_section(entry) for entry in _traits()]
    return "".join(parts)


def _job_types() -> list[JobType[Any]]:
    return sorted({id(e): e for e in BUILTIN.job_types.values()}.values(), key=lambda e: e.name)


def _traits() -> list[Trait[Any]]:
    return sorted({id(e): e for e in BUILTIN.traits.values()}.values(), key=lambda e: e.name)


def _section(entry: Entry) -> str:
    lines = [f"\n### {entry.name}\n\n{entry.title}\n"]
    if entry.aliases:
        lines.append(f"\nAlso called: {', '.join(f'`{a}`' for a in entry.aliases)}.\n")
    kinds = ", ".join(f"`{k}`" for k in sorted(entry.kinds)) or "none"
    lines.append(f"\nMay create: {kinds}. Schema: [{entry.name}.json](schemas/types/{entry.name}.json).\n")
    schema = entry.parameters.model_json_schema()
    required = set(schema.get("required", ()))
    if schema.get("properties"):
        lines.append("\n| parameter | type | default | meaning |\n|---|---|---|---|\n")
    for name, prop in schema.get("properties", {}).items():
        default = "**required**" if name in required else _default(prop)
        meaning = str(prop.get("description", "")).replace("\n", " ").replace("|", "\\|")
        lines.append(f"| `{name}` | {_type(prop)} | {default} | {meaning} |\n")
    return "".join(lines)


def _default(prop: dict[str, Any]) -> str:
    default = prop.get("default")
    return "" if default in (None, [], {}) else f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _type(prop: dict[str, Any]) -> str:
    if "enum" in prop:
        return " \\| ".join(f"`{value}`" for value in prop["enum"])
    if "const" in prop:
        return f"`{prop['const']}`"
    if "$ref" in prop:
        return str(prop["$ref"]).rpartition("/")[2]
    options = [o for o in prop.get("anyOf", ()) if o.get("type") != "null"]
    if options:
        return " or ".join(dict.fromkeys(_type(option) for option in options))
    if prop.get("type") == "array":
        return f"list of {_type(prop.get('items', {}))}"
    return str(prop.get("type", "any"))
