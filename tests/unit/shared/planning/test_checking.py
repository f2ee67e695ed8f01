"""Everything that can be wrong with a document: each with its place, its code and a remedy."""

import copy
from typing import Any

import pytest

from shared.contracts.plan import Finding
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, check_document
from shared.planning.findings import MAX_FINDINGS
from tests.support.planning import REGISTRY, Document, component, document, holds


def findings(doc: Document) -> list[Finding]:
    with pytest.raises(DocumentRejected) as caught:
        check_document(doc, REGISTRY)
    return list(caught.value.findings)


def found(doc: Document) -> set[tuple[str, str]]:
    return {(f.path, f.code) for f in findings(doc)}


def warned(doc: Document) -> list[Finding]:
    return check_document(doc, REGISTRY)[1]


WEB = component("web")
ANNOTATED = 'metadata.annotations["kubemin.dev/'


def annotated(key: str, value: Any) -> Document:
    return document(WEB, metadata={"annotations": {f"kubemin.dev/{key}": value}})


def objects(*manifests: Any) -> Document:
    return document(component("raw", "objects", properties={"objects": list(manifests)}))


def config_map(**fields: Any) -> Document:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, **fields}


CASES: list[tuple[str, Document, str, str]] = [
    ("no spec", {k: v for k, v in document(WEB).items() if k != "spec"}, "spec", "Required"),
    ("no components", document(), "spec.components", "TooShort"),
    ("other version", {**document(WEB), "apiVersion": "core.oam.dev/v1alpha2"}, "apiVersion", "Unsupported"),
    ("other kind", {**document(WEB), "kind": "Deployment"}, "kind", "Unsupported"),
    ("no kind", {k: v for k, v in document(WEB).items() if k != "kind"}, "kind", "Required"),
    ("application name", document(WEB, metadata={"name": "My_App"}), "metadata.name", "InvalidFormat"),
    ("long application name", document(WEB, metadata={"name": "a" * 64}), "metadata.name", "TooLong"),
    ("namespace", document(WEB, metadata={"namespace": "a.b"}), "metadata.namespace", "InvalidFormat"),
    ("label value", document(WEB, metadata={"labels": {"a": "b c"}}), "metadata.labels.a", "InvalidFormat"),
    ("label key", document(WEB, metadata={"labels": {"a b": "c"}}), 'metadata.labels["a b"]', "InvalidFormat"),
    ("label type", document(WEB, metadata={"labels": {"a": 1}}), "metadata.labels.a", "WrongType"),
    ("component name", document(component("Web")), "spec.components[0].name", "InvalidFormat"),
    ("component name length", document(component("w" * 64)), "spec.components[0].name", "InvalidFormat"),
    ("component without type", document({"name": "web"}), "spec.components[0].type", "Required"),
    ("component is a text", document("web"), "spec.components[0]", "WrongType"),  # type: ignore[arg-type]
    ("duplicate component", document(WEB, WEB), "spec.components[1].name", "DuplicateComponent"),
    ("unknown type", document(component("web", "ap")), "spec.components[0].type", "UnknownType"),
    ("unknown version", document(component("web", "app@v9")), "spec.components[0].type", "UnknownType"),
    (
        "unknown trait",
        document(component("web", "app", {"type": "hold"})),
        "spec.components[0].traits[0].type",
        "UnknownTrait",
    ),
    ("missing parameter", document({"name": "web", "type": "app"}), "spec.components[0].properties.image", "Required"),
    (
        "text for a list entry",
        document(component("web", properties={"ports": [{"port": 80}, {"port": "80"}]})),
        "spec.components[0].properties.ports[1].port",
        "WrongType",
    ),
    (
        "map for a list",
        document(component("web", properties={"ports": {}})),
        "spec.components[0].properties.ports",
        "WrongType",
    ),
    (
        "choice",
        document(component("web", properties={"pull": "always"})),
        "spec.components[0].properties.pull",
        "NotAllowed",
    ),
    ("union", document(component("web", properties={"size": [1]})), "spec.components[0].properties.size", "WrongType"),
    (
        "trait parameter",
        document(component("web", "app", holds(volumes="v"))),
        "spec.components[0].traits[0].properties.volumes",
        "WrongType",
    ),
    (
        "cannot render",
        document(component("web", "broken", properties={"place": "a[0].b"})),
        "spec.components[0].properties.a[0].b",
        "CannotRender",
    ),
    ("cannot render at all", document(component("web", "broken")), "spec.components[0].properties", "CannotRender"),
    (
        "trait cannot apply",
        document(component("web", "app", {"type": "breaks", "properties": {"place": "x"}})),
        "spec.components[0].traits[0].properties.x",
        "CannotRender",
    ),
    (
        "unknown dependency",
        document(WEB, component("api", dependsOn=["wbe"])),
        "spec.components[1].dependsOn[0]",
        "UnknownComponent",
    ),
    ("self", document(component("web", dependsOn=["web"])), "spec.components[0].dependsOn[0]", "DependencyCycle"),
    ("inputs", document(component("web", inputs=[{"from": "x"}])), "spec.components[0].inputs", "Unsupported"),
    ("outputs", document(component("web", outputs=[{"name": "x"}])), "spec.components[0].outputs", "Unsupported"),
    ("workflow", document(WEB, workflow={"steps": [{"type": "deploy"}]}), "spec.workflow", "Unsupported"),
    (
        "retired policy",
        document(WEB, policies=[{"type": "env-binding", "properties": {}}]),
        "spec.policies[0].type",
        "Unsupported",
    ),
    ("unknown policy", document(WEB, policies=[{"type": "topologie"}]), "spec.policies[0].type", "UnknownPolicyType"),
    ("policy without type", document(WEB, policies=[{"name": "x"}]), "spec.policies[0].type", "Required"),
    (
        "duplicate policy",
        document(WEB, policies=[{"name": "x", "type": "topology"}] * 2),
        "spec.policies[1].name",
        "DuplicatePolicy",
    ),
    (
        "cluster selector",
        document(WEB, policies=[{"type": "topology", "properties": {"clusterLabelSelector": {"a": 1}}}]),
        "spec.policies[0].properties.clusterLabelSelector.a",
        "WrongType",
    ),
    (
        "topology namespace",
        document(WEB, policies=[{"type": "topology", "properties": {"namespace": "X"}}]),
        "spec.policies[0].properties.namespace",
        "InvalidFormat",
    ),
    (
        "topology key",
        document(WEB, policies=[{"type": "topology", "properties": {"cluster": []}}]),
        "spec.policies[0].properties.cluster",
        "UnknownKey",
    ),
    (
        "cluster name",
        document(WEB, policies=[{"type": "topology", "properties": {"clusters": ["A b"]}}]),
        "spec.policies[0].properties.clusters[0]",
        "InvalidFormat",
    ),
    ("duration", annotated("start-timeout", "10"), f'{ANNOTATED}start-timeout"]', "InvalidDuration"),
    ("duration of a day", annotated("run-timeout", "1d"), f'{ANNOTATED}run-timeout"]', "InvalidDuration"),
    ("duration of nothing", annotated("queue-timeout", "0s"), f'{ANNOTATED}queue-timeout"]', "InvalidDuration"),
    ("duration of ages", annotated("queue-timeout", "99999999h"), f'{ANNOTATED}queue-timeout"]', "InvalidDuration"),
    (
        "wait of an instant",
        annotated("reference-timeout", "999ms"),
        f'{ANNOTATED}reference-timeout"]',
        "InvalidDuration",
    ),
    (
        "wait of days",
        annotated("reference-timeout.web", "24h1s"),
        f'{ANNOTATED}reference-timeout.web"]',
        "InvalidDuration",
    ),
    (
        "wait that is no duration",
        annotated("reference-timeout", "soon"),
        f'{ANNOTATED}reference-timeout"]',
        "InvalidDuration",
    ),
    (
        "wait of nobody",
        annotated("reference-timeout.wbe", "1m"),
        f'{ANNOTATED}reference-timeout.wbe"]',
        "UnknownComponent",
    ),
    ("duration of nobody", annotated("start-timeout.wbe", "1m"), f'{ANNOTATED}start-timeout.wbe"]', "UnknownComponent"),
    ("no form", objects({"kind": "ConfigMap"}), "spec.components[0]", "InvalidObject"),
    ("no name", objects(config_map(metadata={})), "spec.components[0]", "InvalidObject"),
    ("generated name", objects(config_map(metadata={"generateName": "c-"})), "spec.components[0]", "InvalidObject"),
    (
        "list",
        objects({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": []}),
        "spec.components[0]",
        "InvalidObject",
    ),
    ("labels", objects(config_map(metadata={"name": "c", "labels": {"a": 1}})), "spec.components[0]", "InvalidObject"),
    (
        "no template",
        objects({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}),
        "spec.components[0]",
        "InvalidObject",
    ),
    ("object name", objects(config_map(metadata={"name": "a/b"})), "spec.components[0]", "InvalidName"),
    ("same object twice", objects(config_map(), config_map()), "spec.components[0]", "DuplicateObject"),
    (
        "service name",
        document(component("1st", properties={"ports": [{"port": 1}]})),
        "spec.components[0]",
        "InvalidName",
    ),
    (
        "claim name",
        document(component("web", "app", holds(volumes=["My_V"]))),
        "spec.components[0].traits[0].properties.volumes[0]",
        "InvalidName",
    ),
    (
        "pod label",
        document(component("web", properties={"labels": {"app.oam.dev/name": "x"}})),
        "spec.components[0]",
        "LabelConflict",
    ),
]


@pytest.mark.parametrize(("doc", "path", "code"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_every_mistake_is_found_with_its_place(doc: Document, path: str, code: str) -> None:
    assert (path, code) in found(doc)


def test_the_names_of_objects_that_kubernetes_appends_to_are_shorter() -> None:
    stateful = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "s" * 53},
        "spec": {"template": {}},
    }
    assert ("spec.components[0]", "NameTooLong") in found(objects(stateful))
    stateful["metadata"] = {"name": "s" * 52}
    assert warned(objects(stateful)) == []


def test_a_selector_that_misses_its_own_pods_is_found() -> None:
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {
            "selector": {"matchLabels": {"app": "d", "tier": "x"}},
            "template": {"metadata": {"labels": {"tier": "x"}}},
        },
    }
    (finding,) = findings(objects(deployment))
    assert (finding.code, finding.message.endswith("do not have: app")) == ("SelectorMismatch", True)


def test_a_list_of_nothing_but_wrong_entries_is_not_called_too_short() -> None:
    (finding,) = findings(document(component("Web")))
    assert (finding.path, finding.code) == ("spec.components[0].name", "InvalidFormat")


@pytest.mark.parametrize(("name", "meant"), [("my.web", "my-web"), ("MyWeb", "myweb"), ("web_1", "web-1")])
def test_name_that_is_no_label_is_told_with_one_that_is(name: str, meant: str) -> None:
    (finding,) = findings(document(component(name)))
    assert (finding.path, finding.remedy) == ("spec.components[0].name", f"Call it {meant!r}.")


def test_document_with_workflow_steps_is_told_of_these_alone() -> None:
    policies = [{"name": name, "type": "override", "properties": {"selector": [name]}} for name in ("web", "api")] + [
        {"name": "both", "type": "override", "properties": {"components": [{"name": "*-x", "properties": {}}]}}
    ]
    steps = [{"type": "deploy", "properties": {"policies": [name]}} for name in ("web", "api")]
    doc = document(component("web"), component("api", dependsOn=["web"]), policies=policies, workflow={"steps": steps})
    assert found(doc) == {("spec.workflow", "Unsupported")}


def test_all_mistakes_are_told_at_once() -> None:
    doc = document(
        component("web", "ap", {"type": "hold"}, dependsOn=["nobody"]),
        component("api", properties={"replicas": "2", "pull": "x"}),
        component("bad", "broken"),
        workflow={"steps": [{"type": "deploy", "timeout": "1d"}]},
        policies=[{"type": "env-binding"}],
        metadata={"name": "Shop", "annotations": {"kubemin.dev/start-timeout": "soon"}},
    )
    assert found(doc) == {
        ("metadata.name", "InvalidFormat"),
        ("spec.components[0].dependsOn[0]", "UnknownComponent"),
        ("spec.components[0].type", "UnknownType"),
        ("spec.components[0].traits[0].type", "UnknownTrait"),
        ("spec.components[1].properties.replicas", "WrongType"),
        ("spec.components[1].properties.pull", "NotAllowed"),
        ("spec.components[2].properties", "CannotRender"),
        ("spec.workflow", "Unsupported"),
        ("spec.workflow.steps[0].timeout", "InvalidDuration"),
        ("spec.policies[0].type", "Unsupported"),
    }


def test_a_cycle_is_shown_as_the_way_around() -> None:
    doc = document(
        component("a", dependsOn=["c", "x"]),
        component("b", dependsOn=["a"]),
        component("c", dependsOn=["b"]),
        component("x"),
        component("y", dependsOn=["a", "z"]),
        component("z", dependsOn=["y"]),
    )
    cycles = [f for f in findings(doc) if f.code == "DependencyCycle"]
    assert [f.path for f in cycles] == ["spec.components[0].dependsOn[0]", "spec.components[4].dependsOn[1]"]
    assert cycles[0].message.endswith("a → c → b → a")
    assert cycles[1].message.endswith("y → z → y")


@pytest.mark.parametrize(
    ("doc", "remedy"),
    [
        (document(component("web", "ap")), "Did you mean 'app'?"),
        (document(component("web", "xyz")), "There are: app, application, broken, objects, once."),
        (document(component("web", "app@v1")), "Write 'app' or 'app@v2'."),
        (document(component("web", "app", {"type": "hold"})), "Did you mean 'holds'?"),
        (document(WEB, component("api", dependsOn=["wbe"])), "Did you mean 'web'?"),
        (annotated("start-timeout.xyz", "1m"), "There are: web."),
        (document(component("web", properties={"pull": "always"})), "Did you mean 'Always'?"),
        (document(component("web", properties={"labels": {"a": 1}})), "Put the value in quotes."),
        (document(WEB, policies=[{"type": "topologie"}]), "Did you mean 'topology'?"),
        (document(WEB, policies=[{"type": "topology", "properties": {"cluster": []}}]), "Did you mean 'clusters'?"),
        (
            document(
                WEB,
                policies=[{"type": "override", "properties": {"components": [{"name": "web", "property": {}}]}}],
            ),
            "Did you mean 'properties'?",
        ),
    ],
)
def test_remedies_name_what_was_meant(doc: Document, remedy: str) -> None:
    assert remedy in [f.remedy for f in findings(doc)]


def test_messages_are_words_and_never_repeat_the_value() -> None:
    doc = document(component("web", "app", holds(secrets={"s": {"password": 4711}}), properties={"size": [1]}))
    by_path = {f.path: f.message for f in findings(doc)}
    assert by_path == {
        "spec.components[0].properties.size": "must be a whole number or a text, but is a list",
        "spec.components[0].traits[0].properties.secrets.s.password": "must be a text, but is a number",
    }
    (decimal,) = findings(document(component("web", "app", properties={"replicas": 3.0})))
    assert decimal.message == "must be a whole number, but is a decimal number"


@pytest.mark.parametrize(
    ("doc", "path", "remedy"),
    [
        (
            document(component("web", properties={"replica": 2})),
            "spec.components[0].properties.replica",
            "Did you mean 'replicas'?",
        ),
        (
            document(component("web", properties={"ports": [{"port": 1, "nmae": "x"}]})),
            "spec.components[0].properties.ports[0].nmae",
            "Did you mean 'name'?",
        ),
        (document(component("web", dependson=["x"])), "spec.components[0].dependson", "Did you mean 'dependsOn'?"),
        (document(WEB, policys=[]), "spec.policys", "Did you mean 'policies'?"),
        ({**document(WEB), "status": {}}, "status", ""),
        (document(WEB, metadata={"uid": "x"}), "metadata.uid", ""),
        (document(component("web", scopes={"a": "b"})), "spec.components[0].scopes", ""),
        (annotated("start-timout", "1m"), f'{ANNOTATED}start-timout"]', "Did you mean 'kubemin.dev/start-timeout'?"),
    ],
)
def test_keys_without_effect_are_warnings_with_what_was_meant(doc: Document, path: str, remedy: str) -> None:
    (warning,) = warned(doc)
    assert (warning.path, warning.remedy) == (path, remedy)


def test_what_is_passed_on_is_not_warned_of() -> None:
    doc = document(component("web", "app", holds(configs={"c": {"any": "key"}}), properties={"pod": {"x": {"y": 1}}}))
    assert warned(doc) == []


def test_nulls_count_as_left_out() -> None:
    doc = document({**WEB, "traits": None, "dependsOn": None}, policies=None, workflow=None)
    app, warnings = check_document(doc, REGISTRY)
    assert (app.spec.components[0].traits, warnings) == ((), [])


def test_the_namespace_defaults_to_default() -> None:
    doc = document(WEB)
    del doc["metadata"]["namespace"]
    assert check_document(doc, REGISTRY)[0].metadata.namespace == "default"


def test_a_document_with_countless_mistakes_gets_an_answer_that_can_be_read() -> None:
    doc = document(*(component(f"c{i}", properties={"replicas": "x", "nonsense": 1}) for i in range(500)))
    shown = findings(doc)
    assert len(shown) == MAX_FINDINGS + 1
    assert shown[-1].message == "at least 400 more are not shown"


def test_the_check_leaves_the_document_alone() -> None:
    doc = objects({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "uid": "x"}})
    before = copy.deepcopy(doc)
    check_document(doc, REGISTRY)
    assert doc == before


def test_documents_of_kubevela_are_taken_as_they_are() -> None:
    doc = {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": "website"},
        "spec": {
            "components": [
                {
                    "name": "frontend",
                    "type": "webservice",
                    "properties": {
                        "image": "oamdev/testapp:v1",
                        "cmd": ["node", "server.js"],
                        "ports": [{"port": 8080, "expose": True}],
                        "cpu": "0.1",
                        "env": [{"name": "FOO", "value": "bar"}],
                    },
                    "traits": [
                        {"type": "scaler", "properties": {"replicas": 1}},
                        {"type": "gateway", "properties": {"domain": "testsvc.example.com", "http": {"/": 8080}}},
                    ],
                }
            ],
            "policies": [{"name": "t", "type": "topology", "properties": {"clusters": ["local"]}}],
        },
    }
    assert check_document(doc, BUILTIN)[1] == []
