"""Applications that are made of templates: everything gets a name of its own, and secrets are entered again."""

import copy
from typing import Any

import pytest

from shared.contracts import sealed
from shared.dialect import Converted, convert, with_clones
from shared.planning import DocumentRejected
from tests.support import dialect
from tests.support.dialect import Document, component, document

ID = "a1b2"
SEALED = f"{sealed.PREFIX}{{}}"
TEMPLATE = document(
    component(
        "tmpl-conf", "config", properties={"conf": {"app.ini": "host = tmpl-redis\nurl=http://tmpl-web:80/tmpl-web"}}
    ),
    component("tmpl-keys", "secret", properties={"secret": {"password": "x", "user": "y"}}),
    component(
        "tmpl-redis",
        "store",
        properties={"ports": [{"port": 6379}]},
        traits={"storage": [{"name": "data", "type": "persistent", "mount_path": "/data", "tmp_create": True}]},
    ),
    component(
        "tmpl-web",
        properties={"env": {"CACHE": "redis://tmpl-redis:6379/0", "WORD": "tmpl-redis-like", "LEVEL": "info"}},
        traits={
            "storage": [
                {"name": "own", "type": "persistent", "mount_path": "/own", "tmp_create": True},
                {"name": "made", "type": "persistent", "mount_path": "/made", "create": True, "claim_name": "uploads"},
                {"name": "there", "type": "persistent", "mount_path": "/there", "claim_name": "archive"},
            ],
            "env_from": [
                {"type": "configMap", "source_name": "tmpl-conf"},
                {"type": "secret", "source_name": "others"},
            ],
            "envs": [{"name": "PW", "value_from": {"secret": {"name": "tmpl-keys", "key": "password"}}}],
            "ingress": [{"hosts": ["www.example.com"], "routes": [{"backend": {"service_name": "tmpl-web"}}]}],
            "rbac": [
                {"rules": [{"verbs": ["get"], "resources": ["pods"]}]},
                {"service_account": "chosen", "rules": [{"verbs": ["get"], "resources": ["pods"]}]},
            ],
        },
    ),
    name="tmpl",
    tmp_enable=True,
)


def stored() -> Document:
    """The template as it is stored: its secret values are sealed."""
    application = convert(TEMPLATE).document
    data = next(one for one in application["spec"]["components"] if one["name"] == "tmpl-keys")["properties"]
    data["stringData"] = dict.fromkeys(data["stringData"], SEALED)
    return application


def entry(name: str, type_: str, target: str = "", **properties: Any) -> Document:
    """A component that is one of the template's."""
    target_ = {"target": target} if target else {}
    return {"name": name, "type": type_, "Tem": {"id": ID, **target_}, "properties": properties}


KEYS = entry("keys", "secret", secret={"password": "p", "user": "u"})


def cloned(*components: Document, template: Document | None = None, **given: Any) -> Converted:
    """The document with what it takes from the template."""
    converted = convert(document(*components, **given))
    return with_clones(converted, {ID: stored() if template is None else template})


def components(converted: Converted) -> dict[str, Document]:
    """By name."""
    return {one["name"]: one for one in converted.document["spec"]["components"]}


def trait(given: Document, type_: str) -> Document:
    """The properties of the first trait of that type."""
    found: Document = next(one["properties"] for one in given["traits"] if one["type"] == type_)
    return found


def problems(*given: Document, template: Document | None = None) -> set[tuple[str, str]]:
    """Code and place of what is wrong."""
    with pytest.raises(DocumentRejected) as rejected:
        cloned(*given, template=template)
    return {(one.code, one.path) for one in rejected.value.findings}


def test_components_of_a_template_come_once_after_the_ordinary_ones() -> None:
    converted = cloned(component("own"), KEYS, entry("site", "webservice"))
    names = [one["name"] for one in converted.document["spec"]["components"]]
    assert names == ["own", "shop-conf", "keys", "shop-redis", "site"]
    waits = {name: one.get("dependsOn", []) for name, one in components(converted).items()}
    assert waits == {
        "own": [],
        "shop-conf": ["own"],
        "keys": ["shop-conf"],
        "shop-redis": ["keys"],
        "site": ["shop-redis"],
    }
    assert len(dialect.planned(converted.document).steps) > len(names)


