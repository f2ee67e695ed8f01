"""Desired records and the registry, on a real server."""

from datetime import UTC, datetime

import pytest

from shared.contracts.desired import PagePosition
from shared.contracts.phases import AppPhase
from shared.contracts.registry import ClusterRecord, Role, TokenRecord, default_cluster
from shared.store import applications, registry
from shared.store.applications import Applications
from shared.store.database import Database
from shared.store.registry import NamespaceTaken, NameTaken, Registry, UnknownName
from tests.support.records import a_record, stored

NAMESPACES = ["acme-dev"]
NOW = datetime.now(UTC)


@pytest.fixture
async def records(database: Database) -> Applications:
    await database.ensure(applications.INDEXES)
    return Applications(database)


@pytest.fixture
async def registrations(database: Database) -> Registry:
    await database.ensure(registry.INDEXES)
    return Registry(database)


async def test_a_record_comes_back_as_it_was_written(records: Applications) -> None:
    record = a_record(document={"a": {"b.c": ["ü", 1, None]}, "$d": 1.5})
    assert await records.create(record)
    assert await records.load(record.uid) == stored(record, unobserved=True)
    assert await records.by_name("acme-dev", "shop") == stored(record, unobserved=True)


async def test_a_name_is_taken_until_its_application_is_gone(records: Applications) -> None:
    assert await records.create(a_record(uid="a"))
    assert not await records.create(a_record(uid="b"))
    assert await records.replace(a_record(uid="a", generation=2, deleted=True), expected_generation=1)
    assert not await records.create(a_record(uid="b"))
    gone = a_record(uid="a").uid
    assert await records.mark_deleted(gone, 2)
    assert await records.create(a_record(uid="b"))
    found = await records.load(gone)
    assert found is not None
    assert found.phase is AppPhase.DELETED


async def test_generations_rise_by_compare_and_set(records: Applications) -> None:
    await records.create(a_record())
    assert await records.replace(a_record(generation=2), expected_generation=1)
    assert not await records.replace(a_record(generation=2), expected_generation=1)


async def test_the_planner_marks_only_what_it_has_seen(records: Applications) -> None:
    record = a_record()
    await records.create(record)
    await records.replace(a_record(generation=2), expected_generation=1)
    assert not await records.mark_observed(record.uid, 1)
    assert [s.record.generation for s in await records.unobserved(5)] == [2]
    assert await records.mark_observed(record.uid, 2)
    assert await records.unobserved(5) == []


async def test_what_is_not_to_be_deleted_never_becomes_a_tombstone(records: Applications) -> None:
    record = a_record()
    await records.create(record)
    assert not await records.mark_deleted(record.uid, 1)
    await records.replace(a_record(generation=2, deleted=True), expected_generation=1)
    assert not await records.mark_deleted(record.uid, 1)
    assert await records.mark_deleted(record.uid, 2)
    assert await records.mark_deleted(record.uid, 2), "once more does no harm"
    assert not await records.replace(a_record(generation=3), expected_generation=2)


async def test_pages_follow_each_other_without_gap_or_repetition(records: Applications) -> None:
    for i in range(7):
        await records.create(a_record(f"app-{i}", uid=f"u{6 - i}"))
    names: list[str] = []
    position = None
    while page := await records.page("acme", NAMESPACES, [AppPhase.ACTIVE], after=position, limit=3):
        names += [s.record.app.name for s in page]
        last = page[-1].record
        position = PagePosition(last.app.namespace, last.app.name, last.uid)
    assert names == [f"app-{i}" for i in range(7)]
    assert await records.page("evil", NAMESPACES, [AppPhase.ACTIVE], after=None, limit=3) == []
    assert await records.page("acme", ["other"], [AppPhase.ACTIVE], after=None, limit=3) == []
    assert await records.page("acme", NAMESPACES, [AppPhase.DELETING], after=None, limit=3) == []


async def test_a_namespace_has_one_tenant(registrations: Registry) -> None:
    await registrations.add_tenant("acme", ["acme-dev"])
    await registrations.add_tenant("acme", ["acme-dev", "acme-prod"])
    with pytest.raises(NamespaceTaken):
        await registrations.add_tenant("evil", ["evil-dev", "acme-dev"])
    assert await registrations.tenant_of("evil-dev") is None, "refused as a whole"
    assert [tenant.namespaces for tenant in await registrations.tenants()] == [("acme-dev", "acme-prod")]


async def test_tokens_belong_to_a_tenant_and_lose_their_rights_for_good(registrations: Registry) -> None:
    def token(digest: str) -> TokenRecord:
        return TokenRecord(digest=digest, name="ci", tenant="acme", role=Role.VIEWER, created_at=NOW)

    with pytest.raises(UnknownName):
        await registrations.add_token(token("a"))
    await registrations.add_tenant("acme", ["acme-dev"])
    await registrations.add_token(token("a"))
    with pytest.raises(NameTaken):
        await registrations.add_token(token("b"))
    await registrations.revoke_token("acme", "ci")
    with pytest.raises(UnknownName):
        await registrations.revoke_token("acme", "ci")
    await registrations.add_token(token("b"))
    assert [t.revoked for t in await registrations.tokens("acme")] == [True, False]


async def test_there_is_one_default_cluster(registrations: Registry) -> None:
    for name in ("east", "west"):
        await registrations.add_cluster(ClusterRecord(name=name, default=True, sealing_key=name, created_at=NOW))
    found = await registrations.clusters()
    assert [(c.name, c.default) for c in found] == [("east", False), ("west", True)]
    assert default_cluster(found) == "west"
    with pytest.raises(NameTaken):
        await registrations.add_cluster(ClusterRecord(name="east", sealing_key="other", created_at=NOW))
    labels = {"topology.kubernetes.io/zone": "a", "$odd": "b"}
    await registrations.add_cluster(ClusterRecord(name="east", labels=labels, sealing_key="east", created_at=NOW))
    assert (await registrations.clusters())[0].labels == labels
