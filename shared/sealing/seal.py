"""Sealing a value so that it opens in one place of one cluster only.

Per cluster: a random data key encrypts the value with XChaCha20-Poly1305, the place as associated data; the data key
itself is in a libsodium sealed box for the cluster's public key.
Source: https://doc.libsodium.org/public-key_cryptography/sealed_boxes
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
)
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.utils import random

from shared.contracts.canonical import canonical_json
from shared.contracts.identity import AppUid, ClusterName, Namespace, Tenant
from shared.contracts.sealed import SealedPart, SealedValue, part_key, read
from shared.errors import Rejected
from shared.sealing.keys import SealingKey, decoded, fingerprint, public_key_of

_CONTEXT = "kubemin.sealed.v1"
_MARK_BYTES = 32


class Place(NamedTuple):
    """Where a secret value belongs; it opens nowhere else."""

    tenant: Tenant
    namespace: Namespace
    app_uid: AppUid
    name: str
    """Of the Secret."""
    key: str
    """Within the Secret."""


class SealedValueInvalid(Rejected):
    """A sealed value does not open here: it is damaged, or was sealed for another place or cluster."""

    def __init__(self, place: Place, cluster: ClusterName, problem: str) -> None:
        self.place = place
        self.cluster = cluster
        message = (
            f"the sealed value of key {place.key!r} in Secret {place.namespace}/{place.name} does not open in cluster "
            f"{cluster}: {problem}"
        )
        super().__init__(message, reason="SealedValueInvalid")


def seal(
    plain: bytes,
    place: Place,
    clusters: Mapping[ClusterName, SealingKey],
    *,
    mark_key: bytes,
    previous: SealedValue | None = None,
    elsewhere: Mapping[tuple[ClusterName, Namespace], SealingKey] | None = None,
) -> SealedValue:
    """Seal a value for clusters, given by name with their public keys.

    An unchanged value keeps the ciphertext of every cluster whose key is still the same, so that the same document
    stays the same.
    `elsewhere` are further namespaces of clusters that the Secret is put into, for which it is sealed too.
    `mark_key` (at least 16 bytes) tells unchanged values; without it a mark says nothing about its value.
    Raises ValueError where there is no cluster, or a key is none.
    """
    mark = _mark(plain, place, mark_key)
    kept = previous.parts if previous is not None and previous.mark == mark else {}
    parts: dict[str, SealedPart] = {
        cluster: _still_good(kept.get(cluster), public_key) or _seal_part(plain, place, cluster, public_key)
        for cluster, public_key in sorted(clusters.items())
    }
    for (cluster, namespace), public_key in sorted((elsewhere or {}).items()):
        key = part_key(cluster, namespace)
        parts[key] = _still_good(kept.get(key), public_key) or _seal_part(
            plain, place._replace(namespace=namespace), cluster, public_key
        )
    return SealedValue(mark=mark, parts=parts)


def open_value(text: str, place: Place, cluster: ClusterName, private_keys: Sequence[SealingKey]) -> bytes:
    """Open what `shared.contracts.sealed.write` wrote, with whichever of the cluster's keys it was sealed for.

    Raises SealedValueInvalid, which quotes nothing of it.
    """
    try:
        value = read(text)
    except ValueError:
        raise SealedValueInvalid(place, cluster, "it is malformed") from None
    if value is None:
        raise SealedValueInvalid(place, cluster, "it is not sealed")
    part = value.parts.get(cluster)
    if part is None:
        raise SealedValueInvalid(place, cluster, "it was sealed for other clusters")
    try:
        data_key = _data_key(part, private_keys)
        nonce = b64decode(part.nonce, validate=True)
        box = b64decode(part.box, validate=True)
        plain: bytes = crypto_aead_xchacha20poly1305_ietf_decrypt(box, _bound(place, cluster), nonce, data_key)
    except (CryptoError, ValueError, TypeError):
        problem = "it is damaged, was sealed for another place, or for a key that this cluster does not hold (any more)"
        raise SealedValueInvalid(place, cluster, problem) from None
    return plain


def _still_good(part: SealedPart | None, public_key: SealingKey) -> SealedPart | None:
    return part if part is not None and part.recipient == fingerprint(public_key) else None


def _data_key(part: SealedPart, private_keys: Sequence[SealingKey]) -> bytes:
    box = b64decode(part.key, validate=True)
    # The recipient is nothing but a hint: a sealed box opens with one key only.
    for private_key in sorted(private_keys, key=lambda k: fingerprint(public_key_of(k)) != part.recipient):
        try:
            return SealedBox(PrivateKey(decoded(private_key))).decrypt(box)
        except CryptoError:
            continue
    msg = "no key of the cluster opens it"
    raise CryptoError(msg)


def _seal_part(plain: bytes, place: Place, cluster: ClusterName, public_key: SealingKey) -> SealedPart:
    data_key = random(crypto_aead_xchacha20poly1305_ietf_KEYBYTES)
    nonce = random(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
    box = crypto_aead_xchacha20poly1305_ietf_encrypt(plain, _bound(place, cluster), nonce, data_key)
    sealed_key = SealedBox(PublicKey(decoded(public_key))).encrypt(data_key)
    return SealedPart(
        key=b64encode(sealed_key).decode(),
        recipient=fingerprint(public_key),
        nonce=b64encode(nonce).decode(),
        box=b64encode(box).decode(),
    )


def _bound(place: Place, cluster: ClusterName) -> bytes:
    # A JSON list quotes its elements, so that no two places can be written the same.
    return canonical_json([_CONTEXT, place.tenant, cluster, place.namespace, place.app_uid, place.name, place.key])


def _mark(plain: bytes, place: Place, mark_key: bytes) -> str:
    if len(mark_key) < 16:
        msg = "the mark key needs at least 16 bytes"
        raise ValueError(msg)
    # Bound to the place as well: equal values in two places do not show as equal.
    hashed = hashlib.blake2b(key=hashlib.sha256(mark_key).digest(), digest_size=_MARK_BYTES)
    where = canonical_json([_CONTEXT, *place])
    hashed.update(len(where).to_bytes(8, "big") + where + plain)
    return b64encode(hashed.digest()).decode()
