"""How long it takes from an executor's last look at the clock to its request's arrival: the gap that remains.

Executor, proxy and clock are in one process and share its event loop, so what is measured is rather too long.
"""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.executor.adapters.meter import PrometheusMeter
from services.executor.app import kinds_by_type
from services.executor.domain.grants import DEFAULT_GRANTED_KINDS, Grants
from services.executor.handlers.apply import Application
from services.executor.handlers.commands import Commands
from services.executor.handlers.enrolment import Enrolments
from services.executor.handlers.lookout import Lookout
from services.executor.handlers.prepare import Preparation
from services.executor.handlers.prune import Pruning
from shared.contracts.canonical import digest
from shared.contracts.commands import ApplyStep, ObjectToApply
from shared.contracts.facts import Answer, StepApplied
from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace, ObjectKey, StepId, run_id
from shared.contracts.nudge import Nudge
from shared.contracts.plan import ApplyMode
from shared.jobtypes.builtin import BUILTIN
from shared.kube import KubeApi
from shared.metrics import Metrics
from shared.sealing import generate, open_value
from tests.faults.kubernetes_proxy import KubernetesProxy
from tests.support.clusters import manifest

_CLUSTER = ClusterName("dev")
_UID = AppUid("0123456789abcdef")
_command: ContextVar[str] = ContextVar("command")


@dataclass
class _Clock:
    """Tells the time, and remembers for which command it was asked when."""

    asked: dict[str, list[float]] = field(default_factory=dict)

    def __call__(self) -> datetime:
        self.asked.setdefault(_command.get(), []).append(asyncio.get_running_loop().time())
        return datetime.now(UTC)


@dataclass
class _Answers:
    """Keeps them."""

    facts: list[Answer] = field(default_factory=list)

    async def state(self, fact: Answer) -> None:
        self.facts.append(fact)

    async def nudge(self, _nudge: Nudge) -> None:
        """There is no observer."""


@dataclass(frozen=True)
class Spread:
    """Some of a distribution, in milliseconds."""

    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Of these measurements."""
        ordered = sorted(1000 * each for each in seconds)
        return cls(ordered[len(ordered) // 2], ordered[int(0.99 * (len(ordered) - 1))], ordered[-1])

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f} ms, p99 {self.p99:.2f} ms, max {self.max:.2f} ms"


async def measure(proxy: KubernetesProxy, app: AppRef, *, count: int, at_once: int, prefix: str) -> list[float]:
    """Have an executor apply so many absent ConfigMaps; returns the gap of each, in seconds."""
    api = await KubeApi.connect(kubeconfig=str(Path(proxy.kubeconfig)))
    clock, answers, room = _Clock(), _Answers(), asyncio.Semaphore(at_once)
    commands = _commands(api, clock, answers)

    async def one(name: str) -> None:
        async with room:
            _command.set(name)
            await commands.handle(_apply(app, name))

    names = [f"{prefix}-{i}" for i in range(count)]
    try:
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(one(name), name=name)
    finally:
        await api.close()
    assert [type(fact) for fact in answers.facts] == [StepApplied] * count
    called = {call.name: call.at for call in proxy.calls if call.verb == "apply"}
    return [called[name] - max(at for at in clock.asked[name] if at <= called[name]) for name in names]


def _commands(api: KubeApi, clock: _Clock, answers: _Answers) -> Commands:
    enrolments = Enrolments(api, _CLUSTER)
    grants = Grants(kinds_by_type(BUILTIN), frozenset(DEFAULT_GRANTED_KINDS))
    return Commands(
        preparation=Preparation(api, enrolments, grants),
        application=Application(
            api, enrolments, grants, lambda text, place: open_value(text, place, _CLUSTER, [generate()])
        ),
        pruning=Pruning(api, enrolments),
        lookout=Lookout(api, clock),
        answers=answers,
        now=clock,
        meter=PrometheusMeter(Metrics()),
    )


def _apply(app: AppRef, name: str) -> ApplyStep:
    wanted = manifest("ConfigMap", name, app.namespace, data={"key": "value"})
    return ApplyStep(
        app=app,
        uid=_UID,
        run=run_id(_UID, 1),
        generation=1,
        cluster=_CLUSTER,
        step=StepId(name),
        not_after=datetime.now(UTC) + timedelta(minutes=5),
        component=name,
        namespace=Namespace(app.namespace),
        job_type="webservice",
        objects=(
            ObjectToApply(
                key=ObjectKey.of(wanted), manifest=wanted, digest=digest(wanted), generation=1, mode=ApplyMode.APPLY
            ),
        ),
    )
