"""The data rules, each on a cluster that has something already: what is made, referred to, left alone, and missing."""

import base64
import json
from typing import Any

import pytest
import yaml

from shared.contracts.identity import ObjectKey
from tests.e2e.system import Document, System, application, component, describe, step

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]

SOMEBODY = "somebody-else"
"""Field manager of what was there before."""
CLAIM, CONFIG, SECRET = "PersistentVolumeClaim", "ConfigMap", "Secret"


async def existing(system: System, kind: str, name: str, namespace: str, **fields: Any) -> Document:
    """An object that somebody made before the delivery, as it is when nobody writes it any more."""
    if kind == CLAIM:
        resources = {"requests": {"storage": "3Gi"}}
        spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "immediate", "resources": resources}
        fields = {"spec": spec, **fields}
    metadata = {"name": name, "namespace": namespace, "labels": {"made-by": "hand"}}
    manifest = {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}
    await system.kube[system.clusters[0]].create(manifest, field_manager=SOMEBODY)
    return dict(await system.until(lambda: system.object(kind, name, namespace), _settled))


def _settled(live: Document) -> bool:
    return bool(live["kind"] != CLAIM or live.get("status", {}).get("phase") == "Bound")


async def untouched(system: System, before: Document) -> None:
    """The object is what it was, to the last field manager."""
    metadata = before["metadata"]
    assert await system.object(before["kind"], metadata["name"], metadata["namespace"]) == before


async def gone(system: System, before: Document) -> None:
    """Whoever made the object deletes it."""
    await system.kube[system.clusters[0]].delete(ObjectKey.of(before))
    metadata = before["metadata"]
    await system.until(
        lambda: system.object(before["kind"], metadata["name"], metadata["namespace"]), lambda found: found is None
    )


def storage(**entries: Any) -> Document:
    """A storage trait; each entry is of the field of its name."""
    return {"type": "storage", "properties": {field: [entry] for field, entry in entries.items()}}


def nothing_but(name: str, type_: str, /, **properties: Any) -> Document:
    """A component that is a config, a secret or a volume."""
    return {"name": name, "type": type_, "properties": properties}


def in_dialect(namespace: str, *entries: Document) -> Document:
    """A document in the JSON dialect with entries of storage."""
    traits = {"storage": list(entries)}
    web = {"name": "web", "type": "webservice", "image": "registry.example/app:1", "traits": traits}
    return {"name": "app", "namespace": namespace, "component": [web]}


async def plan(system: System, document: Document) -> Document:
    answer = await system.call("POST", "/applications?dryRun=true", text=yaml.safe_dump(document))
    assert answer.status == 200, answer.body
    return dict(answer.body)


async def rejected(system: System, document: Document, name: str) -> Document:
    """The step that the run is rejected for."""
    run = await system.ended(await system.apply(document))
    found = step(run, name)
    assert (run["phase"], found["phase"], found["reason"]) == ("Rejected", "Rejected", "ReferenceNotFound"), describe(
        run
    )
    return found


def asking_for_a_volume(namespace: str) -> dict[str, tuple[Document, str, str]]:
    """Every way to ask for a volume, with the step that makes it and the claim's name."""
    mine = {"resources": {"requests": {"storage": "9Gi"}}, "accessModes": ["ReadWriteMany"]}
    trait = storage(pvc={"name": "data", "mountPath": "/data", **mine})
    volume = nothing_but("files", "volume", name="data", size="9Gi")
    mounts = {"pvc": [{"name": "data", "mountPath": "/data", "claimName": "data"}]}
    entry = {"name": "data", "type": "persistent", "mountPath": "/data", "size": "9Gi"}
    return {
        "storage trait": (application(namespace, component("web", traits=[trait])), "web=pvc=data", "data"),
        "volume component": (
            application(namespace, volume, component("web", volumeMounts=mounts)),
            "files=pvc=data",
            "data",
        ),
        "dialect, tmp_create": (in_dialect(namespace, {**entry, "tmpCreate": True}), "web=pvc=data-web", "data-web"),
        "dialect, create": (in_dialect(namespace, {**entry, "create": True}), "web=pvc=data", "data"),
    }


WAYS = tuple(asking_for_a_volume(""))


