"""Credentials that expire while we run."""

from pathlib import Path

import pytest
from aiohttp import web

from shared.kube import Unauthorized
from tests.support.scripted_api import scripted_api


class Guarded:
    """An API server that takes one token."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        given = request.headers["Authorization"].removeprefix("Bearer ")
        self.asked.append(given)
        if given != self.token:
            return web.json_response({"kind": "Status", "code": 401, "message": "Unauthorized"}, status=401)
        return web.json_response({"gitVersion": "v1.36.0"})


def replace_token(directory: Path, token: str) -> None:
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(kubeconfig.read_text().replace("made-up", token))


async def test_replaced_credentials_are_read_again_and_the_call_succeeds(tmp_path: Path) -> None:
    server = Guarded("made-up")
    async with scripted_api(server.answer, tmp_path) as api:
        await api.version()
        server.token = "second"
        replace_token(tmp_path, "second")

        assert (await api.version())["gitVersion"] == "v1.36.0"

    assert server.asked == ["made-up", "made-up", "second"]


async def test_credentials_that_stay_wrong_are_not_read_at_every_call(tmp_path: Path) -> None:
    server = Guarded("another")
    async with scripted_api(server.answer, tmp_path) as api:
        for _ in range(3):
            with pytest.raises(Unauthorized):
                await api.version()

    # The first call was tried with what was read again, the others not.
    assert server.asked == ["made-up"] * 4
