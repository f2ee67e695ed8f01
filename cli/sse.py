"""Reads server-sent events, in whatever pieces they arrive.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LINE_END = re.compile(r"\r\n|\n|\r")
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class ServerEvent:
    """One event."""

    name: str
    data: str
    id: str
    """The last id of the stream so far: where to resume after this event."""


@dataclass
class SseParser:
    """Takes bytes, gives events; what is incomplete when the stream ends is no event."""

    last_id: str = ""
    retry_s: float | None = None
    """How long to wait before coming back, where the server said so."""
    begun: bool = False
    """Something has arrived, be it a comment."""
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")(errors="replace")
    )
    _partial: list[str] = field(default_factory=list)
    _name: str = ""
    _data: list[str] = field(default_factory=list)
    _id: str = field(init=False)
    _after_return: bool = False

    def __post_init__(self) -> None:
        """Begin where the stream is resumed."""
        self._id = self.last_id

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Take in the next bytes; returns the events that they complete."""
        text = self._decoder.decode(chunk)
        if not self.begun and text:
            self.begun = True
            text = text.removeprefix(_BYTE_ORDER_MARK)
        return [event for line in self._lines(text) if (event := self._line(line)) is not None]

    def _lines(self, text: str) -> Iterator[str]:
        # A return at the end of a chunk has ended its line already, also if its line feed comes now.
        if self._after_return and text:
            text = text.removeprefix("\n")
            self._after_return = False
        start = 0
        for end in _LINE_END.finditer(text):
            self._partial.append(text[start : end.start()])
            start = end.end()
            line = "".join(self._partial)
            self._partial.clear()
            yield line
        if start < len(text):
            self._partial.append(text[start:])
        if text.endswith("\r"):
            self._after_return = True

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry_s = int(value) / 1000
            case _:
                # A comment (its name is empty), or a field that nobody knows.
                pass
        return None

    def _dispatch(self) -> ServerEvent | None:
        self.last_id = self._id
        name, data = self._name or "message", self._data
        self._name, self._data = "", []
        return ServerEvent(name, "\n".join(data), self.last_id) if data else None