@pytest.mark.parametrize("way", WAYS)
async def test_volume_that_is_there_is_never_modified_whoever_asks_for_it(
    system: System, namespace: str, way: str
) -> None:
    document, made_by, name = asking_for_a_volume(namespace)[way]
    before = await existing(system, CLAIM, name, namespace)
    run = await system.delivered(json.dumps(document))
    assert (step(run, made_by)["phase"], step(run, made_by)["reason"]) == ("Succeeded", "AlreadyExists")
    await untouched(system, before)
    await system.deleted(namespace, "app")
    await untouched(system, before)


@pytest.mark.parametrize("way", WAYS)
async def test_volume_that_is_not_there_is_made_once_and_outlives_the_application(
    system: System, namespace: str, way: str
) -> None:
    document, made_by, name = asking_for_a_volume(namespace)[way]
    run = await system.delivered(json.dumps(document))
    assert (step(run, made_by)["phase"], step(run, made_by)["reason"]) == ("Succeeded", "")
    made = await system.object(CLAIM, name, namespace)
    assert made is not None
    assert made["spec"]["resources"]["requests"]["storage"] == "9Gi"
    await system.deleted(namespace, "app")
    kept = await system.object(CLAIM, name, namespace)
    assert kept is not None
    assert kept["metadata"]["uid"] == made["metadata"]["uid"]
    # Delivered again, it is somebody else's by now, and good as it is.
    again = await system.delivered(json.dumps(document))
    assert step(again, made_by)["reason"] == "AlreadyExists"


async def test_volume_goes_with_the_application_where_its_policy_says_so_but_only_its_own(
    system: System, namespace: str
) -> None:
    before = await existing(system, CLAIM, "theirs", namespace)
    parts = [storage(pvc={"name": name, "mountPath": f"/{name}"}) for name in ("theirs", "own")]
    document = application(namespace, component("web", traits=parts))
    rule = {"selector": {"resourceTypes": [CLAIM]}, "strategy": "onAppDelete"}
    document["spec"]["policies"] = [{"name": "gc", "type": "garbage-collect", "properties": {"rules": [rule]}}]
    await system.delivered(document)
    await system.deleted(namespace, "app")
    await untouched(system, before)
    await system.until(lambda: system.object(CLAIM, "own", namespace), lambda found: found is None)


@pytest.mark.parametrize("kind", [CONFIG, SECRET])
async def test_what_is_only_asked_to_exist_is_left_alone_or_made_empty(
    system: System, namespace: str, kind: str
) -> None:
    value = {"a": base64.b64encode(b"theirs").decode()}
    before = await existing(system, kind, "theirs", namespace, data=value)
    field = {CONFIG: "configMap", SECRET: "secret"}[kind]
    traits = [storage(**{field: {"name": name, "mountPath": f"/{name}"}}) for name in ("theirs", "own")]
    run = await system.delivered(application(namespace, component("web", traits=traits)))
    assert step(run, f"web={kind.lower()}=theirs")["reason"] == "AlreadyExists"
    assert step(run, f"web={kind.lower()}=own")["reason"] == ""
    await untouched(system, before)
    made = await system.object(kind, "own", namespace)
    assert made is not None
    assert "data" not in made
    await system.deleted(namespace, "app")
    await untouched(system, before)


async def test_what_is_only_named_is_never_touched(system: System, namespace: str) -> None:
    """In whichever way it is named, while the application comes, changes and goes."""
    there = [
        await existing(system, CONFIG, "level", namespace, data={"a": "1"}),
        await existing(system, SECRET, "login", namespace, data={"a": base64.b64encode(b"1").decode()}),
        await existing(system, CLAIM, "data", namespace),
    ]
    env = [
        {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "level", "key": "a"}}},
        {"name": "LOGIN", "valueFrom": {"secretKeyRef": {"name": "login", "key": "a"}}},
    ]
    mounts = {
        "configMap": [{"name": "c", "mountPath": "/c", "cmName": "level"}],
        "secret": [{"name": "s", "mountPath": "/s", "secretName": "login"}],
        "pvc": [{"name": "d", "mountPath": "/d", "claimName": "data"}],
    }
    only = storage(
        configMap={"name": "level", "mountPath": "/only/c", "mountOnly": True},
        secret={"name": "login", "mountPath": "/only/s", "mountOnly": True},
        pvc={"name": "data", "mountPath": "/only/d", "mountOnly": True},
    )
    for image in ("registry.example/app:1", "registry.example/app:2"):
        both = component("a", env=env, volumeMounts=mounts, image=image), component("b", traits=[only], image=image)
        run = await system.delivered(application(namespace, *both))
        assert {one["step"] for one in run["steps"]} == {"a", "b"}
    await system.deleted(namespace, "app")
    for before in there:
        await untouched(system, before)


