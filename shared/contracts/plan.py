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


class Deadlines(Contract):
    """How long a step may take, in seconds, each from the moment that its phase begins."""

    queue_s: float = Field(default=1800, gt=0)
    start_s: float = Field(default=600, gt=0)
    run_s: float = Field(default=3600, gt=0)


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
    """Outlives the application: never pruned."""
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


class Plan(Contract):
    """The steps of one run."""

    app: AppRef
    uid: AppUid
    run: RunId
    generation: int
    steps: tuple[PlannedStep, ...]
    overrides: tuple[Override, ...] = ()
    warnings: tuple[Finding, ...] = ()
