"""Says on the terminal what a slow fixture is doing."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def progress(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line; where several processes run the tests, none of them has the terminal, and nothing is said."""
    terminal: Any = request.config.pluginmanager.getplugin("terminalreporter")
    return lambda line: None if terminal is None else terminal.write_line(line, flush=True)
