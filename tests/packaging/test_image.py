"""The images: linted, and their steps carried out without a container engine."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dev.repo.tree import ROOT
from tests.packaging.dockerfile import VENV, WHEELS, Build, ignored, lineage, stages

pytestmark = pytest.mark.timeout(900)

SERVICES = ("gateway", "planner", "executor", "observe", "record")
_TIMEOUT_S = 60
FOREIGN = {
    "gateway": {"kubernetes", "secantus"},
    "planner": {"kubernetes", "nacl", "typer", "secantus"},
    "executor": {"motor", "pymongo", "typer", "secantus"},
    "observe": {"nacl", "typer", "secantus"},
    "record": {"nacl", "typer", "secantus"},
}
"""What no image of a service may hold: drivers and tools of others."""


def test_linter_finds_nothing() -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run(
        [linter, "--failure-threshold", "style", "Dockerfile"],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_image_is_made_to_be_locked_down(service: str) -> None:
    chain = [stage for stage in lineage(service) if stage.name != "wheels"]
    assert [user for stage in chain for user in stage.arguments("USER")] == ["65532:65532"]
    assert any("pip uninstall" in run for stage in chain for run in stage.arguments("RUN"))
    assert any("/healthz" in check for stage in chain for check in stage.arguments("HEALTHCHECK"))
    assert any("PYTHONDONTWRITEBYTECODE=1" in env for stage in chain for env in stage.arguments("ENV"))
    labels = " ".join(label for stage in chain for label in stage.arguments("LABEL"))
    assert f'org.opencontainers.image.title="kubemin-{service}"' in labels


def test_base_image_is_pinned_to_a_version_and_names_no_registry() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    [image] = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", text, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", image)


def test_context_holds_neither_secrets_nor_what_was_made_here() -> None:
    for name in (".env", "agent.kubeconfig", "k8s/agent/agent.env", ".venv/bin/python", ".git/config", "tests/x.py"):
        assert ignored(ROOT / name), name
    assert ignored(ROOT / "shared" / "__pycache__" / "errors.cpython-313.pyc")
    assert not ignored(ROOT / "shared" / "errors.py")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Every stage that installs something."""
    build = Build(tmp_path_factory.mktemp("image"))
    build.carry_out(stages()["wheels"])
    for name, stage in stages().items():
        if name.startswith("install-"):
            install = Build(build.root / name)
            # A stage of its own: it sees what the first one left.
            install.root.mkdir()
            install.context.symlink_to(build.context)
            install.path(WHEELS).symlink_to(build.path(WHEELS))
            install.carry_out(stage)
    return build


def installed(build: Build, service: str) -> Path:
    """The environment that an image takes over."""
    [copied] = [rest for rest in stages()[service].arguments("COPY") if rest.startswith("--from")]
    stage = copied.split()[0].removeprefix("--from=")
    return build.root / stage / VENV.lstrip("/")


@pytest.mark.parametrize("service", SERVICES)
def test_entry_point_starts_and_says_what_it_lacks(build: Build, service: str) -> None:
    [entry_point] = stages()[service].arguments("ENTRYPOINT")
    python, *arguments = json.loads(entry_point)
    done = subprocess.run(
        [installed(build, service) / "bin" / python, *arguments],
        capture_output=True,
        check=False,
        cwd=build.root,
        env={"PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 2, done.stderr
    assert re.fullmatch(rf"kubemin-{service}: KUBEMIN_\w+.* is not set\n", done.stderr), done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_image_holds_what_its_service_needs_and_nothing_else(build: Build, service: str) -> None:
    [packages] = installed(build, service).glob("lib/python*/site-packages")
    present = {path.name for path in packages.iterdir()}
    assert not present & (FOREIGN[service] | {"pip", "setuptools", "hatchling", "pytest"})
    scripts = {path.name for path in (installed(build, service) / "bin").iterdir()}
    assert ("kubemin-admin" in scripts) == (service == "gateway")


def test_versions_are_the_locked_ones(build: Build) -> None:
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    for service in SERVICES:
        [packages] = installed(build, service).glob("lib/python*/site-packages")
        for info in packages.glob("*.dist-info"):
            name, _, version = info.name.removesuffix(".dist-info").partition("-")
            if name != "kubemin":
                assert locked[name.lower().replace("_", "-")] == version


def test_admin_commands_are_in_the_gateway(build: Build) -> None:
    done = subprocess.run(
        [installed(build, "gateway") / "bin" / "kubemin-admin", "--help"],
        capture_output=True,
        check=True,
        env={},
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert "cluster" in done.stdout
