"""Secret values leave the gateway sealed: one canary for each place that holds one, and none is seen in the open."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.bus import Bus
from shared.bus.consumer import Consumer
from shared.bus.delivery import Delivery
from shared.bus.topology import executor_durable
from shared.contracts import subjects
from shared.contracts.commands import COMMAND, Command
from shared.contracts.envelope import unwrap
from shared.contracts.facts import AnswerHeader, RunPrepared
from shared.contracts.identity import ClusterName
from shared.contracts.sealed import PREFIX
from tests.e2e.system import Document, System, application, component, describe
from tests.e2e.test_newcomer import kubemin
from tests.support.canaries import Canaries, inflated
from tests.support.replicas import away
from tests.support.strangers import connected

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]

_HAND_BACK_S = 5.0


def a_secret(name: str, **fields: Any) -> Document:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, **fields}


def kept_by_kubectl(value: str) -> Document:
    """A Secret as `kubectl get` shows one that `kubectl apply` has made."""
    applied = json.dumps(a_secret("kept", stringData={"a": value}))
    metadata = {"name": "kept", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}}
    return {**a_secret("kept"), "metadata": metadata}


def secret_trait(name: str, **fields: Any) -> Document:
    return {"type": "storage", "properties": {"secret": [{"name": name, "mountPath": f"/{name}", **fields}]}}


def every_carrier(namespace: str, canaries: Canaries) -> Document:
    """An application with a value in every place of the OAM form that takes one."""
    text, encoded = canaries.text, canaries.base64
    values = {"data": {"a": encoded("secret data")}, "stringData": {"b": text("secret stringData")}}
    objects = [
        a_secret("objects", data={"a": encoded("objects data")}, stringData={"b": text("objects stringData")}),
        a_secret("more", type="kubernetes.io/basic-auth", stringData={"password": text("second object")}),
        # So much that its manifests are stored apart from the plan.
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ample"}, "data": {"a": "x" * 40_000}},
    ]
    docker = {"auths": {"r": {"password": text("within JSON")}}}
    registry = {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": json.dumps(docker)}}
    traits = [
        secret_trait("trait", data={"a": encoded("trait data")}, stringData={"b": text("trait stringData")}),
        secret_trait("trait", mountOnly=True, mountPath="/again", stringData={"c": text("only mounted")}),
    ]
    document = application(
        namespace,
        {"name": "login", "type": "secret", "properties": values},
        {"name": "registry", "type": "secret", "properties": registry},
        {"name": "objects", "type": "k8s-objects", "properties": {"objects": objects}},
        {"name": "raw", "type": "raw", "properties": a_secret("raw", stringData={"a": text("raw")})},
        component("web", traits=traits),
        component("other"),
    )
    overriding = {
        "components": [
            {"name": "other", "traits": [secret_trait("added", stringData={"a": text("trait of a policy")})]},
            {"name": "login", "properties": {"stringData": {"c": text("properties of a policy")}}},
        ]
    }
    document["spec"]["policies"] = [{"name": "over", "type": "override", "properties": overriding}]
    return document


def in_dialect(namespace: str, canaries: Canaries) -> Document:
    """An application with a value in every place of the JSON dialect that takes one."""
    keys = {"name": "dialect-keys", "type": "secret", "properties": {"secret": {"a": canaries.text("dialect secret")}}}
    entry = {
        "name": "dialect-more",
        "type": "secret",
        "mount_path": "/more",
        "data": {"a": canaries.text("dialect storage")},
    }
    web = {"name": "site", "type": "webservice", "image": "registry.example/app:1", "traits": {"storage": [entry]}}
    return {"name": "dialect", "namespace": namespace, "component": [keys, web]}


def a_template(namespace: str, canaries: Canaries) -> Document:
    """An application that others are copies of."""
    keys = {"name": "base-keys", "type": "secret", "properties": {"secret": {"a": canaries.text("template")}}}
    return {"name": "base", "namespace": namespace, "tmp_enable": True, "component": [keys]}


def a_copy(namespace: str, canaries: Canaries) -> Document:
    """A copy of it: its values are entered again, for the template's open nowhere else."""
    keys = {
        "name": "copied-keys",
        "type": "secret",
        "template": {"id": f"{namespace}/base", "target": "base-keys"},
        "properties": {"secret": {"a": canaries.text("copy of a template")}},
    }
    return {"name": "copy", "namespace": namespace, "component": [keys]}