CARRIERS = {
    "trait": ("carrier=configmap=settings", "carrier=secret=login"),
    "component": ("settings=configmap=settings", "login=secret=login"),
    "dialect": ("web=configmap=settings", "web=secret=login"),
}
"""Every way to bring contents along, with the steps that make the ConfigMap and the Secret."""


def carrying(namespace: str, shape: str) -> Document:
    """A component `web` that uses what the document brings along."""
    if shape == "dialect":
        entries = (
            {"name": "s", "type": "config", "mountPath": "/s", "sourceName": "settings", "data": {"level": "info"}},
            {"name": "l", "type": "secret", "mountPath": "/l", "sourceName": "login", "data": {"password": "pw"}},
        )
        return in_dialect(namespace, *entries)
    env = [
        {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "level"}}},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}},
    ]
    entries_of_trait = storage(
        configMap={"name": "settings", "data": {"level": "info"}},
        secret={"name": "login", "stringData": {"password": "pw"}},
    )
    carriers = {
        "trait": [component("carrier", traits=[entries_of_trait])],
        "component": [
            nothing_but("settings", "config", data={"level": "info"}),
            nothing_but("login", "secret", stringData={"password": "pw"}),
        ],
    }
    return application(namespace, component("web", env=env), *carriers[shape])


@pytest.mark.parametrize("shape", CARRIERS)
async def test_what_carries_data_is_a_step_of_its_own_and_takes_nothing_of_others(
    system: System, namespace: str, shape: str
) -> None:
    document, steps = json.dumps(carrying(namespace, shape)), CARRIERS[shape]
    theirs = await existing(system, CONFIG, "settings", namespace, data={"level": "theirs"})
    run = await system.ended(await system.apply(document))
    refused = step(run, steps[0])
    assert (run["phase"], refused["phase"], refused["reason"]) == ("Rejected", "Rejected", "OwnedByOther"), describe(
        run
    )
    await untouched(system, theirs)
    assert await system.object(SECRET, "login", namespace) is None
    await gone(system, theirs)
    run = await system.delivered(document)
    assert set(steps) <= set(step(run, "web")["depends_on"])
    for one in steps:
        assert step(run, one)["ended_at"] <= step(run, "web")["started_at"]
    config = await system.object(CONFIG, "settings", namespace)
    secret = await system.object(SECRET, "login", namespace)
    assert config is not None
    assert secret is not None
    assert (config["data"], secret["data"]) == ({"level": "info"}, {"password": "cHc="})


@pytest.mark.parametrize("kind", [CONFIG, SECRET])
async def test_last_of_several_carriers_counts_and_the_plan_names_both_places(
    system: System, namespace: str, kind: str
) -> None:
    field, values = {CONFIG: ("configMap", "data"), SECRET: ("secret", "stringData")}[kind]

    def carrier(name: str, *after: str) -> Document:
        entry = {"name": "shared", "mountPath": "/shared", values: {"who": name}}
        return component(name, traits=[storage(**{field: entry})], after=list(after))

    # The order of the document says `c`; what depends on the others says `a`.
    document = application(namespace, carrier("a", "b", "c"), carrier("b"), carrier("c"))
    expected = {
        (f"{loser}={kind.lower()}=shared", f"spec.components[{at}].traits[0].properties.{field}[0]")
        for loser, at in (("b", 1), ("c", 2))
    }
    overrides = (await plan(system, document))["overrides"]
    assert {(one["loser"], one["loser_path"]) for one in overrides} == expected
    assert {(one["winner"], one["winner_path"]) for one in overrides} == {
        (f"a={kind.lower()}=shared", f"spec.components[0].traits[0].properties.{field}[0]")
    }
    theirs = await existing(system, kind, "shared", namespace)
    run = await system.ended(await system.apply(document))
    refused = step(run, f"a={kind.lower()}=shared")
    assert (run["phase"], refused["phase"], refused["reason"]) == ("Rejected", "Rejected", "OwnedByOther")
    await untouched(system, theirs)
    await gone(system, theirs)
    run = await system.delivered(document)
    for loser in ("b", "c"):
        skipped = step(run, f"{loser}={kind.lower()}=shared")
        assert (skipped["phase"], skipped["reason"]) == ("Skipped", "Overridden")
    assert run["overrides"] == overrides
    live = await system.object(kind, "shared", namespace)
    assert live is not None
    assert live["data"] == {"who": "a" if kind == CONFIG else base64.b64encode(b"a").decode()}
    writers = {one["manager"] for one in live["metadata"]["managedFields"]}
    assert writers == {f"kubemin:{run['uid']}"}


