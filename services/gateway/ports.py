"""What the gateway needs from outside."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from services.gateway.domain.beats import Heard, Part
from services.gateway.domain.documents import Sealing
from services.gateway.domain.merging import Observations
from services.gateway.domain.parked import Held
from shared.contracts.api import ReplayResult
from shared.contracts.desired import DesiredRecord, PagePosition, StoredApplication
from shared.contracts.differences import CheckSlice, CompareSteps, SliceChecked, StepsCompared
from shared.contracts.facts import ObservationOrder, PodsObserved
from shared.contracts.identity import AppRef, AppUid, ClusterName, RunId, Tenant
from shared.contracts.phases import AppPhase
from shared.contracts.plan import Placement
from shared.contracts.reads import ObjectsNotRead, ObjectsRead, ReadObjects
from shared.contracts.registry import ClusterRecord, TokenRecord
from shared.contracts.runs import RunEvent
from shared.contracts.views import RunSummary, RunView
from shared.errors import Retryable
from shared.planning import LocatedSecret
from shared.store.idempotency import Entry, StoredAnswer


class ApplicationReader(Protocol):
    """Desired records."""

    async def by_name(self, namespace: str, name: str) -> StoredApplication | None:
        """The application that has the name now."""
        ...

    async def load(self, uid: AppUid) -> StoredApplication | None:
        """The application of that uid, also when it is gone."""
        ...

    async def page(
        self,
        tenant: str,
        namespaces: Sequence[str],
        phases: Sequence[AppPhase],
        *,
        after: PagePosition | None,
        limit: int,
    ) -> list[StoredApplication]:
        """A tenant's applications, ordered by namespace, name and uid."""
        ...


class ApplicationWriter(Protocol):
    """Writing desired records, each guarded."""

    async def create(self, record: DesiredRecord, *, request: str = "") -> bool:
        """Insert; False where the name is taken."""
        ...

    async def replace(self, record: DesiredRecord, *, expected_generation: int, request: str = "") -> bool:
        """Write the next generation; False where another was written meanwhile."""
        ...


class ApplicationStore(ApplicationReader, ApplicationWriter, Protocol):
    """Both."""


class RevisionReader(Protocol):
    """Earlier generations of applications."""

    async def load(self, uid: AppUid, generation: int) -> DesiredRecord | None:
        """A generation as it was; None where it is not kept."""
        ...

    async def of(self, uid: AppUid) -> list[DesiredRecord]:
        """Those that are kept, the newest first."""
        ...


class RevisionStore(RevisionReader, Protocol):
    """Both reading and writing."""

    async def keep(self, record: DesiredRecord) -> None:
        """Store a generation; the same again changes nothing."""
        ...

    async def forget_before(self, uid: AppUid, generation: int) -> None:
        """Delete those that are too many before this generation."""
        ...

    async def forget_all(self, uid: AppUid) -> None:
        """Delete those of an application that is being deleted."""
        ...


class TokenReader(Protocol):
    """Tokens by digest."""

    async def token(self, digest: str) -> TokenRecord | None:
        """The token, also when it is revoked or has expired."""
        ...


class RegistryReader(Protocol):
    """Tenants' namespaces, and clusters."""

    async def tenant_of(self, namespace: str) -> Tenant | None:
        """The tenant that the namespace belongs to."""
        ...

    async def namespaces_of(self, tenant: Tenant) -> list[str]:
        """The tenant's namespaces."""
        ...

    async def clusters(self) -> list[ClusterRecord]:
        """Every registered cluster, by name."""
        ...


class ClusterStore(Protocol):
    """Registered clusters, to be changed."""

    async def clusters(self) -> list[ClusterRecord]:
        """Every registered cluster, by name."""
        ...

    async def replace_sealing_key(self, name: str, *, before: str, now: str) -> None:
        """Seal for another key; raises KeyChanged where somebody else was faster."""
        ...


