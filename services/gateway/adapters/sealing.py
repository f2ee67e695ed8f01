"""Secret values, sealed in place for the clusters that a document is for."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.gateway.domain import documents
from services.gateway.domain.documents import Path, Sealing
from shared.contracts import sealed
from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace, Tenant
from shared.contracts.plan import Placement
from shared.contracts.registry import ClusterRecord
from shared.contracts.sealed import SealedValue
from shared.jobtypes.base import SecretEncoding
from shared.planning import LocatedSecret
from shared.sealing import Place, SealingKey, seal


@dataclass(frozen=True, kw_only=True)
class _Keys:
    """Public keys of where an application goes."""

    own: Mapping[ClusterName, SealingKey]
    """Where Secrets go into the namespace that they name."""
    elsewhere: Mapping[tuple[ClusterName, Namespace], SealingKey]


class SodiumSealer:
    """Seals with the clusters' public keys."""

    def __init__(self, mark_key: bytes) -> None:
        """`mark_key` tells unchanged values; every replica has the same."""
        self._mark_key = mark_key

    def seal(
        self,
        document: dict[str, Any],
        locations: Sequence[LocatedSecret],
        *,
        app: AppRef,
        uid: AppUid,
        clusters: Sequence[ClusterRecord],
        previous: Mapping[str, Any] | None,
        placements: Sequence[Placement] = (),
    ) -> Sealing:
        """Seal in a copy of the document; an unchanged value keeps the ciphertext that `previous` has of it."""
        kept = _sealed_values(previous)
        public = {ClusterName(cluster.name): SealingKey(cluster.sealing_key) for cluster in clusters}
        where = placements or [Placement(cluster=cluster) for cluster in public]
        keys = _Keys(
            own={p.cluster: public[p.cluster] for p in where if not p.namespace},
            elsewhere={(p.cluster, Namespace(p.namespace)): public[p.cluster] for p in where if p.namespace},
        )
        values: dict[Path, str] = {}
        unsealed: list[LocatedSecret] = []
        for location in locations:
            plain = _decoded(documents.value_at(document, location.path), location.encoding)
            if plain is None:
                unsealed.append(location)
                continue
            place = Place(
                tenant=Tenant(app.tenant),
                namespace=location.namespace,
                app_uid=uid,
                name=location.secret,
                key=location.key,
            )
            values[location.path] = self._value(plain, place, keys, kept)
        return Sealing(documents.replaced(document, values), tuple(unsealed))

    def _value(self, plain: bytes, place: Place, keys: _Keys, kept: Mapping[str, SealedValue]) -> str:
        fresh = seal(plain, place, keys.own, mark_key=self._mark_key, elsewhere=keys.elsewhere)
        before = kept.get(fresh.mark)
        if before is None:
            return sealed.write(fresh)
        return sealed.write(
            seal(plain, place, keys.own, mark_key=self._mark_key, previous=before, elsewhere=keys.elsewhere)
        )


def _sealed_values(document: Any) -> dict[str, SealedValue]:
    """Every sealed value in a stored document by its mark, which is bound to its place: moved within it, it is kept."""
    found: dict[str, SealedValue] = {}
    pending = [document]
    while pending:
        match pending.pop():
            case dict() as mapping:
                pending.extend(mapping.values())
            case list() as items:
                pending.extend(items)
            case str() as text:
                value = _read(text)
                if value is not None:
                    found[value.mark] = value
    return found


def _read(text: str) -> SealedValue | None:
    try:
        return sealed.read(text)
    except ValueError:
        # Somebody's own text that begins like a sealed value, in a place that takes no secret.
        return None


def _decoded(value: Any, encoding: SecretEncoding) -> bytes | None:
    """The bytes that the Secret will hold; None for what is not in that encoding."""
    if not isinstance(value, str):
        return None
    if encoding is SecretEncoding.PLAIN:
        return value.encode()
    try:
        # Line breaks are all that Kubernetes ignores in base64.
        return base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return None