async def test_second_volume_of_a_name_is_a_no_op(system: System, namespace: str) -> None:
    first = component("first", traits=[storage(pvc={"name": "data", "mountPath": "/data"})])
    bigger = {"requests": {"storage": "99Gi"}}
    second = component("second", traits=[storage(pvc={"name": "data", "mountPath": "/data", "resources": bigger})])
    run = await system.delivered(application(namespace, first, second))
    assert {one["phase"] for one in run["steps"]} == {"Succeeded"}
    reasons = sorted(step(run, f"{name}=pvc=data")["reason"] for name in ("first", "second"))
    assert reasons == ["", "AlreadyExists"]
    assert run["overrides"] == []


@pytest.mark.parametrize("kind", [CONFIG, SECRET, CLAIM])
async def test_missing_reference_is_in_the_plan_and_rejects_before_anything_is_created(
    system: System, namespace: str, kind: str
) -> None:
    field = {CONFIG: "configMap", SECRET: "secret", CLAIM: "pvc"}[kind]
    only = storage(**{field: {"name": "absent", "mountPath": "/absent", "mountOnly": True}})
    document = application(
        namespace,
        component("first", traits=[storage(configMap={"name": "made", "data": {"a": "1"}})]),
        component("web", traits=[only], after=["first"]),
    )
    told = next(one for one in (await plan(system, document))["steps"] if one["step"] == "web")["references"]
    assert [(one["kind"], one["name"], one["optional"]) for one in told] == [(kind, "absent", False)]
    message = (await rejected(system, document, "web"))["message"]
    for named in (kind, f"{namespace}/absent", "component web", f"spec.components[1].traits[0].properties.{field}[0]"):
        assert named in message
    for made, name in (("Deployment", "first"), ("Deployment", "web"), (CONFIG, "made"), (kind, "absent")):
        assert await system.object(made, name, namespace) is None


async def test_volume_of_the_dialect_is_only_referred_to_by_default(system: System, namespace: str) -> None:
    document = in_dialect(
        namespace, {"name": "data", "type": "persistent", "mountPath": "/data", "claimName": "theirs"}
    )
    assert "theirs" in (await rejected(system, document, "web"))["message"]
    assert await system.object(CLAIM, "theirs", namespace) is None
    before = await existing(system, CLAIM, "theirs", namespace)
    await system.delivered(json.dumps(document))
    await untouched(system, before)


async def test_optional_and_certificate_that_are_missing_are_warned_of_and_nothing_more(
    system: System, namespace: str
) -> None:
    optional = {
        "type": "env-from",
        "properties": {"envFrom": [{"configMapRef": {"name": "maybe", "optional": True}}]},
    }
    routes = {"domain": "shop.example.com", "http": {"/": 80}, "secretName": "certificate"}
    gateway = {"type": "gateway", "properties": routes}
    ports = [{"port": 80, "expose": True}]
    web = component("web", "webservice", ports=ports, traits=[optional, gateway])
    run = await system.delivered(application(namespace, web))
    cluster = system.clusters[0]
    seen = [(one["code"], one["message"].partition(";")[0]) for one in run["warnings"]]
    assert sorted(seen) == [
        ("ReferenceNotFound", f"on {cluster}: ConfigMap {namespace}/maybe does not exist"),
        ("ReferenceNotFound", f"on {cluster}: Secret {namespace}/certificate does not exist"),
    ]
    assert (await system.application(namespace, "app"))["warnings"] == run["warnings"]
    assert await system.object(SECRET, "certificate", namespace) is None
