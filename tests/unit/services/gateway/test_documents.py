"""From bytes to a checked document, its clusters, and its sealed form."""

import base64
from typing import Any

import pytest

from services.gateway.adapters.sealing import SodiumSealer
from services.gateway.domain import documents
from services.gateway.domain.refusals import DocumentUnreadable
from shared.contracts import sealed
from shared.contracts.canonical import canonical_json
from shared.contracts.identity import AppUid, ClusterName, Namespace, Tenant
from shared.contracts.registry import ClusterRecord
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DEFAULT_LIMITS, DocumentRejected, secret_locations
from shared.sealing import Place, SealingKey, generate, open_value, public_key_of
from tests.support.records import NOW, a_record

CANARY = "plain-canary"
APP = a_record().app
UID = AppUid("5f0c")


def a_document(*, clusters: list[str] | None = None, **secret: Any) -> dict[str, Any]:
    component: dict[str, Any] = {"name": "web", "type": "webservice", "properties": {"image": "nginx"}}
    if secret:
        properties = {"secret": [{"name": "cred", "mountPath": "/cred", **secret}]}
        component["traits"] = [{"type": "storage", "properties": properties}]
    spec: dict[str, Any] = {"components": [component]}
    if clusters is not None:
        spec["policies"] = [{"name": "where", "type": "topology", "properties": {"clusters": clusters}}]
    metadata = {"name": "shop", "namespace": "acme-dev"}
    return {"apiVersion": "core.oam.dev/v1beta1", "kind": "Application", "metadata": metadata, "spec": spec}


def a_cluster(name: str, *, default: bool = False, key: SealingKey | None = None) -> ClusterRecord:
    return ClusterRecord(name=name, default=default, sealing_key=public_key_of(key or generate()), created_at=NOW)


def resolve(document: dict[str, Any], *clusters: ClusterRecord) -> list[str]:
    application = documents.check(document, BUILTIN).application
    return [cluster.name for cluster in documents.resolve(application, clusters).clusters]


def test_what_cannot_be_read_is_told_from_what_is_wrong() -> None:
    with pytest.raises(DocumentUnreadable) as unreadable:
        documents.parse(b"a: [", DEFAULT_LIMITS)
    assert "line" in unreadable.value.findings[0].message
    broken = a_document()
    broken["spec"]["components"][0]["type"] = "nope"
    broken["spec"]["components"].append({"name": "Not A Name", "type": "worker"})
    with pytest.raises(DocumentRejected) as rejected:
        documents.read(documents.parse(canonical_json(broken), DEFAULT_LIMITS), BUILTIN)
    paths = {finding.path for finding in rejected.value.findings}
    assert {"spec.components[0].type", "spec.components[1].name"} <= paths


def test_without_a_topology_it_goes_to_the_default_cluster() -> None:
    assert resolve(a_document(), a_cluster("east"), a_cluster("west", default=True)) == ["west"]


def test_the_only_cluster_is_the_default_one() -> None:
    assert resolve(a_document(), a_cluster("east")) == ["east"]


def test_named_clusters_keep_their_order_and_count_once() -> None:
    clusters = [a_cluster("east", default=True), a_cluster("west")]
    assert resolve(a_document(clusters=["west", "local", "east"]), *clusters) == ["west", "east"]


def test_an_unknown_cluster_is_a_finding_that_names_those_there_are() -> None:
    with pytest.raises(DocumentRejected) as rejected:
        resolve(a_document(clusters=["east", "nowhere"]), a_cluster("east"), a_cluster("west"))
    [finding] = rejected.value.findings
    assert (finding.path, finding.code) == ("spec.policies[0].properties.clusters[1]", "UnknownCluster")
    assert "east, west" in finding.remedy


def test_without_a_default_cluster_one_has_to_be_named() -> None:
    with pytest.raises(DocumentRejected) as rejected:
        resolve(a_document(), a_cluster("east"), a_cluster("west"))
    assert rejected.value.findings[0].code == "NoDefaultCluster"


