"""An HTTP server that answers as a test says: for what neither cluster does on request."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from shared.kube import KubeApi

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

_RESOURCES = {
    "kind": "APIResourceList",
    "resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True, "verbs": ["list", "watch"]}],
}


@asynccontextmanager
async def scripted_api(answer: Answer, directory: Path) -> AsyncIterator[KubeApi]:
    """A client of a server that serves ConfigMaps; `answer` has every request but discovery."""

    async def dispatch(request: web.Request) -> web.StreamResponse:
        return web.json_response(_RESOURCES) if request.path == "/api/v1" else await answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", dispatch)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(
        f"""
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{runner.addresses[0][1]}"}}}}]
users: [{{name: u, user: {{token: made-up}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""
    )
    api = await KubeApi.connect(kubeconfig=str(kubeconfig), call_timeout_s=2.0)
    try:
        yield api
    finally:
        await api.close()
        await runner.cleanup()