def test_what_speaks_of_other_components_follows_them() -> None:
    found = components(cloned(KEYS, entry("site", "webservice")))
    env = {one["name"]: one for one in found["site"]["properties"]["env"]}
    assert env["CACHE"]["value"] == "redis://shop-redis:6379/0"
    assert env["WORD"]["value"] == "tmpl-redis-like"
    assert env["PW"]["valueFrom"]["secretKeyRef"]["name"] == "keys"
    conf = found["shop-conf"]["properties"]["data"]["app.ini"]
    assert conf == "host = shop-redis\nurl=http://site:80/tmpl-web"
    sources = trait(found["site"], "env-from")["envFrom"]
    assert sources == [{"configMapRef": {"name": "shop-conf"}}, {"secretRef": {"name": "others"}}]


def test_claims_that_are_made_are_the_copys_own_and_others_stay() -> None:
    site = components(cloned(KEYS, entry("site", "webservice")))["site"]
    claims = [one["claimName"] for one in trait(site, "volume-claims")["claims"]]
    assert claims == ["own-site", "uploads-site"]
    volumes = {one["name"]: one["claimName"] for one in trait(site, "volume-mounts")["volumes"]}
    assert volumes == {"own": "own-site", "made": "uploads-site", "there": "archive"}


def test_ingress_and_its_hosts_are_the_copys_own() -> None:
    routes = trait(components(cloned(KEYS, entry("site", "webservice")))["site"], "http-routes")
    assert routes["name"] == "site-ingress"
    assert [(one["host"], one["serviceName"]) for one in routes["routes"]] == [("shop-www.example.com", "site")]


def test_made_names_of_accounts_follow_and_chosen_ones_stay() -> None:
    site = components(cloned(KEYS, entry("site", "webservice")))["site"]
    accounts = [one["properties"]["serviceAccountName"] for one in site["traits"] if one["type"] == "rbac"]
    assert accounts == ["site-sa", "chosen"]


def test_variables_are_merged_and_secret_values_entered_again() -> None:
    given = entry("site", "webservice", env={"LEVEL": "debug", "NEW": "1"})
    found = components(cloned(KEYS, given))
    env = {one["name"]: one.get("value") for one in found["site"]["properties"]["env"]}
    assert (env["LEVEL"], env["NEW"], env["CACHE"]) == ("debug", "1", "redis://shop-redis:6379/0")
    assert found["keys"]["properties"] == {"stringData": {"password": "p", "user": "u"}}


def test_secret_values_that_are_not_entered_again_are_told_by_name() -> None:
    with pytest.raises(DocumentRejected) as rejected:
        cloned(entry("keys", "secret", secret={"user": "u"}))
    [finding] = rejected.value.findings
    assert (finding.code, finding.path) == ("MISSING_REQUIRED_FIELD", "component[0].properties.secret")
    assert finding.message.endswith("enter them again: password")
    assert problems(entry("site", "webservice")) == {("MISSING_REQUIRED_FIELD", "component[0].Tem.id")}


def test_target_says_which_component_is_meant() -> None:
    names = set(components(cloned(KEYS, entry("site", "webservice", "tmpl-web"))))
    assert names == {"shop-conf", "keys", "shop-redis", "site"}


def test_what_an_entry_says_besides_is_warned_of() -> None:
    given = {**entry("site", "webservice", ports=[{"port": 80}]), "image": "x", "traits": {"share": {}}}
    assert dialect.warned(document(given)) == {
        ("NoEffect", f"component[0].{key}") for key in ("image", "traits", "properties.ports")
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([entry("site", "webservice", "gone")], {("COMPONENT_NOT_FOUND", "component[1].Tem.target")}),
        ([entry("site", "webservice", "tmpl-redis")], {("INVALID_COMPONENT_TYPE", "component[1].type")}),
        (
            [entry("site", "webservice", "tmpl-web"), entry("two", "webservice", "tmpl-web")],
            {("DUPLICATE_COMPONENT", "component[2].Tem.target")},
        ),
        ([entry("site", "webservice"), entry("two", "webservice")], {("COMPONENT_NOT_FOUND", "component[2].type")}),
    ],
)
def test_entry_that_speaks_of_no_component_is_refused(given: list[Document], expected: set[tuple[str, str]]) -> None:
    assert problems(KEYS, *given) == expected


