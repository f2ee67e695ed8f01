"""Ciphertext that somebody copies: it opens in no other application, namespace, tenant, cluster, Secret or key.

Whoever can write the database or the bus can put it anywhere; only the executor of its cluster could open it.
"""

import base64
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev.layout import TENANT
from shared.contracts import sealed, subjects
from shared.contracts.annotations import LABEL_TENANT, TENANT_SERVICE_ACCOUNT
from shared.contracts.canonical import digest
from shared.contracts.commands import ApplyStep, ObjectToApply
from shared.contracts.desired import DesiredRecord
from shared.contracts.facts import Answer, StepApplied, StepRejected
from shared.contracts.identity import AppRef, ClusterName, Namespace, ObjectKey, StepId, run_id
from shared.contracts.phases import Reason
from shared.contracts.plan import ApplyMode, Placement
from shared.contracts.sealed import SealedValue
from shared.store.applications import Applications
from shared.store.archive import Archive
from tests.e2e.system import Document, System, application, describe, step
from tests.support.strangers import connected

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]


def login(**values: str) -> Document:
    return {"name": "login", "type": "secret", "properties": {"stringData": values}}


async def delivered(system: System, namespace: str, password: str, *, name: str = "app") -> DesiredRecord:
    """An application that is one Secret with one value, as it is stored."""
    run = await system.delivered(application(namespace, login(password=password), name=name))
    stored = await Applications(system.database).load(run["uid"])
    assert stored is not None
    return stored.record


def ciphertext_of(record: DesiredRecord) -> str:
    text = str(record.document["spec"]["components"][0]["properties"]["stringData"]["password"])
    assert text.startswith(sealed.PREFIX)
    return text


def for_place(text: str, key: str) -> str:
    """The same ciphertext, said to be for another cluster or placement."""
    value = sealed.read(text)
    assert value is not None
    [part] = value.parts.values()
    return sealed.write(SealedValue(mark=value.mark, parts={key: part}))


def with_secret(record: DesiredRecord, **properties: Any) -> Document:
    document: Document = {**record.document}
    document["spec"] = {**document["spec"], "components": [{**login(), "properties": properties}]}
    return document


async def stored_as(system: System, record: DesiredRecord, document: Document, **changes: Any) -> Document:
    """Write the next generation past the gateway, and wait until its run has ended."""
    forged = record.model_copy(update={"generation": record.generation + 1, "document": document, **changes})
    assert await Applications(system.database).replace(forged, expected_generation=record.generation)
    return await system.ended(run_id(record.uid, forged.generation))


def refused(run: Document, id_: str, cluster: str) -> None:
    """The step says why, and quotes nothing."""
    told = step(run, id_)
    assert (run["phase"], told["phase"], told["reason"]) == ("Failed", "Rejected", "SealedValueInvalid"), describe(run)
    assert f"does not open in cluster {cluster}" in told["message"]
    assert sealed.PREFIX not in told["message"]


async def test_it_opens_in_no_other_application(system: System, namespace: str) -> None:
    text = ciphertext_of(await delivered(system, namespace, "pw"))
    await system.deleted(namespace, "app")
    thief = await delivered(system, namespace, "own", name="thief")
    before = await system.object("Secret", "login", namespace)
    run = await stored_as(system, thief, with_secret(thief, stringData={"password": text}))
    refused(run, "login=secret=login", system.clusters[0])
    assert await system.object("Secret", "login", namespace) == before


async def test_it_opens_under_no_other_key_of_the_same_secret(system: System, namespace: str) -> None:
    record = await delivered(system, namespace, "pw")
    before = await system.object("Secret", "login", namespace)
    text = ciphertext_of(record)
    run = await stored_as(system, record, with_secret(record, stringData={"password": text, "pin": text}))
    refused(run, "login=secret=login", system.clusters[0])
    assert await system.object("Secret", "login", namespace) == before


async def test_it_opens_in_no_other_secret_of_the_same_application(system: System, namespace: str) -> None:
    record = await delivered(system, namespace, "pw")
    elsewhere = with_secret(record, name="elsewhere", stringData={"password": ciphertext_of(record)})
    refused(await stored_as(system, record, elsewhere), "login=secret=elsewhere", system.clusters[0])
    assert await system.object("Secret", "elsewhere", namespace) is None


