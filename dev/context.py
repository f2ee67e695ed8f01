"""Publishes the stack's context to the command line of other terminals, for as long as the stack is up."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_NAME = "dev"


@contextmanager
def published(context: Path) -> Iterator[None]:
    """Add the context `dev` to the user's configuration and make it current; taken back at the end."""
    path = config_path()
    before = _read(path)
    ours = json.loads(context.read_text(encoding="utf-8"))["contexts"][_NAME]
    _write(path, {"current": _NAME, "contexts": {**before.get("contexts", {}), _NAME: ours}})
    try:
        yield
    finally:
        now = _read(path)
        contexts = {name: c for name, c in now.get("contexts", {}).items() if name != _NAME or c != ours}
        current = now.get("current")
        if current not in contexts:
            current = before.get("current") if before.get("current") in contexts else next(iter(contexts), None)
        _write(path, {"current": current, "contexts": contexts})


def config_path() -> Path:
    """Where the command line looks: $KUBEMIN_CONFIG, else the user's configuration directory."""
    chosen = os.environ.get("KUBEMIN_CONFIG")
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(chosen).expanduser() if chosen else Path(base).expanduser() / "kubemin" / "config.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
    draft.replace(path)
