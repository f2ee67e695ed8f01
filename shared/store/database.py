"""The one door to MongoDB: thin, typed, bounded in time.

Writes wait for a journaled majority; the driver's own retries are off, so a caller whose write ended in
StoreUnavailable does not know whether it happened, and repeats it idempotently. There is no findAndModify: guard an
update, then read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pymongo
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo import errors as driver_errors

from shared.errors import Fatal, Rejected, Retryable
from shared.runtime.settings import SettingsInvalid, StoreSettings

Document = dict[str, Any]
Sort = Sequence[tuple[str, int]]
"""Pairs of a field and 1 (ascending) or -1 (descending)."""

SCHEMA_VERSION = 1
"""Of the collections' layouts; raised when an older build would misread them."""
OPERATION_TIMEOUT_S = 10.0
"""For the answer to one request."""
SERVER_SELECTION_TIMEOUT_S = 3.0
"""To find a server, to connect to it, and to wait for a connection: what a call takes when MongoDB is not there."""

_URI = "KUBEMIN_MONGODB_URI (or KUBEMIN_MONGODB_URI_FILE)"
_META = "meta"
_SCHEMA = "schema"
_DUPLICATE_KEY = 11000
_PER_BULK = 50
"""Updates in one call: so many get done within its time-out by a server that is slow, and others follow them."""
_PER_ANSWER = 1000
"""Documents that are found, at most; a server's own first answer has 101, and each further one is a request."""
_REFUSED_CODES = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, AtlasError: https://www.mongodb.com/docs/manual/reference/error-codes/."""
_PASSING_CODES = frozenset(
    {6, 7, 24, 43, 46, 50, 64, 89, 91, 112, 134, 189, 237, 262, 9001, 10107, 11600, 11601, 11602, 13435, 13436, 14031}
)
"""Of a network, an election, a shutdown, a cursor or lock that was lost, a time that was over, a disk that is full.

The driver names them retryable only where its own retries are on. Source: as above.
"""


class StoreUnavailable(Retryable):
    """MongoDB did not answer in time, or is changing its primary; whether a write happened is unknown."""

    def __init__(self, operation: str, detail: str) -> None:
        """`operation` is `<verb> <collection>`."""
        self.operation = operation
        self.detail = detail
        super().__init__(f"MongoDB is not available ({operation}): {detail}", retry_after_s=1.0)


class StoreRefused(Fatal):
    """MongoDB refuses, and will do so again: rights, configuration, or a request that it cannot understand."""

    def __init__(self, operation: str, detail: str) -> None:
        """`operation` is `<verb> <collection>`."""
        self.operation = operation
        self.detail = detail
        super().__init__(f"MongoDB refuses ({operation}): {detail}")


class DocumentTooLarge(Rejected):
    """The document is larger than MongoDB stores (16 MiB)."""

    def __init__(self, operation: str) -> None:
        """`operation` is `<verb> <collection>`."""
        self.operation = operation
        super().__init__(f"the document is larger than MongoDB stores ({operation})")


class SchemaTooNew(Fatal):
    """The database was written by a newer build."""

    def __init__(self, found: int, known: int) -> None:
        """Both are schema versions."""
        self.found = found
        self.known = known
        super().__init__(
            f"The database has schema version {found}, this build knows {known}:"
            " start a newer build, or use another database."
        )


@dataclass(frozen=True)
class Index:
    """An index to ensure at start."""

    collection: str
    keys: tuple[tuple[str, int], ...]
    unique: bool = False
    partial: Mapping[str, Any] | None = None
    """Only documents that match are in it."""
    expire_after_s: int | None = None
    """MongoDB deletes documents that many seconds after the time that the field holds."""

    @property
    def name(self) -> str:
        """Fields and directions, as MongoDB itself would name it."""
        return "_".join(f"{field}_{direction}" for field, direction in self.keys)


@dataclass(frozen=True)
class Update:
    """One update of one document by id."""

    id: Any
    update: Mapping[str, Any]
    """Update operators, such as {"$set": {…}}."""
    guard: Mapping[str, Any] | None = None
    """Further conditions on the stored document."""
    upsert: bool = False
    """Insert it where there is none; a document that the guard excludes stays as it is."""