async def values_of(system: System, namespace: str, *names: str) -> set[str]:
    """What the Secrets in the cluster hold."""
    found: set[str] = set()
    for name in names:
        secret = await system.object("Secret", name, namespace)
        assert secret is not None, name
        found |= {base64.b64decode(value).decode() for value in secret["data"].values()}
    return found


async def look_at_answers(system: System, canaries: Canaries, namespace: str, name: str, run: str) -> None:
    """Everything that the API tells about an application; its live stream included."""
    one = f"/applications/{namespace}/{name}"
    of_it = (one, f"{one}/runs", f"{one}/revisions")
    for path in (f"/runs/{run}", *of_it, f"/applications?namespace={namespace}", "/parked", "/clusters"):
        answer = await system.call("GET", path)
        assert answer.status == 200, path
        canaries.look(json.dumps(answer.body, ensure_ascii=False).encode(), path, "answers")
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "0"}
    async with asyncio.timeout(30), system.http.get(f"/api/v1/runs/{run}/events", headers=headers) as response:
        canaries.look(await response.read(), "live stream", "answers")


async def kept(directory: Path, name: str, *documents: Document) -> str:
    """A file for the command line; its path."""
    path = directory / name
    await asyncio.to_thread(path.write_text, yaml.safe_dump_all(documents))
    return str(path)


async def look_at_the_command_line(
    system: System, canaries: Canaries, *commands: tuple[str, ...], code: int = 0
) -> list[str]:
    """What it says to each command, in their order; it writes a line into a pipe as a whole."""

    async def told(arguments: tuple[str, ...]) -> str:
        ended, said = await kubemin(system.stack.layout.context, *arguments)
        assert ended == code, said
        canaries.look(said.encode(), f"kubemin {arguments[0]}", "command line")
        return said

    return await asyncio.gather(*map(told, commands))


async def test_none_is_found_anywhere_but_in_the_cluster(system: System, namespace: str, tmp_path: Path) -> None:
    canaries = Canaries()
    documents = {
        "app": every_carrier(namespace, canaries),
        "dialect": in_dialect(namespace, canaries),
        "base": a_template(namespace, canaries),
        "copy": a_copy(namespace, canaries),
    }
    for name, document in documents.items():
        # Planned, also when there is one already, refused, delivered, and read in every way.
        runs: list[str] = []
        for query in ("?dryRun=true", "?dryRun=true&strict=true", "", "?dryRun=true", ""):
            answer = await system.call("POST", f"/applications{query}", text=json.dumps(document))
            assert answer.status in (200, 202, 422), answer.body
            canaries.look(json.dumps(answer.body, ensure_ascii=False).encode(), f"{name}{query}", "answers")
            runs += [answer.body["run"]] if answer.status == 202 else []
        run = runs[-1]
        ended = await system.ended(run)
        assert ended["phase"] == "Succeeded", describe(ended)
        await look_at_answers(system, canaries, namespace, name, run)
    sent = set(canaries.values)
    changed = Canaries()
    new = await kept(tmp_path, "new.yaml", every_carrier(namespace, changed), a_copy(namespace, changed))
    canaries.values |= {f"changed {where}": value for where, value in changed.values.items()}
    plan, *_ = await look_at_the_command_line(
        system,
        canaries,
        ("plan", "-f", new, "--diff"),
        ("apply", "-f", await kept(tmp_path, "same.yaml", documents["app"], documents["copy"])),
        ("status", f"{namespace}/app", "--tree"),
        ("status", f"{namespace}/copy", "--tree"),
        ("rollback", f"{namespace}/copy", "--to", "1", "--dry-run", "--diff"),
    )
    assert {f"{namespace}/app", f"{namespace}/copy", "copied-keys"} <= set(plan.split())
    oam = ("login", "registry", "objects", "more", "raw", "trait", "added")
    names = (*oam, "dialect-keys", "dialect-more", "base-keys", "copied-keys")
    opened = json.dumps(sorted(await values_of(system, namespace, *names)))
    # What is only mounted is written by nobody.
    delivered = {where for where, value in canaries.values.items() if value in opened}
    assert delivered == sent - {"only mounted"}
    await canaries.look_everywhere(system.stack, system.database)
    stored = ("SPECS", "RUNS", "STATUS", "applications", "manifests", "plans", "nats", "mongodb", "logs")
    for kind in (*stored, "command line"):
        assert canaries.seen[kind], kind


