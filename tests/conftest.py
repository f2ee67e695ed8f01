"""Fixtures that several suites share."""

import signal

pytest_plugins = ["tests.support.clusters", "tests.support.mongo"]


def pytest_configure() -> None:
    """Let children be interrupted, also where we were started in the background of a shell that ignores SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