def test_template_that_was_written_in_oam_is_copied_too() -> None:
    web = {"name": "web", "type": "webservice", "properties": {"image": "x"}, "traits": [{"type": "scaler"}]}
    volume = {"type": "storage", "properties": {"pvc": [{"name": "data", "mountPath": "/data"}]}}
    db = {"name": "db", "type": "statefulset", "properties": {"image": "x"}, "traits": [volume]}
    application: Document = {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": "base", "annotations": {"kubemin.dev/template": "true"}},
        "spec": {"components": [web, db], "policies": None},
    }
    found = components(cloned(entry("site", "webservice"), entry("store", "store"), template=application))
    assert set(found) == {"site", "store"}
    assert trait(found["store"], "storage")["pvc"][0]["name"] == "data-store"
    application["spec"]["components"].append({"name": "raw", "type": "k8s-objects", "properties": {"objects": []}})
    assert problems(entry("site", "webservice"), template=application) == {("Unsupported", "component[0].Tem.id")}


def test_only_what_is_marked_as_a_template_is_copied() -> None:
    unmarked = stored()
    del unmarked["metadata"]["annotations"]["kubemin.dev/template"]
    assert problems(KEYS, template=unmarked) == {("TemplateNotFound", "component[0].Tem.id")}
    with pytest.raises(DocumentRejected):
        with_clones(convert(document(KEYS)), {ID: None})


def test_names_that_would_collide_are_made_longer_or_refused() -> None:
    found = set(components(cloned(component("shop-conf"), KEYS)))
    assert found == {"shop-conf", "shop-tmpl-conf", "keys", "shop-redis", "shop-web"}
    assert problems(component("shop-conf"), component("shop-tmpl-conf"), KEYS) == {
        ("DUPLICATE_COMPONENT", "component[2].Tem.id")
    }


def test_shared_components_keep_their_names() -> None:
    template = copy.deepcopy(TEMPLATE)
    template["component"][2]["traits"]["share"] = {"strategy": "default"}
    application = convert(template).document
    application["spec"]["components"][1]["properties"]["stringData"] = {"password": SEALED, "user": SEALED}
    converted = cloned(KEYS, entry("site", "webservice"), template=application)
    found = components(converted)
    assert set(found) == {"shop-conf", "keys", "tmpl-redis", "site"}
    assert {one["name"]: one.get("value") for one in found["site"]["properties"]["env"]}["CACHE"].startswith(
        "redis://tmpl-redis"
    )
    assert converted.document["spec"]["policies"] == [
        {"type": "shared-resource", "properties": {"rules": [{"selector": {"componentNames": ["tmpl-redis"]}}]}}
    ]


def test_entries_in_the_workflow_are_ordered_by_it() -> None:
    steps = [{"components": ["own"]}, {"mode": "DAG", "components": ["keys", "site"]}]
    found = components(cloned(component("own"), KEYS, entry("site", "webservice"), workflow=steps))
    assert {name: one.get("dependsOn", []) for name, one in found.items()} == {
        "own": [],
        "shop-conf": ["own"],
        "keys": ["own"],
        "shop-redis": ["keys"],
        "site": ["own"],
    }


def test_configs_that_entries_of_storage_bring_along_get_names_of_their_own() -> None:
    carried = [
        {"name": "a", "type": "config", "mount_path": "/a", "source_name": "tmpl-web-settings", "data": {"k": "v"}},
        {"name": "b", "type": "config", "mount_path": "/b", "source_name": "shared"},
    ]
    reads = {"env_from": [{"type": "configMap", "source_name": "tmpl-web-settings"}]}
    template = convert(
        document(
            component("tmpl-web", traits={"storage": carried}),
            component("tmpl-job", traits=reads),
            name="tmpl",
            tmp_enable=True,
        )
    ).document
    copied = cloned(entry("site", "webservice", "tmpl-web"), template=template, name="mine").document
    site, job = copied["spec"]["components"]
    traits = {one["type"]: one["properties"] for one in site["traits"]}
    assert traits["storage"] == {"configMap": [{"name": "tmpl-web-settings-site", "data": {"k": "v"}}]}
    assert [one["cmName"] for one in traits["volume-mounts"]["volumes"]] == ["tmpl-web-settings-site", "shared"]
    sources = next(one["properties"] for one in job["traits"] if one["type"] == "env-from")
    assert sources["envFrom"] == [{"configMapRef": {"name": "tmpl-web-settings-site"}}]