async def test_none_is_in_what_is_said_of_a_document_that_is_refused(
    system: System, namespace: str, tmp_path: Path
) -> None:
    canaries = Canaries()
    text = canaries.text
    wrong: list[Document] = [
        {"type": "secret", "properties": {"data": {"a": text("no base64")}}},
        {"type": "secret", "properties": {"stringData": {"a": [text("a list")]}}},
        {"type": "secret", "properties": {"stringData": text("no map"), "strinData": {"a": text("unknown key")}}},
        {"type": "k8s-objects", "properties": {"objects": [a_secret("s", data={"a": text("object, no base64")})]}},
        {
            "type": "k8s-objects",
            "properties": {"objects": [kept_by_kubectl(text("what kubectl applied"))]},
        },
        {"type": "secret", "properties": {"stringData": {"no key!": text("bad key")}}},
        {"type": "worker", "properties": {}, "traits": [secret_trait("s", data={"a": text("trait, no base64")})]},
    ]
    documents = [
        application(namespace, {"name": f"wrong-{number}", **one}, name="refused") for number, one in enumerate(wrong)
    ]
    # A copy of a template that there is not.
    documents.append({**a_copy(namespace, canaries), "name": "refused"})
    for number, document in enumerate(documents):
        for sent in (yaml.safe_dump(document), yaml.safe_dump(document) + "\n  broken: [", json.dumps(document)[:-2]):
            answer = await system.call("POST", "/applications", text=sent)
            assert answer.status in (400, 422), answer.body
            canaries.look(json.dumps(answer.body, ensure_ascii=False).encode(), f"wrong-{number}", "answers")
    file = await kept(tmp_path, "refused.yaml", *documents)
    [said] = await look_at_the_command_line(system, canaries, ("apply", "-f", file), code=1)
    assert said.count(file) >= len(documents)
    canaries.in_files(system.stack.layout.logs, "logs")
    await canaries.in_database(system.database)


@asynccontextmanager
async def in_place_of_the_executor(system: System, cluster: ClusterName) -> AsyncIterator[Bus]:
    """The bus, with the credentials of a cluster's agent, while the executor is away."""
    executor = system.stack.services[f"executor-{cluster}"]
    async with away(executor), connected(system.stack, f"cluster-{cluster}") as agent:
        yield agent


async def commands(consumer: Consumer, namespace: str, count: int) -> list[tuple[Delivery, Command]]:
    """So many commands of a namespace from the mailbox; they are neither acknowledged nor handed back yet."""
    found: list[tuple[Delivery, Command]] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            for one in await consumer.fetch(count, timeout_s=1.0):
                command = COMMAND.validate_python(unwrap(one.payload).data)
                if command.app.namespace == namespace:
                    found.append((one, command))
                else:
                    # An application of another test, which the planner asks about.
                    await one.nak(_HAND_BACK_S)
    return found


async def test_none_is_in_a_command_on_its_way(system: System, namespace: str) -> None:
    """Read with the agent's own credentials, in its place: a mailbox keeps nothing for those who look later."""
    canaries = Canaries()
    cluster = ClusterName(system.clusters[0])
    carriers = {"login=secret=login", "registry=secret=registry", "objects", "raw", "web=secret=trait"}
    async with in_place_of_the_executor(system, cluster) as agent:
        run = await system.apply(every_carrier(namespace, canaries))
        consumer = agent.consumer(subjects.STREAM_STEPS, executor_durable(cluster))
        [(delivery, asked)] = await commands(consumer, namespace, 1)
        canaries.look(delivery.payload, "PrepareRun", "commands")
        await delivery.ack()
        header = asked.model_dump(include=set(AnswerHeader.model_fields))
        await agent.publish(subjects.status(cluster, asked.app), RunPrepared(**header, at=asked.not_after))
        # One more is the Secret that a policy brings.
        applied = await commands(consumer, namespace, len(carriers) + 1)
        for delivery, _ in applied:
            canaries.look(delivery.payload, delivery.subject, "commands")
            assert PREFIX.encode() in inflated(delivery.payload)
            await delivery.nak()
        await consumer.close()
    assert {command.step for _, command in applied} == carriers | {"other=secret=added"}
    ended = await system.ended(run)
    assert ended["phase"] == "Succeeded", describe(ended)
