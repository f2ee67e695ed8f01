"""Requests for a new version: what each part of one does, and what is wrong with one, in its own places."""

from typing import Any

import pytest

from shared.contracts import annotations, sealed
from shared.dialect import Versioned, convert, with_version
from shared.planning import DocumentRejected
from tests.support import dialect
from tests.support.dialect import Document, component, document

SEALED = f"{sealed.PREFIX}{{}}"


def stored() -> Document:
    """An application: four components, each after the one before."""
    application = convert(
        document(
            component("settings", "config", properties={"conf": {"a": "b"}}),
            component("keys", "secret", properties={"secret": {"password": "x"}}),
            component("db", "store", traits={"share": {"strategy": "default"}}),
            component(
                "web",
                properties={"env": {"A": "1", "B": "2"}},
                traits={"envs": [{"name": "P", "value_from": {"secret": {"name": "keys", "key": "password"}}}]},
            ),
            version="1.0.0",
        )
    ).document
    application["spec"]["components"][1]["properties"]["stringData"]["password"] = SEALED
    return application


def versioned(*components: Document, **given: Any) -> Versioned:
    return with_version(stored(), {"version": "2", "components": list(components), **given})


def by_name(found: Versioned) -> dict[str, Document]:
    return {one["name"]: one for one in found.document["spec"]["components"]}


def trait(given: Document, type_: str) -> Document | None:
    return next((one["properties"] for one in given.get("traits") or () if one["type"] == type_), None)


def refused(*components: Any, **given: Any) -> set[tuple[str, str]]:
    with pytest.raises(DocumentRejected) as rejected:
        versioned(*components, **given)
    return {(one.code, one.path) for one in rejected.value.findings}


def warned(found: Versioned) -> set[tuple[str, str]]:
    return {(one.code, one.path) for one in found.warnings}


def test_image_replicas_and_variables_are_updated_and_everything_else_stays() -> None:
    found = versioned({"name": "web", "image": "nginx:2", "replicas": 3, "env": {"B": "3", "P": "plain", "C": "4"}})
    before = {one["name"]: one for one in stored()["spec"]["components"]}
    web = by_name(found).pop("web")
    assert {name: one for name, one in by_name(found).items() if name != "web"} == {
        name: one for name, one in before.items() if name != "web"
    }
    assert web["properties"]["image"] == "nginx:2"
    assert trait(web, "scaler") == {"replicas": 3}
    assert web["properties"]["env"] == [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "3"},
        {"name": "P", "value": "plain"},
        {"name": "C", "value": "4"},
    ]
    assert (found.version, found.previous, found.updated) == ("2", "1.0.0", ("web",))


def test_number_alone_changes_nothing_else() -> None:
    found = versioned(description="the same again")
    assert found.document["spec"] == stored()["spec"]
    about = found.document["metadata"]["annotations"]
    assert (about["kubemin.dev/version"], about["kubemin.dev/description"]) == ("2", "the same again")
    assert (found.updated, found.added, found.removed) == ((), (), ())


def test_what_is_removed_hands_its_order_on_and_its_policies_go() -> None:
    found = versioned({"name": "db", "action": "remove"}, {"name": "keys", "action": "remove"})
    assert {name: one.get("dependsOn", []) for name, one in by_name(found).items()} == {
        "settings": [],
        "web": ["settings"],
    }
    assert not found.document["spec"]["policies"]
    dialect.planned(found.document)


def test_policy_about_what_is_removed_speaks_of_the_rest() -> None:
    application = stored()
    both = {"selector": {"componentNames": ["db", "web"], "resourceTypes": ["Service"]}}
    alone = {"selector": {"componentNames": ["db"], "resourceTypes": ["Service"]}}
    every = {"selector": {"resourceTypes": ["ConfigMap"]}}
    application["spec"]["policies"] = [{"type": "take-over", "properties": {"rules": [both, alone, every]}}]
    body = {"version": "2", "components": [{"name": "db", "action": "remove"}]}
    [policy] = with_version(application, body).document["spec"]["policies"]
    left = {"selector": {"componentNames": ["web"], "resourceTypes": ["Service"]}}
    assert policy["properties"]["rules"] == [left, every]


