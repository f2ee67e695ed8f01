"""Components that were sent as OAM, told in the words of the dialect: whatever is stored can be told."""

from typing import Any

import pytest

from shared.dialect import told_components
from shared.jobtypes.builtin import BUILTIN
from shared.planning import Application, check_document
from tests.support.dialect import Document


def application(properties: Document, *traits: Document, replaced: Document | None = None) -> Document:
    web = {"name": "web", "type": "webservice@v1", "properties": {"image": "nginx", **properties}, "traits": [*traits]}
    override = {"name": "o", "type": "override", "properties": {"components": [{"name": "web", **(replaced or {})}]}}
    return {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "demo"},
        "spec": {"components": [web], "policies": [] if replaced is None else [override]},
    }


def told(document: Document) -> Document:
    """The one component, of a document that is accepted."""
    check_document(document, BUILTIN)
    [web] = told_components(Application.model_validate(document))
    return dict(web)


def trait(type_: str, **properties: Any) -> Document:
    return {"type": type_, "properties": properties}


def test_prefix_of_variables_is_told_beside_their_source() -> None:
    sources = [{"prefix": "DB_", "secretRef": {"name": "db"}}, {"configMapRef": {"name": "settings"}}]
    assert told(application({}, trait("env-from", envFrom=sources)))["traits"] == {
        "env_from": [
            {"type": "secret", "source_name": "db", "prefix": "DB_"},
            {"type": "configMap", "source_name": "settings"},
        ]
    }


def test_each_container_of_a_trait_for_several_gets_its_own() -> None:
    sidecar = trait("sidecar", name="logs", image="fluent-bit")
    several = [
        {"containerName": "web", "envFrom": [{"configMapRef": {"name": "a"}}]},
        {"containerName": "logs", "envFrom": [{"configMapRef": {"name": "b"}}]},
    ]
    traits = told(application({}, sidecar, trait("env-from", containers=several)))["traits"]
    assert traits["env_from"] == [{"type": "configMap", "source_name": "a"}]
    assert traits["sidecar"][0]["traits"] == {"env_from": [{"type": "configMap", "source_name": "b"}]}


def test_types_are_told_without_the_version_that_they_pin() -> None:
    web = told(application({}, trait("scaler@v1", replicas=3)))
    assert (web["type"], web["replicas"]) == ("webservice", 3)


@pytest.mark.parametrize(
    ("given", "replaced"),
    [
        ({"ports": "p"}, {"properties": {"ports": [{"port": 80}]}}),
        ({"env": [{"value": "a"}]}, {"properties": {"env": [{"name": "A", "value": "b"}]}}),
    ],
)
def test_properties_that_a_policy_replaces_are_told_as_they_are(given: Document, replaced: Document) -> None:
    assert told(application(given, replaced=replaced))["properties"] == {"image": "nginx", **given}


def test_trait_that_a_policy_replaces_is_told_as_it_is() -> None:
    whole = trait("sidecar", name="logs", image="fluent-bit")
    document = application({}, trait("sidecar", name="logs"), replaced={"traits": [whole]})
    assert told(document)["traits"] == {"sidecar": {"name": "logs"}}
