"""A control plane for the session, started (and built, if it must be) when the first test asks for it."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dev.plane.admin_api import AdminApi
from dev.plane.control_plane import ControlPlane
from tests.plane.waiting import eventually

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.plane)
            # The test's own time only: the first one's fixture may have to build the programs.
            item.add_marker(pytest.mark.timeout(120, func_only=True))


@pytest.fixture(scope="session")
async def plane(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[ControlPlane]:
    terminal = request.config.pluginmanager.getplugin("terminalreporter")
    directory = tmp_path_factory.mktemp("plane")
    async with ControlPlane(
        directory, name="test", progress=lambda line: terminal.write_line(line, flush=True)
    ) as plane:
        yield plane


@pytest.fixture
def api(plane: ControlPlane) -> AdminApi:
    return plane.api


@pytest.fixture
async def namespace(plane: ControlPlane) -> AsyncIterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    await plane.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    # Admission refuses pods before it is there.
    accounts = f"/api/v1/namespaces/{name}/serviceaccounts"
    await eventually(lambda: plane.api.get(accounts), lambda listed: listed["items"])
    yield name
    await plane.api.delete(f"/api/v1/namespaces/{name}")