def test_what_is_added_comes_last_with_all_that_the_dialect_knows() -> None:
    volume = {"name": "data", "type": "persistent", "mount_path": "/data", "tmp_create": True}
    found = versioned(
        {"name": "cache", "action": "add", "type": "store", "image": "redis:8", "traits": {"storage": [volume]}},
        {
            "name": "api",
            "action": "add",
            "type": "webservice",
            "image": "api:1",
            "replicas": 2,
            "properties": {"ports": [{"port": 80}], "env": {"A": "1"}},
            "env": {"B": "2"},
            "traits": {"share": {"strategy": "force"}},
        },
    )
    components = by_name(found)
    assert list(components)[-2:] == ["cache", "api"]
    assert [components[name]["dependsOn"] for name in ("cache", "api")] == [["web"], ["cache"]]
    assert components["api"]["properties"]["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert trait(components["cache"], "claim-templates") is not None
    assert [policy["type"] for policy in found.document["spec"]["policies"]] == ["shared-resource", "take-over"]
    assert found.paths.back("spec.components[5].properties.ports[0].port") == "components[1].properties.ports[0].port"
    assert found.paths.back("spec.components[5].properties.env[1].value") == "components[1].env.B"
    assert found.paths.back("spec.policies[1]") == "components[1].traits.share.strategy"
    assert found.added == ("cache", "api")


def test_recreate_ends_old_pods_first_until_a_version_rolls_again() -> None:
    recreated = versioned({"name": "web", "image": "nginx:2"}, {"name": "db", "image": "x"}, strategy="recreate")
    assert trait(by_name(recreated)["web"], "k8s-update-strategy") == {
        "targetKind": "Deployment",
        "strategy": {"type": "Recreate"},
    }
    assert warned(recreated) == {("NoEffect", "components[1]")}
    deployment = next(
        one for one in dialect.objects(dialect.planned(recreated.document)) if one["kind"] == "Deployment"
    )
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    rolled = with_version(recreated.document, {"version": "3", "components": [{"name": "web", "image": "nginx:3"}]})
    assert trait(by_name(rolled)["web"], "k8s-update-strategy") is None


@pytest.mark.parametrize("replicas", [0, -1])
def test_no_replicas_are_one(replicas: int) -> None:
    assert trait(by_name(versioned({"name": "web", "replicas": replicas}))["web"], "scaler") == {"replicas": 1}


ADD = {"action": "add", "type": "webservice", "image": "x"}


@pytest.mark.parametrize(
    ("components", "given", "expected"),
    [
        ([], {"version": ""}, {("MISSING_REQUIRED_FIELD", "version")}),
        ([{"image": "x"}], {}, {("MISSING_REQUIRED_FIELD", "components[0].name")}),
        ([{"name": "gone", "image": "x"}], {}, {("COMPONENT_NOT_FOUND", "components[0].name")}),
        ([{"name": "gone", "action": "remove"}], {}, {("COMPONENT_NOT_FOUND", "components[0].name")}),
        ([{"name": "web", **ADD}], {}, {("DUPLICATE_COMPONENT", "components[0].name")}),
        ([{"name": "web"}, {"name": "web", "action": "remove"}], {}, {("DUPLICATE_COMPONENT", "components[1].name")}),
        ([{"name": "api", **ADD, "type": "web"}], {}, {("INVALID_COMPONENT_TYPE", "components[0].type")}),
        ([{"name": "a", **ADD}], {}, {("NAME_TOO_SHORT", "components[0].name")}),
        ([{"name": "web"}, {"name": "api", **ADD, "image": ""}], {}, {("MISSING_IMAGE", "components[1].image")}),
        (
            [{"name": "api", **ADD, "Traits": {"init": [{"traits": {"storage": [{"name": "a", "type": "x"}]}}]}}],
            {},
            {
                ("MISSING_IMAGE", "components[0].Traits.init[0].properties.image"),
                ("INVALID_STORAGE_TYPE", "components[0].Traits.init[0].traits.storage[0].type"),
                ("MISSING_REQUIRED_FIELD", "components[0].Traits.init[0].traits.storage[0].mount_path"),
            },
        ),
        ([{"name": "api", **ADD, "env": {"A": 1}}], {}, {("WrongType", "components[0].env.A")}),
        ([{"name": "web", "env": {"A": 1}}], {}, {("WrongType", "components[0].env.A")}),
        ([{"name": "web", "action": "replace"}], {}, {("INVALID_TRAIT_CONFIG", "components[0].action")}),
        ([{"name": "settings", "image": "x"}], {}, {("Unsupported", "components[0].image")}),
        ([{"name": "keys", "env": {"A": "b"}}], {}, {("Unsupported", "components[0].env")}),
        (
            [{"name": name, "action": "remove"} for name in ("settings", "keys", "db", "web")],
            {},
            {("MISSING_REQUIRED_FIELD", "components")},
        ),
        ([], {"strategy": "canary"}, {("Unsupported", "strategy")}),
        ([], {"strategy": "blue-green"}, {("Unsupported", "strategy")}),
        ([], {"strategy": "slow"}, {("INVALID_TRAIT_CONFIG", "strategy")}),
        ([], {"auto_exec": False}, {("Unsupported", "auto_exec")}),
        ([], {"autoExec": "no"}, {("WrongType", "autoExec")}),
    ],
)
def test_request_is_refused_with_exactly_these_codes_and_places(
    components: list[Document], given: Document, expected: set[tuple[str, str]]
) -> None:
    assert refused(*components, **given) == expected


def test_what_has_no_effect_is_warned_of() -> None:
    found = versioned(
        {"name": "web", "type": "store", "colour": "red"},
        {"name": "keys", "action": "remove", "image": "x"},
        {"name": "settings", "replicas": 2},
    )
    assert warned(found) == {
        ("NoEffect", "components[0].type"),
        ("UnknownKey", "components[0].colour"),
        ("NoEffect", "components[1].image"),
        ("NoEffect", "components[2].replicas"),
    }


def of_web(**web: Any) -> Document:
    """An application that was sent as OAM, of one component."""
    component = {"name": "web", "type": "webservice", "properties": {"image": "nginx"}, **web}
    return {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "demo", "annotations": None},
        "spec": {"components": [component]},
    }


