"""Objects that live in a cluster, as its executor gives them away: only the tenant's, bounded, and sealed."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.executor.adapters.keyring import Keyring
from services.executor.app import build_reading
from services.executor.domain.grants import Grants
from services.executor.handlers.reading import Reading
from shared.contracts import sealed
from shared.contracts.identity import AppRef, ClusterName, Namespace, ObjectKey, Tenant
from shared.contracts.plan import Manifest
from shared.contracts.reads import (
    OBJECTS_LIMIT,
    OBJECTS_LIMIT_BYTES,
    ObjectQuery,
    ObjectsNotRead,
    ObjectsRead,
    QueryAnswer,
    ReadObjects,
    Recipient,
)
from shared.errors import Rejected
from shared.kube.kinds import Object
from shared.sealing import Place, SealedValueInvalid, SealingKey, generate, open_value, public_key_of, save_key
from tests.integration.executor.conftest import CLUSTER, TENANT, Executor
from tests.support.clusters import ADMIN, RunningCluster, manifest
from tests.support.conditions import until

FAR = ClusterName("far")


@dataclass
class Reader:
    """Somebody who wants copies in a cluster far away."""

    executor: Executor
    reading: Reading
    key: SealingKey
    """The private key of the cluster far away."""

    def request(self, *queries: ObjectQuery, tenant: str = TENANT, **more: Any) -> ReadObjects:
        given = {
            "app": AppRef(tenant=tenant, namespace=Namespace("shop"), name="shop"),
            "uid": self.executor.uid,
            "cluster": CLUSTER,
            "queries": queries,
            "recipients": [Recipient(cluster=FAR, sealing_key=public_key_of(self.key))],
            "within_s": 20,
        }
        return ReadObjects.model_validate(given | more)

    def query(self, resource: str, name: str = "", **more: Any) -> ObjectQuery:
        given = {"job_type": "ref-objects", "namespace": self.executor.namespace}
        return ObjectQuery.model_validate(given | {"resource": resource, "name": name} | more)

    async def ask(self, *queries: ObjectQuery, **more: Any) -> Sequence[QueryAnswer]:
        answer = await self.reading.read(self.request(*queries, **more))
        assert isinstance(answer, ObjectsRead), answer
        return answer.answers

    async def one(self, query: ObjectQuery) -> Manifest:
        [answer] = await self.ask(query)
        assert not answer.code, answer
        [found] = answer.objects
        return found

    async def make(self, kind: str, name: str, api_version: str = "v1", **fields: Any) -> Object:
        labels = fields.pop("labels", {})
        wanted = manifest(kind, name, self.executor.namespace, api_version, **fields)
        wanted["metadata"]["labels"] = labels
        return await self.executor.kube.create(wanted, field_manager=ADMIN)

    def opened(self, text: str, name: str, key: str) -> bytes:
        place = Place(tenant=Tenant(TENANT), namespace=Namespace("shop"), app_uid=self.executor.uid, name=name, key=key)
        return open_value(text, place, FAR, [self.key])


def reader_of(executor: Executor, tmp_path: Path) -> Reader:
    path = tmp_path / "keys"
    save_key(generate(), path)
    grants = Grants({**executor.grants.built_in, "ref-objects": frozenset({"*"})}, executor.grants.granted)
    reading = build_reading(executor.kube, name=CLUSTER, grants=grants, seal=Keyring(path, CLUSTER).seal)
    return Reader(executor, reading, generate())


@pytest.fixture
def reader(executor: Executor, tmp_path: Path) -> Reader:
    return reader_of(executor, tmp_path)


async def test_object_is_given_away_without_what_belongs_to_its_cluster(reader: Reader) -> None:
    spec = {"selector": {"app": "web"}, "type": "NodePort", "ports": [{"port": 80, "name": "http"}]}
    live = await reader.make("Service", "web", labels={"tier": "front"}, spec=spec)
    assert live["spec"]["clusterIP"]
    assert live["spec"]["ports"][0]["nodePort"]

    found = await reader.one(reader.query("services", "web"))

    assert found["metadata"] == {"name": "web", "labels": {"tier": "front"}}
    assert found["spec"]["ports"] == [{"port": 80, "name": "http", "protocol": "TCP", "targetPort": 80}]
    assert found["spec"]["selector"] == {"app": "web"}
    assert not {"clusterIP", "clusterIPs", "ipFamilies"} & found["spec"].keys()
    assert "status" not in found


async def test_resource_of_a_group_is_found_by_its_plural(reader: Reader) -> None:
    pod = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": pod}
    await reader.make("Deployment", "web", "apps/v1", spec=spec)

    found = await reader.one(reader.query("deployments", "web", group="apps"))

    assert (found["apiVersion"], found["kind"]) == ("apps/v1", "Deployment")


async def test_value_of_a_secret_leaves_sealed_for_its_new_place_alone(reader: Reader) -> None:
    canary = b"canary-b7f2e1"
    applied = json.dumps({"stringData": {"password": canary.decode()}})
    secret = manifest(
        "Secret",
        "login",
        reader.executor.namespace,
        type="Opaque",
        data={"password": base64.b64encode(canary).decode()},
    )
    secret["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": applied,
        "example.com/remembered": applied,
    }
    await reader.executor.kube.create(secret, field_manager=ADMIN)

    found = await reader.one(reader.query("secrets", "login"))

    text = json.dumps(found)
    assert canary.decode() not in text
    assert base64.b64encode(canary).decode() not in text
    assert reader.opened(found["data"]["password"], "login", "password") == canary
    with pytest.raises(SealedValueInvalid):
        reader.opened(found["data"]["password"], "other", "password")


async def test_value_is_sealed_for_each_of_the_places_that_it_goes_to(reader: Reader) -> None:
    await reader.make("Secret", "login", type="Opaque", data={"a": base64.b64encode(b"plain").decode()})
    key = public_key_of(reader.key)
    recipients = [Recipient(cluster=FAR, namespace=namespace, sealing_key=key) for namespace in ("", "lab")]

    [answer] = await reader.ask(reader.query("secrets", "login"), recipients=recipients)

    text = answer.objects[0]["data"]["a"]
    home = Place(Tenant(TENANT), Namespace("shop"), reader.executor.uid, "login", "a")
    lab = home._replace(namespace=Namespace("lab"))
    assert open_value(sealed.for_cluster(text, FAR), home, FAR, [reader.key]) == b"plain"
    assert open_value(sealed.for_cluster(text, FAR, "lab"), lab, FAR, [reader.key]) == b"plain"
    with pytest.raises(SealedValueInvalid):
        open_value(sealed.for_cluster(text, FAR), lab, FAR, [reader.key])


async def test_unchanged_value_bears_the_same_mark(reader: Reader) -> None:
    await reader.make("Secret", "login", type="Opaque", data={"a": "b2xk"})
    first, second = [await reader.one(reader.query("secrets", "login")) for _ in range(2)]

    marks = [read.mark for found in (first, second) if (read := sealed.read(found["data"]["a"])) is not None]

    assert len(marks) == 2
    assert marks[0] == marks[1]


async def test_selector_finds_all_that_have_the_labels_by_name(reader: Reader) -> None:
    for name, tier in (("b", "front"), ("a", "front"), ("c", "back")):
        await reader.make("ConfigMap", name, labels={"tier": tier})

    [front, none] = await reader.ask(
        reader.query("configmaps", selector="tier=front"), reader.query("configmaps", selector="tier=none")
    )

    assert [found["metadata"]["name"] for found in front.objects] == ["a", "b"]
    assert none == QueryAnswer()


async def test_what_is_refused_says_why_and_the_rest_is_answered(reader: Reader) -> None:
    await reader.make("ConfigMap", "there")
    queries = {
        "ReferenceNotFound": reader.query("configmaps", "missing"),
        "KindNotFound": reader.query("widgets", "a", group="example.org"),
        "KindNotAllowed": reader.query("roles", "a", group="rbac.authorization.k8s.io"),
        "": reader.query("configmaps", "there"),
        "NamespaceNotFound": reader.query("configmaps", "a", namespace="no-such-namespace"),
        "NamespaceNotEnrolled": reader.query("configmaps", "a", namespace="kube-system"),
    }

    answers = await reader.ask(*queries.values())

    assert [answer.code for answer in answers] == list(queries)
    missing = f"ConfigMap {reader.executor.namespace}/missing does not exist in cluster {CLUSTER}"
    assert answers[0].message == missing
    assert "KUBEMIN_GRANTED_KINDS" in answers[2].message


async def test_namespace_of_another_tenant_gives_nothing_away(reader: Reader) -> None:
    await reader.make("ConfigMap", "theirs", data={"a": "b"})

    [answer] = await reader.ask(reader.query("configmaps", "theirs"), tenant="globex")

    assert (answer.code, answer.objects) == ("NamespaceNotEnrolled", ())


async def test_what_the_account_may_not_read_is_not_given_away(reader: Reader, cluster: RunningCluster) -> None:
    if not cluster.enforces_rbac:
        pytest.skip("the simulator does not enforce RBAC")
    kube, namespace = reader.executor.kube, reader.executor.namespace
    binding = manifest("RoleBinding", "kubemin-tenant", namespace, "rbac.authorization.k8s.io/v1")
    await reader.make("Secret", "login", type="Opaque", data={"a": "b2xk"})
    view = {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}}
    account = {"kind": "ServiceAccount", "name": "kubemin-tenant", "namespace": namespace}
    await kube.delete(ObjectKey.of(binding))
    await kube.create(binding | view | {"subjects": [account]}, field_manager=ADMIN)

    queries = reader.query("secrets", "login"), reader.query("secrets", selector="a=b")

    async def denied() -> bool:
        # The API server's authorizer hears of a binding a moment after it was stored.
        return {answer.code for answer in await reader.ask(*queries)} == {"Forbidden"}

    await until(denied)
    assert not any(answer.objects for answer in await reader.ask(*queries))


async def test_token_of_a_service_account_stays(reader: Reader) -> None:
    token = manifest("Secret", "token", reader.executor.namespace, type="kubernetes.io/service-account-token")
    token["metadata"]["annotations"] = {"kubernetes.io/service-account.name": "kubemin-tenant"}
    await reader.executor.kube.create(token, field_manager=ADMIN)

    [answer] = await reader.ask(reader.query("secrets", "token"))

    assert (answer.code, answer.objects) == ("NotCopied", ())


async def test_too_many_and_too_large_name_the_limit(reader: Reader) -> None:
    for index in range(OBJECTS_LIMIT + 1):
        await reader.make("ConfigMap", f"many-{index}", labels={"set": "many"})
    half = "x" * (OBJECTS_LIMIT_BYTES // 2)
    for name in ("one", "two"):
        await reader.make("ConfigMap", f"large-{name}", labels={"set": "large"}, data={"a": half})

    [many] = await reader.ask(reader.query("configmaps", selector="set=many"))
    [large] = await reader.ask(reader.query("configmaps", selector="set=large"))

    assert (many.code, many.objects) == ("TooManyObjects", ())
    assert str(OBJECTS_LIMIT) in many.message
    assert (large.code, large.objects) == ("ObjectsTooLarge", ())
    assert str(OBJECTS_LIMIT_BYTES) in large.message


async def test_request_for_another_cluster_is_refused(reader: Reader) -> None:
    with pytest.raises(Rejected, match="the request is for far"):
        await reader.reading.read(reader.request(reader.query("configmaps", "a"), cluster=FAR))


async def test_cluster_that_does_not_answer_is_told_as_such(unenrolled: Executor, tmp_path: Path) -> None:
    reader = reader_of(unenrolled, tmp_path)
    request = reader.request(reader.query("configmaps", "a"), within_s=0.000001)

    answer = await reader.reading.read(request)

    assert isinstance(answer, ObjectsNotRead)
    assert "did not answer within" in answer.message
