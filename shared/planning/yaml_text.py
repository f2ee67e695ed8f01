"""YAML 1.2 (core schema) to JSON-like values, from the parser's events, so that no text can exhaust stack or memory.

Scalars resolve as in the core schema, and `0644` is octal as Kubernetes' own tools take it. Aliases are copied and
count with their whole content; merge keys (`<<`) work; tags beyond the core schema, complex keys, NaN and infinity are
refused.
Source: https://yaml.org/spec/1.2.2/#103-core-schema
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import yaml

from shared.contracts.cloning import clone
from shared.planning.limits import Limits
from shared.planning.trees import PathElement, path_text

_NULL = re.compile(r"(~|null|Null|NULL|)\Z")
_BOOL = re.compile(r"(true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?(0o[0-7]+|0x[0-9a-fA-F]+|[0-9]+)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_CORE = "tag:yaml.org,2002:"
_INT64 = 2**63


class Mark(Protocol):
    """A place in a text, counted from 0."""

    line: int
    column: int


class YamlProblem(ValueError):
    """Why the text cannot be read, and where: line and column count from 1."""

    def __init__(self, code: str, message: str, mark: Mark | None = None, path: str = "", remedy: str = "") -> None:
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        super().__init__(where + message)
        self.code = code
        self.message = where + message
        self.path = path
        self.remedy = remedy


@dataclass(slots=True)
class _Frame:
    """A map or list that is being read."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    key: str | None = None
    lines: dict[str, int] = field(default_factory=dict)
    merged: list[dict[str, Any]] = field(default_factory=list)
    merging: bool = False


@dataclass(slots=True)
class _Anchored:
    value: Any
    nodes: int
    chars: int
    height: int


def load_yaml(text: str, limits: Limits) -> Any:
    """Read the one document of the text; None for none. Raises YamlProblem."""
    with _as_problems():
        return _only(text, limits)


def load_yaml_documents(text: str, limits: Limits) -> list[Any]:
    """Read every document of the text that is not empty; the limits hold for all together. Raises YamlProblem."""
    with _as_problems():
        return [value for value, _ in _documents(text, limits)]


@contextmanager
def _as_problems() -> Iterator[None]:
    try:
        yield
    except yaml.reader.ReaderError as error:
        raise YamlProblem("InvalidText", f"a character that YAML does not allow, at byte {error.position}") from error
    except yaml.MarkedYAMLError as error:
        begins = f" that begins in line {error.context_mark.line + 1}:" if error.context and error.context_mark else ""
        message = " ".join(part for part in (f"{error.context or ''}{begins}", error.problem) if part)
        raise YamlProblem("InvalidYaml", message, error.problem_mark or error.context_mark) from error
    except yaml.YAMLError as error:
        raise YamlProblem("InvalidYaml", str(error)) from error


def _only(text: str, limits: Limits) -> Any:
    found: Any = None
    for value, begins in _documents(text, limits):
        if found is not None:
            raise YamlProblem(
                "SeveralDocuments", "a second document begins here", begins, remedy="Send one document at a time."
            )
        found = value
    return found


def _documents(text: str, limits: Limits) -> Iterator[tuple[Any, Mark | None]]:
    """Every document that is not empty, and where it begins."""
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    builder = _Builder(limits)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            value = builder.build(events)
            if value is not None:
                yield value, event.start_mark


