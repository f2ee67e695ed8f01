"""The verbs of the API on the store: create, update, patch, apply, delete, for HTTP and controllers alike."""

import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from dev.simulator import kinds, managers
from dev.simulator.admission import admit
from dev.simulator.allocation import Allocator
from dev.simulator.bodies import applied_configuration, received
from dev.simulator.defaults import apply_defaults
from dev.simulator.errors import (
    ApiError,
    already_exists,
    bad_request,
    conflict,
    field_invalid,
    field_required,
    invalid,
    invalid_options,
    not_found,
)
from dev.simulator.kinds import Kind, Subresource
from dev.simulator.lifecycle import (
    is_finished,
    prepare_create,
    prepare_update,
)
from dev.simulator.managers import Manager, Ownerships, Write
from dev.simulator.objects import (
    Object,
    name_of,
    name_suffix,
    namespace_of,
    timestamp,
    uid_of,
)
from dev.simulator.options import UNTRACKED, WriteOptions
from dev.simulator.store import Key, Store
from dev.simulator.validation import validate
from shared.contracts.cloning import clone

_UID_OTHER = (
    "StorageError: invalid object, Code: 4, Key: /registry/{}/{}/{}, ResourceVersion: 0, AdditionalErrorMsg: "
    "Precondition failed: UID in precondition: {}, UID in object meta: {}"
)
_UID_ABSENT = "uid mismatch: the provided object specified uid {}, and no existing object was found"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Cluster:
    """The API of one cluster. Every method runs without waiting, so each is atomic."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = _utc_now) -> None:
        self.store = store
        self._clock = clock
        self._allocator = Allocator()
        store.listen(self._allocator.note)

    def now(self) -> datetime:
        """Return the time."""
        return self._clock()

    def timestamp(self) -> str:
        """Return the time as metav1.Time."""
        return timestamp(self._clock())

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """Return an object.

        Raises:
            ApiError: 404.
        """
        found = self.store.get(kind, namespace, name)
        if found is None:
            raise not_found(kind, name)
        return found

    def create(self, kind: Kind, namespace: str, body: Object, options: WriteOptions = UNTRACKED) -> Object:
        """Create an object; the body is not kept.

        Raises:
            ApiError: 400, 403, 404 (the namespace), 409, 422.
        """
        obj = received(kind, namespace, body)
        if obj["metadata"].get("resourceVersion"):
            raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
        obj["metadata"].pop("managedFields", None)
        apply_defaults(kind, obj)
        owners: Ownerships = {}
        if options.manager:
            tracked = {key: value for key, value in obj.items() if key != "status"}
            owners = managers.track_update({}, tracked, {}, self._write(kind, options, "Update", None))
        return self._create(kind, namespace, obj, owners, dry_run=options.dry_run)

    def _write(self, kind: Kind, options: WriteOptions, operation: str, subresource: Subresource | None) -> Write:
        manager = Manager(options.manager, "Apply" if operation == "Apply" else "Update", subresource or "")
        return Write(manager, self.timestamp(), kind.api_version)

    def _create(self, kind: Kind, namespace: str, obj: Object, owners: Ownerships, *, dry_run: bool) -> Object:
        now = self.timestamp()
        suffix = name_suffix(secrets.randbelow(27**5))
        prepare_create(kind, obj, uid=str(uuid.uuid4()), now=now, suffix=suffix)
        apply_defaults(kind, obj)
        admit(self.store, kind, namespace, obj)
        validate(kind, obj, None)
        name = name_of(obj)
        if self.store.get(kind, namespace, name) is not None:
            raise already_exists(kind, name)
        if kind is kinds.SERVICE:
            self._allocator.check_new(obj)
            self._allocator.allocate(obj)
        _set_owners(obj, owners)
        return obj if dry_run else self.store.put(kind, obj)

    def update(
        self, key: Key, body: Object, subresource: Subresource | None = None, options: WriteOptions = UNTRACKED
    ) -> tuple[Object, bool]:
        """Replace an object, or its status; also tells whether it was created.

        Raises:
            ApiError: 400, 404, 409, 422.
        """
        kind, namespace, name = key
        new = received(kind, namespace, body, name)
        metadata = new["metadata"]
        if not metadata.get("name"):
            raise bad_request(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
        old = self.store.get(kind, namespace, name)
        if old is None:
            if not kind.upsert or subresource is not None or metadata.get("uid"):
                raise not_found(kind, name)
            metadata.pop("resourceVersion", None)
            return self.create(kind, namespace, new, options), True
        if metadata.get("uid", uid_of(old)) != uid_of(old):
            raise conflict(kind, name, _UID_OTHER.format(kind.plural, namespace, name, metadata["uid"], uid_of(old)))
        self._check_version(kind, new, old)
        return self._update(key, old, new, subresource, options), False

    def _check_version(self, kind: Kind, new: Object, old: Object) -> None:
        given = new["metadata"].get("resourceVersion")
        if not given and not kind.unconditional_update:
            error = field_invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid(kind, name_of(old), [error])
        if given and given != old["metadata"]["resourceVersion"]:
            raise conflict(kind, name_of(old))

    def patch(
        self,
        key: Key,
        change: Callable[[Object], Object],
        subresource: Subresource | None = None,
        options: WriteOptions = UNTRACKED,
    ) -> Object:
        """Change an object, or its status, by a function of its present state (which must be left as it is).

        Raises:
            ApiError: 400, 404, 409, 422.
        """
        kind, namespace, name = key
        old = self.get(kind, namespace, name)
        patched = change(_bare(old))
        new = received(kind, namespace, clone(patched), name)
        self._check_version(kind, new, old)
        return self._update(key, old, new, subresource, options)

    def _update(
        self, key: Key, old: Object, new: Object, subresource: Subresource | None, options: WriteOptions
    ) -> Object:
        """Commit an object that a client has written as a whole."""
        kind = key.kind
        # A client may write the list itself; an empty one leaves it as it is, and one with an empty entry clears it.
        given = new["metadata"].pop("managedFields", None) if subresource is None else None
        new["metadata"].pop("managedFields", None)
        owners = managers.decode(given or old["metadata"].get("managedFields") or ())
        apply_defaults(kind, new)
        prepare_update(kind, new, old, subresource)
        if options.manager:
            write = self._write(kind, options, "Update", subresource)
            owners = managers.track_update(_bare(old), _bare(new), owners, write)
        return self._commit(kind, old, new, owners, dry_run=options.dry_run)

    def apply(
        self, key: Key, body: Object, subresource: Subresource | None, options: WriteOptions
    ) -> tuple[Object, bool]:
        """Apply a configuration by server-side apply; also tells whether the object was created.

        Raises:
            ApiError: 400, 404, 409, 422.
        """
        kind, namespace, name = key
        if not options.manager:
            error = field_required("fieldManager", "is required for apply patch")
            raise invalid_options("PatchOptions", [error])
        configuration, uid, version = applied_configuration(kind, namespace, body, name)
        if kind.status and subresource is None:
            configuration.pop("status", None)
        write = self._write(kind, options, "Apply", subresource)
        old = self.store.get(kind, namespace, name)
        if old is None:
            if subresource is not None:
                raise not_found(kind, name)
            if uid:
                raise conflict(kind, name, _UID_ABSENT.format(uid))
            merged, owners = managers.apply({}, configuration, {}, write, force=options.force)
            return self._create(kind, namespace, clone(merged), owners, dry_run=options.dry_run), True
        known = managers.decode(old["metadata"].get("managedFields") or ())
        merged, owners = managers.apply(_bare(old), configuration, known, write, force=options.force)
        if version and version != old["metadata"]["resourceVersion"]:
            raise conflict(kind, name)
        new = clone(merged)
        if uid:
            new["metadata"]["uid"] = uid
        apply_defaults(kind, new)
        prepare_update(kind, new, old, subresource)
        return self._commit(kind, old, new, owners, dry_run=options.dry_run), False

    def _commit(self, kind: Kind, old: Object, new: Object, owners: Ownerships, *, dry_run: bool) -> Object:
        """Store a changed object; one that is the same is not written, so it keeps its resourceVersion."""
        _set_owners(new, owners)
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        if new == old:
            return old
        validate(kind, new, old)
        if kind is kinds.SERVICE:
            self._allocator.allocate(new)
        if dry_run:
            return new
        if is_finished(kind, new):
            return self.store.remove(kind, new)
        return self.store.put(kind, new)

    def write(self, kind: Kind, new: Object) -> Object:
        """Store an object that a controller has changed, if it differs; its finalizers may be gone now."""
        old = self.get(kind, namespace_of(new), name_of(new))
        if new == old:
            return old
        if is_finished(kind, new):
            return self.store.remove(kind, new)
        return self.store.put(kind, {**new, "metadata": dict(new["metadata"])})

    def write_status(self, kind: Kind, obj: Object, status: Object) -> Object:
        """Store a new status of an object, if it differs."""
        return obj if obj.get("status") == status else self.write(kind, {**obj, "status": status})

    def write_spec(self, kind: Kind, obj: Object, **fields: object) -> Object:
        """Store fields of spec that a controller has set, counting the generation."""
        spec = {**obj["spec"], **fields}
        if spec == obj["spec"]:
            return obj
        metadata = dict(obj["metadata"])
        if kind.generation:
            metadata["generation"] += 1
        return self.write(kind, {**obj, "metadata": metadata, "spec": spec})


def _bare(obj: Object) -> Object:
    """Return the object without its managedFields."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


def _set_owners(obj: Object, owners: Ownerships) -> None:
    if owners:
        obj["metadata"]["managedFields"] = managers.encode(owners)
    else:
        obj["metadata"].pop("managedFields", None)
