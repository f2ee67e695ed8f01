"""An executor's handlers over a cluster, without the bus: commands in, stated facts out."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.executor.adapters.meter import PrometheusMeter
from services.executor.app import build
from services.executor.domain.grants import DEFAULT_GRANTED_KINDS, Grants
from services.executor.handlers.commands import Command, Commands
from services.executor.ports import Cluster
from shared.contracts.annotations import LABEL_TENANT, TENANT_SERVICE_ACCOUNT
from shared.contracts.canonical import digest
from shared.contracts.commands import (
    ApplyStep,
    ObjectToApply,
    ObjectToPrune,
    PreparedObject,
    PreparedStep,
    PrepareRun,
    PruneObjects,
)
from shared.contracts.completion import CompletionRule
from shared.contracts.facts import Answer
from shared.contracts.identity import (
    PREPARE,
    PRUNE,
    AppRef,
    AppUid,
    ClusterName,
    Namespace,
    ObjectKey,
    StepId,
    run_id,
)
from shared.contracts.nudge import Nudge
from shared.contracts.plan import ApplyMode, Manifest, Reference
from shared.kube import GroupVersionKind, Impersonation, KubeApi
from shared.kube.kinds import Object
from shared.metrics import Metrics
from shared.sealing import SealingKey, generate, open_value
from tests.support.clusters import ADMIN, manifest
from tests.support.conditions import until

CLUSTER = ClusterName("edge")
TENANT = "acme"


@dataclass
class Recorded:
    """Where answers go in these tests."""

    facts: list[Answer] = field(default_factory=list)
    nudges: list[Nudge] = field(default_factory=list)

    async def state(self, fact: Answer) -> None:
        self.facts.append(fact)

    async def nudge(self, nudge: Nudge) -> None:
        self.nudges.append(nudge)


@dataclass
class Executor:
    """One application's planner, as far as the executor sees of it."""

    commands: Commands
    answers: Recorded
    kube: KubeApi
    grants: Grants
    namespace: str
    sealing_key: SealingKey
    uid: AppUid

    async def answer(self, command: Command) -> Answer:
        """Have a command carried out; it must be answered by exactly one fact."""
        before = len(self.answers.facts)
        await self.commands.handle(command)
        [fact] = self.answers.facts[before:]
        return fact

    def header(self, step: StepId, generation: int = 1, *, uid: AppUid | None = None) -> dict[str, Any]:
        owner = uid or self.uid
        return {
            "app": AppRef(tenant=TENANT, namespace=self.namespace, name="shop"),
            "uid": owner,
            "run": run_id(owner, generation),
            "generation": generation,
            "cluster": CLUSTER,
            "step": step,
            "not_after": datetime.now(UTC) + timedelta(minutes=1),
        }

    def apply(self, *objects: ObjectToApply, generation: int = 1, uid: AppUid | None = None, **more: Any) -> ApplyStep:
        given = {"component": "web", "namespace": Namespace(self.namespace), "job_type": "webservice"}
        header = self.header(StepId("web"), generation, uid=uid)
        return ApplyStep.model_validate(header | given | {"objects": objects} | more)

    def prepare(self, *steps: PreparedStep, generation: int = 1, **more: Any) -> PrepareRun:
        return PrepareRun.model_validate(self.header(PREPARE, generation) | {"steps": steps} | more)

    def prune(self, *objects: ObjectToPrune, generation: int = 1, **more: Any) -> PruneObjects:
        return PruneObjects.model_validate(self.header(PRUNE, generation) | {"objects": objects} | more)

    def step(self, *objects: PreparedObject, references: tuple[Reference, ...] = (), **more: Any) -> PreparedStep:
        given = {"step": "web", "component": "web", "namespace": self.namespace, "job_type": "webservice"}
        return PreparedStep.model_validate(given | {"objects": objects, "references": references} | more)

    def config_map(self, name: str = "a", **data: str) -> Manifest:
        return manifest("ConfigMap", name, self.namespace, data=data)

    async def live(self, wanted: Manifest | ObjectKey) -> Object:
        return await self.kube.get(wanted if isinstance(wanted, ObjectKey) else ObjectKey.of(wanted))

    async def enrol(self, tenant: str = TENANT) -> None:
        enrolled = manifest("ServiceAccount", TENANT_SERVICE_ACCOUNT, self.namespace)
        enrolled["metadata"]["labels"] = {LABEL_TENANT: tenant}
        await self.kube.apply(enrolled, field_manager=ADMIN, force=True)
        binding = manifest(
            "RoleBinding",
            TENANT_SERVICE_ACCOUNT,
            self.namespace,
            "rbac.authorization.k8s.io/v1",
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
            subjects=[{"kind": "ServiceAccount", "name": TENANT_SERVICE_ACCOUNT, "namespace": self.namespace}],
        )
        await self.kube.apply(binding, field_manager=ADMIN, force=True)
        # The API server's authorizer hears of a binding a moment after it was stored.
        account = Impersonation.service_account(self.namespace, TENANT_SERVICE_ACCOUNT)
        kind = GroupVersionKind("apps/v1", "Deployment")
        await until(lambda: self.kube.may("patch", kind, self.namespace, acting_as=account))


def to_apply(
    wanted: Manifest,
    *,
    generation: int = 1,
    mode: ApplyMode = ApplyMode.APPLY,
    rule: CompletionRule | None = None,
    **more: Any,
) -> ObjectToApply:
    return ObjectToApply(
        key=ObjectKey.of(wanted),
        manifest=wanted,
        digest=digest(wanted),
        generation=generation,
        mode=mode,
        rule=rule,
        **more,
    )


def prepared(wanted: Manifest, *, mode: ApplyMode = ApplyMode.APPLY, known_uid: str | None = None) -> PreparedObject:
    return PreparedObject(key=ObjectKey.of(wanted), mode=mode, known_uid=known_uid)


def to_prune(live: Object) -> ObjectToPrune:
    return ObjectToPrune(key=ObjectKey.of(live), object_uid=live["metadata"]["uid"], digest=digest({}))


def commands_over(cluster: Cluster, answers: Recorded, grants: Grants, sealing_key: SealingKey) -> Commands:
    return build(
        cluster,
        answers,
        name=CLUSTER,
        grants=grants,
        open_sealed=lambda text, place: open_value(text, place, CLUSTER, [sealing_key]),
        meter=PrometheusMeter(Metrics()),
    )


@pytest.fixture
def unenrolled(kube: KubeApi, kube_namespace: str) -> Executor:
    """An executor and a namespace that takes no part yet."""
    built_in = {
        "webservice": frozenset({"apps/v1/Deployment", "v1/Service", "v1/ConfigMap", "v1/Secret", "batch/v1/Job"}),
        "k8s-objects": frozenset({"*"}),
    }
    sealing_key = generate()
    answers = Recorded()
    grants = Grants(built_in, frozenset({*DEFAULT_GRANTED_KINDS, "example.com/v1/*"}))
    commands = commands_over(kube, answers, grants, sealing_key)
    return Executor(commands, answers, kube, grants, kube_namespace, sealing_key, AppUid(secrets.token_hex(8)))


@pytest.fixture
async def executor(unenrolled: Executor) -> Executor:
    """An executor and a namespace of its tenant."""
    await unenrolled.enrol()
    return unenrolled
