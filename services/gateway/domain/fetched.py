"""Objects in files that were fetched from web addresses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.gateway.domain.refusals import FileRefused
from shared.contracts.canonical import canonical_json
from shared.contracts.plan import Manifest
from shared.contracts.reads import OBJECTS_LIMIT, OBJECTS_LIMIT_BYTES, QueryAnswer
from shared.jobtypes.objects import is_secret
from shared.jobtypes.stripping import stripped
from shared.planning import DocumentRejected, parse_stream

_LIST = "List"


@dataclass
class _Room:
    """What the files of one document may still hold."""

    objects: int = OBJECTS_LIMIT
    file_bytes: int = OBJECTS_LIMIT_BYTES
    objects_bytes: int = OBJECTS_LIMIT_BYTES

    def take(self, raw: bytes) -> tuple[Manifest, ...]:
        """Read a file; raises FileRefused, also where it does not fit."""
        # First: what is too large is not even parsed.
        self.file_bytes -= len(raw)
        found = objects_of(raw) if self.file_bytes >= 0 else ()
        self.objects -= len(found)
        self.objects_bytes -= sum(len(canonical_json(manifest)) for manifest in found)
        if self.objects < 0:
            raise FileRefused("TooManyObjects", f"more than {OBJECTS_LIMIT} objects would be fetched")
        if self.file_bytes < 0 or self.objects_bytes < 0:
            raise FileRefused("ObjectsTooLarge", f"more than {OBJECTS_LIMIT_BYTES} bytes would be fetched")
        return found


def answers(files: Mapping[str, bytes]) -> dict[str, QueryAnswer]:
    """What each file has, by its address, or why it is refused; the limits are for all of them together."""
    room = _Room()
    read: dict[str, QueryAnswer] = {}
    for url, raw in files.items():
        try:
            read[url] = QueryAnswer(objects=room.take(raw))
        except FileRefused as refused:
            read[url] = QueryAnswer(code=refused.reason, message=str(refused))
    return read


def objects_of(raw: bytes) -> tuple[Manifest, ...]:
    """Every object of a file, in its order, without what belongs to a cluster; raises FileRefused.

    Where it says no namespace, or a namespace, it goes where the application goes.
    """
    try:
        documents = parse_stream(raw)
    except DocumentRejected as error:
        [finding] = error.findings
        raise FileRefused(finding.code, f"what is there cannot be read: {finding.message}") from error
    objects = tuple(_object(given, number) for number, given in enumerate(_items(documents), start=1))
    if not objects:
        raise FileRefused("Empty", "there is no object there")
    return objects


def _items(documents: list[Any]) -> Iterator[Any]:
    for document in documents:
        match document:
            case {"apiVersion": "v1", "kind": "List", "items": list(items)}:
                yield from items
            case _:
                yield document


def _object(given: Any, number: int) -> Manifest:
    if not _is_complete(given):
        message = f"number {number} of what is there is no Kubernetes object with apiVersion, kind and metadata.name"
        raise FileRefused("ObjectIncomplete", message)
    if any(not isinstance(given["metadata"].get(field) or {}, dict) for field in ("labels", "annotations")):
        raise FileRefused("ObjectMalformed", f"object {number} has labels or annotations that are no map")
    if is_secret(given):
        message = f"object {number} is a Secret, whose values are in the open at this address"
        raise FileRefused("SecretValueInOpen", message)
    return _placeable(given)


def _is_complete(given: Any) -> bool:
    match given:
        case {"apiVersion": str(version), "kind": str(kind), "metadata": {"name": str(name)}}:
            return bool(version and kind and name) and kind != _LIST
        case _:
            return False


def _placeable(given: Manifest) -> Manifest:
    """Only an empty namespace that was written says that it lives in none."""
    result = stripped(given)
    if given["metadata"].get("namespace") != "":
        result["metadata"].pop("namespace", None)
    return result
