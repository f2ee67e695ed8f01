"""`python -m dev.generate`: writes what comes from the models: OpenAPI, AsyncAPI, JSON Schemas, references.

The same sources give the same bytes, so the build can tell whether a committed file is stale.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from dev.generated import asyncapi, settings, types

_ROOT = Path(__file__).resolve().parent.parent
_REFERENCE = _ROOT / "docs" / "reference"
_TIMEOUT_S = 60


def main() -> int:
    """Write every generated file; returns the exit code."""
    files: dict[str, str] = {
        "openapi.json": _openapi(),
        "asyncapi.json": _json(asyncapi.document()),
        **{f"{name}.md": page for name, page in types.pages().items()},
        "settings.md": settings.reference(_settings()),
        **{f"schemas/{name}.json": _json(schema) for name, schema in asyncapi.schemas().items()},
        **{f"schemas/{name}.json": _json(schema) for name, schema in types.schemas().items()},
    }
    for name, content in files.items():
        path = _REFERENCE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.write_text(content, encoding="utf-8")
            print(f"written: {path.relative_to(_ROOT)}")
    for path in sorted([*(_REFERENCE / "schemas").rglob("*.json"), *(_REFERENCE / "types").glob("*.md")]):
        if str(path.relative_to(_REFERENCE)) not in files:
            path.unlink()
            print(f"removed: {path.relative_to(_ROOT)}")
    return 0


def _openapi() -> str:
    # The stack knows services as processes only; so does its generator.
    return _json(json.loads(_run("services.gateway.web.openapi")))


def _settings() -> dict[str, Any]:
    modules = ("gateway", "planner", "executor", "watcher.observe", "watcher.record")
    code = (
        "import importlib, json, sys\n"
        "from shared.runtime.settings import Settings, described\n"
        "out = {}\n"
        "for name in sys.argv[1:]:\n"
        "    module = importlib.import_module(f'services.{name}.settings')\n"
        "    classes = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Settings)"
        " and c.__module__ == module.__name__]\n"
        "    out[name] = described(classes[0])\n"
        "print(json.dumps(out))\n"
    )
    return dict(json.loads(_checked(["-c", code, *modules])))


def _run(module: str) -> str:
    return _checked(["-m", module])


def _checked(arguments: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True, cwd=_ROOT, timeout=_TIMEOUT_S
    )
    return done.stdout


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
