"""Reads the maps of a document: keys in any spelling, values with the place that they come from.

Go matches keys whatever their case, and multi-word keys were camelCase once: `mountPath`, `mount_path` and `MountPath`
are one key.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.contracts.formats import Format
from shared.dialect.findings import Code, Notes
from shared.planning.findings import MAX_FINDINGS, nearest
from shared.planning.parameters import described
from shared.planning.trees import path_text

T_co = TypeVar("T_co", covariant=True)
PORT_MAX = 65535
_NUMBER_MAX = 2**31 - 1
"""More than that Kubernetes does not keep."""
_IGNORED = "_"
"""Keys that begin with it are their author's remarks."""


@dataclass(frozen=True)
class From(Generic[T_co]):
    """A value as the document has it, and where."""

    value: T_co
    path: str


Texts = dict[str, From[str]]


def folded(key: str) -> str:
    """What all spellings of a key have in common."""
    return key.replace("_", "").lower()


class Fields:
    """The keys of one map. A null counts as left out, and so does an empty text, as in Go."""

    def __init__(
        self,
        found: From[dict[str, Any]],
        notes: Notes,
        known: Iterable[str],
        *,
        aliases: Mapping[str, str] | None = None,
        silent: Iterable[str] = (),
    ) -> None:
        """`aliases` are other names of known keys; `silent` keys are passed over without a warning."""
        self.path = found.path
        self.notes = notes
        names = tuple(known)
        self._found: dict[str, From[Any]] = {}
        by_folded = {folded(name): name for name in names}
        by_folded |= {folded(alias): name for alias, name in (aliases or {}).items()}
        passed_over = set(map(folded, silent))
        for key, value in found.value.items():
            name = by_folded.get(folded(key))
            here = path_text(found.path, key)
            if name is None:
                if not key.startswith(_IGNORED) and folded(key) not in passed_over:
                    self._unknown(key, names, here)
            elif value is not None:
                if name in self._found:
                    notes.warn(self._found[name].path, "DuplicateKey", f"has no effect: {here} says it again")
                self._found[name] = From(value, here)

    def place(self, name: str) -> str:
        """Where the document has the key, or would have it."""
        found = self._found.get(name)
        return path_text(self.path, name) if found is None else found.path

    def given(self, name: str) -> bool:
        """Whether the key has a value."""
        return name in self._found

    def raw(self, name: str) -> From[Any] | None:
        """The value, whatever it is."""
        return self._found.get(name)

    def text(self, name: str, form: Format | None = None) -> From[str] | None:
        """A text, unless it is empty."""
        found = self._found.get(name)
        if found is None or found.value == "" or not self._is(found, str, "a text"):
            return None
        return self._formed(found, form)

    def required(self, name: str, code: str = Code.MISSING_REQUIRED_FIELD, *, form: Format | None = None) -> From[str]:
        """A text that must be there; an empty one where it is not, and that has been noted."""
        found = self._found.get(name)
        if found is None or found.value == "":
            self.notes.error(self.place(name), code, "is required")
        elif self._is(found, str, "a text"):
            return self._formed(found, form)
        return From("", self.place(name))

    def number(self, name: str, most: int = _NUMBER_MAX) -> From[int] | None:
        """A whole number."""
        found = self._found.get(name)
        if found is None or not self._is(found, int, "a whole number"):
            return None
        if found.value > most:
            self.notes.error(found.path, "OutOfRange", f"must be at most {most}")
        return found

    def flag(self, name: str) -> From[bool] | None:
        """True or false."""
        found = self._found.get(name)
        return found if found is not None and self._is(found, bool, "true or false") else None

    def is_set(self, name: str) -> bool:
        """A flag that is false unless given."""
        found = self.flag(name)
        return found is not None and found.value

    def items(self, name: str) -> Iterator[From[Any]]:
        """The entries of a list; nulls count as empty maps."""
        found = self._found.get(name)
        if found is None or not self._is(found, list, "a list"):
            return
        for index, item in enumerate(found.value):
            yield From({} if item is None else item, path_text(found.path, index))

    def texts(self, name: str, form: Format | None = None) -> tuple[From[str], ...]:
        """The entries of a list of texts."""
        return tuple(self._formed(item, form) for item in self.items(name) if self._is(item, str, "a text"))

    def text_map(self, name: str, keys: Format | None = None, values: Format | None = None) -> Texts:
        """A map from texts to texts; a null is an empty one, as in Go."""
        found = self._found.get(name)
        if found is None or not self._is(found, dict, "a map"):
            return {}
        found_in = {
            key: From("" if value is None else value, path_text(found.path, key)) for key, value in found.value.items()
        }
        for key, value in found_in.items():
            self._formed(From(key, value.path), keys)
        return {key: self._formed(value, values) for key, value in found_in.items() if self._is(value, str, "a text")}

    def fields(self, name: str, known: Sequence[str], *, silent: Iterable[str] = ()) -> "Fields | None":
        """The map beneath a key."""
        found = self._found.get(name)
        if found is None or not self._is(found, dict, "a map"):
            return None
        return Fields(found, self.notes, known, silent=silent)

    def entries(self, name: str, known: Sequence[str], *, silent: Iterable[str] = ()) -> "Iterator[Fields]":
        """The maps in a list; what is none is noted and passed over."""
        for item in self.maps(name):
            yield Fields(item, self.notes, known, silent=silent)

    def maps(self, name: str) -> "Iterator[From[dict[str, Any]]]":
        """The same, unread."""
        return (item for item in self.items(name) if self._is(item, dict, "a map"))

    def _formed(self, found: From[str], form: Format | None) -> From[str]:
        if form is not None and not form.takes(found.value):
            meant = "" if form.meant is None else form.meant(found.value)
            self.notes.error(found.path, "InvalidFormat", form.words, f"Call it {meant!r}." if meant else "")
        return found

    def _is(self, found: From[Any], kind: type, words: str) -> bool:
        right = isinstance(found.value, kind) and not (kind is int and isinstance(found.value, bool))
        if not right:
            self._wrong(found, words)
        return right

    def _wrong(self, found: From[Any], words: str) -> None:
        self.notes.error(found.path, "WrongType", f"must be {words}, but is {described(found.value)}")

    def _unknown(self, key: str, known: Iterable[str], path: str) -> None:
        if len(self.notes.warnings) > MAX_FINDINGS:
            return
        meant = nearest(key, known)
        remedy = f"Did you mean {meant!r}?" if meant else ""
        self.notes.warn(path, "UnknownKey", f"{key!r} is not known here and has no effect", remedy)
