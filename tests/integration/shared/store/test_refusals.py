"""What MongoDB answers when it refuses, by a server that refuses everything."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import bson
import pytest
from pydantic import SecretStr

from shared.runtime.settings import StoreSettings
from shared.store.database import Database, StoreRefused, StoreUnavailable

_QUERY, _REPLY, _MESSAGE = 2004, 1, 2013
"""Opcodes: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/."""
_HELLO = {"hello", "isMaster", "ismaster"}
_HEALTHY = {"ok": 1, "ismaster": True, "isWritablePrimary": True, "helloOk": True, "maxWireVersion": 21}


@asynccontextmanager
async def refusing(code: int) -> AsyncIterator[Database]:
    """A database whose server lets clients in and refuses each command with that code."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(_answer(*await _read(reader), code))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        database = Database.connect(StoreSettings(mongodb_uri=SecretStr(f"mongodb://127.0.0.1:{port}/")))
        try:
            yield database
        finally:
            database.close()


async def _read(reader: asyncio.StreamReader) -> tuple[int, int, dict[str, Any]]:
    length, request, _, opcode = struct.unpack("<iiii", await reader.readexactly(16))
    body = await reader.readexactly(length - 16)
    # Flags and a section's kind; or flags, the collection's name, and two numbers.
    start = 5 if opcode == _MESSAGE else body.index(b"\0", 4) + 9
    (size,) = struct.unpack_from("<i", body, start)
    return opcode, request, bson.decode(body[start : start + size])


def _answer(opcode: int, request: int, command: dict[str, Any], code: int) -> bytes:
    refusal = {"ok": 0, "code": code, "errmsg": "it is refused"}
    document = bson.encode(_HEALTHY if _HELLO & command.keys() else refusal)
    before = b"\0" * 5 if opcode == _MESSAGE else struct.pack("<iqii", 8, 0, 0, 1)
    answered = _MESSAGE if opcode == _MESSAGE else _REPLY
    return struct.pack("<iiii", 16 + len(before) + len(document), 0, request, answered) + before + document


@pytest.mark.parametrize("code", [6, 7, 43, 89, 134, 189, 237, 262, 9001, 10107, 11600, 11601, 11602, 13436, 14031])
async def test_what_passes_by_itself_is_tried_again(code: int) -> None:
    async with refusing(code) as database:
        with pytest.raises(StoreUnavailable):
            await database.find_one("things", {})
        with pytest.raises(StoreUnavailable):
            await database.guarded_update("things", "a", {}, {"$set": {"n": 1}})


@pytest.mark.parametrize("code", [2, 9, 13, 18, 26, 8000])
async def test_what_stays_refused_is_told_so(code: int) -> None:
    async with refusing(code) as database:
        with pytest.raises(StoreRefused) as refused:
            await database.find_one("things", {})
    assert str(refused.value) == "MongoDB refuses (find things): it is refused"
