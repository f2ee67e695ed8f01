"""An API server that has just started denies everything until it knows the roles: that is no refusal."""

from pathlib import Path

import pytest
from aiohttp import web

from shared.contracts.identity import ObjectKey
from shared.kube import ApiUnavailable, Forbidden, KubeError
from tests.support.scripted_api import scripted_api

CONFIG = ObjectKey(api_version="v1", kind="ConfigMap", namespace="shop", name="settings")
DENIED = {"kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden", "message": "no such right"}


@pytest.mark.parametrize(
    ("readiness", "meaning"),
    [(500, ApiUnavailable), (503, ApiUnavailable), (200, Forbidden), (403, Forbidden), (404, Forbidden)],
)
async def test_denial_counts_only_of_a_server_that_is_ready(
    tmp_path: Path, readiness: int, meaning: type[KubeError]
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/readyz":
            return web.Response(status=readiness, text="[-]informer-sync failed")
        return web.json_response(DENIED, status=403)

    async with scripted_api(answer, tmp_path) as api:
        with pytest.raises(meaning, match="no such right"):
            await api.get(CONFIG)
