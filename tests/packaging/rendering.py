"""The manifests as kubectl renders them, with secrets made the way that the documents say."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.repo.tree import ROOT

Object = dict[str, Any]
CLUSTER = "home"
OVERLAYS = ("overlays/dev", "overlays/production", "agent", "overlays/production-agent")
_TIMEOUT_S = 60


def kubectl(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run kubectl to its end; the test is skipped where there is none."""
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not on PATH")
    return subprocess.run(
        [program, *arguments], capture_output=True, check=False, input=text, text=True, timeout=_TIMEOUT_S
    )


@dataclass(frozen=True)
class Manifests:
    """A copy of k8s with everything that an operator brings."""

    directory: Path

    @classmethod
    def prepared(cls, root: Path) -> "Manifests":
        """Copy the directory and make the secrets by its own scripts."""
        directory = root / "k8s"
        shutil.copytree(ROOT / "k8s", directory, ignore=shutil.ignore_patterns("accounts", "*.key", "*.pub", "*.env"))
        url = "nats://nats.kubemin.svc:4222"
        _script(directory / "secrets" / "make.sh", url, CLUSTER)
        # A second time, with a further cluster: nothing that is there may change.
        secrets = directory / "secrets"
        before = (secrets / f"{CLUSTER}.key").read_bytes(), (secrets / "sealing-mark.key").read_bytes()
        _script(secrets / "make.sh", url, CLUSTER, "far", "--", "--replicas", "3")
        assert before == ((secrets / f"{CLUSTER}.key").read_bytes(), (secrets / "sealing-mark.key").read_bytes())
        arguments = (CLUSTER, str(secrets / "accounts"), str(secrets / f"{CLUSTER}.key"))
        (directory / "agent" / "agent.env").write_text(_script(directory / "agent" / "credential.sh", *arguments))
        return cls(directory)

    def render(self, overlay: str) -> list[Object]:
        """Every object of an overlay, in kubectl's order."""
        done = kubectl("kustomize", str(self.directory / overlay))
        assert done.returncode == 0, done.stderr
        return [document for document in yaml.safe_load_all(done.stdout) if document]


def _script(path: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", str(path), *arguments],
        capture_output=True,
        check=False,
        env=environment,
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    """The objects of these kinds."""
    return [each for each in objects if each["kind"] in kinds]


def named(objects: list[Object], kind: str, name: str) -> Object:
    """The one object of a kind and name."""
    [found] = [each for each in of_kind(objects, kind) if each["metadata"]["name"] == name]
    return found
