"""Objects that a document has copied out of clusters: where they are asked for, and what the answers come to."""

import asyncio
import json
from typing import Any

import pytest

from services.gateway.copying import Copying
from services.gateway.domain import copying, documents
from services.gateway.domain.addresses import AllowedAddresses
from services.gateway.domain.copying import Copies, Errand
from services.gateway.domain.refusals import AddressSilent, ClusterSilent, FileRefused
from shared.contracts import sealed
from shared.contracts.desired import CopiedObjects
from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace, Tenant
from shared.contracts.plan import Manifest, Placement
from shared.contracts.reads import OBJECTS_LIMIT, ObjectQuery, ObjectsNotRead, ObjectsRead, QueryAnswer, ReadObjects
from shared.contracts.registry import ClusterRecord
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, objects_sought
from shared.sealing import Place, SealingKey, generate, public_key_of, seal
from tests.support.records import NOW, UID

Document = dict[str, Any]
KEYS = {name: public_key_of(generate()) for name in ("east", "west")}
REGISTERED = [
    ClusterRecord(name=name, default=name == "east", sealing_key=key, created_at=NOW) for name, key in KEYS.items()
]
APP = AppRef(tenant="acme", namespace="acme-dev", name="shop")
EAST, WEST = ClusterName("east"), ClusterName("west")
OBJECTS = "spec.components[0].properties.objects"
MARK_KEY = b"m" * 16
ALLOWED = AllowedAddresses.of("https://files.example/shop/")
FILE = "https://files.example/shop/a.yaml"
REQUESTED = "https://files.example:443/shop/a.yaml"
URLS = "spec.components[0].properties.urls"


def a_document(*objects: Document, name: str = "copies", policies: list[Document] | None = None) -> Document:
    component = {"name": name, "type": "ref-objects", "properties": {"objects": list(objects)}}
    return {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "acme-dev"},
        "spec": {"components": [component], "policies": policies or []},
    }


def errand(*objects: Document, **more: Any) -> Errand:
    application = documents.check(a_document(*objects, **more), BUILTIN).application
    return copying.errand(objects_sought(application, APP, BUILTIN), REGISTERED, ALLOWED)


def config(name: str, **data: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(value: bytes, keys: dict[ClusterName, SealingKey]) -> Manifest:
    place = Place(
        tenant=Tenant("acme"), namespace=Namespace("acme-dev"), app_uid=AppUid(UID), name="login", key="password"
    )
    text = sealed.write(seal(value, place, keys, mark_key=MARK_KEY))
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "data": {"password": text}}


class Files:
    """Web addresses that answer from a table."""

    def __init__(self, answers: dict[str, bytes | FileRefused | AddressSilent]) -> None:
        self._answers = answers
        self.fetched: list[str] = []

    async def fetch(self, url: str) -> bytes:
        """See `ports.Files`."""
        self.fetched.append(url)
        answer = self._answers[url]
        if isinstance(answer, bytes):
            return answer
        raise answer


def copier(agents: "Agents", files: Files | None = None) -> Copying:
    return Copying(agents, files or Files({}), ALLOWED)


class Agents:
    """Executors that answer from a table."""

    def __init__(self, answers: dict[str, QueryAnswer | ObjectsNotRead]) -> None:
        """`answers` are by cluster, resource and name or selector."""
        self._answers = answers
        self.asked: list[ReadObjects] = []

    async def read(self, request: ReadObjects) -> ObjectsRead | ObjectsNotRead:
        """See `ports.ClusterObjects`."""
        self.asked.append(request)
        found = []
        for query in request.queries:
            answer = self._answers[_name(request.cluster, query)]
            if isinstance(answer, ObjectsNotRead):
                return answer
            found.append(answer)
        return ObjectsRead(answers=tuple(found))


def _name(cluster: ClusterName, query: ObjectQuery) -> str:
    return f"{cluster}/{query.resource}/{query.name or query.selector}"


