"""The part of a plan that the clusters tell: over a real bus, with agents that do as a test says."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.bus import Bus, decode
from shared.contracts import subjects
from shared.contracts.differences import (
    DIFF,
    DIFF_REQUEST,
    Change,
    CheckSlice,
    CompareSteps,
    FieldDifference,
    SliceChecked,
    StepsCompared,
)
from shared.contracts.envelope import Envelope
from shared.contracts.facts import StepProblem
from shared.contracts.identity import ClusterName
from shared.contracts.phases import Reason
from shared.errors import Rejected
from shared.store.applications import Applications
from tests.integration.services.gateway.conftest import Team
from tests.support.comparisons import all_created
from tests.support.gateway import GatewayStack
from tests.support.waiting import eventually

EAST = ClusterName("east")
Request = CheckSlice | CompareSteps
Answer = SliceChecked | StepsCompared


def all_new(request: Request) -> Answer:
    """An empty cluster."""
    if isinstance(request, CheckSlice):
        return SliceChecked(cluster=EAST)
    return all_created(request)


class Agent:
    """The executor of a cluster, as far as the gateway sees of it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.asked: list[Request] = []

    async def serve(self, act: Callable[[Request], Any]) -> Callable[[], Awaitable[None]]:
        async def answer(envelope: Envelope) -> Answer:
            request = decode(DIFF_REQUEST, envelope)
            self.asked.append(request)
            made = act(request)
            found: Answer = await made if asyncio.iscoroutine(made) else made
            return found

        return await self._bus.serve(subjects.rpc(EAST, DIFF), answer)


@pytest.fixture
async def agent(gateway: GatewayStack) -> Agent:
    return Agent(await gateway.bus.connect("cluster-east"))


async def plan(team: Team, document: Any) -> dict[str, Any]:
    answer = await team.ann.apply(document, query="?dryRun=true")
    assert answer.status == 200, answer.text
    return dict(answer.body)


async def planned(team: Team, document: Any) -> dict[str, Any]:
    """Once the agent's interest has crossed the accounts, a moment after its own server has confirmed it."""
    return await eventually(lambda: plan(team, document), lambda p: "nobody answers" not in message(p))


def message(view: dict[str, Any]) -> str:
    [cluster] = view["clusters"]
    return str(cluster["message"])


async def test_without_an_agent_the_plan_is_told_and_says_what_is_not_known(team: Team) -> None:
    started = asyncio.get_running_loop().time()
    view = await plan(team, team.document())
    # A cluster that does not answer at all takes 8 s.
    assert asyncio.get_running_loop().time() - started < 7
    [step] = view["steps"]
    assert {obj["live"]["change"] for obj in step["objects"]} == {"unknown"}
    assert message(view) == (
        "cluster east: what is there could not be looked at: its executor does not answer (nobody answers there)"
    )
    assert view["clusters"][0]["compared"] is False


async def test_what_the_cluster_says_stands_beside_each_object(team: Team, agent: Agent) -> None:
    def act(request: Request) -> Answer:
        if isinstance(request, CheckSlice):
            missing = [
                StepProblem(step=request.steps[0].step, reason=Reason.FORBIDDEN, message="may not"),
                StepProblem(step=request.steps[0].step, reason=Reason.REFERENCE_NOT_FOUND, message="Secret x"),
            ]
            return SliceChecked(cluster=EAST, problems=tuple(missing), warnings=("optional",))
        answer = all_new(request)
        assert isinstance(answer, StepsCompared)
        changed = answer.objects[0].model_copy(
            update={"change": Change.CHANGED, "fields": (FieldDifference(path="spec.replicas", before=1, after=2),)}
        )
        return answer.model_copy(update={"objects": (changed, *answer.objects[1:])})

    stop = await agent.serve(act)
    view = await planned(team, team.document())
    await stop()

    [cluster] = view["clusters"]
    assert [problem["reason"] for problem in cluster["problems"]] == ["ReferenceNotFound", "Forbidden"]
    assert (cluster["compared"], cluster["message"], cluster["warnings"]) == (True, "", ["optional"])
    live = view["steps"][0]["objects"][0]["live"]
    assert (live["change"], live["fields"]) == ("changed", [{"path": "spec.replicas", "before": 1, "after": 2}])
    assert {request.app.tenant for request in agent.asked} == {team.name}


