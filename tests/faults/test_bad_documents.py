"""Whatever is wrong with a document, its author is told what and where; nothing is stored and nobody else waits."""

import asyncio
from typing import Any

import pytest

from services.gateway.web.operations import DOCUMENT_TYPES
from tests.faults.broken import ALL, WHOLE, Broken
from tests.faults.conftest import Tenant
from tests.faults.sound import document, web
from tests.support.gateway import Answer, GatewayStack

AT_MOST_S = 10.0
"""For the refusal of one document, on a busy machine."""


def places(answer: Answer) -> set[tuple[str, str]]:
    """Codes and paths; of a refusal without findings, that of the whole."""
    found = {(finding["code"], finding["path"]) for finding in answer.body["findings"]}
    return found or {(answer.body["code"], WHOLE)}


@pytest.mark.parametrize("dry_run", [False, True], ids=["", "dry run"])
@pytest.mark.parametrize("broken", ALL, ids=lambda broken: broken.name)
async def test_a_broken_document_is_refused_with_its_place(tenant: Tenant, broken: Broken, *, dry_run: bool) -> None:
    async with asyncio.timeout(AT_MOST_S):
        answer = await tenant.boss.apply(broken.make(tenant.namespace), query=f"?dryRun={str(dry_run).lower()}")
    assert answer.status == broken.status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (broken.code, broken.path) in places(answer)
    assert all(finding["message"] for finding in answer.body["findings"])
    assert len(answer.text) < 200_000, "a document cannot make its own refusal large"


async def test_nothing_broken_is_stored(tenant: Tenant) -> None:
    listed = await tenant.boss.get("/api/v1/applications?phase=Active&phase=Deleting&phase=Deleted")
    assert listed.body["items"] == []


def test_every_case_is_told_apart() -> None:
    assert len({broken.name for broken in ALL}) == len(ALL)


async def test_everything_that_is_wrong_is_told_at_once_but_not_without_end(tenant: Tenant) -> None:
    components = [web(f"W{i}", image=7) for i in range(500)]
    answer = await tenant.boss.apply(document(tenant.namespace, *components))
    assert answer.status == 422
    codes = [finding["code"] for finding in answer.body["findings"]]
    assert codes.count("TooManyFindings") == 1
    assert len(codes) == 101


@pytest.mark.parametrize("type_", ["text/html", "multipart/form-data; boundary=x", "application/xml", "x", "*/*", ";"])
async def test_what_is_no_document_by_its_own_word_is_not_read(tenant: Tenant, type_: str) -> None:
    answer = await tenant.boss.apply(document(tenant.namespace, web()), headers={"Content-Type": type_})
    assert (answer.status, answer.body["code"]) == (415, "UnsupportedMediaType")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "nonsense"])
async def test_compressed_bodies_are_refused(tenant: Tenant, encoding: str) -> None:
    answer = await tenant.boss.apply(b"\x1f\x8b" + bytes(100), headers={"Content-Encoding": encoding})
    assert answer.status in {400, 415}


@pytest.mark.parametrize("type_", DOCUMENT_TYPES)
async def test_a_sound_document_is_taken_in_every_type(tenant: Tenant, type_: str) -> None:
    sound = document(tenant.namespace, web())
    answer = await tenant.boss.apply(sound, query="?dryRun=1", headers={"Content-Type": type_})
    assert answer.status == 200


def odd_paths() -> list[str]:
    """Names in the path that can be none."""
    odd = ["%00", "%2e%2e", "*", ">", "a%2fb", "A", "a_b", "%F0%9F%98%80", "%ff", "a%0ab", "-", "x" * 300, "web.%3e"]
    return [f"/api/v1/applications/{namespace}/{name}" for name in odd for namespace in ("NS", name)]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("path", odd_paths())
async def test_a_name_that_can_be_none_is_not_found(tenant: Tenant, method: str, path: str) -> None:
    answer = await tenant.boss.call(method, path.replace("NS", tenant.namespace))
    assert answer.status in {400, 403, 404}, answer.text