def changed_web(document: Document, **entry: Any) -> Document:
    [web] = with_version(document, {"version": "2", "components": [{"name": "web", **entry}]}).document["spec"][
        "components"
    ]
    return dict(web)


def test_annotations_that_were_sent_as_null_are_written_nevertheless() -> None:
    found = with_version(of_web(), {"version": "2", "components": [{"name": "web"}]})
    assert found.document["metadata"]["annotations"] == {annotations.ANNOTATION_VERSION: "2"}
    assert found.previous == ""


def test_properties_that_were_sent_as_null_are_none() -> None:
    document = of_web(type="volume", properties=None)
    found = with_version(document, {"version": "2", "components": [{"name": "web", "replicas": 2}]})
    assert warned(found) == {("NoEffect", "components[0].replicas")}


def test_scaler_whose_version_is_pinned_is_scaled() -> None:
    web = changed_web(of_web(traits=[{"type": "scaler@v1", "properties": {"replicas": 1}}]), replicas=3)
    assert web["traits"] == [{"type": "scaler@v1", "properties": {"replicas": 3}}]


@pytest.mark.parametrize("env", ["A", {"A": "b"}, 1, ["A"]])
def test_variables_that_are_none_since_a_policy_replaces_them_are_left_behind(env: Any) -> None:
    web = changed_web(of_web(properties={"image": "nginx", "env": env}), env={"B": "c"})
    assert web["properties"]["env"] == [{"name": "B", "value": "c"}]


def test_variable_without_a_name_stays() -> None:
    web = changed_web(of_web(properties={"image": "nginx", "env": [{"value": "a"}, {"name": []}]}), env={"B": "c"})
    assert web["properties"]["env"] == [{"value": "a"}, {"name": []}, {"name": "B", "value": "c"}]