async def test_plan_of_a_rollback_tells_what_becomes_of_the_cluster_and_changes_nothing(
    gateway: GatewayStack, team: Team, agent: Agent
) -> None:
    for image in ("nginx:1", "nginx:2"):
        assert (await team.ann.apply(team.document(image=image))).status == 202
    before = await Applications(gateway.database).by_name(team.namespace, "shop")
    stop = await agent.serve(all_new)
    dry_run = f"{team.path()}/rollback?dryRun=true&generation="

    async def told(generation: int) -> dict[str, Any]:
        answer = await team.ann.call("POST", f"{dry_run}{generation}")
        assert answer.status == 200, answer.text
        return dict(answer.body)

    view = await eventually(lambda: told(1), lambda p: "nobody answers" not in message(p))
    present = await told(2)
    unknown = await team.ann.call("POST", f"{dry_run}7")
    stale = await team.ann.call("POST", f"{dry_run}1", headers={"If-Match": '"1"'})
    await stop()

    [deployment] = view["steps"][0]["objects"]
    assert deployment["manifest"]["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1"
    assert deployment["live"]["change"] == "created"
    assert (view["changed"], view["generation"]) == (True, 3)
    assert (present["changed"], present["generation"]) == (False, 2)
    assert (unknown.status, unknown.body["code"], stale.status) == (404, "RevisionUnknown", 412)
    assert await Applications(gateway.database).by_name(team.namespace, "shop") == before


async def test_an_agent_that_hangs_costs_no_more_than_the_time_that_clusters_have(team: Team, agent: Agent) -> None:
    hung = asyncio.Event()

    async def never(_request: Request) -> Answer:
        await hung.wait()
        raise Rejected("too late")

    stop = await agent.serve(never)
    started = asyncio.get_running_loop().time()
    view = await planned(team, team.document())
    assert asyncio.get_running_loop().time() - started < 30
    hung.set()
    await stop()
    assert "no answer in time" in message(view)
    assert view["clusters"][0]["compared"] is False


@pytest.mark.parametrize(
    "act",
    [
        lambda request: SliceChecked(cluster=EAST) if isinstance(request, CompareSteps) else all_new(request),
        lambda request: StepsCompared(cluster=EAST, objects=()) if isinstance(request, CompareSteps) else None,
    ],
    ids=["of another kind", "of nothing"],
)
async def test_an_answer_that_is_none_is_told(team: Team, agent: Agent, act: Callable[[Request], Any]) -> None:
    stop = await agent.serve(act)
    view = await planned(team, team.document())
    await stop()
    assert message(view)
    assert {obj["live"]["change"] for obj in view["steps"][0]["objects"]} == {"unknown"}


async def test_many_objects_are_asked_about_in_bounded_requests(team: Team, agent: Agent) -> None:
    document = team.document()
    big = "x" * 6000
    document["spec"]["components"] = [
        {"name": f"c{i}", "type": "config", "properties": {"data": {"a": big}}} for i in range(100)
    ]
    stop = await agent.serve(all_new)
    view = await planned(team, document)
    await stop()
    requests = [request for request in agent.asked if isinstance(request, CompareSteps)]
    sizes = [sum(len(step.objects) for step in request.steps) for request in requests]
    assert sum(sizes) == 100
    assert max(sizes) <= 40
    assert {obj["live"]["change"] for step in view["steps"] for obj in step["objects"]} == {"created"}


async def test_more_differences_than_people_read_are_left_out_and_said(team: Team, agent: Agent) -> None:
    def verbose(request: Request) -> Answer:
        answer = all_new(request)
        if isinstance(answer, SliceChecked):
            return answer
        long = {"change": Change.CHANGED, "text": "x" * 100_000}
        return answer.model_copy(update={"objects": tuple(o.model_copy(update=long) for o in answer.objects)})

    document = team.document()
    document["spec"]["components"] = [
        {"name": f"c{i}", "type": "config", "properties": {"data": {"a": "b"}}} for i in range(60)
    ]
    stop = await agent.serve(verbose)
    view = await planned(team, document)
    await stop()
    told = [obj["live"] for step in view["steps"] for obj in step["objects"]]
    assert {live["shortened"] for live in told} == {True, False}
    assert len(json.dumps(view)) < 6 * 1024 * 1024
