"""What is wrong with documents, by code and place: all of it at once, in the words of the dialect."""

from typing import Any

import pytest

from shared.dialect import convert
from shared.planning import DocumentRejected
from tests.support.dialect import Document, component, document, refused, warned, with_traits

WEB = "component[0]"
LONG = "a" * 64


def a_config(**conf: str) -> Document:
    return document(component("settings", "config", properties={"conf": conf}))


def a_route(**given: Any) -> Document:
    return with_traits(ingress=[{"routes": [{"backend": {"service_name": "web"}, **given}]}])


def a_probe(**given: Any) -> Document:
    return with_traits(probes=[{"type": "liveness", **given}])


def a_source(**given: Any) -> Document:
    return with_traits(envs=[{"name": "A", "value_from": given}])


def a_volume(**given: Any) -> Document:
    return with_traits(storage=[{"name": "data", "type": "persistent", "mount_path": "/data", **given}])


def steps(*given: Document) -> Document:
    return document(component("web"), component("api"), workflow=list(given))


CASES: list[tuple[Document, set[tuple[str, str]]]] = [
    # Names
    ({"component": [component()]}, {("MISSING_REQUIRED_FIELD", "name")}),
    ({"name": "", "component": [component()]}, {("MISSING_REQUIRED_FIELD", "name")}),
    ({"name": "a", "component": [component()]}, {("NAME_TOO_SHORT", "name")}),
    ({"name": LONG, "component": [component()]}, {("NAME_TOO_LONG", "name")}),
    ({"name": "my_shop", "component": [component()]}, {("INVALID_NAME_FORMAT", "name")}),
    ({"name": "shop", "component": []}, {("MISSING_REQUIRED_FIELD", "component")}),
    (document({"type": "webservice", "image": "x"}), {("MISSING_REQUIRED_FIELD", f"{WEB}.name")}),
    (document(component("w")), {("NAME_TOO_SHORT", f"{WEB}.name")}),
    (document(component(LONG)), {("NAME_TOO_LONG", f"{WEB}.name")}),
    (document(component("web-")), {("INVALID_NAME_FORMAT", f"{WEB}.name")}),
    (document(component(), component()), {("DUPLICATE_COMPONENT", "component[1].name")}),
    (document(component("web"), component("WEB")), {("DUPLICATE_COMPONENT", "component[1].name")}),
    # What Kubernetes would refuse, in our words
    (document(component(properties={"ports": [{"port": 70000}]})), {("OutOfRange", f"{WEB}.properties.ports[0].port")}),
    (document(component(replicas=2**31)), {("OutOfRange", f"{WEB}.replicas")}),
    (a_probe(http_get={"port": 70000}), {("OutOfRange", f"{WEB}.traits.probes[0].http_get.port")}),
    (a_config(**{"a b": "c"}), {("InvalidFormat", f'{WEB}.properties.conf["a b"]')}),
    (a_config(**{"..a": "c"}), {("InvalidFormat", f'{WEB}.properties.conf["..a"]')}),
    (document(component(properties={"env": {"A=B": "c"}})), {("InvalidFormat", f'{WEB}.properties.env["A=B"]')}),
    (
        document(component(properties={"labels": {"a b": "c", "team": "a team", "tier": LONG}})),
        {
            ("InvalidFormat", f'{WEB}.properties.labels["a b"]'),
            ("InvalidFormat", f"{WEB}.properties.labels.team"),
            ("InvalidFormat", f"{WEB}.properties.labels.tier"),
        },
    ),
    (a_volume(name="My_Data"), {("InvalidFormat", f"{WEB}.traits.storage[0].name")}),
    (a_volume(sub_path="/a"), {("InvalidFormat", f"{WEB}.traits.storage[0].sub_path")}),
    (a_volume(tmp_create=True, size="5K"), {("INVALID_STORAGE_SIZE", f"{WEB}.traits.storage[0].size")}),
    (
        with_traits(envs=[{"name": "A=", "value_from": {"static": ""}}]),
        {("InvalidFormat", f"{WEB}.traits.envs[0].name")},
    ),
    (
        a_source(secret={"name": "My_S", "key": "a/b"}),
        {
            ("InvalidFormat", f"{WEB}.traits.envs[0].value_from.secret.name"),
            ("InvalidFormat", f"{WEB}.traits.envs[0].value_from.secret.key"),
        },
    ),
    (with_traits(sidecar=[{"name": "My_Log", "image": "x"}]), {("InvalidFormat", f"{WEB}.traits.sidecar[0].name")}),
    (a_route(host="10.0.0.1"), {("InvalidFormat", f"{WEB}.traits.ingress[0].routes[0].host")}),
    (
        a_route(backend={"service_name": "My_S", "service_port": 70000}),
        {
            ("InvalidFormat", f"{WEB}.traits.ingress[0].routes[0].backend.service_name"),
            ("OutOfRange", f"{WEB}.traits.ingress[0].routes[0].backend.service_port"),
        },
    ),
    (
        with_traits(
            ingress=[
                {
                    "name": "My_I",
                    "hosts": ["*"],
                    "label": {"a": "b c"},
                    "annotations": {"a b": ""},
                    "ingress_class_name": "My_C",
                    "tls": [{"secret_name": "My_S", "hosts": ["A.b"]}],
                    "routes": [{"backend": {"service_name": "web"}}],
                }
            ]
        ),
        {
            ("InvalidFormat", f"{WEB}.traits.ingress[0].{place}")
            for place in (
                "name",
                "hosts[0]",
                "label.a",
                'annotations["a b"]',
                "ingress_class_name",
                "tls[0].secret_name",
                "tls[0].hosts[0]",
            )
        },
    ),
    (
        with_traits(
            rbac=[
                {
                    "service_account": "My_A",
                    "role_name": "a/b",
                    "binding_name": "..",
                    "role_labels": {"a": "b c"},
                    "service_account_annotations": {"a b": ""},
                    "rules": [{"verbs": ["get"], "resources": ["pods"]}],
                }
            ]
        ),
        {
            ("InvalidFormat", f"{WEB}.traits.rbac[0].{place}")
            for place in (
                "service_account",
                "role_name",
                "binding_name",
                "role_labels.a",
                'service_account_annotations["a b"]',
            )
        },
    ),
    # With what is wrong by the dialect's own word, at once
    (
        document({**component(LONG), "properties": {"labels": {"a": "b c"}}, "type": "web"}),
        {
            ("NAME_TOO_LONG", f"{WEB}.name"),
            ("INVALID_COMPONENT_TYPE", f"{WEB}.type"),
            ("InvalidFormat", f"{WEB}.properties.labels.a"),
        },
    ),
    # Components
    (document({"name": "web", "image": "x"}), {("INVALID_COMPONENT_TYPE", f"{WEB}.type")}),
    (document(component("web", "statefulset")), {("INVALID_COMPONENT_TYPE", f"{WEB}.type")}),
    (document(component("web", "Webservice")), {("INVALID_COMPONENT_TYPE", f"{WEB}.type")}),
    (document({"name": "web", "type": "webservice"}), {("MISSING_IMAGE", f"{WEB}.image")}),
    (document({"name": "web", "type": "store", "image": ""}), {("MISSING_IMAGE", f"{WEB}.image")}),
    (
        document({"name": "web", "type": "webservice", "properties": {"image": "x"}}),
        {("MISSING_IMAGE", f"{WEB}.image")},
    ),
    (a_config(), {("MISSING_REQUIRED_FIELD", f"{WEB}.properties.conf")}),
    (document(component("settings", "config")), {("MISSING_REQUIRED_FIELD", f"{WEB}.properties.conf")}),
    (a_config(big="x" * 1024 * 1024), {("TooLarge", f"{WEB}.properties.conf")}),
    (document(component("keys", "secret")), {("MISSING_REQUIRED_FIELD", f"{WEB}.properties.secret")}),
    (
        a_config(**{"config.url": "http://10.0.0.1/", "config.fileName": "x"}),
        {("Unsupported", f'{WEB}.properties.conf["config.url"]')},
    ),
    (
        document(component("keys", "secret", properties={"secret": {"a": "b"}, "conf": {"config.url": "http://x"}})),
        {("Unsupported", f'{WEB}.properties.conf["config.url"]')},
    ),
    (document(component(properties={"ports": [{}]})), {("MISSING_REQUIRED_FIELD", f"{WEB}.properties.ports[0].port")}),
    (document(component(template={"target": "web"})), {("MISSING_REQUIRED_FIELD", f"{WEB}.template.id")}),
    # Storage
    (
        with_traits(storage=[{}]),
        {("MISSING_REQUIRED_FIELD", f"{WEB}.traits.storage[0].{key}") for key in ("name", "type", "mount_path")},
    ),
    (
        with_traits(storage=[{"type": "config", "mountPath": "/a"}]),
        {("MISSING_REQUIRED_FIELD", f"{WEB}.traits.storage[0].{key}") for key in ("name", "source_name")},
    ),
    (a_volume(type="pvc"), {("INVALID_STORAGE_TYPE", f"{WEB}.traits.storage[0].type")}),
    (a_volume(tmp_create=True, size="big"), {("INVALID_STORAGE_SIZE", f"{WEB}.traits.storage[0].size")}),
    (a_volume(tmpCreate=True, size="-1Gi"), {("INVALID_STORAGE_SIZE", f"{WEB}.traits.storage[0].size")}),
    (a_volume(tmp_create=True, size="0"), {("INVALID_STORAGE_SIZE", f"{WEB}.traits.storage[0].size")}),
    (a_volume(tmp_create=True, size="9e99"), {("INVALID_STORAGE_SIZE", f"{WEB}.traits.storage[0].size")}),
    *((a_volume(tmp_create=True, size=size), set()) for size in ("10Gi", "1.5Gi", "1e9", "1073741824", "0.5G")),
    (a_volume(size="big"), set()),
    # Variables
    (
        with_traits(envs=[{"value_from": {"static": "x"}}]),
        {("MISSING_REQUIRED_FIELD", f"{WEB}.traits.envs[0].name")},
    ),
    (with_traits(envs=[{"name": "A"}]), {("INVALID_ENV_VALUE_SOURCE", f"{WEB}.traits.envs[0].value_from")}),
    (a_source(), {("INVALID_ENV_VALUE_SOURCE", f"{WEB}.traits.envs[0].value_from")}),
    (a_source(static="x", field="y"), {("INVALID_ENV_VALUE_SOURCE", f"{WEB}.traits.envs[0].value_from")}),
    (a_source(static="", field="metadata.name"), set()),
    (a_source(field="metadata.nmae"), {("InvalidFormat", f"{WEB}.traits.envs[0].value_from.field")}),
    (
        a_source(secret={}),
        {("MISSING_REQUIRED_FIELD", f"{WEB}.traits.envs[0].value_from.secret.{key}") for key in ("name", "key")},
    ),
    (
        a_source(config={"name": "settings"}),
        {("MISSING_REQUIRED_FIELD", f"{WEB}.traits.envs[0].value_from.config.key")},
    ),
    (
        with_traits(env_from=[{}]),
        {("MISSING_REQUIRED_FIELD", f"{WEB}.traits.env_from[0].{key}") for key in ("type", "source_name")},
    ),
    (
        with_traits(envFrom=[{"type": "configmap", "sourceName": "a"}]),
        {("INVALID_ENVFROM_TYPE", f"{WEB}.traits.envFrom[0].type")},
    ),
    # Probes
    (
        with_traits(probes=[{"exec": {"command": ["a"]}}]),
        {("MISSING_REQUIRED_FIELD", f"{WEB}.traits.probes[0].type")},
    ),
    (a_probe(type="alive", exec={"command": ["a"]}), {("INVALID_PROBE_TYPE", f"{WEB}.traits.probes[0].type")}),
    (a_probe(), {("INVALID_PROBE_CONFIG", f"{WEB}.traits.probes[0]")}),
    (
        a_probe(exec={"command": ["a"]}, tcp_socket={"port": 80}),
        {("INVALID_PROBE_CONFIG", f"{WEB}.traits.probes[0]")},
    ),
    (a_probe(exec={"command": []}), {("INVALID_PROBE_CONFIG", f"{WEB}.traits.probes[0]")}),
    (a_probe(http_get={}), {("MISSING_REQUIRED_FIELD", f"{WEB}.traits.probes[0].http_get.port")}),
    (a_probe(httpGet={"port": 0}), {("MISSING_REQUIRED_FIELD", f"{WEB}.traits.probes[0].httpGet.port")}),
    (a_probe(tcp_socket={"port": -1}), {("MISSING_REQUIRED_FIELD", f"{WEB}.traits.probes[0].tcp_socket.port")}),
    (
        with_traits(probes=[{"type": "liveness", "tcp_socket": {"port": 1}}] * 2),
        {("INVALID_PROBE_CONFIG", f"{WEB}.traits.probes[1]")},
    ),
    # Amounts
    *(
        (with_traits(resources={key: "much"}), {("INVALID_TRAIT_CONFIG", f"{WEB}.traits.resources.{key}")})
        for key in ("cpu", "memory", "gpu")
    ),
    (with_traits(resources={"gpu": "0.5"}), {("INVALID_TRAIT_CONFIG", f"{WEB}.traits.resources.gpu")}),
    # Containers
    (with_traits(init=[{"name": "a"}]), {("MISSING_IMAGE", f"{WEB}.traits.init[0].properties.image")}),
    (with_traits(init=[{"name": "a", "image": "x", "command": ["y"]}]), set()),
    (with_traits(sidecar=[{"name": "a"}]), {("MISSING_IMAGE", f"{WEB}.traits.sidecar[0].image")}),
    *(
        (
            with_traits(**{outer: [{"image": "x", "traits": {inner: [{"image": "y"}]}}]}),
            {("NESTED_TRAIT_FORBIDDEN", f"{WEB}.traits.{outer}[0].traits.{inner}[0]")},
        )
        for outer in ("init", "sidecar")
        for inner in ("init", "sidecar", "rbac")
    ),
    (
        with_traits(sidecar=[{"image": "x", "traits": {"share": {"strategy": "force"}}}]),
        {("NESTED_TRAIT_FORBIDDEN", f"{WEB}.traits.sidecar[0].traits.share")},
    ),
    (
        with_traits(init=[{"image": "x", "traits": {"probes": [{"type": "liveness", "exec": {"command": ["a"]}}]}}]),
        {("NESTED_TRAIT_FORBIDDEN", f"{WEB}.traits.init[0].traits.probes[0]")},
    ),
    (
        document(
            component("api"),
            component("web", traits={"init": [{"image": "x", "traits": {"storage": [{"name": "a", "type": "disk"}]}}]}),
        ),
        {
            ("INVALID_STORAGE_TYPE", "component[1].traits.init[0].traits.storage[0].type"),
            ("MISSING_REQUIRED_FIELD", "component[1].traits.init[0].traits.storage[0].mount_path"),
        },
    ),
    # Ingress
    (with_traits(ingress=[{}]), {("MISSING_INGRESS_ROUTES", f"{WEB}.traits.ingress[0].routes")}),
    (with_traits(ingress=[{"routes": []}]), {("MISSING_INGRESS_ROUTES", f"{WEB}.traits.ingress[0].routes")}),
    (
        with_traits(ingress=[{"routes": [{}]}]),
        {("MISSING_SERVICE_NAME", f"{WEB}.traits.ingress[0].routes[0].backend.service_name")},
    ),
    (
        a_route(backend={"service_name": ""}),
        {("MISSING_SERVICE_NAME", f"{WEB}.traits.ingress[0].routes[0].backend.service_name")},
    ),
    (a_route(path_type="Regex"), {("INVALID_TRAIT_CONFIG", f"{WEB}.traits.ingress[0].routes[0].path_type")}),
    (
        with_traits(
            ingress=[
                {
                    "routes": [
                        {"backend": {"service_name": "web"}, "rewrite": {"replacement": target}} for target in "ab"
                    ]
                }
            ]
        ),
        {("INVALID_TRAIT_CONFIG", f"{WEB}.traits.ingress[0].routes[1].rewrite")},
    ),
    # RBAC
    (with_traits(rbac=[{}]), {("MISSING_RBAC_RULES", f"{WEB}.traits.rbac[0].rules")}),
    (with_traits(rbac=[{"rules": [{}]}]), {("MISSING_RBAC_VERBS", f"{WEB}.traits.rbac[0].rules[0].verbs")}),
    (
        with_traits(rbac=[{"namespace": "other", "rules": [{"verbs": ["get"], "resources": ["pods"]}]}]),
        {("INVALID_TRAIT_CONFIG", f"{WEB}.traits.rbac[0].namespace")},
    ),
    (with_traits(rbac=[{"namespace": "default", "rules": [{"verbs": ["get"], "resources": ["pods"]}]}]), set()),
    # Workflow
    (steps({"name": "web", "mode": "Parallel"}), {("INVALID_WORKFLOW_MODE", "workflow[0].mode")}),
    (steps({"name": "web"}, {"name": "web"}), {("DUPLICATE_WORKFLOW_STEP", "workflow[1].name")}),
    (
        steps({"name": "all", "sub_steps": [{"name": "web"}, {"name": "web"}]}),
        {("DUPLICATE_WORKFLOW_STEP", "workflow[0].sub_steps[1].name")},
    ),
    (steps({"name": "w", "components": ["web"]}), {("NAME_TOO_SHORT", "workflow[0].name")}),
    (steps({"name": LONG, "components": ["web"]}), {("NAME_TOO_LONG", "workflow[0].name")}),
    (
        steps({"name": "all", "sub_steps": [{"name": "a b", "components": ["web"]}]}),
        {("INVALID_NAME_FORMAT", "workflow[0].sub_steps[0].name")},
    ),
    (steps({"components": ["web"]}), set()),
    (steps({"name": "nothing"}), {("WORKFLOW_STEP_NO_COMPONENT", "workflow[0]")}),
    (steps({}), {("WORKFLOW_STEP_NO_COMPONENT", "workflow[0]")}),
    (
        steps({"name": "all", "sub_steps": [{"name": "nothing"}]}),
        {("WORKFLOW_STEP_NO_COMPONENT", "workflow[0].sub_steps[0]")},
    ),
    (
        steps({"components": ["web", "gone"], "properties": {"policies": ["lost"]}}),
        {
            ("COMPONENT_NOT_FOUND", "workflow[0].components[1]"),
            ("COMPONENT_NOT_FOUND", "workflow[0].properties.policies[0]"),
        },
    ),
    (
        steps({"name": "all", "subSteps": [{"components": ["gone"]}]}),
        {("COMPONENT_NOT_FOUND", "workflow[0].subSteps[0].components[0]")},
    ),
    # Types of values
    (document(component(replicas="2")), {("WrongType", f"{WEB}.replicas")}),
    (document(component(properties={"env": {"A": 1}})), {("WrongType", f"{WEB}.properties.env.A")}),
    (document(component(traits=[])), {("WrongType", f"{WEB}.traits")}),
    (with_traits(storage={}), {("WrongType", f"{WEB}.traits.storage")}),
    (with_traits(storage=[1]), {("WrongType", f"{WEB}.traits.storage[0]")}),
]