async def read(
    sent: Errand, answers: dict[str, QueryAnswer | ObjectsNotRead], previous: tuple[CopiedObjects, ...] = ()
) -> Copies:
    recipients = copying.recipients([Placement(cluster=WEST)], REGISTERED)
    return await copier(Agents(answers)).read(
        sent, app=APP, uid=UID, recipients=recipients, previous=previous, slots=asyncio.Semaphore()
    )


def test_what_is_left_out_is_taken_from_the_component_and_the_application() -> None:
    [(cluster, sought)] = errand({"resource": "configmaps"}).sought

    assert cluster == EAST
    assert sought.query == ObjectQuery(
        job_type="ref-objects", resource="configmaps", namespace=Namespace("acme-dev"), name="copies"
    )


def test_labels_are_asked_for_as_kubernetes_writes_them() -> None:
    labels = {"tier": "front", "app.example.com/name": "shop"}
    sent = errand({"resource": "secrets", "labelSelector": labels, "namespace": "acme-lab", "cluster": "west"})

    assert sent.questions == {
        WEST: (
            ObjectQuery(
                job_type="ref-objects",
                resource="secrets",
                namespace=Namespace("acme-lab"),
                selector="app.example.com/name=shop,tier=front",
            ),
        )
    }
    assert sent.namespaces == ("acme-lab",)


def test_same_question_is_asked_once() -> None:
    sent = errand({"resource": "configmaps", "name": "a"}, {"resource": "configmaps", "name": "a"})

    assert [len(queries) for queries in sent.questions.values()] == [1]


def test_cluster_that_is_not_registered_is_told_with_those_that_are() -> None:
    with pytest.raises(DocumentRejected) as refused:
        errand({"resource": "configmaps", "name": "a", "cluster": "south"})

    [finding] = refused.value.findings
    assert (finding.path, finding.code) == (f"{OBJECTS}[0].cluster", "UnknownCluster")
    assert finding.remedy == "Registered clusters: east, west."


def test_a_policy_that_brings_a_reference_is_where_it_is_told() -> None:
    brought = [{"resource": "configmaps", "name": "a", "cluster": "south"}]
    override = {"type": "override", "properties": {"components": [{"properties": {"objects": brought}}]}}

    with pytest.raises(DocumentRejected) as refused:
        errand({"resource": "configmaps", "name": "b"}, policies=[override])

    [finding] = refused.value.findings
    assert finding.path == "spec.policies[0].properties.components[0].properties.objects[0].cluster"


def test_more_references_than_are_ever_read_are_refused_before_anybody_is_asked() -> None:
    components = [
        {
            "name": f"c{index}",
            "type": "ref-objects",
            "properties": {"objects": [{"resource": "configmaps", "name": f"{index}-{n}"} for n in range(60)]},
        }
        for index in range(2)
    ]
    document = a_document() | {"spec": {"components": components}}
    application = documents.check(document, BUILTIN).application

    with pytest.raises(DocumentRejected) as refused:
        copying.errand(objects_sought(application, APP, BUILTIN), REGISTERED, ALLOWED)

    [finding] = refused.value.findings
    assert finding.code == "TooManyObjects"
    assert str(OBJECTS_LIMIT) in finding.message


async def test_answers_are_put_together_by_component_each_object_once() -> None:
    sent = errand(
        {"resource": "configmaps", "name": "a"},
        {"resource": "configmaps", "labelSelector": {"x": "y"}},
        {"resource": "configmaps", "name": "a", "cluster": "west"},
    )
    a, b, other = config("a", k="east"), config("b"), config("a", k="west")

    copies = await read(
        sent,
        {
            "east/configmaps/a": QueryAnswer(objects=(a,)),
            "east/configmaps/x=y": QueryAnswer(objects=(a, b)),
            "west/configmaps/a": QueryAnswer(objects=(other,)),
        },
    )

    assert copies == Copies((CopiedObjects(component="copies", objects=(a, b, other)),), ())


