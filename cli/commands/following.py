"""Waiting for runs: `--wait` and `watch`."""

import asyncio
from collections.abc import Sequence

from cli import durations, names
from cli.client import Client
from cli.failures import ExitCode, Failure, TimedOut
from cli.reporting import Reporter, reporter
from cli.session import Session
from cli.waiting import Followed, follow
from shared.contracts.phases import RunPhase

_PATIENCE_S = 60.0
"""Without contact; a gateway is restarted, or replaced by another, in less."""
_AT_ONCE = 20
"""Streams that are open at the same time."""


async def watch(session: Session, client: Client, run: str, *, timeout_s: float) -> ExitCode:
    """Follow one run to its end; its JSON comes at the end."""
    code = await wait(session, client, [names.run(run)], timeout_s=timeout_s)
    if session.terminal.output == "json":
        session.terminal.write((await client.run(run)).body)
    return code


async def wait(
    session: Session,
    client: Client,
    runs: Sequence[str],
    *,
    timeout_s: float,
    wanted: RunPhase = RunPhase.SUCCEEDED,
) -> ExitCode:
    """Follow runs to their end; returns the worst of what became of them, where `wanted` is well."""
    followed = [Followed(run) for run in dict.fromkeys(runs)]
    watch_again = ", ".join(f"`kubemin watch {run}`" for run in runs)
    session.interrupted = f"Interrupted; what was started goes on: {watch_again} shows it."
    shown = reporter(session.terminal.human, several=len(followed) > 1)
    failures: list[Failure] = []
    try:
        async with asyncio.timeout(timeout_s):
            failures += await _follow_all(client, followed, shown)
    except TimeoutError:
        going_on = [f"`kubemin watch {each.run}`" for each in followed if not each.tracked.ended]
        remedy = f"What was started goes on: {', '.join(going_on)} shows it."
        failures.append(TimedOut(f"not done within {durations.text(timeout_s)}", remedy))
    shown.finish(followed)
    codes = [session.failed(failure) for failure in failures]
    return max([*codes, *(_code(each, wanted) for each in followed)], default=ExitCode.OK)


async def _follow_all(client: Client, followed: Sequence[Followed], shown: Reporter) -> list[Failure]:
    failures: list[Failure] = []
    places = asyncio.Semaphore(_AT_ONCE)

    async def follow_one(each: Followed) -> None:
        try:
            async with places:
                await follow(client, each, shown.changed, patience_s=_PATIENCE_S)
        except Failure as failure:
            # The others go on.
            failures.append(failure)

    async with asyncio.TaskGroup() as showing:
        picture = showing.create_task(shown.show(followed), name="show")
        async with asyncio.TaskGroup() as following:
            for each in followed:
                following.create_task(follow_one(each), name=f"follow-{each.run}")
        picture.cancel()
    return failures


def _code(followed: Followed, wanted: RunPhase) -> ExitCode:
    if not followed.tracked.ended:
        return ExitCode.OK
    return ExitCode.OK if followed.tracked.phase is wanted else ExitCode.FAILED