async def test_it_opens_in_no_other_namespace_of_the_same_cluster(system: System, namespace: str) -> None:
    record = await delivered(system, namespace, "pw")
    cluster, second = ClusterName(system.clusters[0]), await system.enrolled_namespace()
    text = for_place(ciphertext_of(record), f"{cluster}/{second}")
    places = {"placements": (Placement(cluster=cluster, namespace=second),)}
    run = await stored_as(system, record, with_secret(record, stringData={"password": text}), **places)
    refused(run, f"login=secret=login@{second}", cluster)
    assert await system.object("Secret", "login", second) is None


async def test_it_opens_in_no_other_cluster(system: System, namespace: str) -> None:
    record = await delivered(system, namespace, "pw")
    there = ClusterName(system.clusters[1])
    text = for_place(ciphertext_of(record), there)
    run = await stored_as(
        system, record, with_secret(record, stringData={"password": text}), clusters=(there,), placements=()
    )
    refused(run, "login=secret=login", there)
    assert await system.object("Secret", "login", namespace, there) is None


async def test_it_opens_for_no_other_tenant(system: System, namespace: str) -> None:
    """The very command that the planner may send, with another tenant in it, to a namespace that is that tenant's."""
    record = await delivered(system, namespace, "pw")
    before = await system.object("Secret", "login", namespace)
    # The same in the right name is obeyed: nothing else is wrong with it.
    assert isinstance(await answered(system, command(system, record, TENANT, nonce=1)), StepApplied)
    assert await system.object("Secret", "login", namespace) == before
    api, other = system.kube[system.clusters[0]], f"tenant-{secrets.token_hex(4)}"
    account = ObjectKey(api_version="v1", kind="ServiceAccount", namespace=namespace, name=TENANT_SERVICE_ACCOUNT)
    await api.patch(account, {"metadata": {"labels": {LABEL_TENANT: other}}}, field_manager="admin")
    answer = await answered(system, command(system, record, other, nonce=2))
    assert isinstance(answer, StepRejected)
    assert answer.reason is Reason.SEALED_VALUE_INVALID, answer
    assert await system.object("Secret", "login", namespace) == before


async def test_what_a_user_pastes_is_a_value_like_any_other(system: System, namespace: str) -> None:
    text = ciphertext_of(await delivered(system, namespace, "pw"))
    await system.delivered(
        application(namespace, {**login(password=text), "name": "pasted"}, name="paster"),
    )
    pasted = await system.object("Secret", "pasted", namespace)
    assert pasted is not None
    assert base64.b64decode(pasted["data"]["password"]).decode() == text


def command(system: System, record: DesiredRecord, tenant: str, *, nonce: int) -> ApplyStep:
    """What brings the Secret about once more; answered, whatever has become of the run."""
    cluster = ClusterName(system.clusters[0])
    namespace = Namespace(record.app.namespace)
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": namespace},
        "data": {"password": sealed.for_cluster(ciphertext_of(record), cluster)},
    }
    wanted = ObjectToApply(
        key=ObjectKey.of(manifest),
        manifest=manifest,
        digest=digest(manifest),
        generation=record.generation,
        # There is one already, so this opens the value and changes nothing.
        mode=ApplyMode.CREATE,
    )
    return ApplyStep(
        app=AppRef(tenant=tenant, namespace=namespace, name=record.app.name),
        uid=record.uid,
        run=run_id(record.uid, record.generation),
        generation=record.generation,
        cluster=cluster,
        step=StepId("login=secret=login"),
        nonce=1000 + nonce,
        not_after=datetime.now(UTC) + timedelta(minutes=1),
        component="login",
        namespace=namespace,
        job_type="secret",
        objects=(wanted,),
    )


async def answered(system: System, wanted: ApplyStep) -> Answer:
    """Send a command in the planner's name, and wait for its answer."""
    async with connected(system.stack, "planner") as planner:
        await planner.publish(subjects.step(wanted.cluster, wanted.app, wanted.step), wanted)

    async def answers() -> list[Answer]:
        facts = await Archive(system.database).facts(wanted.uid)
        return [f for f in facts if isinstance(f, StepApplied | StepRejected) and f.nonce == wanted.nonce]

    found: list[Answer] = await system.until(answers, bool)
    return found[0]
