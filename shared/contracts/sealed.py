"""How a sealed secret value is written in documents and manifests; opening and sealing are `shared.sealing`."""

from pydantic import Field

from shared.contracts.identity import ClusterName
from shared.contracts.model import Contract

PREFIX = "kubemin.sealed.v1:"
"""Every secret value that leaves the gateway starts so.

A user's own value with this prefix is sealed like any other.
"""


class SealedPart(Contract):
    """The value for one cluster; binary fields are base64."""

    key: str
    """The data key in a libsodium sealed box for the cluster's public key."""
    recipient: str = ""
    """Fingerprint of that public key: tells whether the value has to be sealed anew after a rotation."""
    nonce: str
    box: str
    """The value under XChaCha20-Poly1305, bound to its place."""


class SealedValue(Contract):
    """One secret value, sealed for every cluster it is meant for."""

    mark: str
    """Keyed hash of the plain value and its place: tells an unchanged value without opening it."""
    parts: dict[str, SealedPart] = Field(min_length=1)
    """By cluster; `<cluster>/<namespace>` where a policy puts the Secret into another namespace than its own."""


def write(value: SealedValue) -> str:
    """As the string that stands where the plain value stood."""
    return PREFIX + value.model_dump_json()


def read(text: str) -> SealedValue | None:
    """The sealed value behind the prefix, or None for any other text; raises ValueError where it is malformed."""
    return SealedValue.model_validate_json(text.removeprefix(PREFIX)) if text.startswith(PREFIX) else None


def part_key(cluster: ClusterName, namespace: str) -> str:
    """Where the part of a placement is kept; `namespace` is empty for the Secret's own."""
    return f"{cluster}/{namespace}" if namespace else cluster


def for_cluster(text: str, cluster: ClusterName, namespace: str = "") -> str:
    """Keep only one placement's part, so that a manifest changes only when its own part does."""
    value = read(text)
    if value is None:
        return text
    return write(SealedValue(mark=value.mark, parts={cluster: value.parts[part_key(cluster, namespace)]}))
