"""A plan: everything that one generation of an application wants, rendered once, in steps with their dependencies."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from shared.contracts.completion import CompletionRule
from shared.contracts.identity import AppRef, AppUid, ClusterName, Digest, Namespace, ObjectKey, RunId, StepId
from shared.contracts.model import Contract

Manifest = dict[str, Any]


class ApplyMode(StrEnum):
    """How the executor brings an object about."""

    APPLY = "apply"
    """Server-side apply under the application's own field manager."""
    CREATE = "create"
    """Create if absent; an object that is there already is never touched, and the step has succeeded."""


class Placement(Contract):
    """Where an application goes."""

    cluster: ClusterName
    namespace: str = ""
    """Into which every object goes, whatever it says itself; empty: each where it says, else into the application's."""

    def namespace_or(self, home: str) -> Namespace:
        """The namespace, where `home` is the application's own."""
        return Namespace(self.namespace or home)


class Retention(StrEnum):
    """When an object of ours is deleted that is no longer wanted."""

    DEFAULT = ""
    """With the update that leaves it out, or with the application; volumes outlive both."""
    ON_APP_UPDATE = "onAppUpdate"
    """As by default, and volumes too."""
    ON_APP_DELETE = "onAppDelete"
    """Only with the application; volumes too."""
    NEVER = "never"
    """It stays, and is nobody's any more."""


class KeptField(Contract):
    """A field whose live value stays."""

    path: str
    """See `shared.contracts.fieldpath`; `*` is the whole object."""
    on_update: bool = True
    """When the object changes."""
    on_state_keep: bool = True
    """When it is the same as before, and drift would be reverted."""


class Disposal(Contract):
    """What becomes of an object when it is no longer wanted."""

    retention: Retention = Retention.DEFAULT
    orphan_dependents: bool = False
    """When it is deleted, what its controller made of it stays."""


class Treatment(Contract):
    """What policies say of an object, beyond applying it."""

    read_only: bool = False
    """Never written; it has to be there."""
    take_over: bool = False
    """An object that belongs to no application is adopted."""
    shared: bool = False
    """The first application owns and writes it, others sign; the last one deletes it."""
    kept: tuple[KeptField, ...] = ()
    replace: bool = False
    """Updates replace the whole object, with what others have written into it."""
    recreate_fields: tuple[str, ...] = ()
    """Where one of these changes, the object is deleted and made anew."""
    disposal: Disposal = Disposal()


class Deadlines(Contract):
    """How long a step may take, in seconds, each from the moment that its phase begins unless it says otherwise."""

    queue_s: float = Field(default=1800, gt=0)
    start_s: float = Field(default=600, gt=0)
    run_s: float = Field(default=3600, gt=0)
    reference_s: float = Field(default=0, ge=0)
    """Counts from the first answer that something which the step refers to is missing; 0: it is not waited for."""


class Reference(Contract):
    """Something that a step's pods need and that the step does not bring along."""

    kind: str
    """`Secret`, `ConfigMap`, `PersistentVolumeClaim` or `ServiceAccount`."""
    namespace: str
    name: str
    optional: bool = False
    """A warning at most, as for `optional: true` and an Ingress' TLS secret."""
    path: str = ""
    """Where the document asks for it."""


class PlannedObject(Contract):
    """One object of a step as it will be applied; digest, generation and rule are annotated at the apply."""

    key: ObjectKey
    manifest: Manifest
    """Secret values in it are sealed tokens. Of a Job under our naming the name is that of attempt 1."""
    digest: Digest
    mode: ApplyMode = ApplyMode.APPLY
    rule: CompletionRule | None = None
    """None: done as soon as it is applied, and not watched for health."""
    volume: bool = False
    """Outlives the application, unless its retention says otherwise."""
    treatment: Treatment = Treatment()
    job_name_base: str = ""
    """Not empty for a run-to-completion object under our naming: its name is that base, a digest and the attempt."""


class PlannedStep(Contract):
    """One step within one placement."""

    cluster: ClusterName
    namespace: Namespace
    step: StepId
    component: str
    job_type: str
    job_type_version: int = 1
    depends_on: tuple[StepId, ...] = ()
    """Steps of the same placement (cluster)."""
    objects: tuple[PlannedObject, ...] = ()
    references: tuple[Reference, ...] = ()
    runs_once: bool = False
    """A run-to-completion workload: a finished one is never run again."""
    overridden_by: StepId | None = None
    """Another step carries the same ConfigMap or Secret later; this one is `Skipped(Overridden)`."""
    deadlines: Deadlines = Deadlines()


class Override(Contract):
    """Two carriers of one ConfigMap or Secret; the later wins."""

    key: ObjectKey
    loser: StepId
    loser_path: str
    winner: StepId
    winner_path: str


class Finding(Contract):
    """Something to tell about a document: an error that refuses it or a warning."""

    path: str
    """Into the document that was sent: `spec.components[1].properties.ports[0].port`."""
    code: str
    """Stable, CamelCase."""
    message: str
    remedy: str = ""


class Collection(Contract):
    """How objects that a generation no longer has are deleted."""

    keep_legacy: bool = False
    """Only with the application."""
    on_failure: bool = False
    """Also when the run has failed."""
    by_dependency: bool = False
    """What depends on others goes before them."""


class Plan(Contract):
    """The steps of one run."""

    app: AppRef
    uid: AppUid
    run: RunId
    generation: int
    steps: tuple[PlannedStep, ...]
    overrides: tuple[Override, ...] = ()
    warnings: tuple[Finding, ...] = ()
    collection: Collection = Collection()
