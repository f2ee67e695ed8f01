"""What the executor adds to a manifest before it is applied."""

import copy
from collections.abc import Callable

from shared.contracts.commands import ObjectToApply
from shared.contracts.identity import ObjectKey
from shared.contracts.sealed import PREFIX
from shared.contracts.stamps import stamps
from shared.errors import Rejected
from shared.jobtypes.objects import SERVER_FIELDS, is_secret
from shared.kube.kinds import Object

_NEVER = "1"
"""etcd's first revision, which is no object's."""


class ManifestMismatch(Rejected):
    """A command names one object and brings the manifest of another."""

    def __init__(self, key: ObjectKey, found: ObjectKey) -> None:
        super().__init__(f"the command names {key} and brings the manifest of {found}", reason="ManifestMismatch")


OpenValue = Callable[[str, str], str]
"""Opens the sealed text of a Secret's key: `(key, text) -> base64 of the value`; raises SealedValueInvalid."""


def finished(wanted: ObjectToApply, open_value: OpenValue) -> Object:
    """The object as it goes to the API server: stamped, its sealed values opened. The command is left as it is.

    Raises:
        ManifestMismatch: the command contradicts itself.
        SealedValueInvalid: a value was sealed for another place.

    """
    manifest = copy.deepcopy(wanted.manifest)
    metadata = manifest.setdefault("metadata", {})
    for field in SERVER_FIELDS:
        metadata.pop(field, None)
    if wanted.key.namespace:
        metadata.setdefault("namespace", wanted.key.namespace)
    found = ObjectKey.of(manifest)
    if found != wanted.key:
        raise ManifestMismatch(wanted.key, found)
    noted = stamps(wanted.digest, wanted.generation, wanted.rule, wanted.treatment)
    metadata["annotations"] = (metadata.get("annotations") or {}) | noted
    if is_secret(manifest):
        _open(manifest, open_value)
    return manifest


def absent(manifest: Object) -> Object:
    """The manifest with the precondition that there is no object of this name.

    A resource version that no object can have: kube-apiserver ignores it where it creates, and answers 409 where it
    does not. So a call that was held back on the way cannot overwrite what a later one has made.
    """
    return {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": _NEVER}}


def onto(manifest: Object, live: Object) -> Object:
    """The manifest with the preconditions that the live object is still the one that was looked at."""
    seen = {field: live["metadata"][field] for field in ("uid", "resourceVersion")}
    return {**manifest, "metadata": {**manifest["metadata"], **seen}}


def _open(manifest: Object, open_value: OpenValue) -> None:
    for field in ("data", "stringData"):
        values = manifest.get(field) or {}
        for name, text in list(values.items()):
            if isinstance(text, str) and text.startswith(PREFIX):
                del values[name]
                manifest.setdefault("data", {})[name] = open_value(name, text)
    if not manifest.get("stringData", True):
        del manifest["stringData"]