async def test_every_refused_reference_is_told_at_its_place() -> None:
    sent = errand(
        {"resource": "configmaps", "name": "a"},
        {"resource": "configmaps", "name": "b"},
        {"resource": "secrets", "name": "c", "cluster": "west"},
    )

    with pytest.raises(DocumentRejected) as refused:
        await read(
            sent,
            {
                "east/configmaps/a": QueryAnswer(code="ReferenceNotFound", message="ConfigMap a does not exist"),
                "east/configmaps/b": QueryAnswer(objects=(config("b"),)),
                "west/secrets/c": QueryAnswer(code="Forbidden", message="may not"),
            },
        )

    told = [(finding.path, finding.code) for finding in refused.value.findings]
    assert told == [(f"{OBJECTS}[0]", "ReferenceNotFound"), (f"{OBJECTS}[2]", "Forbidden")]


async def test_selector_that_finds_nothing_is_a_warning() -> None:
    sent = errand({"resource": "configmaps", "labelSelector": {"x": "y"}}, {"resource": "configmaps", "name": "a"})
    answers: dict[str, QueryAnswer | ObjectsNotRead] = {
        "east/configmaps/x=y": QueryAnswer(),
        "east/configmaps/a": QueryAnswer(objects=(config("a"),)),
    }

    copies = await read(sent, answers)

    told = [(warning.path, warning.code) for warning in copies.warnings]
    assert told == [(f"{OBJECTS}[0].labelSelector", "ReferenceNotFound")]


async def test_cluster_that_cannot_be_asked_says_so_and_when_to_come_back() -> None:
    sent = errand({"resource": "configmaps", "name": "a"})

    with pytest.raises(ClusterSilent, match="of cluster 'east', which cannot be asked at the moment: away") as silent:
        await read(sent, {"east/configmaps/a": ObjectsNotRead(message="away")})

    assert silent.value.retry_after_s == 5.0


async def test_unchanged_value_keeps_the_ciphertext_that_is_stored() -> None:
    sent = errand({"resource": "secrets", "name": "login"})
    west = {WEST: KEYS["west"]}
    before = CopiedObjects(component="copies", objects=(secret(b"same", west),))

    async def again(found: Manifest) -> Copies:
        return await read(sent, {"east/secrets/login": QueryAnswer(objects=(found,))}, (before,))

    assert secret(b"same", west) != before.objects[0]
    assert (await again(secret(b"same", west))).of == (before,)
    assert (await again(secret(b"other", west))).of != (before,)
    # Its cluster's key has been rotated: what is stored would not open for ever.
    rotated = secret(b"same", {WEST: public_key_of(generate())})
    assert (await again(rotated)).of == (CopiedObjects(component="copies", objects=(rotated,)),)


@pytest.mark.parametrize(
    "fields",
    [
        {"data": {"password": "cGxhaW4="}},
        {"stringData": {"password": "plain"}},
        {"data": {"password": f"{sealed.PREFIX}no JSON"}},
    ],
)
async def test_plain_value_from_an_executor_is_never_stored(fields: Document) -> None:
    sent = errand({"resource": "secrets", "name": "login"})
    plain = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, **fields}

    with pytest.raises(ClusterSilent, match="a Secret that is not sealed") as refused:
        await read(sent, {"east/secrets/login": QueryAnswer(objects=(plain,))})

    assert "cGxhaW4=" not in str(refused.value)


@pytest.mark.parametrize(
    "answered",
    [
        config("another"),
        {**config("a"), "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"},
        {"apiVersion": "v1", "kind": "ConfigMap"},
        {},
    ],
)
async def test_object_that_was_not_asked_for_goes_nowhere(answered: Manifest) -> None:
    sent = errand({"resource": "configmaps", "name": "a"})

    with pytest.raises(ClusterSilent, match="not what was asked for"):
        await read(sent, {"east/configmaps/a": QueryAnswer(objects=(answered,))})


