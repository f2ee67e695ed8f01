"""Definitions of kinds that the control plane lacks, taken from the Go modules that carry them."""

import json
import subprocess
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from dev.plane.admin_api import AdminApi, ApiError
from dev.plane.go_toolchain import NoGoError, find_go
from tests.support.waiting import eventually

_DOWNLOAD_TIMEOUT_S = 120
_NEEDED_GO = (1, 21, 0)


class Definition(NamedTuple):
    """A CustomResourceDefinition in a Go module."""

    module: str
    digest: str
    """Of the module, as go.sum has it."""
    file: str


KEDA = Definition(
    "github.com/kedacore/keda/v2@v2.21.0",
    "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=",
    "config/crd/bases/keda.sh_scaledobjects.yaml",
)
MONGODB = Definition(
    "github.com/mongodb/mongodb-kubernetes-operator@v0.9.0",
    "h1:1SBmpQznWVbUgzi+ScNCNv6z5pLBwsSe4DUDKxHzFwc=",
    "config/crd/bases/mongodbcommunity.mongodb.com_mongodbcommunity.yaml",
)


async def downloaded(definition: Definition) -> dict[str, Any]:
    """Download a definition, once per machine; skips the test where that is not possible."""
    try:
        go = await find_go(_NEEDED_GO)
    except NoGoError:
        pytest.skip("there is no Go to download the definitions with")
    done = subprocess.run(  # noqa: ASYNC221 - nothing else happens meanwhile
        [go, "mod", "download", "-json", definition.module],
        capture_output=True,
        check=False,
        cwd="/",
        text=True,
        timeout=_DOWNLOAD_TIMEOUT_S,
    )
    if done.returncode:
        pytest.skip(f"{definition.module} cannot be downloaded: {done.stdout or done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["Sum"] == definition.digest
    return _read(Path(told["Dir"], definition.file))


async def served(api: AdminApi, definition: dict[str, Any]) -> None:
    """Wait until the kind can be used: a little later than its definition says Established."""
    spec = definition["spec"]
    for version in spec["versions"]:
        path = f"/apis/{spec['group']}/{version['name']}"
        await eventually(partial(_plurals, api, path), lambda seen: spec["names"]["plural"] in seen)


async def _plurals(api: AdminApi, path: str) -> set[str]:
    try:
        return {resource["name"] for resource in (await api.get(path))["resources"]}
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return set()


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return content
