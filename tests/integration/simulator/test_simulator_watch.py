"""Lists and watches over HTTP."""

import asyncio

from dev.simulator.server import Simulator
from tests.integration.simulator.client import CONFIG_MAPS, PODS, Client, config_map, in_phase, pod

WAIT_S = 30.0


def labelled(name: str, app: str) -> dict[str, object]:
    return {**config_map(name), "metadata": {"name": name, "labels": {"app": app}}}


async def test_list_selects_by_labels_and_fields(client: Client) -> None:
    for name, app in (("a", "x"), ("b", "y"), ("c", "x")):
        await client.create(CONFIG_MAPS, labelled(name, app))

    by_label = await client.get(CONFIG_MAPS, labelSelector="app in (x)")
    by_field = await client.get("/api/v1/configmaps", fieldSelector="metadata.name=b,metadata.namespace=default")

    assert [one["metadata"]["name"] for one in by_label["items"]] == ["a", "c"]
    assert [one["metadata"]["name"] for one in by_field["items"]] == ["b"]


async def test_items_of_a_list_do_not_repeat_their_kind(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map())

    listed = await client.get(CONFIG_MAPS)

    assert (listed["kind"], listed["apiVersion"]) == ("ConfigMapList", "v1")
    assert "kind" not in listed["items"][0]


async def test_pages_show_one_moment(client: Client) -> None:
    for number in range(5):
        await client.create(CONFIG_MAPS, config_map(f"c{number}"))

    first = await client.get(CONFIG_MAPS, limit="2")
    await client.delete(f"{CONFIG_MAPS}/c4")
    second = await client.get(CONFIG_MAPS, limit="2", **{"continue": first["metadata"]["continue"]})
    third = await client.get(CONFIG_MAPS, limit="2", **{"continue": second["metadata"]["continue"]})

    names = [one["metadata"]["name"] for page in (first, second, third) for one in page["items"]]
    assert names == ["c0", "c1", "c2", "c3", "c4"]
    assert first["metadata"]["remainingItemCount"] == 3
    assert "continue" not in third["metadata"]
    assert len({page["metadata"]["resourceVersion"] for page in (first, second, third)}) == 1


async def test_page_token_expires_with_the_history(client: Client, cluster: Simulator) -> None:
    for number in range(3):
        await client.create(CONFIG_MAPS, config_map(f"c{number}"))
    first = await client.get(CONFIG_MAPS, limit="1")

    cluster.expire_history()
    answer = await client.call("GET", CONFIG_MAPS, limit="1", **{"continue": first["metadata"]["continue"]})

    assert (answer.status, answer.body["reason"]) == (410, "Expired")


async def test_watch_from_a_list_sees_every_later_change_once(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("before"))
    version = (await client.get(CONFIG_MAPS))["metadata"]["resourceVersion"]
    await client.create(CONFIG_MAPS, config_map("c", a="1"))

    async with client.watch(CONFIG_MAPS, resourceVersion=version) as events:
        await client.patch(f"{CONFIG_MAPS}/c", {"data": {"a": "2"}})
        await client.delete(f"{CONFIG_MAPS}/c")
        seen = [await anext(events) for _ in range(3)]

    assert [event["type"] for event in seen] == ["ADDED", "MODIFIED", "DELETED"]
    assert [event["object"]["data"]["a"] for event in seen] == ["1", "2", "2"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
    assert versions == sorted(set(versions))
    assert seen[0]["object"]["kind"] == "ConfigMap"


async def test_watch_by_label_says_deleted_when_an_object_leaves(client: Client) -> None:
    version = (await client.get(CONFIG_MAPS))["metadata"]["resourceVersion"]
    async with client.watch(CONFIG_MAPS, resourceVersion=version, labelSelector="app=x") as events:
        await client.create(CONFIG_MAPS, labelled("c", "x"))
        await client.patch(f"{CONFIG_MAPS}/c", {"metadata": {"labels": {"app": "y"}}})
        await client.create(CONFIG_MAPS, labelled("d", "x"))
        seen = [await anext(events) for _ in range(3)]

    assert [(event["type"], event["object"]["metadata"]["name"]) for event in seen] == [
        ("ADDED", "c"),
        ("DELETED", "c"),
        ("ADDED", "d"),
    ]


async def test_bookmarks_carry_the_version_of_other_kinds_changes(client: Client) -> None:
    async with (
        asyncio.timeout(WAIT_S),
        client.watch(PODS, resourceVersion="", allowWatchBookmarks="true") as events,
    ):
        created = await client.create(CONFIG_MAPS, config_map())
        version = int(created["metadata"]["resourceVersion"])
        async for event in events:
            assert event["type"] == "BOOKMARK"
            assert event["object"]["kind"] == "Pod"
            if int(event["object"]["metadata"]["resourceVersion"]) >= version:
                break


async def test_watch_ends_after_its_time(client: Client) -> None:
    async with asyncio.timeout(WAIT_S), client.watch(CONFIG_MAPS, timeoutSeconds="1") as events:
        assert [event async for event in events] == []


async def test_old_version_expires_inside_the_stream(client: Client, cluster: Simulator) -> None:
    version = (await client.get(CONFIG_MAPS))["metadata"]["resourceVersion"]
    await client.create(CONFIG_MAPS, config_map())

    cluster.expire_history()
    async with client.watch(CONFIG_MAPS, resourceVersion=version) as events:
        event = await anext(events)

    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


async def test_metadata_alone_can_be_listed_and_watched(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("c", a="1"))
    accept = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"}

    async with client.session.get(CONFIG_MAPS, headers=accept, params={"watch": "1"}) as response:
        line = await response.content.readline()
    async with client.session.get(f"{CONFIG_MAPS}/c", headers=accept) as response:
        found = await response.json()

    assert b"PartialObjectMetadata" in line
    assert b'"data"' not in line
    assert found.keys() == {"kind", "apiVersion", "metadata"}


async def test_stopping_ends_watches_cleanly(client: Client, cluster: Simulator) -> None:
    async with asyncio.timeout(WAIT_S), client.watch(CONFIG_MAPS) as events:
        await cluster.stop()

        assert [event async for event in events] == []


async def test_pods_are_selected_by_phase(client: Client) -> None:
    await client.create(PODS, pod("good"))
    await client.create(PODS, pod("bad", simulate="image-pull-backoff"))
    await client.until(PODS, "good", in_phase("Running"))

    running = await client.get(PODS, fieldSelector="status.phase=Running")

    assert [one["metadata"]["name"] for one in running["items"]] == ["good"]