def seal(document: dict[str, Any], *clusters: ClusterRecord, previous: dict[str, Any] | None = None) -> Any:
    locations = secret_locations(documents.check(document, BUILTIN).application, BUILTIN)
    return SodiumSealer(b"k" * 32).seal(document, locations, app=APP, uid=UID, clusters=clusters, previous=previous)


def secret_of(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["spec"]["components"][0]["traits"][0]["properties"]["secret"][0]
    return found


def place(key: str) -> Place:
    return Place(tenant=Tenant("acme"), namespace=Namespace("acme-dev"), app_uid=UID, name="cred", key=key)


@pytest.mark.parametrize(
    ("field", "written"),
    [("stringData", CANARY), ("data", base64.b64encode(CANARY.encode()).decode())],
)
def test_a_value_opens_only_in_the_clusters_it_was_sealed_for(field: str, written: str) -> None:
    east, west = generate(), generate()
    values: dict[str, Any] = {field: {"password": written}}
    document = a_document(**values)
    sealing = seal(document, a_cluster("east", key=east), a_cluster("west", key=west))
    assert not sealing.unsealed
    assert written.encode() not in canonical_json(sealing.document)
    assert secret_of(document)[field]["password"] == written, "what was sent is left alone"
    text = secret_of(sealing.document)[field]["password"]
    for cluster, key in (("east", east), ("west", west)):
        assert open_value(text, place("password"), ClusterName(cluster), [key]) == CANARY.encode()


def test_an_unchanged_value_keeps_its_ciphertext_and_a_changed_one_does_not() -> None:
    cluster = a_cluster("east")
    before = seal(a_document(stringData={"password": CANARY, "user": "ann"}), cluster).document
    after = seal(a_document(stringData={"password": CANARY, "user": "bob"}), cluster, previous=before).document
    old, new = secret_of(before)["stringData"], secret_of(after)["stringData"]
    assert new["password"] == old["password"]
    assert new["user"] != old["user"]


def test_a_further_cluster_leaves_the_ciphertext_of_the_others() -> None:
    east, west = a_cluster("east"), a_cluster("west")
    before = seal(a_document(stringData={"password": CANARY}), east).document
    after = seal(a_document(stringData={"password": CANARY}), east, west, previous=before).document
    old = sealed.read(secret_of(before)["stringData"]["password"])
    new = sealed.read(secret_of(after)["stringData"]["password"])
    assert old is not None
    assert new is not None
    assert new.parts[ClusterName("east")] == old.parts[ClusterName("east")]
    assert ClusterName("west") in new.parts


def test_a_value_that_looks_sealed_is_sealed_like_any_other() -> None:
    key = generate()
    forged = secret_of(seal(a_document(stringData={"password": CANARY}), a_cluster("east", key=key)).document)
    forged_text = forged["stringData"]["password"]
    again = seal(a_document(stringData={"password": forged_text}), a_cluster("east", key=key))
    text = secret_of(again.document)["stringData"]["password"]
    assert open_value(text, place("password"), ClusterName("east"), [key]) == forged_text.encode()


def test_a_value_that_is_no_base64_is_told_and_not_sealed() -> None:
    locations = secret_locations(documents.check(a_document(data={"password": ""}), BUILTIN).application, BUILTIN)
    sealing = SodiumSealer(b"k" * 32).seal(
        a_document(data={"password": "not base64!"}),
        locations,
        app=APP,
        uid=UID,
        clusters=[a_cluster("east")],
        previous=None,
    )
    assert [location.key for location in sealing.unsealed] == ["password"]


def test_ordinary_text_that_begins_like_a_sealed_value_does_no_harm() -> None:
    previous = {"env": f"{sealed.PREFIX}not json"}
    assert not seal(a_document(stringData={"a": "b"}), a_cluster("east"), previous=previous).unsealed