BAD_QUERIES: list[tuple[str, str]] = [
    ("/api/v1/applications?limit=0", "BadRequest"),
    ("/api/v1/applications?limit=-1", "BadRequest"),
    ("/api/v1/applications?limit=201", "BadRequest"),
    ("/api/v1/applications?limit=1e2", "BadRequest"),
    ("/api/v1/applications?limit=%D9%A1", "BadRequest"),
    (f"/api/v1/applications?limit={'9' * 5000}", "BadRequest"),
    ("/api/v1/applications?phase=active", "BadRequest"),
    ("/api/v1/applications?namespace=*", "BadRequest"),
    ("/api/v1/applications?namespace=%00", "BadRequest"),
    ("/api/v1/applications?continue=x", "ContinueInvalid"),
    ("/api/v1/applications?continue=%F0%9F%98%80", "ContinueInvalid"),
    ("/api/v1/applications?continue=W10", "ContinueInvalid"),
    ("/api/v1/applications?continue=WzEsMiwzXQ", "ContinueInvalid"),
    ("/api/v1/applications?continue=W1siJG5lIl0sMSwyXQ", "ContinueInvalid"),
    ("/api/v1/parked?continue=-1", "ContinueInvalid"),
    ("/api/v1/parked?limit=x", "BadRequest"),
    ("/api/v1/runs/x", "NotFound"),
    ("/api/v1/runs/-", "NotFound"),
    ("/api/v1/runs/a-%D9%A1", "NotFound"),
    (f"/api/v1/runs/a-{'9' * 5000}", "NotFound"),
    ("/api/v1/runs/%24where-1", "NotFound"),
    ("/api/v1/runs/a-1/events", "NotFound"),
    ("/api/v1/nothing", "NotFound"),
]


@pytest.mark.parametrize(("path", "code"), BAD_QUERIES, ids=[path[:60] for path, _ in BAD_QUERIES])
async def test_a_request_that_cannot_be_read_is_told_so(tenant: Tenant, path: str, code: str) -> None:
    answer = await tenant.boss.get(path)
    assert (400 <= answer.status < 500, answer.body["code"]) == (True, code)


BAD_HEADERS: list[dict[str, Any]] = [
    {"If-Match": "3"},
    {"If-Match": '"3'},
    {"If-Match": ""},
    {"If-None-Match": '"1"'},
    {"If-Match": "x" * 5000},
]


@pytest.mark.parametrize("headers", BAD_HEADERS, ids=lambda headers: str(headers)[:40])
async def test_a_condition_that_cannot_be_read_is_told_so(tenant: Tenant, headers: dict[str, str]) -> None:
    answer = await tenant.boss.apply(document(tenant.namespace, web()), headers=headers)
    assert (answer.status, answer.body["code"]) == (400, "PreconditionInvalid")


RAW_REQUESTS = {
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00",
    "no path": b"GET\r\n\r\n",
    "two lengths": b"POST /api/v1/applications HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    "negative length": b"POST /api/v1/applications HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "header that is too long": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    "control characters": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "bad chunks": b"POST /api/v1/applications HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("raw", RAW_REQUESTS.values(), ids=RAW_REQUESTS)
async def test_what_is_no_http_harms_nobody(gateway: GatewayStack, raw: bytes) -> None:
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    async with asyncio.timeout(AT_MOST_S):
        writer.write(raw)
        line = await reader.readline()
        writer.close()
    assert line.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), line
    assert (await gateway.caller(None).get("/healthz")).status == 200


@pytest.mark.parametrize("authorization", ["Bearer " + "x" * 5000, "Bearer ü", "Basic Og==", "Bearer\tx"])
async def test_a_strange_token_is_no_token(gateway: GatewayStack, authorization: str) -> None:
    headers = {"Authorization": authorization}
    assert (await gateway.caller(None).call("GET", "/api/v1/clusters", headers=headers)).status in {400, 401}