IDS = [
    f"{number}-{'-'.join(sorted({code for code, _ in expected})) or 'good'}"
    for number, (_, expected) in enumerate(CASES)
]


@pytest.mark.parametrize(("given", "expected"), CASES, ids=IDS)
def test_document_is_refused_with_exactly_these_codes_and_places(
    given: Document, expected: set[tuple[str, str]]
) -> None:
    assert refused(given) == expected


def test_everything_wrong_is_told_at_once() -> None:
    given = document(
        {"name": "w", "type": "web"},
        component("db", "store", image="", traits={"storage": [{"name": "x", "type": "y", "mount_path": "/"}]}),
        name="",
        workflow=[{"components": ["none"]}],
    )
    assert refused(given) == {
        ("MISSING_REQUIRED_FIELD", "name"),
        ("NAME_TOO_SHORT", "component[0].name"),
        ("INVALID_COMPONENT_TYPE", "component[0].type"),
        ("MISSING_IMAGE", "component[1].image"),
        ("INVALID_STORAGE_TYPE", "component[1].traits.storage[0].type"),
        ("COMPONENT_NOT_FOUND", "workflow[0].components[0]"),
    }


def test_places_are_spelled_as_the_document_spells_them() -> None:
    given = {"Name": "shop", "Component": [component(Traits={"envFrom": [{"Type": "x", "sourceName": "y"}]})]}
    assert refused(given) == {("INVALID_ENVFROM_TYPE", "Component[0].Traits.envFrom[0].Type")}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (document(colour="red"), {("UnknownKey", "colour")}),
        (document(component(propertie={})), {("UnknownKey", f"{WEB}.propertie")}),
        (document(component(properties={"args": ["a"]})), {("UnknownKey", f"{WEB}.properties.args")}),
        (a_volume(mount="/x"), {("UnknownKey", f"{WEB}.traits.storage[0].mount")}),
        (document(component(properties={"ports": [{"port": 80, "expose": True, "_x": 1}]}), _note="x"), set()),
        (document(workflow_id=""), set()),
        (document(component(namespace="other")), {("NoEffect", f"{WEB}.namespace")}),
        (document(component("Web")), {("LowerCased", f"{WEB}.name")}),
        (a_volume(mountPath="/x"), {("DuplicateKey", f"{WEB}.traits.storage[0].mount_path")}),
        (document(component(properties={"image": "x"})), {("NoEffect", f"{WEB}.properties.image")}),
        (
            with_traits(ingress=[{"namespace": "x", "routes": [{"backend": {"service_name": "web"}}]}]),
            {("NoEffect", f"{WEB}.traits.ingress[0].namespace")},
        ),
        (steps({"name": "web"}), {("NotDeployed", "component[1]")}),
        (with_traits(share={"strategy": "never"}), {("NotAllowed", f"{WEB}.traits.share.strategy")}),
        (document(component("keys", "secret", replicas=2, properties={"secret": {"a": "b"}})), set()),
    ],
    ids=lambda case: repr(case)[:60],
)
def test_what_has_no_effect_is_warned_of(given: Document, expected: set[tuple[str, str]]) -> None:
    assert warned(given) == expected


