"""Values that must never be seen in the open, and every place of a running system where they could be."""

import base64
import secrets
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from dev.stack import Stack
from shared.bus import Bus
from shared.contracts import subjects
from shared.store.database import Database
from tests.support.strangers import connected

_STREAMS = (
    subjects.STREAM_SPECS,
    subjects.STREAM_RUNS,
    subjects.STREAM_STEPS,
    subjects.STREAM_STATUS,
    subjects.STREAM_PROGRESS,
    subjects.STREAM_BEATS,
    subjects.STREAM_PARKED,
)


@dataclass
class Canaries:
    """One for each place of a document that holds a secret value."""

    values: dict[str, str] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    """How many texts of each kind were looked at: what looks at nothing finds nothing."""

    def text(self, where: str) -> str:
        """A new one, with characters that JSON, YAML and shells write otherwise around what never changes."""
        self.values[where] = secrets.token_hex(12)
        return f'c"\\é\n{self.values[where]}'

    def base64(self, where: str) -> str:
        """A new one, as `data` of a Secret has it."""
        return base64.b64encode(self.text(where).encode()).decode()

    def look(self, raw: bytes, place: str, kind: str) -> None:
        """Fail if one is in it, plain, escaped, in base64 at any position, or within zlib data."""
        self.seen[kind] = self.seen.get(kind, 0) + 1
        text = inflated(raw)
        found = [where for where, value in self.values.items() if any(one in text for one in spellings(value))]
        assert not found, f"{place} shows {found}"

    async def look_everywhere(self, stack: Stack, database: Database) -> None:
        """In every message that is stored, every document, and every file that our services and servers write."""
        await self.in_streams(stack)
        await self.in_database(database)
        for kind in ("nats", "mongodb", "logs"):
            self.in_files(getattr(stack.layout, kind), kind)

    async def in_streams(self, stack: Stack) -> None:
        """In every message of every stream."""
        async with connected(stack, "admin") as admin:
            for stream in _STREAMS:
                async for message in _messages(admin, stream):
                    self.look(message.data or b"", f"{stream} {message.subject}", stream)
                    self.look(repr(message.headers).encode(), f"headers of {stream} {message.subject}", stream)

    async def in_database(self, database: Database) -> None:
        """In every document of every collection."""
        for collection in await database._database.list_collection_names():
            for document in await database.find(collection, {}):
                for leaf in leaves(document):
                    self.look(leaf, f"{collection} {document['_id']}", collection)

    def in_files(self, directory: Path, kind: str) -> None:
        """In every file beneath a directory."""
        for path in directory.rglob("*"):
            if path.is_file():
                try:
                    content = path.read_bytes()
                except FileNotFoundError:
                    # Live servers rotate their files.
                    continue
                self.look(content, str(path.relative_to(directory)), kind)


async def _messages(bus: Bus, stream: str) -> AsyncIterator[RawStreamMsg]:
    """Every message that a stream holds now, without consuming any."""
    sequence = 1
    while True:
        try:
            message = await bus.jetstream.get_msg(stream, seq=sequence, subject=">", next=True)
        except NotFoundError:
            return
        yield message
        sequence = (message.seq or sequence) + 1


def spellings(value: str) -> Iterator[bytes]:
    """A value of letters and digits, as it is and as base64 has it at each of the three positions."""
    yield value.encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + value.encode())
        # The ends mix with what stands beside it.
        yield encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4]


def inflated(raw: bytes) -> bytes:
    """What zlib data holds; anything else as it is."""
    try:
        return zlib.decompress(raw)
    except zlib.error:
        return raw


def leaves(value: Any) -> Iterator[bytes]:
    """Every text and every piece of bytes in a document, keys included."""
    match value:
        case dict():
            for key, inner in value.items():
                yield str(key).encode()
                yield from leaves(inner)
        case list() | tuple():
            for inner in value:
                yield from leaves(inner)
        case bytes():
            yield value
        case _:
            yield str(value).encode()
