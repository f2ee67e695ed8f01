"""Kubernetes objects as documents write them out, for the types that take whole objects."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.contracts import annotations, formats
from shared.contracts.cloning import clone
from shared.contracts.plan import Manifest
from shared.jobtypes.base import RenderContext, RenderError, SecretLocation
from shared.jobtypes.objects import CLUSTER_SCOPED, SERVER_FIELDS, group_kind, is_secret
from shared.jobtypes.secret_data import secret_data, secret_locations


def verbatim(context: RenderContext, given: Mapping[str, Any], *, path: str, name: str) -> Manifest:
    """Copy an object less what only the API server writes; `name` is for one without, `path` where properties have it.

    An empty namespace says that an object of an unknown kind lives in none. Raises RenderError for an object that is
    incomplete, generates its name or wants another namespace.
    """
    manifest: Manifest = clone(dict(given))
    _check_kind(manifest, path)
    manifest.pop("status", None)
    if manifest.get("metadata") is None:
        manifest["metadata"] = {}
    metadata = manifest["metadata"]
    if not isinstance(metadata, dict) or not isinstance(metadata.get("annotations") or {}, dict):
        raise RenderError(_at(path, "metadata"), "ObjectMalformed", "metadata and its annotations are maps")
    for field in SERVER_FIELDS:
        metadata.pop(field, None)
    _check_metadata(metadata, _at(path, "metadata"))
    _name(manifest, _at(path, "metadata"), name)
    _namespace(context, manifest, _at(path, "metadata.namespace"))
    if group_kind(manifest) == ("batch", "Job"):
        _take_lifetime_off(manifest)
    if is_secret(manifest):
        _no_copy(manifest, path)
        _encode(manifest, path)
    return manifest


def _check_metadata(metadata: Mapping[str, Any], path: str) -> None:
    """Whatever the kind, Kubernetes refuses other keys and values."""
    for field, keys, values in (
        ("labels", formats.LABEL_KEY, formats.LABEL_VALUE),
        ("annotations", formats.ANNOTATION_KEY, None),
    ):
        given = metadata.get(field) or {}
        if not isinstance(given, dict):
            raise RenderError(f"{path}.{field}", "ObjectMalformed", f"{field} are a map")
        for key, value in given.items():
            at = f'{path}.{field}["{key}"]'
            if not keys.takes(key):
                raise RenderError(at, "InvalidFormat", keys.words)
            if not isinstance(value, str):
                raise RenderError(at, "WrongType", "must be a text", "Put the value in quotes.")
            if values is not None and not values.takes(value):
                raise RenderError(at, "InvalidFormat", values.words)


def verbatim_secrets(given: Any, path: tuple[str | int, ...]) -> Iterator[SecretLocation]:
    """Point at the values of an object if it is a Secret, as far as it is well-formed."""
    if not isinstance(given, Mapping) or not is_secret(given):
        return
    metadata = given.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if isinstance(name, str):
        yield from secret_locations(given, name, path)


def _at(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def _check_kind(manifest: Manifest, path: str) -> None:
    for field in ("apiVersion", "kind"):
        if not isinstance(manifest.get(field), str) or not manifest[field]:
            raise RenderError(_at(path, field), "ObjectIncomplete", f"a Kubernetes object needs {field}")
    if manifest["kind"] == "List":
        raise RenderError(_at(path, "kind"), "ListNotAllowed", "a List is no object", "Write its items into objects")


def _name(manifest: Manifest, path: str, default: str) -> None:
    metadata = manifest["metadata"]
    name = metadata.get("name")
    generated = metadata.pop("generateName", None)
    if name is not None:
        if not isinstance(name, str) or not name:
            raise RenderError(_at(path, "name"), "ObjectIncomplete", "a name is a string that is not empty")
        return
    if generated is not None:
        raise RenderError(
            _at(path, "generateName"),
            "GenerateNameNotAllowed",
            "an object with a generated name would be created anew with every try",
            "Give it a name",
        )
    if is_secret(manifest):
        raise RenderError(
            _at(path, "name"),
            "ObjectIncomplete",
            "a Secret needs a name: its values are sealed for it",
            "Give it a name",
        )
    metadata["name"] = default


def _namespace(context: RenderContext, manifest: Manifest, path: str) -> None:
    metadata = manifest["metadata"]
    if group_kind(manifest) in CLUSTER_SCOPED:
        metadata.pop("namespace", None)
    elif metadata.setdefault("namespace", context.namespace) not in (context.namespace, ""):
        raise RenderError(
            path,
            "NamespaceNotAllowed",
            f"the application lives in {context.namespace}, the object wants {metadata['namespace']}",
            "Leave the namespace out, or write an application for the other one",
        )


def _take_lifetime_off(manifest: Manifest) -> None:
    """A Job that Kubernetes removes too early would run again: the platform removes it, by this annotation."""
    spec = manifest.get("spec")
    lifetime_s = spec.pop("ttlSecondsAfterFinished", None) if isinstance(spec, dict) else None
    if lifetime_s is not None:
        noted = manifest["metadata"].get("annotations") or {}
        manifest["metadata"]["annotations"] = {**noted, annotations.ANNOTATION_JOB_LIFETIME: str(lifetime_s)}


def _no_copy(manifest: Manifest, path: str) -> None:
    """Kubectl notes what it applied in the object itself: there the values of a Secret would stand in the open."""
    if annotations.ANNOTATION_LAST_APPLIED in (manifest["metadata"].get("annotations") or {}):
        raise RenderError(
            _at(path, f'metadata.annotations["{annotations.ANNOTATION_LAST_APPLIED}"]'),
            "SecretValueInOpen",
            "the annotation has the Secret's values, and annotations are not sealed",
            "Remove the annotation",
        )


def _encode(manifest: Manifest, path: str) -> None:
    for field in ("data", "stringData"):
        values = manifest.get(field) or {}
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise RenderError(_at(path, field), "SecretValueInvalid", f"{field} of a Secret maps keys to strings")
    data = secret_data(manifest.pop("data", None), manifest.pop("stringData", None), path)
    if data:
        manifest["data"] = data
