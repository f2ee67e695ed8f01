"""MongoDB documents of every kept version are read by this build, and written back as what it reads as equal."""

import pytest
from pydantic import SecretStr

from dev.mongo import MongoServer
from shared.runtime.settings import StoreSettings
from shared.store.database import Database
from tests.compatibility import documents, kept


@pytest.mark.parametrize("version", kept.versions())
async def test_kept_documents_are_read_and_written_back_as_the_same(
    version: str, database: Database, mongodb: MongoServer
) -> None:
    await documents.restore(database, kept.load(version, kept.DOCUMENTS))
    found = await documents.read(database)
    other = Database.connect(
        StoreSettings(mongodb_uri=SecretStr(mongodb.uri), mongodb_database=f"again-{version.replace('.', '-')}")
    )
    try:
        await documents.write(other, found)
        assert await documents.read(other) == found
    finally:
        other.close()


async def test_every_document_is_kept(database: Database) -> None:
    await documents.write(database, documents.contents())
    written = await documents.dump(database)
    known = kept.load(kept.versions()[-1], kept.DOCUMENTS)
    assert set(written) == set(await database._database.list_collection_names()), (
        f"a collection is not kept. {kept.how_to_keep()}"
    )
    for collection, found in written.items():
        assert found, f"nothing is written to {collection}"
        names, before = ({name for document in each for name in document} for each in (found, known[collection]))
        assert names <= before, f"{collection} has gained {sorted(names - before)}. {kept.how_to_keep()}"
