"""Objects that a document has fetched from web addresses that the operator allows."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dev.processes import free_ports
from services.gateway.adapters.fetching import WebFiles
from services.gateway.domain.refusals import AddressSilent, FileRefused
from shared.contracts.reads import OBJECTS_LIMIT_BYTES
from shared.contracts.registry import Role
from shared.store.applications import Applications
from tests.integration.services.gateway.conftest import Team
from tests.support.conditions import until
from tests.support.gateway import Answer, GatewayStack, gateway_stack
from tests.support.sites import Site, serving

Document = dict[str, Any]
URLS = "spec.components[0].properties.urls"


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Site]:
    async with serving() as site:
        yield site


@pytest.fixture
def site(server: Site) -> Site:
    server.forget()
    return server


@pytest.fixture(scope="module")
def nobody() -> str:
    """An address at which nobody listens."""
    return f"http://127.0.0.1:{free_ports(1)[0]}/"


@pytest.fixture(scope="module")
async def fetching(tmp_path_factory: pytest.TempPathFactory, server: Site, nobody: str) -> AsyncIterator[GatewayStack]:
    """A gateway that may fetch."""
    urls = f"{server.base}/allowed/, {nobody}"
    async with gateway_stack(tmp_path_factory.mktemp("fetching"), KUBEMIN_OBJECT_URLS=urls) as stack:
        yield stack


@pytest.fixture
async def anns(fetching: GatewayStack) -> Team:
    name = await fetching.tenant()
    return Team(name, f"{name}-dev", fetching.caller(await fetching.token(name, Role.DEPLOYER, name="ann")))


def config(name: str = "settings", value: str = "1", **metadata: Any) -> Document:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name} | metadata, "data": {"a": value}}


def of(team: Team, *urls: str) -> Document:
    document = team.document()
    document["spec"]["components"] = [{"name": "copies", "type": "ref-objects", "properties": {"urls": list(urls)}}]
    return document


def generation(answer: Answer) -> int:
    assert answer.status == 202, answer.text
    return int(answer.body["application"]["generation"])


def told(answer: Answer) -> tuple[int, str, str]:
    """Status, code and place of the one finding."""
    [finding] = answer.body["findings"]
    return answer.status, finding["code"], finding["path"]


async def test_what_was_fetched_is_kept_with_the_generation(fetching: GatewayStack, anns: Team, site: Site) -> None:
    several = site.has("objects.yaml", config("a", uid="1"), config("b", namespace="elsewhere"))
    listed = site.has("list.json", {"apiVersion": "v1", "kind": "List", "items": [config("c")]})

    answer = await anns.ann.apply(of(anns, several, listed))

    assert generation(answer) == 1
    stored = await Applications(fetching.database).by_name(anns.namespace, "shop")
    assert stored is not None
    [copied] = stored.record.copies
    assert (copied.component, copied.objects) == ("copies", (config("a"), config("b"), config("c")))


async def test_sending_it_again_takes_over_what_has_changed_and_nothing_else(anns: Team, site: Site) -> None:
    document = of(anns, site.has("objects.yaml", config(value="1")))
    assert generation(await anns.ann.apply(document)) == 1

    again = await anns.ann.apply(document)
    assert (generation(again), again.body["changed"]) == (1, False)
    site.has("objects.yaml", config(value="2"))
    assert generation(await anns.ann.apply(document)) == 2


async def test_rollback_has_what_was_fetched_then_and_asks_nobody(
    fetching: GatewayStack, anns: Team, site: Site
) -> None:
    document = of(anns, site.has("objects.yaml", config(value="1")))
    await anns.ann.apply(document)
    site.has("objects.yaml", config(value="2"))
    await anns.ann.apply(document)
    site.files.clear()
    site.asked.clear()

    assert generation(await anns.ann.call("POST", f"{anns.path()}/rollback?generation=1")) == 3

    stored = await Applications(fetching.database).by_name(anns.namespace, "shop")
    assert stored is not None
    assert [copied.objects for copied in stored.record.copies] == [(config(value="1"),)]
    assert site.asked == []


async def test_plan_shows_what_would_be_fetched_in_the_applications_namespace(
    fetching: GatewayStack, anns: Team, site: Site
) -> None:
    url = site.has("objects.yaml", config(namespace="elsewhere"))

    answer = await anns.ann.apply(of(anns, url), query="?dryRun=true")

    assert answer.status == 200
    [manifest] = [one["manifest"] for step in answer.body["steps"] for one in step["objects"]]
    assert (manifest["metadata"]["namespace"], manifest["data"]) == (anns.namespace, {"a": "1"})
    assert await Applications(fetching.database).by_name(anns.namespace, "shop") is None


async def test_nothing_is_fetched_unless_the_operator_allows_it(team: Team, site: Site) -> None:
    answer = await team.ann.apply(of(team, site.has("objects.yaml", config())))

    assert told(answer) == (422, "UrlNotAllowed", f"{URLS}[0]")
    assert "KUBEMIN_OBJECT_URLS" in answer.body["findings"][0]["message"]
    assert site.asked == []


@pytest.mark.parametrize("path", ["/other/objects.yaml", "/allowed/../other/objects.yaml", "/allowed/%2e%2e/other"])
async def test_nothing_is_fetched_from_beside_what_is_allowed(anns: Team, site: Site, path: str) -> None:
    site.files["/other/objects.yaml"] = json.dumps(config()).encode()

    answer = await anns.ann.apply(of(anns, f"{site.base}{path}"))

    assert answer.status == 422
    assert answer.body["findings"][0]["path"] == f"{URLS}[0]"
    assert site.asked == []


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("absent.yaml", None, "UrlNotFetched"),
        ("redirect", None, "UrlNotFetched"),
        ("compressed", None, "UrlNotFetched"),
        ("large.yaml", b"a: " + b"x" * OBJECTS_LIMIT_BYTES, "ObjectsTooLarge"),
        ("page.html", b"<html>Sign in</html>", "ObjectIncomplete"),
        ("broken.yaml", b"a: [", "InvalidYaml"),
        ("secret.yaml", b'{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"stringData":{"k":"canary"}}', ""),
    ],
)
async def test_file_that_cannot_be_taken_is_told_at_its_place_and_nothing_stored(
    fetching: GatewayStack, anns: Team, site: Site, name: str, content: bytes | None, code: str
) -> None:
    fine = site.has("objects.yaml", config())
    if content is not None:
        site.has(name, content)

    answer = await anns.ann.apply(of(anns, fine, site.url(name)))

    assert told(answer) == (422, code or "SecretValueInOpen", f"{URLS}[1]")
    assert await Applications(fetching.database).by_name(anns.namespace, "shop") is None
    assert "canary" not in answer.text + fetching.log
    assert sorted(site.asked) == sorted(["/allowed/objects.yaml", f"/allowed/{name}"])


async def test_address_that_does_not_answer_is_told_with_when_to_come_back(
    fetching: GatewayStack, anns: Team, site: Site, nobody: str
) -> None:
    for url in (f"{nobody}a.yaml?token=canary", site.url("busy")):
        answer = await anns.ann.apply(of(anns, url))

        assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (503, "AddressUnreachable", "5")
        assert "cannot be reached at the moment" in answer.body["detail"]
    assert await Applications(fetching.database).by_name(anns.namespace, "shop") is None
    assert "canary" not in fetching.log


async def test_slow_address_is_given_up(site: Site) -> None:
    with pytest.raises(AddressSilent, match=r"it took longer than 0\.3 s"):
        async with asyncio.timeout(10):
            await WebFiles(within_s=0.3).fetch(site.url("slow"))


async def test_few_files_are_fetched_at_once(site: Site) -> None:
    files = WebFiles(within_s=30)
    url = site.has("objects.yaml", config())

    async with asyncio.TaskGroup() as group:
        slow = [group.create_task(files.fetch(site.url("slow"))) for _ in range(8)]
        await until(lambda: len(site.asked) == len(slow))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(files.fetch(url), 0.3)
        assert "/allowed/objects.yaml" not in site.asked
        slow.pop().cancel()
        assert await files.fetch(url)
        for task in slow:
            task.cancel()


async def test_file_as_large_as_is_allowed_is_fetched_and_no_byte_more(site: Site) -> None:
    site.has("full", b"x" * OBJECTS_LIMIT_BYTES)
    site.has("more", b"x" * (OBJECTS_LIMIT_BYTES + 1))

    assert len(await WebFiles().fetch(site.url("full"))) == OBJECTS_LIMIT_BYTES
    with pytest.raises(FileRefused, match="larger than"):
        await WebFiles().fetch(site.url("more"))
