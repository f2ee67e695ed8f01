"""Objects that a document copies out of a cluster: asked of its executor over the bus, kept with the generation."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.bus import decode
from shared.contracts import sealed, subjects
from shared.contracts.envelope import Envelope
from shared.contracts.identity import ClusterName, Namespace, Tenant
from shared.contracts.plan import Manifest
from shared.contracts.reads import (
    OBJECTS,
    READ_REQUEST,
    ObjectQuery,
    ObjectsNotRead,
    ObjectsRead,
    QueryAnswer,
    ReadObjects,
)
from shared.errors import Rejected
from shared.sealing import Place, SealingKey, seal
from shared.store.applications import Applications
from tests.integration.services.gateway.conftest import Team
from tests.support.conditions import until
from tests.support.gateway import Answer, GatewayStack

EAST = ClusterName("east")
Document = dict[str, Any]
MARK_KEY = b"m" * 16


@dataclass
class Agent:
    """The executor of `east`, as far as the gateway sees of it."""

    objects: dict[str, Callable[[ReadObjects], Manifest]] = field(default_factory=dict)
    """By resource and name."""
    away: str = ""
    """Why its API server cannot be asked."""
    refuses: str = ""
    """Why it takes no such request."""
    asked: list[ReadObjects] = field(default_factory=list)

    async def answer(self, envelope: Envelope) -> ObjectsRead | ObjectsNotRead:
        """Answer as an executor does."""
        request = decode(READ_REQUEST, envelope)
        if request.app.name == "probe":
            return ObjectsRead(answers=())
        self.asked.append(request)
        if self.refuses:
            raise Rejected(self.refuses)
        if self.away:
            return ObjectsNotRead(message=self.away, retry_after_s=7)
        return ObjectsRead(answers=tuple(self._found(request, query) for query in request.queries))

    def _found(self, request: ReadObjects, query: ObjectQuery) -> QueryAnswer:
        made = self.objects.get(f"{query.resource}/{query.name}")
        if made is None:
            return QueryAnswer(code="ReferenceNotFound", message=f"{query.name} does not exist")
        return QueryAnswer(objects=(made(request),))

    def has_config(self, value: str) -> None:
        """Let there be a ConfigMap."""
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": value}}
        self.objects["configmaps/settings"] = lambda _: config

    def has_secret(self, value: bytes) -> None:
        """Let there be a Secret, sealed anew for each who asks."""
        self.objects["secrets/login"] = lambda request: {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "login"},
            "data": {"password": _sealed(value, request)},
        }


def _sealed(value: bytes, request: ReadObjects) -> str:
    place = Place(
        tenant=Tenant(request.app.tenant),
        namespace=Namespace(request.app.namespace),
        app_uid=request.uid,
        name="login",
        key="password",
    )
    keys = {r.cluster: SealingKey(r.sealing_key) for r in request.recipients}
    return sealed.write(seal(value, place, keys, mark_key=MARK_KEY))


@pytest.fixture
async def agent(gateway: GatewayStack) -> AsyncIterator[Agent]:
    """An executor that answers."""
    executor, asking = await gateway.bus.connect("cluster-east"), await gateway.bus.connect("gateway")
    agent = Agent()
    stop = await executor.serve(subjects.rpc(EAST, OBJECTS), agent.answer)
    probe = ReadObjects.model_validate(
        {
            "app": {"tenant": "t", "namespace": "n", "name": "probe"},
            "uid": "u",
            "cluster": EAST,
            "queries": (),
            "recipients": [{"cluster": EAST, "sealing_key": ""}],
            "within_s": 1,
        }
    )

    async def heard() -> bool:
        # Interest crosses accounts a moment after the subscription.
        try:
            await asking.request(subjects.rpc(EAST, OBJECTS), probe, timeout_s=0.5)
        except Exception:  # noqa: BLE001  # whatever is in the way now
            return False
        return True

    await until(heard)
    yield agent
    await stop()


def copying(team: Team, *objects: Document) -> Document:
    """A document that goes to `west` and copies out of `east`."""
    document = team.document()
    properties = {"objects": [{"cluster": "east", **one} for one in objects]}
    document["spec"] = {
        "components": [{"name": "copies", "type": "ref-objects", "properties": properties}],
        "policies": [{"type": "topology", "properties": {"clusters": ["west"]}}],
    }
    return document


CONFIG = {"resource": "configmaps", "name": "settings"}
SECRET = {"resource": "secrets", "name": "login"}


def generation(answer: Answer) -> int:
    assert answer.status == 202, answer.text
    return int(answer.body["application"]["generation"])


async def test_what_was_read_is_kept_with_the_generation(gateway: GatewayStack, team: Team, agent: Agent) -> None:
    agent.has_config("1")
    agent.has_secret(b"canary")

    answer = await team.ann.apply(copying(team, CONFIG, SECRET))

    assert generation(answer) == 1
    stored = await Applications(gateway.database).by_name(team.namespace, "shop")
    assert stored is not None
    [copied] = stored.record.copies
    assert [o["metadata"]["name"] for o in copied.objects] == ["settings", "login"]
    assert "canary" not in stored.record.model_dump_json()
    assert stored.record.document["spec"]["components"][0]["properties"]["objects"][0]["name"] == "settings"
    [asked] = agent.asked
    assert (asked.app.tenant, asked.uid) == (team.name, stored.record.uid)
    assert [r.cluster for r in asked.recipients] == ["west"]


async def test_sending_it_again_takes_over_what_has_changed_and_nothing_else(team: Team, agent: Agent) -> None:
    agent.has_config("1")
    agent.has_secret(b"one")
    document = copying(team, CONFIG, SECRET)
    assert generation(await team.ann.apply(document)) == 1

    # Sealed anew, and the same value for all that.
    again = await team.ann.apply(document)
    assert (generation(again), again.body["changed"]) == (1, False)
    agent.has_config("2")
    assert generation(await team.ann.apply(document)) == 2
    agent.has_secret(b"two")
    assert generation(await team.ann.apply(document)) == 3
    assert generation(await team.ann.apply(document)) == 3


async def test_plan_shows_what_would_be_copied_without_values(gateway: GatewayStack, team: Team, agent: Agent) -> None:
    agent.has_config("1")
    agent.has_secret(b"canary")

    answer = await team.ann.apply(copying(team, CONFIG, SECRET), query="?dryRun=true")

    assert answer.status == 200
    objects = [o["manifest"] for step in answer.body["steps"] for o in step["objects"]]
    assert [(o["kind"], o["data"]) for o in objects] == [
        ("ConfigMap", {"a": "1"}),
        ("Secret", {"password": "******"}),
    ]
    assert await Applications(gateway.database).by_name(team.namespace, "shop") is None


async def test_missing_object_is_told_with_its_place_and_nothing_is_stored(
    gateway: GatewayStack, team: Team, agent: Agent
) -> None:
    agent.has_config("1")

    answer = await team.ann.apply(copying(team, CONFIG, SECRET))

    assert answer.status == 422
    [finding] = answer.body["findings"]
    assert finding["code"] == "ReferenceNotFound"
    assert finding["path"] == "spec.components[0].properties.objects[1]"
    assert await Applications(gateway.database).by_name(team.namespace, "shop") is None


async def test_cluster_without_an_executor_is_told_in_one_sentence(gateway: GatewayStack, team: Team) -> None:
    document = copying(team, CONFIG)
    document["spec"]["components"][0]["properties"]["objects"][0]["cluster"] = "west"

    answer = await team.ann.apply(document)

    assert (answer.status, answer.body["code"]) == (503, "ClusterUnreachable")
    assert int(answer.headers["Retry-After"]) == 5
    assert answer.body["detail"] == (
        "the document copies objects of cluster 'west', which cannot be asked at the moment: "
        "its executor does not answer (nobody answers there)"
    )
    assert await Applications(gateway.database).by_name(team.namespace, "shop") is None


async def test_cluster_whose_api_is_away_says_when_to_come_back(team: Team, agent: Agent) -> None:
    agent.away = "the Kubernetes API did not answer within 8 s"

    answer = await team.ann.apply(copying(team, CONFIG))

    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
    assert agent.away in answer.body["detail"]


async def test_executor_that_does_not_know_the_request_is_no_fault_of_the_document(team: Team, agent: Agent) -> None:
    agent.refuses = "ReadObjects: within_s: no such field"

    answer = await team.ann.apply(copying(team, CONFIG))

    assert (answer.status, answer.body["code"]) == (503, "ClusterUnreachable")
    assert "its executor does not take the request" in answer.body["detail"]
    assert agent.refuses not in answer.text


async def test_namespace_of_another_tenant_is_refused_and_nobody_is_asked(
    gateway: GatewayStack, team: Team, agent: Agent
) -> None:
    agent.has_config("1")
    theirs = f"{await gateway.tenant()}-dev"

    answer = await team.ann.apply(copying(team, {**CONFIG, "namespace": theirs}))

    assert (answer.status, answer.body["code"]) == (403, "NamespaceForbidden")
    assert agent.asked == []


async def test_plain_value_that_an_executor_gives_away_is_not_stored(
    gateway: GatewayStack, team: Team, agent: Agent
) -> None:
    plain = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "data": {"password": "Y2FuYXJ5"}}
    agent.objects["secrets/login"] = lambda _: plain

    answer = await team.ann.apply(copying(team, SECRET))

    assert (answer.status, answer.body["code"]) == (503, "ClusterUnreachable")
    assert "Y2FuYXJ5" not in json.dumps(answer.body) + gateway.log
    assert await Applications(gateway.database).by_name(team.namespace, "shop") is None