def test_name_that_is_no_label_is_told_with_one_that_is() -> None:
    with pytest.raises(DocumentRejected) as rejected:
        convert(document(component("my.Web_1")))
    assert [one.remedy for one in rejected.value.findings] == ["Call it 'my-web-1'."]


def test_unknown_key_is_told_with_the_one_that_was_meant() -> None:
    [warning] = convert(document(component(replica=2))).warnings
    assert warning.remedy == "Did you mean 'replicas'?"


def test_no_finding_repeats_a_value() -> None:
    canary = "Canary_1f7c"
    secret = {"secret": {"password": canary, "nested": {"x": canary}}, "conf": {"config.url": canary}}
    given = document(
        component("keys", "secret", properties=secret), component("conf", "config", properties={"conf": canary})
    )
    with pytest.raises(DocumentRejected) as rejected:
        convert(given)
    assert canary not in repr(rejected.value.findings)
    assert canary not in str(rejected.value)


def test_document_that_would_be_huge_in_oam_is_refused() -> None:
    hosts = [f"h{index}.example.com" for index in range(200)]
    routes = [{"backend": {"service_name": "web"}}] * 200
    assert refused(with_traits(ingress=[{"hosts": hosts, "routes": routes}])) == {("TooMany", "component")}
    ingresses = [{"name": f"i{index}", "routes": routes[:1]} for index in range(101)]
    assert refused(with_traits(ingress=ingresses)) == {("TooMany", "component[0]")}
    many = [component(f"web-{index}") for index in range(800)]
    halves = [[one["name"] for one in many[:400]], [one["name"] for one in many[400:]]]
    workflow = [{"mode": "DAG", "components": half} for half in halves]
    assert refused(document(*many, workflow=workflow)) == {("TooMany", "workflow")}
    assert refused(document(*[component(f"web-{index}") for index in range(2001)])) == {("TooMany", "component")}
