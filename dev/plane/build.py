"""Builds the five programs of the control plane from the Go modules beside this file, once per machine.

No release download is involved: the Go module proxy delivers the sources, and each `go.sum` pins them. The result lies
in a cache outside of the clone, under a key of all that determines it; a rename puts it there, whole or not at all.
"""

import asyncio
import contextlib
import hashlib
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from dev.cache import cache_dir
from dev.plane.file_lock import FileLock
from dev.plane.go_toolchain import GoVersion, find_go, parse_version
from dev.processes import ChildProcess

Progress = Callable[[str], None]

_MODULES_DIR = Path(__file__).parent / "modules"
_HEARTBEAT_S = 15.0
_LOCK_POLL_S = 0.5
_BUILD_TIMEOUT_S = 3600.0
_LINKER_FLAGS = "-s -w"
_BUILD_ENV = {
    "CGO_ENABLED": "0",
    # Not the user's own flags: the same sources shall give the same programs.
    "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
}


@dataclass(frozen=True)
class _Module:
    name: str
    """The directory below `modules`."""
    packages: dict[str, str]
    """Go package by the name of its program."""
    origin: str
    """The required module whose version the programs report."""
    version_variables: str
    """Linker flags that set it; without them the API server reports a version that clients refuse to parse."""
    minutes: float
    """How long it took on two cores with nothing cached."""

    @property
    def directory(self) -> Path:
        return _MODULES_DIR / self.name

    @property
    def linker_flags(self) -> str:
        version = _required_version(self.directory / "go.mod", self.origin)
        major, minor, _ = version.removeprefix("v").split(".", 2)
        return f"{_LINKER_FLAGS} {self.version_variables.format(version=version, major=major, minor=minor)}".strip()


_MODULES = (
    _Module("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}, "go.etcd.io/etcd/server/v3", "", 1),
    _Module(
        "kwok",
        {"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
        "sigs.k8s.io/kwok",
        "-X sigs.k8s.io/kwok/pkg/consts.Version={version}",
        2,
    ),
    _Module(
        "kubernetes",
        {
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
        },
        "k8s.io/kubernetes",
        "-X k8s.io/component-base/version.gitVersion={version}"
        " -X k8s.io/component-base/version.gitMajor={major}"
        " -X k8s.io/component-base/version.gitMinor={minor}",
        6,
    ),
)


class BuildError(Exception):
    """Go could not build one of the programs."""

    def __init__(self, module: str, output: str) -> None:
        self.module = module
        self.output = output
        super().__init__(f"building the Go module {module} failed; the end of Go's output:\n{output}")


def kubernetes_version() -> str:
    """Return the version that the API server reports, such as `v1.36.3`."""
    return _required_version(_MODULES_DIR / "kubernetes" / "go.mod", "k8s.io/kubernetes")


def binaries_dir() -> Path:
    """Return where the programs lie once they are built, which need not be the case yet."""
    return cache_dir() / "plane" / _cache_key()


async def ensure_binaries(progress: Progress) -> Path:
    """Return the directory that holds the five programs, building them first if it must; it then takes minutes.

    Raises:
        NoGoError: no Go that is new enough.
        BuildError: with the end of Go's output; nothing half-built is left.

    """
    target = binaries_dir()
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    async with _exclusive(target.with_name(f"{target.name}.lock"), progress):
        if not target.is_dir():
            await _build_into(target, progress)
    return target


async def _build_into(target: Path, progress: Progress) -> None:
    go = await find_go(needed_go())
    minutes = sum(module.minutes for module in _MODULES)
    progress(
        f"building the Kubernetes {kubernetes_version()} control plane with {go}, once for this machine:"
        f" about {minutes:.0f} minutes on two cores, into {target}",
    )
    began = time.monotonic()
    for leftover in target.parent.glob(f"{target.name}.partial-*"):  # of a run that was killed: we hold the lock
        shutil.rmtree(leftover)
    # Beside the target: a rename is atomic only within one file system.
    partial = Path(tempfile.mkdtemp(prefix=f"{target.name}.partial-", dir=target.parent))
    try:
        for module in _MODULES:
            await _build_module(go, module, partial, progress)
        _publish(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    progress(f"the control plane is built ({time.monotonic() - began:.0f} s)")


def _publish(partial: Path, target: Path) -> None:
    partial.chmod(0o755)  # a temporary directory is for its owner alone
    partial.rename(target)


async def _build_module(go: Path, module: _Module, into: Path, progress: Progress) -> None:
    began = time.monotonic()
    log = into / f"{module.name}.log"
    for program, package in module.packages.items():
        # One program at a time, because a package's last path element is not always the name that we want.
        argv = [str(go), "build", "-C", str(module.directory), "-v", "-ldflags", module.linker_flags]
        compiler = ChildProcess(
            f"go build {program}",
            [*argv, "-o", str(into / program), package],
            log_path=log,
            env=_BUILD_ENV,
        )
        await compiler.start()
        try:
            async with asyncio.timeout(_BUILD_TIMEOUT_S):
                await _wait_with_heartbeat(compiler, module.name, began, progress)
        finally:
            await compiler.stop()
        if compiler.poll() != 0:
            raise BuildError(module.name, compiler.log_tail())
    progress(f"{module.name}: built {', '.join(module.packages)} ({time.monotonic() - began:.0f} s)")
    log.unlink()


async def _wait_with_heartbeat(compiler: ChildProcess, module: str, began: float, progress: Progress) -> None:
    while True:
        try:
            async with asyncio.timeout(_HEARTBEAT_S):
                await compiler.wait()
        except TimeoutError:
            # With -v Go names each package as it compiles it.
            packages = len(compiler.log_path.read_bytes().splitlines())
            progress(f"{module}: {time.monotonic() - began:.0f} s, {packages} packages compiled")
        else:
            return


@contextlib.asynccontextmanager
async def _exclusive(path: Path, progress: Progress) -> AsyncIterator[None]:
    """Hold the lock file, so that of two runs one builds and the other waits."""
    lock = FileLock(path)
    if not lock.try_acquire():
        progress(f"another process is building the control plane: waiting for it ({path})")
        while not lock.try_acquire():  # noqa: ASYNC110 - the other is another process
            await asyncio.sleep(_LOCK_POLL_S)
    try:
        yield
    finally:
        lock.release()


def _cache_key() -> str:
    digest = hashlib.sha256()
    for module in _MODULES:
        for name in ("go.mod", "go.sum"):
            digest.update((module.directory / name).read_bytes())
        digest.update(repr((module.packages, module.linker_flags)).encode())
    digest.update(repr((sorted(_BUILD_ENV.items()), sys.platform, platform.machine())).encode())
    return digest.hexdigest()[:16]


def needed_go() -> GoVersion:
    """Return the highest `go` directive of the modules."""
    directives = (re.search(r"^go (\S+)$", (each.directory / "go.mod").read_text(), re.MULTILINE) for each in _MODULES)
    versions = (parse_version(f"go{directive[1]}") for directive in directives if directive is not None)
    return max(version for version in versions if version is not None)


def _required_version(go_mod: Path, module: str) -> str:
    """Return the version of a module that a `go.mod` requires."""
    match = re.search(rf"^(?:require)?\s*{re.escape(module)} (v\S+)", go_mod.read_text(), re.MULTILINE)
    if match is None:
        message = f"{go_mod} does not require {module}"
        raise ValueError(message)
    return match[1]
