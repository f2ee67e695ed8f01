"""How Python programs of ours are started as children."""

import os
import sys
from collections.abc import Mapping

from dev.cache import cache_dir

PYTHON = sys.executable


def environment(**ours: str) -> Mapping[str, str]:
    """Variables to add for a child: bytecode is kept in the cache, so that a dozen processes do not compile it each."""
    inherited = os.environ.get("PYTHONPYCACHEPREFIX") or str(cache_dir() / "bytecode")
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": inherited, **ours}
