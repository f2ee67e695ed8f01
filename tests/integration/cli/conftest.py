from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.cli.api import DOCUMENT, Api, Command, serving


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving() as served:
        yield served


@pytest.fixture
def kubemin(tmp_path: Path, api: Api) -> Command:
    command = Command(tmp_path)
    command.use(api.url)
    return command


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path
