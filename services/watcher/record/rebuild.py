"""`python -m services.watcher rebuild [--check]`: for whoever runs the installation, beside the recorders."""

import argparse
import asyncio
import sys
from typing import NoReturn

from services.watcher.record.rebuilding import Rebuilder
from shared.errors import EXIT_FAILED, Fatal, KubeMinError
from shared.logging import configure
from shared.runtime.settings import StoreSettings, load_settings
from shared.store.archive import Archive
from shared.store.database import Database
from shared.store.projections import Projections


async def run(settings: StoreSettings, *, check: bool) -> bool:
    """Fold the archive again, tell every document that differs, and unless only checking store it; True if none did."""
    database = Database.connect(settings)
    applications = documents = different = 0
    try:
        rebuilder = Rebuilder(archive=Archive(database), stored=Projections(database))
        async for comparison in rebuilder.compare() if check else rebuilder.rebuild():
            applications += 1
            documents += sum(comparison.documents.values())
            different += len(comparison.different)
            for document in comparison.different:
                sys.stdout.write(f"{document}\n")
    finally:
        database.close()
    outcome = "different" if check else "stored anew"
    sys.stdout.write(f"{applications} applications, {documents} documents, {different} {outcome}\n")
    return different == 0


def start(arguments: list[str]) -> NoReturn:
    """Run as this process; exits 1 where `--check` found a difference."""
    parser = argparse.ArgumentParser(
        prog="python -m services.watcher rebuild",
        description="Fold the archived run events and facts again, and store what people read as they say.",
    )
    parser.add_argument("--check", action="store_true", help="only tell which documents differ; exit 1 if any does")
    check = bool(parser.parse_args(arguments).check)
    configure("rebuild", level="WARNING")
    try:
        equal = asyncio.run(run(load_settings(StoreSettings), check=check))
    except KubeMinError as error:
        sys.stderr.write(f"kubemin-rebuild: {error}\n")
        sys.exit(error.exit_code if isinstance(error, Fatal) else EXIT_FAILED)
    sys.exit(EXIT_FAILED if check and not equal else 0)
