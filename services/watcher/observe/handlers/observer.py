"""The observer of one cluster, leading or standing by."""

import random
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from services.watcher.observe.handlers.stating import Orders, Voice
from services.watcher.observe.handlers.term import About, Pace, Term
from services.watcher.observe.ports import Cluster, Outbox
from shared.contracts.identity import ClusterName
from shared.contracts.nudge import Nudge
from shared.errors import Rejected, Retryable
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.stopping import Stopping

if TYPE_CHECKING:
    from services.watcher.observe.domain.owned import Owned

logger = get_logger(__name__)

_PROBE_EVERY_S = 5.0
_PROBE_AGAIN_S = 2.0
"""While it does not answer."""
_RETRY_S = 1.0


class Observer:
    """Leads one term after the other, as the Lease has it."""

    def __init__(
        self,
        cluster: Cluster,
        outbox: Outbox,
        *,
        name: ClusterName,
        version: str,
        present_term: Callable[[], int | None],
        now: Callable[[], datetime],
        pace: Pace,
        metrics: Metrics,
    ) -> None:
        """`present_term` gives the transitions of the Lease while it is ours, None while it is another's."""
        self._cluster = cluster
        self._outbox = outbox
        self._name = name
        self._version = version
        self._present_term = present_term
        self._now = now
        self._pace = pace
        self._metrics = metrics
        self._leading = metrics.gauge("observe_leading", "1 while this process holds the Lease")
        self._started_at = now()
        self._term: Term | None = None
        self._known: Mapping[str, Owned] = {}
        self._api_problem = "the Kubernetes API has not answered yet"

    @property
    def problems(self) -> list[str]:
        """Why the work is not done; none for a standby that could take over."""
        seen = [] if self._term is None else self._term.problems
        return [*([self._api_problem] if self._api_problem else []), *seen]

    async def lead(self, transitions: int, stopping: Stopping) -> None:
        """Work for one term, until the stop; cancelled when the Lease is lost."""
        self._leading.set(1)
        try:
            term = await self._begin(transitions, stopping)
            if term is not None:
                self._term = term
                await term.run(stopping)
        finally:
            if self._term is not None:
                self._known = self._term.known
            self._term = None
            self._leading.set(0)

    def nudged(self, nudge: Nudge) -> None:
        """Have an application's facts stated again; a standby has none."""
        if self._term is not None:
            self._term.nudged(nudge)

    async def probe(self, stopping: Stopping) -> None:
        """Find out whether the API server answers, also while another observer leads."""
        while not stopping.is_set():
            try:
                await self._cluster.git_version()
                problem = ""
            except (Retryable, Rejected) as error:
                problem = f"Kubernetes API: {error}"
            if bool(problem) != bool(self._api_problem):
                logger.info("cluster_reachable", trouble=problem)
            self._api_problem = problem
            await stopping.sleep(_PROBE_AGAIN_S if problem else _PROBE_EVERY_S)

    async def _begin(self, transitions: int, stopping: Stopping) -> Term | None:
        """Ask the cluster who it is, for as long as it takes; None when the stop came first."""
        while not stopping.is_set():
            try:
                orders = Orders(await self._cluster.incarnation(), transitions)
                git_version = await self._cluster.git_version()
            except (Retryable, Rejected) as error:
                logger.info("cluster_unknown", error=str(error))
                await stopping.sleep(_RETRY_S * random.uniform(1.0, 1.5))  # noqa: S311  # jitter is no secret
                continue
            return self._term_of(orders, git_version)
        return None

    def _term_of(self, orders: Orders, git_version: str) -> Term:
        voice = Voice(
            cluster=self._name,
            outbox=self._outbox,
            orders=orders,
            leading=lambda: self._present_term() == orders.transitions,
            now=self._now,
        )
        about = About(git_version=git_version, version=self._version, started_at=self._started_at)
        return Term(self._cluster, voice, about=about, pace=self._pace, metrics=self._metrics, before=self._known)