class Database:
    """One database of one MongoDB deployment."""

    def __init__(self, client: AsyncIOMotorClient[Document], name: str) -> None:
        self._client = client
        self._database = client[name]

    @classmethod
    def connect(cls, settings: StoreSettings) -> "Database":
        """Open lazily: nothing is sent before the first operation, so MongoDB may come up later than we do.

        Raises SettingsInvalid where the URI is malformed.
        """
        try:
            client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
                settings.mongodb_uri.get_secret_value(),
                # These override what the URI says: durability is no matter of configuration.
                w="majority",
                journal=True,
                retryWrites=False,
                retryReads=False,
                # Not timeoutMS: it replaces the time for server selection, and every "not there" would take all of it.
                serverSelectionTimeoutMS=_ms(SERVER_SELECTION_TIMEOUT_S),
                connectTimeoutMS=_ms(SERVER_SELECTION_TIMEOUT_S),
                waitQueueTimeoutMS=_ms(SERVER_SELECTION_TIMEOUT_S),
                socketTimeoutMS=_ms(OPERATION_TIMEOUT_S),
                wTimeoutMS=_ms(OPERATION_TIMEOUT_S),
                appname="kubemin",
                tz_aware=True,
            )
        except OSError as error:
            # A file that the URI names, such as tlsCAFile.
            raise SettingsInvalid(_URI, f"cannot read {error.filename}: {error.strerror}") from error
        except (driver_errors.PyMongoError, ValueError) as error:
            # Without the cause and its quotations: they may be parts of a password.
            raise SettingsInvalid(_URI, _unquoted(error)) from None
        return cls(client, settings.mongodb_database)

    def close(self) -> None:
        """Close every connection; the object is of no use afterwards."""
        self._client.close()

    async def ping(self) -> None:
        """Raise StoreUnavailable where MongoDB does not answer."""
        with _translated("ping", self._database.name):
            await self._database.command("ping")

    async def ensure(self, indexes: Iterable[Index], *, schema_version: int = SCHEMA_VERSION) -> None:
        """Create what is missing; idempotent, and safe to run in several processes at once.

        Raises SchemaTooNew where a newer build has been here.
        """
        await self.insert(_META, {"_id": _SCHEMA, "version": schema_version})
        stored = await self.find_one(_META, {"_id": _SCHEMA})
        found = int(stored["version"]) if stored else 0
        if found > schema_version:
            raise SchemaTooNew(found, schema_version)
        await self.guarded_update(
            _META, _SCHEMA, {"version": {"$lt": schema_version}}, {"$set": {"version": schema_version}}
        )
        for index in indexes:
            options: dict[str, Any] = {"name": index.name, "unique": index.unique}
            if index.partial is not None:
                options["partialFilterExpression"] = dict(index.partial)
            if index.expire_after_s is not None:
                options["expireAfterSeconds"] = index.expire_after_s
            with _translated("index", index.collection):
                await self._in(index.collection).create_index(list(index.keys), **options)

    async def insert(self, collection: str, document: Mapping[str, Any]) -> bool:
        """Insert one document; False where its id, or another unique key, is taken."""
        with _translated("insert", collection):
            try:
                await self._in(collection).insert_one(dict(document))
            except driver_errors.DuplicateKeyError:
                return False
        return True

    async def insert_many_ignoring_duplicates(self, collection: str, documents: Iterable[Mapping[str, Any]]) -> int:
        """Insert those that are not there yet, and return how many were not."""
        batch = list(documents)
        return len(batch) - len(await self.insert_absent(collection, batch))

    async def insert_absent(self, collection: str, documents: Sequence[Mapping[str, Any]]) -> list[int]:
        """Insert many documents in any order, and return the positions of those that were there already."""
        if not documents:
            return []
        with _translated("insert", collection):
            try:
                await self._in(collection).insert_many([dict(document) for document in documents], ordered=False)
            except driver_errors.BulkWriteError as error:
                return _duplicates(error)
        return []

    async def guarded_update(
        self,
        collection: str,
        id_: Any,
        guard: Mapping[str, Any],
        update: Mapping[str, Any],
        *,
        upsert: bool = False,
    ) -> bool:
        """Update the document of that id if the guard holds too, and say whether it did.

        With `upsert` an absent document is inserted; one that the guard excludes stays as it is (False).
        """
        with _translated("update", collection):
            try:
                result = await self._in(collection).update_one({**guard, "_id": id_}, dict(update), upsert=upsert)
            except driver_errors.DuplicateKeyError:
                return False
        return result.matched_count > 0 or result.upserted_id is not None

    async def bulk_update(self, collection: str, updates: Sequence[Update]) -> list[Update]:
        """Carry out many updates in any order; those whose guard does not hold change nothing.

        Returns the upserts among those: another document was there, perhaps since this very moment.
        """
        excluded: list[Update] = []
        for start in range(0, len(updates), _PER_BULK):
            batch = updates[start : start + _PER_BULK]
            writes = [
                pymongo.UpdateOne({**(u.guard or {}), "_id": u.id}, dict(u.update), upsert=u.upsert) for u in batch
            ]
            with _translated("update", collection):
                try:
                    await self._in(collection).bulk_write(writes, ordered=False)
                except driver_errors.BulkWriteError as error:
                    excluded += [batch[index] for index in _duplicates(error)]
        return excluded

    async def update_many(self, collection: str, guard: Mapping[str, Any], update: Mapping[str, Any]) -> int:
        """Update every document that matches, and return how many did."""
        with _translated("update", collection):
            result = await self._in(collection).update_many(dict(guard), dict(update))
        return result.matched_count

    async def delete(self, collection: str, guard: Mapping[str, Any]) -> int:
        """Delete every document that matches, and return how many there were."""
        with _translated("delete", collection):
            result = await self._in(collection).delete_many(dict(guard))
        return result.deleted_count

    async def find_one(
        self, collection: str, guard: Mapping[str, Any], *, projection: Sequence[str] | None = None
    ) -> Document | None:
        """Return a document that matches, or None; `projection` names the fields to load."""
        with _translated("find", collection):
            return await self._in(collection).find_one(dict(guard), _projected(projection))

    async def find(
        self,
        collection: str,
        guard: Mapping[str, Any],
        *,
        sort: Sort = (),
        limit: int = 0,
        projection: Sequence[str] | None = None,
    ) -> list[Document]:
        """Return the documents that match, all of them in memory; `limit` 0 means no limit."""
        with _translated("find", collection):
            cursor = self._in(collection).find(dict(guard), _projected(projection), batch_size=_PER_ANSWER)
            if sort:
                cursor = cursor.sort(list(sort))
            if limit:
                cursor = cursor.limit(limit)
            return [document async for document in cursor]

    async def count(self, collection: str, guard: Mapping[str, Any]) -> int:
        """Return how many documents match."""
        with _translated("count", collection):
            return await self._in(collection).count_documents(dict(guard))

    def _in(self, collection: str) -> AsyncIOMotorCollection[Document]:
        return self._database[collection]


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _projected(fields: Sequence[str] | None) -> dict[str, int] | None:
    return None if fields is None else dict.fromkeys(fields, 1)


