"""Documents beside builds of two versions: each is stamped, and an older build leaves a newer one to newer replicas.

What is changed on the ground of what was read is read strictly: an older build would write it back without what it does
not know. It raises NewerDocument, which is Retryable: a newer replica goes on, or this one after its update. What is
only shown is read leniently: an older build shows as much as it knows.
"""

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.contracts.versions import VERSION, version_of
from shared.errors import Retryable
from shared.store.database import Document

KNOWN: Document = {"version": {"$not": {"$gt": VERSION}}}
"""Matches what this build can read; a list of the others would be of no use to it."""
_UNKNOWN = {"union_tag_invalid", "enum", "literal_error"}
"""pydantic's words for what a later build may know."""

T = TypeVar("T")


class NewerDocument(Retryable):
    """A document says what this build does not know yet."""

    def __init__(self, what: str, version: int) -> None:
        """`what` is its collection and id."""
        self.what = what
        self.version = version
        super().__init__(
            f"{what} is of version {version}, this build knows {VERSION}: it is left to a newer one", retry_after_s=1.0
        )


def stamp(content: object) -> Document:
    """Return the field that says of which version the content is."""
    return {"version": version_of(content)}


def check(collection: str, document: Document) -> None:
    """Raise NewerDocument for one that only a newer build can read."""
    version = document.get("version", 1)
    if version > VERSION:
        raise NewerDocument(f"{collection} {document['_id']}", version)


def read(adapter: TypeAdapter[T], collection: str, document: Document, field: str, *, lenient: bool = False) -> T:
    """Read the JSON in a field; leniently: without what this build does not know, if the rest makes sense.

    Raises:
        NewerDocument: a newer build has written it.
        ValidationError: it is broken.

    """
    if not lenient:
        check(collection, document)
    try:
        return adapter.validate_json(document[field], extra="ignore" if lenient else None)
    except ValidationError as error:
        newer = document.get("version", 1) > VERSION
        if newer or all(detail["type"] in _UNKNOWN for detail in error.errors(include_url=False, include_input=False)):
            raise NewerDocument(
                f"{collection} {document['_id']}", max(VERSION + 1, document.get("version", 1))
            ) from error
        raise


def fields_of(model: type[Any], document: Document) -> Document:
    """Return the fields of a document that a model knows."""
    return {name: document[name] for name in model.model_fields if name in document}
