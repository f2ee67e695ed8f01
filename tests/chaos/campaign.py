"""One campaign: deliveries and kills side by side, then the verdict."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import aiohttp

from shared.contracts.identity import AppUid
from tests.chaos import applications, checking, schedule
from tests.chaos.applications import Wanted
from tests.chaos.checking import Applications, Check, Verdict
from tests.chaos.counting import Ledger, counting
from tests.chaos.killing import Killer
from tests.chaos.sending import Sender
from tests.e2e.system import System

Say = Callable[[str], None]

_SENT_WITHIN = 0.7
"""Of the time under fire: the last deliveries are to be hit as well."""
_POLL_S = 1.0
_SETTLE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a campaign does."""

    applications: int
    seconds: float
    """Under fire."""
    every_s: float
    """Between kills, on average."""
    seed: int
    converge_s: float = 900.0
    """How long everything may take to converge once the fire is over."""


async def run(system: System, plan: Plan, say: Say) -> Verdict:
    """Deliver under fire, let it converge, and judge."""
    namespaces = [await system.enrolled_namespace() for _ in range(applications.namespaces_for(plan.applications))]
    wanted = applications.draw(plan.seed, plan.applications, namespaces, system.clusters)
    async with counting(system.kube, *namespaces) as ledger:
        return await _judged(system, plan, wanted, ledger, say)


async def _judged(system: System, plan: Plan, wanted: Sequence[Wanted], ledger: Ledger, say: Say) -> Verdict:
    killer, sender, found = Killer(system.stack), Sender(system), Applications(system, wanted)
    parked_before = await _parked(system)
    kills = schedule.draw(plan.seed, killer.victims, seconds=plan.seconds, every_s=plan.every_s)
    say(f"Seed {plan.seed}: {len(wanted)} applications, {len(kills)} kills in {plan.seconds:g} s …")
    begun = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(killer.run(kills), name="kills")
        group.create_task(sender.send_all(wanted, within_s=plan.seconds * _SENT_WITHIN), name="deliveries")
    fired = time.monotonic()
    say(f"{len(killer.killed)} kills and {sender.answers} answers after {fired - begun:.0f} s; converging …")
    unfinished = await _until(found.unfinished, within_s=plan.converge_s)
    say(
        f"Everything has converged after {time.monotonic() - fired:.0f} s."
        if not unfinished
        else "It did not converge."
    )
    summaries = await found.read()
    uids = [AppUid(str(summary["uid"])) for summary in summaries.values()]
    verdict = Verdict(
        [
            Check("requests accepted", sum(len(one.versions) for one in wanted), sender.answers),
            checking.kept(wanted, sender.accepted, summaries),
            Check("applications Succeeded and Healthy", len(wanted), len(wanted) - len(unfinished), unfinished),
            *checking.jobs(wanted, ledger),
        ]
    )
    # What the observers state last is archived first and shown a moment later.
    await _until(lambda: _wrong(checking.projections(system.database, uids)), within_s=_SETTLE_S)
    verdict.checks += await checking.projections(system.database, uids)
    verdict.checks += await checking.history(system.database, uids)
    verdict.checks.append(Check("processes that ended by themselves", 0, len(killer.ended), killer.ended))
    verdict.checks.append(Check("messages parked", 0, await _parked(system) - parked_before))
    say(f"{sender.repeated} requests were repeated; killed: {_counted(killer.killed)}")
    return verdict


async def _until(read: Callable[[], Awaitable[Sequence[str]]], *, within_s: float) -> Sequence[str]:
    """Read until nothing is left to wait for; returns what is left when the time is over."""
    end = time.monotonic() + within_s
    while True:
        left = await _answered(read)
        if not left or time.monotonic() >= end:
            return left
        await asyncio.sleep(_POLL_S)


async def _answered(read: Callable[[], Awaitable[Sequence[str]]]) -> Sequence[str]:
    try:
        return await read()
    except (aiohttp.ClientConnectionError, TimeoutError) as error:
        # A gateway that was killed, or starved, a moment ago: it is asked again.
        return [f"no answer: {error!r}"]


async def _wrong(checks: Awaitable[list[Check]]) -> Sequence[str]:
    return [text for check in await checks for text in check.wrong]


async def _parked(system: System) -> int:
    answer = await system.call("GET", "/parked?limit=200")
    return len(answer.body["items"])


def _counted(names: Sequence[str]) -> str:
    return ", ".join(f"{name} {names.count(name)}" for name in sorted(set(names)))
