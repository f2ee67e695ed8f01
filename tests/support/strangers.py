"""Connections to a running system's bus with anybody's credentials, to say what nobody should."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dev.stack import Stack
from shared.bus import Bus
from shared.contracts.versions import VERSION
from shared.runtime.settings import BusSettings


@asynccontextmanager
async def connected(stack: Stack, user: str) -> AsyncIterator[Bus]:
    """A connection as that user: gateway, planner, record, admin, cluster-<name>."""
    settings = BusSettings(nats_credentials_file=stack.layout.credentials(user), nats_connect_deadline_s=10)
    bus = await Bus.connect(settings, source=f"kubemin/{user}/stranger", on_closed=lambda: None)
    try:
        yield bus
    finally:
        await bus.close()


def newer(payload: bytes) -> bytes:
    """The same message in a version that nobody knows yet."""
    return payload.replace(b".v1", f".v{VERSION + 1}".encode())


def unknown(payload: bytes, type_: str) -> bytes:
    """The same message as one of a type that nobody knows, within a known version."""
    return payload.replace(f'"{type_}"'.encode(), b'"Nonsense"').replace(f".{type_}.".encode(), b".Nonsense.")


def broken(payload: bytes) -> dict[str, bytes]:
    """What is no message at all, by name."""
    data: Any = payload
    return {
        "nothing": b"",
        "no JSON": b"\x00\xff{",
        "JSON of something else": b"[1, 2]",
        "no envelope": b'{"hello": "world"}',
        "half of one": data[: len(data) // 2],
        "no zlib": b"\x78\x9cnonsense",
        "version that is no number": payload.replace(b".v1", b".vx"),
        "data of another shape": payload.replace(b'"data":{', b'"data":{"surprise":1,'),
        "deep": b'{"data":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    }
