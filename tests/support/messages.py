"""Messages of every stream, for tests that only carry them."""

from datetime import UTC, datetime, timedelta

from shared.contracts.commands import PruneObjects
from shared.contracts.facts import AgentBeat, ObjectsPruned
from shared.contracts.identity import PRUNE, AppRef, AppUid, ClusterName, run_id

UID = AppUid("5f0c")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def app_ref(name: str = "shop") -> AppRef:
    """Return the address of an application."""
    return AppRef(tenant="acme", namespace="acme-dev", name=name)


def a_command(cluster: str = "east", *, app: AppRef | None = None, nonce: int = 0) -> PruneObjects:
    """Return a command that prunes nothing."""
    return PruneObjects(
        app=app or app_ref(),
        uid=UID,
        run=run_id(UID, 1),
        generation=1,
        cluster=ClusterName(cluster),
        step=PRUNE,
        nonce=nonce,
        not_after=NOW + timedelta(hours=1),
        objects=(),
    )


def a_fact(
    cluster: str = "east", *, app: AppRef | None = None, nonce: int = 0, gone: tuple[str, ...] = ()
) -> ObjectsPruned:
    """Return the answer to such a command."""
    return ObjectsPruned(
        app=app or app_ref(),
        uid=UID,
        run=run_id(UID, 1),
        generation=1,
        cluster=ClusterName(cluster),
        step=PRUNE,
        attempt=1,
        nonce=nonce,
        at=NOW,
        gone=gone,
    )


def a_beat(cluster: str = "east") -> AgentBeat:
    """Return a sign of life of an executor."""
    return AgentBeat(
        cluster=ClusterName(cluster),
        part="executor",
        incarnation="ks-1",
        kubernetes_version="v1.36.0",
        version="0.1.0",
        started_at=NOW,
        at=NOW,
    )
