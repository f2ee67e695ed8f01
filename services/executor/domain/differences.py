"""What a dry run would change in an object, told without the server's own fields, and of Secrets without values."""

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from shared.contracts import annotations
from shared.contracts.differences import FieldDifference
from shared.contracts.fieldpath import MISSING
from shared.jobtypes.objects import SERVER_FIELDS, is_secret
from shared.kube.kinds import Object
from shared.planning import MASK

_SECRET_VALUES = ("data", "stringData")

_FIELDS = 100
_VALUE_CHARACTERS = 1024
"""Of one value, as JSON."""
_BUDGET_CHARACTERS = 24 * 1024
"""Of the fields of one object together, and again of its text: forty objects stay far below the bus's 5.5 MiB."""
_TEXT_LINES = 2000
"""Of either side: finding the differences of longer texts takes too long."""
_CONTEXT_LINES = 3
# The C one, where it is built: ten times as fast.
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Difference(NamedTuple):
    """Fields and text, and whether either tells less than there is."""

    fields: tuple[FieldDifference, ...]
    text: str
    shortened: bool


def difference(live: Object, result: Object, wanted: Object) -> Difference:
    """What differs between an object and what a dry run made of it; `wanted` is the manifest that was applied."""
    before, after = comparable(live), comparable(result)
    if is_secret(wanted):
        before, after = _masked(before, after, wanted)
    fields, cut = _bounded(_differences(before, after, ""))
    if not fields and not cut:
        return Difference((), "", shortened=False)
    text, text_cut = _text(before, after)
    return Difference(tuple(fields), text, cut or text_cut)


def comparable(obj: Object) -> Object:
    """The object without what its server or we ourselves write into it at every change."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in SERVER_FIELDS}
    for kept in ("annotations", "labels"):
        values = {k: v for k, v in (metadata.pop(kept, None) or {}).items() if not _ever_changing(k)}
        if values:
            metadata[kept] = values
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def asked_for(live: Any, manifest: Any) -> Any:
    """The part of a live value that the manifest speaks of: what the server has filled in is left out."""
    if isinstance(live, dict) and isinstance(manifest, dict):
        return {key: asked_for(live[key], value) for key, value in manifest.items() if key in live}
    if isinstance(live, list) and isinstance(manifest, list) and len(live) == len(manifest):
        return [asked_for(a, b) for a, b in zip(live, manifest, strict=True)]
    return live


def _ever_changing(annotation: str) -> bool:
    return annotation in annotations.BOOKKEEPING or annotation == annotations.ANNOTATION_LAST_APPLIED


def _masked(before: Object, after: Object, wanted: Object) -> tuple[Object, Object]:
    """Both without values: a changed one can be told, and nothing else of it."""
    before, after = dict(before), dict(after)
    for field in _SECRET_VALUES:
        _mask(before, after, field, shown={})
    # Others may have noted values there; what the document itself says of the Secret is no secret.
    noted = dict(before["metadata"]), dict(after["metadata"])
    _mask(*noted, "annotations", shown=wanted["metadata"].get("annotations") or {})
    before["metadata"], after["metadata"] = noted
    return before, after


def _mask(before: Object, after: Object, field: str, *, shown: Mapping[str, Any]) -> None:
    old, new = before.get(field) or {}, after.get(field) or {}
    if not isinstance(old, dict) or not isinstance(new, dict):
        before.pop(field, None)
        after.pop(field, None)
        return
    changed = {key for key in {*old, *new} if old.get(key, MISSING) != new.get(key, MISSING)}
    hidden = {key for key in {*old, *new} if new.get(key, MISSING) != shown.get(key)}
    for obj, values, when in ((before, old, "before"), (after, new, "after")):
        if old or new:
            obj[field] = {
                key: value if key not in hidden else f"{MASK} ({when})" if key in changed else MASK
                for key, value in values.items()
            }


def _bounded(found: Iterator[FieldDifference]) -> tuple[list[FieldDifference], bool]:
    fields: list[FieldDifference] = []
    left = _BUDGET_CHARACTERS
    for one in found:
        before, after = _shortened(one.before), _shortened(one.after)
        left -= len(one.path) + len(json.dumps([before, after]))
        if left < 0 or len(fields) == _FIELDS:
            return fields, True
        fields.append(FieldDifference(path=one.path, before=before, after=after))
    return fields, False


def _shortened(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) <= _VALUE_CHARACTERS:
        return value
    return f"{text[:_VALUE_CHARACTERS]}… ({len(text)} characters)"


def _differences(before: Any, after: Any, path: str) -> Iterator[FieldDifference]:
    if before is not MISSING and after is not MISSING and before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _differences(before.get(key, MISSING), after.get(key, MISSING), _below(path, key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _in_lists(before, after, path)
    else:
        yield FieldDifference(
            path=path, before=None if before is MISSING else before, after=None if after is MISSING else after
        )


def _in_lists(before: list[Any], after: list[Any], path: str) -> Iterator[FieldDifference]:
    """Elements with names are compared by name, as Kubernetes merges most of its lists; others by position."""
    old, new = _by_name(before), _by_name(after)
    if old is None or new is None:
        for index in range(max(len(before), len(after))):
            old_one, new_one = (values[index] if index < len(values) else MISSING for values in (before, after))
            yield from _differences(old_one, new_one, f"{path}[{index}]")
        return
    found = False
    for name in [*old, *(name for name in new if name not in old)]:
        for one in _differences(old.get(name, MISSING), new.get(name, MISSING), f"{path}[name={name}]"):
            found = True
            yield one
    if not found:
        yield FieldDifference(path=path, before=list(old), after=list(new))


def _by_name(values: list[Any]) -> dict[str, Any] | None:
    named = {v["name"]: v for v in values if isinstance(v, dict) and isinstance(v.get("name"), str)}
    return named if len(named) == len(values) else None


def _below(path: str, key: str) -> str:
    step = key if not any(character in key for character in "./[]\"' ") else f'["{key}"]'
    return step if not path else f"{path}{step}" if step.startswith("[") else f"{path}.{step}"


def _text(before: Object, after: Object) -> tuple[str, bool]:
    """A unified diff; empty and shortened where it would be too long."""
    old, new = _lines(before), _lines(after)
    if max(len(old), len(new)) > _TEXT_LINES:
        return "", True
    lines = list(difflib.unified_diff(old, new, "live", "planned", n=_CONTEXT_LINES, lineterm=""))
    kept: list[str] = []
    left = _BUDGET_CHARACTERS
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    return "\n".join(kept), len(kept) < len(lines)


def _lines(obj: Object) -> list[str]:
    text: str = yaml.dump(obj, Dumper=_DUMPER, sort_keys=True, allow_unicode=True, width=10_000)
    return text.splitlines()