async def test_executors_learn_where_the_values_go_and_nothing_else() -> None:
    sent = errand({"resource": "secrets", "name": "login"})
    agents = Agents({"east/secrets/login": QueryAnswer(objects=(secret(b"v", {WEST: KEYS["west"]}),))})
    placements = [Placement(cluster=WEST), Placement(cluster=EAST, namespace="acme-lab")]

    await copier(agents).read(
        sent,
        app=APP,
        uid=UID,
        recipients=copying.recipients(placements, REGISTERED),
        previous=(),
        slots=asyncio.Semaphore(),
    )

    [asked] = agents.asked
    assert [(r.cluster, r.namespace, r.sealing_key) for r in asked.recipients] == [
        ("west", "", KEYS["west"]),
        ("east", "acme-lab", KEYS["east"]),
    ]
    assert (asked.app, asked.cluster) == (APP, EAST)


async def test_document_that_copies_nothing_asks_nobody() -> None:
    agents = Agents({})

    nothing = await copier(agents).read(
        Errand(), app=APP, uid=UID, recipients=(), previous=(), slots=asyncio.Semaphore()
    )
    assert nothing == Copies()
    assert agents.asked == []


def an_errand_to(*urls: str) -> Errand:
    document = a_document()
    document["spec"]["components"][0]["properties"] = {"urls": list(urls)}
    application = documents.check(document, BUILTIN).application
    return copying.errand(objects_sought(application, APP, BUILTIN), REGISTERED, ALLOWED)


async def fetch(sent: Errand, files: Files) -> Copies:
    return await copier(Agents({}), files).read(
        sent, app=APP, uid=UID, recipients=(), previous=(), slots=asyncio.Semaphore()
    )


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://files.example/other/a.yaml", "UrlNotAllowed"),
        ("http://files.example/shop/a.yaml", "UrlNotAllowed"),
        ("https://files.example/shop/../other/a.yaml", "InvalidFormat"),
        ("file:///etc/passwd", "InvalidFormat"),
    ],
)
def test_address_that_is_not_allowed_is_told_at_its_place_with_the_setting(url: str, code: str) -> None:
    with pytest.raises(DocumentRejected) as refused:
        an_errand_to(FILE, url)

    [finding] = refused.value.findings
    assert (finding.path, finding.code) == (f"{URLS}[1]", code)
    assert ("KUBEMIN_OBJECT_URLS" in finding.message) == (code == "UrlNotAllowed")


def test_more_addresses_than_are_ever_asked_are_refused() -> None:
    names = ("a", "b")
    document = a_document()
    document["spec"]["components"] = [
        {"name": name, "type": "ref-objects", "properties": {"urls": [f"{FILE}?{name}{n}" for n in range(6)]}}
        for name in names
    ]
    application = documents.check(document, BUILTIN).application

    with pytest.raises(DocumentRejected) as refused:
        copying.errand(objects_sought(application, APP, BUILTIN), REGISTERED, ALLOWED)

    assert [finding.code for finding in refused.value.findings] == ["TooManyObjects"]


async def test_same_address_is_fetched_once_and_its_objects_kept_once() -> None:
    files = Files({REQUESTED: json.dumps(config("a", k="v")).encode()})

    copies = await fetch(an_errand_to(FILE, "https://FILES.example:443/shop/a.yaml"), files)

    assert files.fetched == [REQUESTED]
    assert copies == Copies((CopiedObjects(component="copies", objects=(config("a", k="v"),)),))


async def test_every_file_that_is_refused_is_told_at_its_place() -> None:
    files = Files(
        {
            REQUESTED: FileRefused("UrlNotFetched", "it answers with HTTP status 404"),
            f"{REQUESTED}?1": json.dumps(config("a")).encode(),
            f"{REQUESTED}?2": b"a: [",
        }
    )

    with pytest.raises(DocumentRejected) as refused:
        await fetch(an_errand_to(FILE, f"{FILE}?1", f"{FILE}?2"), files)

    told = [(finding.path, finding.code) for finding in refused.value.findings]
    assert told == [(f"{URLS}[0]", "UrlNotFetched"), (f"{URLS}[2]", "InvalidYaml")]


async def test_address_that_does_not_answer_is_no_fault_of_the_document() -> None:
    with pytest.raises(AddressSilent, match="which cannot be reached at the moment: away"):
        await fetch(an_errand_to(FILE), Files({REQUESTED: AddressSilent("files.example", "away")}))
