"""`python -m tests.compatibility.write 0.2`: keeps what this build writes, for every later build to read.

A version that is kept already is never written again: its fixtures are what is out there.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from dev.mongo import MongoServer
from shared.contracts.versions import VERSION
from shared.runtime.settings import StoreSettings
from shared.store.database import Database
from tests.compatibility import documents, kept
from tests.compatibility.fields import fields
from tests.compatibility.messages import messages, on_the_wire
from tests.unit.services.planner.history import HISTORIES, History, replayed, told


def main(arguments: list[str]) -> int:
    """Write the fixtures of a version; returns the exit code."""
    if len(arguments) != 1 or not all(part.isdigit() for part in arguments[0].split(".")):
        sys.stderr.write("usage: python -m tests.compatibility.write <major.minor>\n")
        return 2
    target = kept.FIXTURES / arguments[0]
    if target.exists():
        sys.stderr.write(f"the fixtures of {arguments[0]} are kept already: take the next version\n")
        return 1
    asyncio.run(_write(target))
    return 0


async def _write(target: Path) -> None:
    for name, (channel, message) in messages().items():
        _save(target / kept.MESSAGES / f"{name}.json", on_the_wire(channel, message))
    for path in sorted(HISTORIES.glob("*.json")):
        history = History.model_validate_json(path.read_bytes())
        recorded = {"history": json.loads(path.read_bytes()), "state": told(replayed(history))}
        _save(target / kept.HISTORIES / path.name, recorded)
    _save(target / kept.DOCUMENTS, await _documents())
    _save(target / kept.FIELDS, {"version": VERSION, "fields": fields()})


async def _documents() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        async with MongoServer(Path(directory)) as server:
            database = Database.connect(StoreSettings(mongodb_uri=SecretStr(server.uri)))
            try:
                await documents.write(database, documents.contents())
                return await documents.dump(database)
            finally:
                database.close()


def _save(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
