"""Where things that were built are kept: outside the clone, for every clone of this user."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return the cache of this user: `$KUBEMIN_CACHE`, else by the XDG base directory specification."""
    if own := os.environ.get("KUBEMIN_CACHE"):
        return Path(own)
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "kubemin"
    return Path.home() / ".cache" / "kubemin"
