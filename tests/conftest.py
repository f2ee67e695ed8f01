"""Fixtures that several suites share, and how tests are spread over processes."""

import signal
import zlib

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.clusters", "tests.support.mongo", "tests.support.progress"]

# How long one example takes says something of the machine, not of the code; nor does it how long it takes to draw one:
# the first of a process includes that Hypothesis reads all of our modules.
settings.register_profile("kubemin", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kubemin")


_LONG = ("tests/e2e/", "tests/faults/", "tests/bench/", "tests/packaging/", "tests/compatibility/", "tests/plane/")
"""Suites whose groups take minutes, the longest first."""


def pytest_configure(config: pytest.Config) -> None:
    """Let children be interrupted, also where we were started in the background of a shell that ignores SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # pytest-xdist would begin with the groups that have most tests; ours that take longest have few.
    config.option.loadscopereorder = False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep together, where tests run in several processes, what shares what is expensive to start.

    There the long groups come first, so that no process is left with one when the others are done.
    """
    for item in items:
        if isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.xdist_group(_group(item)))
    if hasattr(config, "workerinput"):
        items.sort(
            key=lambda item: next((n for n, suite in enumerate(_LONG) if item.nodeid.startswith(suite)), len(_LONG))
        )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to go on where groups are asked for and not kept together: all would be started once for each process."""
    loadgroup = getattr(session.config.option, "loadgroup", False)
    if loadgroup and not all("@" in item.nodeid for item in session.items if isinstance(item, pytest.Function)):
        msg = "pytest-xdist does not put the groups of tests into their names: it does not suit this pytest"
        raise pytest.UsageError(msg)


def _group(item: pytest.Function) -> str:
    """Tests of one system are two groups, those of packaging, which fetch the packages, one; any others of a module."""
    module = item.nodeid.partition("::")[0]
    system = item.callspec.params.get("system") if hasattr(item, "callspec") else None
    if system:
        # Two, so that the longest of all does not last when all others are done.
        return f"system-{system}-{zlib.crc32(module.encode()) % 2}"
    return "packaging" if module.startswith("tests/packaging/") else module
