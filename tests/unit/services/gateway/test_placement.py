"""Where a document goes: destinations resolved against the registered clusters, and secrets sealed for each of them."""

from typing import Any

import pytest

from services.gateway.adapters.sealing import SodiumSealer
from services.gateway.domain import documents
from shared.contracts import sealed
from shared.contracts.identity import AppUid, ClusterName, Namespace, Tenant
from shared.contracts.plan import Placement
from shared.contracts.registry import ClusterRecord
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, secret_locations
from shared.sealing import Place, SealedValueInvalid, SealingKey, generate, open_value, public_key_of
from tests.support.records import NOW, a_record

KEYS = {name: generate() for name in ("east", "west")}
LABELS = {"east": {"zone": "near", "gpu": "yes"}, "west": {"zone": "far", "gpu": "yes"}}
REGISTERED = [
    ClusterRecord(
        name=name, default=name == "east", labels=LABELS[name], sealing_key=public_key_of(key), created_at=NOW
    )
    for name, key in KEYS.items()
]
PROPERTIES = "spec.policies[0].properties"


def a_document(*topologies: dict[str, Any]) -> dict[str, Any]:
    secret = {"name": "cred", "mountPath": "/cred", "stringData": {"password": "plain"}}
    component = {
        "name": "web",
        "type": "webservice",
        "properties": {"image": "nginx"},
        "traits": [{"type": "storage", "properties": {"secret": [secret]}}],
    }
    policies = [{"type": "topology", "properties": properties} for properties in topologies]
    return {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "acme-dev"},
        "spec": {"components": [component], "policies": policies},
    }


def resolved(*topologies: dict[str, Any]) -> list[tuple[str, str]]:
    application = documents.check(a_document(*topologies), BUILTIN).application
    return [(p.cluster, p.namespace) for p in documents.resolve(application, REGISTERED).placements]


def finding(*topologies: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(DocumentRejected) as rejected:
        resolved(*topologies)
    return rejected.value.findings[0].path, rejected.value.findings[0].code


@pytest.mark.parametrize(
    ("topologies", "placements"),
    [
        ([], [("east", "")]),
        ([{"clusterLabelSelector": {"gpu": "yes"}}], [("east", ""), ("west", "")]),
        ([{"clusterLabelSelector": {"gpu": "yes", "zone": "far"}}], [("west", "")]),
        ([{"clusters": ["west"]}, {"clusters": ["local"], "namespace": "blue"}], [("west", ""), ("east", "blue")]),
        ([{"namespace": "blue"}, {"clusters": ["east"]}], [("east", "blue"), ("east", "")]),
        ([{"clusters": ["east"]}, {"clusters": ["local"], "namespace": "acme-dev"}], [("east", "")]),
        ([{"clusterLabelSelector": {"zone": "moon"}, "allowEmpty": True}, {}], [("east", "")]),
    ],
)
def test_destinations_add_up(topologies: list[dict[str, Any]], placements: list[tuple[str, str]]) -> None:
    assert resolved(*topologies) == placements


def test_labels_that_no_cluster_has_are_an_error_unless_that_is_allowed() -> None:
    nowhere = {"clusterLabelSelector": {"zone": "moon"}}
    assert finding(nowhere) == (f"{PROPERTIES}.clusterLabelSelector", "NoCluster")
    assert finding({**nowhere, "allowEmpty": True}) == ("spec.policies", "NoCluster")


def test_a_value_is_sealed_for_each_placement_and_opens_nowhere_else() -> None:
    document = a_document()
    placements = [Placement(cluster=ClusterName("east")), Placement(cluster=ClusterName("east"), namespace="blue")]
    locations = secret_locations(documents.check(document, BUILTIN).application, BUILTIN)
    app = a_record().app
    sealer = SodiumSealer(b"k" * 32)

    def seal(previous: dict[str, Any] | None) -> dict[str, Any]:
        sealing = sealer.seal(
            document,
            locations,
            app=app,
            uid=AppUid("5f0c"),
            clusters=REGISTERED[:1],
            placements=placements,
            previous=previous,
        )
        return sealing.document

    once = seal(None)
    assert seal(once) == once, "an unchanged value keeps its ciphertexts"
    text = str(documents.value_at(once, locations[0].path))
    for part, namespace, other in (("", "acme-dev", "blue"), ("blue", "blue", "acme-dev")):
        mine = sealed.for_cluster(text, ClusterName("east"), part)
        assert opened(mine, namespace, KEYS["east"]) == b"plain"
        with pytest.raises(SealedValueInvalid):
            opened(mine, other, KEYS["east"])


def opened(text: str, namespace: str, key: SealingKey) -> bytes:
    place = Place(
        tenant=Tenant("acme"), namespace=Namespace(namespace), app_uid=AppUid("5f0c"), name="cred", key="password"
    )
    return open_value(text, place, ClusterName("east"), [key])
