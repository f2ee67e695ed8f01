"""`convert`: documents in KubeMin-Cli's JSON dialect, printed as OAM."""

import json
from pathlib import Path

import pytest
import yaml

from shared.contracts.api import Conversion
from shared.contracts.plan import Finding
from tests.integration.cli.api import Api, Command, problem

POST = "POST /api/v1/convert"
APPLICATION = {"apiVersion": "core.oam.dev/v1beta1", "kind": "Application", "metadata": {"name": "größe"}}


@pytest.fixture
def dialect(tmp_path: Path) -> Path:
    path = tmp_path / "shop.json"
    path.write_text(json.dumps({"name": "shop", "component": []}, indent=2), encoding="utf-8")
    return path


async def test_converted_document_is_all_that_is_printed(api: Api, kubemin: Command, dialect: Path) -> None:
    warning = Finding(path="component[0]", code="NotDeployed", message="is not deployed")
    api.on(POST, Conversion(document=APPLICATION, warnings=(warning,)))
    result = await kubemin("convert", "-f", str(dialect))
    assert result.code == 0
    assert yaml.safe_load(result.out) == APPLICATION
    assert "is not deployed" in result.err


async def test_several_are_documents_of_one_stream(api: Api, kubemin: Command, dialect: Path) -> None:
    api.on(POST, Conversion(document=APPLICATION))
    result = await kubemin("convert", "-f", str(dialect), "-f", str(dialect))
    assert list(yaml.safe_load_all(result.out)) == [APPLICATION, APPLICATION]
    lines = (await kubemin("convert", "-f", str(dialect), "-o", "json")).out.splitlines()
    assert [json.loads(line) for line in lines] == [APPLICATION]


async def test_refusal_is_not_printed_among_documents(api: Api, kubemin: Command, dialect: Path) -> None:
    finding = Finding(path="component", code="MISSING_REQUIRED_FIELD", message="is required")
    api.on(POST, problem(422, "DocumentInvalid", finding), status=422)
    result = await kubemin("convert", "-f", str(dialect))
    assert (result.code, result.out) == (1, "")
    assert f"{dialect}:3" in result.err