def _duplicates(error: driver_errors.BulkWriteError) -> list[int]:
    """Return which writes met a duplicate where that is all that went wrong, else raise the error again."""
    details = error.details or {}
    failures = details.get("writeErrors", [])
    if details.get("writeConcernErrors") or any(failure.get("code") != _DUPLICATE_KEY for failure in failures):
        raise error
    return [failure["index"] for failure in failures]


@contextmanager
def _translated(verb: str, collection: str) -> Iterator[None]:
    operation = f"{verb} {collection}"
    try:
        yield
    except driver_errors.DocumentTooLarge as error:
        raise DocumentTooLarge(operation) from error
    except driver_errors.BulkWriteError as error:
        # Its text would be the whole batch.
        failed = len((error.details or {}).get("writeErrors", []))
        raise StoreUnavailable(operation, f"{failed} writes of a batch failed") from error
    except driver_errors.OperationFailure as error:
        if error.code in _REFUSED_CODES or not _worth_another_try(error):
            raise StoreRefused(operation, _one_line(error)) from error
        raise StoreUnavailable(operation, _one_line(error)) from error
    except (driver_errors.ConnectionFailure, driver_errors.ExecutionTimeout) as error:
        raise StoreUnavailable(operation, _one_line(error)) from error
    except driver_errors.PyMongoError as error:
        if error.timeout:
            raise StoreUnavailable(operation, _one_line(error)) from error
        raise StoreRefused(operation, _one_line(error)) from error


def _worth_another_try(error: driver_errors.OperationFailure) -> bool:
    transient = error.has_error_label("RetryableWriteError") or error.has_error_label("TransientTransactionError")
    passing = isinstance(error, driver_errors.ExecutionTimeout | driver_errors.WriteConcernError)
    return bool(transient or passing or error.timeout or error.code in _PASSING_CODES)


def _one_line(error: Exception) -> str:
    # The driver appends its whole view of the topology, or the server's whole answer.
    told = str(error).partition(", Timeout:")[0].partition(", full error:")[0]
    return told.splitlines()[0][:300] if told else type(error).__name__


def _unquoted(error: Exception) -> str:
    return re.split("['\"]", _one_line(error))[0].rstrip(" :,") or "cannot be read"
