"""What a plan would change, asked of the clusters' own executors; a cluster that does not say it in time is left out.

Nothing here fails a plan: what is not known is told as such.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from services.gateway.domain import differences
from services.gateway.domain.differences import Answers, Asked, ClusterPart, History
from services.gateway.ports import Agents, NotAnswered, Projections
from shared.contracts.desired import DesiredRecord
from shared.contracts.differences import CheckSlice, CompareSteps
from shared.contracts.identity import run_id
from shared.contracts.plan import Plan
from shared.contracts.views import PlanView, RunView
from shared.logging import get_logger

logger = get_logger(__name__)

_REQUESTS_AT_ONCE = 4
"""To one cluster: what one executor works on at a time."""
_CLUSTERS_AT_ONCE = 8
_PLANS_AT_ONCE = 2
"""In threads: a large one takes a processor for as long as it lasts."""
_RUNS = 5
"""Looked through for what they have left; most often the last one has succeeded."""
_LEAST_S = 0.2
"""Less time than this is not worth a request."""

Previous = Callable[[], Plan | None]
"""Plans the last generation again; takes a thread's time."""


class Comparing:
    """Asks the clusters of a plan."""

    def __init__(self, agents: Agents, projections: Projections, *, within_s: float) -> None:
        """`within_s` is what all clusters of a plan have together, side by side."""
        self._agents = agents
        self._projections = projections
        self._within_s = within_s
        self._threads = asyncio.Semaphore(_PLANS_AT_ONCE)

    async def compared(self, plan: Plan, record: DesiredRecord | None, previous: Previous) -> PlanView:
        """The plan with what its clusters say; `record` is that of the last generation, if there is one."""
        until = asyncio.get_running_loop().time() + self._within_s
        runs = [] if record is None else await self._runs(record)
        async with self._threads:
            parts = await asyncio.to_thread(differences.parts, plan, History(runs), previous)
        slots = asyncio.Semaphore(_CLUSTERS_AT_ONCE)

        async def ask(part: ClusterPart) -> Answers:
            async with slots:
                return await self._ask(plan, part, until)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(part), name=f"compare-{part.cluster}") for part in parts]
        found = [(part, task.result()) for part, task in zip(parts, tasks, strict=True)]
        async with self._threads:
            return await asyncio.to_thread(differences.view, plan, found)

    async def _runs(self, record: DesiredRecord) -> Sequence[RunView]:
        """The newest runs, down to the last that has succeeded."""
        runs: list[RunView] = []
        for generation in range(record.generation, max(0, record.generation - _RUNS), -1):
            run = await self._projections.run(run_id(record.uid, generation))
            if run is not None:
                runs.append(run)
            if differences.reaches_back(runs):
                break
        return runs

    async def _ask(self, plan: Plan, part: ClusterPart, until: float) -> Answers:
        answers = Answers()
        slots = asyncio.Semaphore(_REQUESTS_AT_ONCE)

        async def within(work: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
            async with slots:
                left_s = until - asyncio.get_running_loop().time()
                if left_s < _LEAST_S:
                    answers.troubles.append(f"there was no time for it within {self._within_s:g} s")
                    return
                header = {"app": plan.app, "uid": plan.uid, "generation": plan.generation, "cluster": part.cluster}
                try:
                    await work({**header, "within_s": left_s})
                except NotAnswered as error:
                    answers.troubles.append(str(error))

        async def check(header: dict[str, Any]) -> None:
            steps = await asyncio.to_thread(differences.prepared, part)
            unwanted = differences.unwanted_objects(part)
            checked = await self._agents.check(CheckSlice(**header, steps=steps, unwanted=unwanted))
            if checked.trouble:
                raise NotAnswered(checked.trouble)
            answers.checked = checked

        async def compare(batch: Sequence[Asked], header: dict[str, Any]) -> None:
            steps = differences.to_compare(batch, plan.generation)
            compared = await self._agents.compare(CompareSteps(**header, steps=steps))
            if not answers.take(batch, compared.objects):
                raise NotAnswered("its executor's answer is about something else")

        batches = await asyncio.to_thread(list, differences.batches(part))
        async with asyncio.TaskGroup() as group:
            group.create_task(within(check), name="check")
            for batch in batches:
                group.create_task(within(partial(compare, batch)), name="compare")
        if answers.troubles:
            logger.info("cluster_not_compared", cluster=part.cluster, why=answers.troubles[0])
        return answers