class _Builder:
    """Builds documents, one after the other; keeps its own stack, so nesting costs no recursion."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchored] = {}
        self._nodes = 0
        self._chars = 0
        self._root: Any = None

    def build(self, events: Iterator[Any]) -> Any:
        """Consume the events up to the end of the document; what it holds counts with that of those before."""
        self._anchors = {}
        for event in events:
            match event:
                case yaml.DocumentEndEvent():
                    break
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._open(event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._close(event)
                case yaml.AliasEvent():
                    self._add(self._expanded(event), event)
                case yaml.ScalarEvent():
                    self._scalar(event)
        return self._root

    def _open(self, event: Any) -> None:
        self._no_key(event)
        kind = "map" if isinstance(event, yaml.MappingStartEvent) else "seq"
        if event.tag not in (None, "!", _CORE + kind):
            raise self._problem("UnsupportedTag", f"the tag {event.tag} has no meaning here", event)
        if len(self._stack) >= self._limits.depth:
            raise self._problem("TooDeep", f"nested deeper than {self._limits.depth} levels", event)
        self._count(1, 0, event)
        self._stack.append(_Frame(value={} if kind == "map" else [], anchor=event.anchor))

    def _close(self, event: Any) -> None:
        frame = self._stack.pop()
        if isinstance(frame.value, dict):
            for source in frame.merged:
                for key, item in source.items():
                    frame.value.setdefault(key, item)
        self._anchor(frame.anchor, frame.value)
        self._add(frame.value, event)

    def _scalar(self, event: Any) -> None:
        self._count(1, len(event.value), event)
        frame = self._stack[-1] if self._stack else None
        if frame is None or isinstance(frame.value, list) or frame.key is not None or frame.merging:
            value = self._resolved(event)
            self._anchor(event.anchor, value)
            self._add(value, event)
        elif event.value == "<<" and event.implicit[0]:
            frame.merging = True
        else:
            self._key(frame, event)

    def _key(self, frame: _Frame, event: Any) -> None:
        """Every key is a text, as in JSON: `8080:` stands for `"8080":`."""
        if event.anchor is not None:
            raise self._problem("UnsupportedKey", "a key cannot be anchored", event)
        if event.value in frame.lines:
            first = frame.lines[event.value]
            raise self._problem(
                "DuplicateKey",
                f"{event.value!r} is given twice (first in line {first})",
                event,
                "Keep one of the two.",
                key=event.value,
            )
        frame.lines[event.value] = event.start_mark.line + 1
        frame.key = event.value

    def _add(self, value: Any, event: Any) -> None:
        if not self._stack:
            self._root = value
            return
        frame = self._stack[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.merging:
            sources = value if isinstance(value, list) else [value]
            if not all(isinstance(s, dict) for s in sources):
                raise self._problem("InvalidYaml", "only a map, or a list of maps, can be merged with <<", event)
            frame.merged.extend(sources)
            frame.merging = False
        elif frame.key is not None:
            frame.value[frame.key] = value
            frame.key = None
        else:
            raise self._problem("UnsupportedKey", "a key must be a plain text", event)

    def _expanded(self, event: Any) -> Any:
        self._no_key(event)
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            raise self._problem("InvalidAlias", f"*{event.anchor} stands for nothing that was complete before", event)
        if len(self._stack) + anchored.height > self._limits.depth:
            raise self._problem("TooDeep", f"nested deeper than {self._limits.depth} levels", event)
        self._count(anchored.nodes, anchored.chars, event)
        return clone(anchored.value)

    def _anchor(self, name: str | None, value: Any) -> None:
        if name is not None:
            self._anchors[name] = _Anchored(value, *_measured(value))

    def _no_key(self, event: Any) -> None:
        frame = self._stack[-1] if self._stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None and not frame.merging:
            raise self._problem("UnsupportedKey", "a key must be a plain text", event)

    def _count(self, nodes: int, chars: int, event: Any) -> None:
        self._nodes += nodes
        self._chars += chars
        if self._nodes > self._limits.nodes:
            raise self._problem("TooLarge", f"more than {self._limits.nodes} values, aliases expanded", event)
        if self._chars > self._limits.body_bytes:
            raise self._problem("TooLarge", f"more than {self._limits.body_bytes} characters, aliases expanded", event)

    def _resolved(self, event: Any) -> Any:
        text: str = event.value
        if event.tag is None:
            plain, _quoted = event.implicit
            return self._plain(text, event) if plain else text
        match event.tag.removeprefix(_CORE):
            case "str" | "!":
                return text
            case "null" | "bool" | "int" | "float" as wanted:
                value = self._plain(text, event)
                if wanted == "float" and type(value) is int:
                    return float(value)
                if type(value).__name__ == {"null": "NoneType"}.get(wanted, wanted):
                    return value
        raise self._problem("UnsupportedTag", f"the tag {event.tag} has no meaning here", event)

    def _plain(self, text: str, event: Any) -> Any:
        if _NULL.match(text):
            return None
        if _BOOL.match(text):
            return text[0] in "tT"
        if _INT.match(text):
            return self._int(text, event)
        if _FLOAT.match(text):
            number = float(text)
            if abs(number) == float("inf"):
                raise self._problem("InvalidNumber", "the number is too large", event, "Write a text in quotes.")
            return number
        if _NOT_FINITE.match(text):
            raise self._problem(
                "InvalidNumber", f"{text} is no number that JSON knows", event, "Write a text in quotes."
            )
        return text

    def _int(self, text: str, event: Any) -> int:
        digits = text.lstrip("+-")
        base = {"0o": 8, "0x": 16}.get(digits[:2], 10)
        if base == 10 and re.match(r"0[0-7]+\Z", digits):
            base = 8
        number = int(digits.removeprefix("0o").removeprefix("0x"), base) if len(digits) < 40 else 2 * _INT64
        number = -number if text[0] == "-" else number
        if not -_INT64 <= number < _INT64:
            raise self._problem(
                "InvalidNumber", "the number does not fit into 64 bits", event, "Write a text in quotes."
            )
        return number

    def _problem(self, code: str, message: str, event: Any, remedy: str = "", *, key: str | None = None) -> YamlProblem:
        elements: list[PathElement] = []
        for frame in self._stack:
            if isinstance(frame.value, list):
                elements.append(len(frame.value))
            elif frame.key is not None:
                elements.append(frame.key)
        if key is not None:
            elements.append(key)
        return YamlProblem(code, message, event.start_mark, path_text("", *elements), remedy)


def _measured(value: Any) -> tuple[int, int, int]:
    """Nodes, characters and height of a value that is no deeper than the limit."""
    if isinstance(value, dict):
        parts = [_measured(item) for item in value.values()]
        extra, own = len(value), sum(len(key) for key in value)
    elif isinstance(value, list):
        parts = [_measured(item) for item in value]
        extra, own = 0, 0
    else:
        return 1, len(str(value)), 0
    return (
        1 + extra + sum(nodes for nodes, _, _ in parts),
        own + sum(chars for _, chars, _ in parts),
        1 + max((height for _, _, height in parts), default=0),
    )
