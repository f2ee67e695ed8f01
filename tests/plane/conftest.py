"""Marks every test here as one of the real control plane, which `tests.support.clusters` starts once a session."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dev.plane.admin_api import AdminApi
from dev.plane.control_plane import ControlPlane
from tests.support.waiting import eventually

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.plane)
            # The test's own time only: the first one's fixture may have to build the programs.
            item.add_marker(pytest.mark.timeout(300, func_only=True))


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
