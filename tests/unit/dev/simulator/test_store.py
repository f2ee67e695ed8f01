from typing import Any

import pytest

from dev.simulator import kinds
from dev.simulator.errors import ApiError
from dev.simulator.selectors import selection
from dev.simulator.store import Store
from dev.simulator.watches import Watcher


def config_map(name: str, namespace: str = "d", **metadata: Any) -> dict[str, Any]:
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}", **metadata},
    }


async def types_of(watcher: Watcher) -> list[str]:
    lines = (await watcher.read(0)).splitlines()
    return [line.split(b'"')[3].decode() for line in lines]


async def test_watch_from_a_revision_sees_what_came_after_it() -> None:
    store = Store()
    first = store.put(kinds.CONFIG_MAP, config_map("a"))
    store.put(kinds.CONFIG_MAP, config_map("b"))
    store.remove(kinds.CONFIG_MAP, first)

    watcher = store.watch(kinds.CONFIG_MAP, "", since=int(first["metadata"]["resourceVersion"]))

    assert await types_of(watcher) == ["ADDED", "DELETED"]


async def test_watch_from_no_revision_begins_with_what_is_there() -> None:
    store = Store()
    store.put(kinds.CONFIG_MAP, config_map("a"))

    watcher = store.watch(kinds.CONFIG_MAP, "d")
    store.put(kinds.CONFIG_MAP, config_map("a"))
    store.put(kinds.CONFIG_MAP, config_map("a", "elsewhere"))

    assert await types_of(watcher) == ["ADDED", "MODIFIED"]


async def test_object_that_leaves_the_selector_is_deleted_for_the_watcher() -> None:
    store = Store()
    predicate = selection(kinds.CONFIG_MAP, "app=a", "")
    watcher = store.watch(kinds.CONFIG_MAP, "", predicate, since=store.revision)

    store.put(kinds.CONFIG_MAP, config_map("a", labels={"app": "a"}))
    store.put(kinds.CONFIG_MAP, config_map("a", labels={"app": "b"}))
    store.put(kinds.CONFIG_MAP, config_map("a", labels={"app": "c"}))
    store.put(kinds.CONFIG_MAP, config_map("a", labels={"app": "a"}))

    lines = (await watcher.read(0)).splitlines()
    assert [line.split(b'"')[3] for line in lines] == [b"ADDED", b"DELETED", b"ADDED"]
    assert b'"app":"a"' in lines[1]


async def test_revision_older_than_the_history_has_expired() -> None:
    store = Store(history=2)
    before = store.revision
    for name in "abc":
        store.put(kinds.CONFIG_MAP, config_map(name))

    with pytest.raises(ApiError) as caught:
        store.watch(kinds.CONFIG_MAP, "", since=before)

    assert (caught.value.code, caught.value.reason) == (410, "Expired")
    assert await types_of(store.watch(kinds.CONFIG_MAP, "", since=before + 1)) == ["ADDED", "ADDED"]


async def test_revision_of_an_earlier_simulator_has_expired() -> None:
    with pytest.raises(ApiError, match="too old resource version"):
        Store().watch(kinds.CONFIG_MAP, "", since=42)


async def test_closed_watcher_still_hands_out_what_was_queued() -> None:
    store = Store()
    watcher = store.watch(kinds.CONFIG_MAP, "", since=store.revision)
    store.put(kinds.CONFIG_MAP, config_map("a"))

    store.close_watches()

    assert await types_of(watcher) == ["ADDED"]
    assert watcher.closed


def test_dependents_are_found_by_the_uid_of_their_owner() -> None:
    store = Store()
    owner = store.put(kinds.CONFIG_MAP, config_map("owner"))
    owned = store.put(kinds.CONFIG_MAP, config_map("owned", ownerReferences=[{"uid": owner["metadata"]["uid"]}]))

    assert store.dependents("uid-d-owner", kinds.CONFIG_MAP) == [owned]
    store.remove(kinds.CONFIG_MAP, owned)
    assert store.dependents("uid-d-owner") == []


def test_listing_is_ordered_by_namespace_and_name() -> None:
    store = Store()
    for namespace, name in (("b", "x"), ("a", "z"), ("a", "y")):
        store.put(kinds.CONFIG_MAP, config_map(name, namespace))

    assert [obj["metadata"]["name"] for obj in store.all(kinds.CONFIG_MAP)] == ["y", "z", "x"]