class Projections(Protocol):
    """What `watcher record` projected; it may lag behind by moments."""

    async def run(self, run: RunId) -> RunView | None:
        """A run without what was observed of its objects."""
        ...

    async def runs_of(self, uid: AppUid, *, limit: int) -> list[RunSummary]:
        """An application's runs, the newest first."""
        ...

    async def newest_runs(self, uids: Sequence[AppUid]) -> dict[AppUid, RunView]:
        """The newest run of each application that has one."""
        ...

    async def observed_generations(self, uids: Sequence[AppUid]) -> dict[AppUid, int]:
        """The generation that the planner took up last."""
        ...

    async def observations(
        self, uids: Sequence[AppUid], restated: Mapping[ClusterName, ObservationOrder]
    ) -> Mapping[AppUid, Observations]:
        """What was last observed; what was not seen since its cluster was restated is Missing."""
        ...

    async def pods(self, uid: AppUid) -> list[PodsObserved]:
        """The pods of every step."""
        ...


class History(Protocol):
    """Run events as archived by who decided them: complete, and ahead of the projections."""

    async def run_events(self, uid: AppUid, *, after: int, limit: int, run: RunId | None = None) -> list[RunEvent]:
        """Events numbered above `after`, in order."""
        ...


class Announcer(Protocol):
    """The bus, for changes of desired records."""

    async def changed(self, record: DesiredRecord) -> None:
        """Publish; raises Retryable."""
        ...


class NotAnswered(Retryable):
    """A cluster's executor has not answered; the words say why, for people."""


class Agents(Protocol):
    """The clusters' executors; each call ends within the request's `within_s`."""

    async def check(self, request: CheckSlice) -> SliceChecked:
        """Have a slice checked; raises NotAnswered."""
        ...

    async def compare(self, request: CompareSteps) -> StepsCompared:
        """Have objects compared; raises NotAnswered."""
        ...


class Sealer(Protocol):
    """Seals secret values in place."""

    def seal(
        self,
        document: dict[str, Any],
        locations: Sequence[LocatedSecret],
        *,
        app: AppRef,
        uid: AppUid,
        clusters: Sequence[ClusterRecord],
        previous: Mapping[str, Any] | None,
        placements: Sequence[Placement] = (),
    ) -> Sealing:
        """Seal in a copy of the document; an unchanged value keeps the ciphertext that `previous` has of it."""
        ...


class ClusterObjects(Protocol):
    """Objects that live in clusters, as their executors give them away."""

    async def read(self, request: ReadObjects) -> ObjectsRead | ObjectsNotRead:
        """Ask the executor of the request's cluster; raises ClusterSilent."""
        ...


class Files(Protocol):
    """Files at web addresses."""

    async def fetch(self, url: str) -> bytes:
        """Fetch a file exactly from this address; raises FileRefused and AddressSilent."""
        ...


class ParkedStore(Protocol):
    """Messages that consumers set aside, whoever's they are."""

    def held(self, *, after: int) -> AsyncIterator[Held]:
        """Every message above a sequence, the oldest first; raises Retryable."""
        ...

    async def find(self, sequence: int) -> Held:
        """One message; raises NoSuchMessage and Retryable."""
        ...

    async def replay(self, sequence: int) -> ReplayResult:
        """Ask its consumer to take it again; raises NoSuchMessage, NotReplayable and Retryable."""
        ...

    async def drop(self, sequence: int) -> None:
        """Remove it; raises NoSuchMessage and Retryable."""
        ...


class AnswerStore(Protocol):
    """Answers to requests that bear a key."""

    async def take(self, id_: str, *, fingerprint: str, owner: str, now: datetime) -> Entry:
        """Take the entry, or say what is there."""
        ...

    async def answer(self, id_: str, owner: str, answer: StoredAnswer) -> None:
        """Keep the answer."""
        ...

    async def give_back(self, id_: str, owner: str) -> None:
        """Forget that it was asked for."""
        ...


class Beats(Protocol):
    """Signs of life, kept in memory."""

    @property
    def heard(self) -> Mapping[Part, Heard]:
        """The last beat of every part."""
        ...

    @property
    def restated(self) -> Mapping[ClusterName, ObservationOrder]:
        """By cluster: when everything that exists there was stated anew."""
        ...