@pytest.mark.parametrize(
    ("env", "trait_"),
    [
        ("A", None),
        ([{"value": "a"}], None),
        ([], {"type": "storage", "properties": {"secret": 1}}),
    ],
)
def test_template_whose_properties_a_policy_replaces_cannot_be_copied(env: Any, trait_: Document | None) -> None:
    template = stored()
    web = next(one for one in template["spec"]["components"] if one["name"] == "tmpl-web")
    web["properties"]["env"] = env
    web["traits"] = [] if trait_ is None else [trait_]
    site = {**entry("site", "webservice"), "properties": {"env": {"A": "b"}}}
    assert problems(KEYS, site, template=template) == {
        ("Unsupported", "component[0].Tem.id"),
    }


def with_secrets(*names: str) -> Document:
    """A template as it is stored, of a webservice whose storage brings Secrets along, each with a password."""
    carried = [
        {"name": name, "type": "secret", "mount_path": f"/{name}", "data": {"password": SEALED, f"of-{name}": SEALED}}
        for name in names
    ]
    web = component("tmpl-web", traits={"storage": carried})
    return convert(document(web, name="tmpl", tmp_enable=True)).document


def carried_by(converted: Converted, name: str) -> Document:
    """Its Secrets by name."""
    return {one["name"]: one["stringData"] for one in trait(components(converted)[name], "storage")["secret"]}


def test_secret_values_of_storage_are_entered_again() -> None:
    given = entry("site", "webservice", secret={"password": "p", "of-keys": "k"})
    found = cloned(given, template=with_secrets("keys"))
    assert carried_by(found, "site") == {"keys-site": {"password": "p", "of-keys": "k"}}
    assert found.warnings == ()
    assert "p" not in components(found)["site"]["properties"].values()


def test_key_of_several_secrets_is_entered_with_the_name_of_each() -> None:
    template = with_secrets("a", "b")
    given = entry("site", "webservice", secret={"a/password": "1", "b/password": "2", "of-a": "3", "of-b": "4"})
    assert carried_by(cloned(given, template=template), "site") == {
        "a-site": {"password": "1", "of-a": "3"},
        "b-site": {"password": "2", "of-b": "4"},
    }
    with pytest.raises(DocumentRejected) as rejected:
        cloned(entry("site", "webservice", secret={"password": "1", "of-a": "3"}), template=template)
    [finding] = rejected.value.findings
    assert (finding.code, finding.path) == ("MISSING_REQUIRED_FIELD", "component[0].properties.secret")
    assert finding.message.endswith("enter them again: a/password, b/password, of-b")


def test_value_in_base64_of_a_template_in_oam_is_entered_as_text() -> None:
    template = with_secrets("keys")
    secret = template["spec"]["components"][0]["traits"]
    [carried] = next(one["properties"]["secret"] for one in secret if one["type"] == "storage")
    carried["data"] = carried.pop("stringData")
    given = entry("site", "webservice", secret={"password": "p", "of-keys": "k"})
    [found] = trait(components(cloned(given, template=template))["site"], "storage")["secret"]
    assert found == {"name": "keys-site", "stringData": {"password": "p", "of-keys": "k"}}


def test_secret_value_that_has_no_place_is_warned_of_and_goes_nowhere() -> None:
    found = cloned(KEYS, entry("site", "webservice", secret={"nowhere": "canary"}))
    assert [(one.code, one.path) for one in found.warnings] == [("NoEffect", "component[1].properties.secret.nowhere")]
    assert "canary" not in str(found.document)
