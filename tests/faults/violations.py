"""Each rule's violation: what is sound but for one thing, and where that is told."""

from typing import Any

from tests.faults.sound import FIRST, PROPERTIES, TRAIT, Rule, config_map, objects, policy, trait, web

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_MOUNTED = {"name": "v", "mountPath": "/v"}


def _annotated(key: str, value: Any) -> dict[str, Any]:
    return {"metadata": {"annotations": {f"kubemin.dev/{key}": value}}}


def _gateway(domain: str) -> dict[str, Any]:
    return trait("gateway", domain=domain, http={"/": 80})


def _annotation(key: str) -> str:
    return f'metadata.annotations["kubemin.dev/{key}"]'


_OUTLINE: list[Rule] = [
    ("no components", "TooShort", "spec.components", [], {}),
    ("component is a text", "WrongType", FIRST, ["web"], {}),
    ("component is null", "WrongType", FIRST, [None], {}),
    ("component without name", "Required", f"{FIRST}.name", [{"type": "webservice"}], {}),
    ("component without type", "Required", f"{FIRST}.type", [{"name": "web"}], {}),
    ("component type is a number", "WrongType", f"{FIRST}.type", [{"name": "web", "type": 7}], {}),
    ("component name is a list", "WrongType", f"{FIRST}.name", [web(["web"])], {}),
    ("duplicate component", "DuplicateComponent", "spec.components[1].name", [web(), web()], {}),
    ("unknown type", "UnknownType", f"{FIRST}.type", [{"name": "web", "type": "webservise"}], {}),
    ("unknown version", "UnknownType", f"{FIRST}.type", [{"name": "web", "type": "webservice@v9"}], {}),
    ("type with a wildcard", "UnknownType", f"{FIRST}.type", [{"name": "web", "type": "web*"}], {}),
    ("unknown trait", "UnknownTrait", f"{FIRST}.traits[0].type", [web("web", trait("scalar"))], {}),
    ("trait is null", "WrongType", f"{FIRST}.traits[0]", [web("web", None)], {}),
    ("dependsOn is a text", "WrongType", f"{FIRST}.dependsOn", [{**web(), "dependsOn": "api"}], {}),
    ("unknown dependency", "UnknownComponent", f"{FIRST}.dependsOn[0]", [{**web(), "dependsOn": ["x"]}], {}),
    ("depends on itself", "DependencyCycle", f"{FIRST}.dependsOn[0]", [{**web(), "dependsOn": ["web"]}], {}),
    (
        "depends in a circle",
        "DependencyCycle",
        f"{FIRST}.dependsOn[0]",
        [{**web("a"), "dependsOn": ["b"]}, {**web("b"), "dependsOn": ["a"]}],
        {},
    ),
    ("inputs", "Unsupported", f"{FIRST}.inputs", [{**web(), "inputs": [{"from": "x"}]}], {}),
    ("outputs", "Unsupported", f"{FIRST}.outputs", [{**web(), "outputs": [{"name": "x"}]}], {}),
    ("workflow", "Unsupported", "spec.workflow", [web()], {"workflow": {"steps": [{"type": "deploy"}]}}),
    (
        "step of an unknown type",
        "UnknownStepType",
        "spec.workflow.steps[0].type",
        [web()],
        {"workflow": {"steps": [{"type": "deplot"}]}},
    ),
    ("policies are a map", "WrongType", "spec.policies", [web()], {"policies": {}}),
    ("unknown policy", "UnknownPolicyType", "spec.policies[0].type", [web()], policy(type="topologie")),
    ("policy without type", "Required", "spec.policies[0].type", [web()], {"policies": [{"name": "p"}]}),
    (
        "duplicate policy",
        "DuplicatePolicy",
        "spec.policies[1].name",
        [web()],
        {"policies": [{"name": "p", "type": "topology"}] * 2},
    ),
    (
        "labels that no cluster has",
        "NoCluster",
        "spec.policies[0].properties.clusterLabelSelector",
        [web()],
        policy(properties={"clusterLabelSelector": {"a": "b"}}),
    ),
    (
        "unknown topology key",
        "UnknownKey",
        "spec.policies[0].properties.cluster",
        [web()],
        policy(properties={"cluster": ["east"]}),
    ),
    (
        "unknown cluster",
        "UnknownCluster",
        "spec.policies[0].properties.clusters[1]",
        [web()],
        policy(properties={"clusters": ["east", "north"]}),
    ),
    (
        "duration without unit",
        "InvalidDuration",
        _annotation("start-timeout"),
        [web()],
        _annotated("start-timeout", "9"),
    ),
    (
        "duration of nothing",
        "InvalidDuration",
        _annotation("queue-timeout"),
        [web()],
        _annotated("queue-timeout", "0s"),
    ),
    (
        "duration of ages",
        "InvalidDuration",
        _annotation("run-timeout"),
        [web()],
        _annotated("run-timeout", "99999999h"),
    ),
    (
        "deadline of nobody",
        "UnknownComponent",
        _annotation("run-timeout.wbe"),
        [web()],
        _annotated("run-timeout.wbe", "1m"),
    ),
    ("annotation is a number", "WrongType", _annotation("run-timeout"), [web()], _annotated("run-timeout", 60)),
]

_PARAMETERS: list[Rule] = [
    ("missing image", "Required", f"{PROPERTIES}.image", [{"name": "web", "type": "webservice"}], {}),
    ("image is a number", "WrongType", f"{PROPERTIES}.image", [web(image=7)], {}),
    ("image is empty", "TooShort", f"{PROPERTIES}.image", [web(image="")], {}),
    ("image is null", "InvalidValue", f"{PROPERTIES}.image", [web(image=None)], {}),
    ("properties are a list", "WrongType", PROPERTIES, [{"name": "web", "type": "webservice", "properties": []}], {}),
    ("ports are a map", "WrongType", f"{PROPERTIES}.ports", [web(ports={})], {}),
    ("port is a text", "WrongType", f"{PROPERTIES}.ports[0].port", [web(ports=[{"port": "80"}])], {}),
    ("port is true", "WrongType", f"{PROPERTIES}.ports[0].port", [web(ports=[{"port": True}])], {}),
    ("port is a fraction", "WrongType", f"{PROPERTIES}.ports[0].port", [web(ports=[{"port": 1.5}])], {}),
    ("port is 0", "OutOfRange", f"{PROPERTIES}.ports[0].port", [web(ports=[{"port": 0}])], {}),
    ("port is negative", "OutOfRange", f"{PROPERTIES}.ports[0].port", [web(ports=[{"port": -80}])], {}),
    ("port is too large", "OutOfRange", f"{PROPERTIES}.ports[0].port", [web(ports=[{"port": 65536}])], {}),
    ("port is huge", "OutOfRange", f"{PROPERTIES}.ports[0].port", [web(ports=[{"port": 2**62}])], {}),
    ("command is a text", "WrongType", f"{PROPERTIES}.cmd", [web(cmd="run")], {}),
    ("command has a number", "WrongType", f"{PROPERTIES}.cmd[1]", [web(cmd=["run", 1])], {}),
    ("choice", "NotAllowed", f"{PROPERTIES}.imagePullPolicy", [web(imagePullPolicy="always")], {}),
    ("label value with a blank", "InvalidFormat", f"{PROPERTIES}.labels.team", [web(labels={"team": "a team"})], {}),
    ("label key with a blank", "InvalidFormat", f'{PROPERTIES}.labels["a b"]', [web(labels={"a b": "c"})], {}),
    ("host is an address", "InvalidFormat", f"{TRAIT}.domain", [web("web", _gateway("10.0.0.1"))], {}),
    ("environment is a map", "WrongType", f"{PROPERTIES}.env", [web(env={"A": "b"})], {}),
    ("replicas are a text", "WrongType", f"{TRAIT}.replicas", [web("web", trait("scaler", replicas="many"))], {}),
    ("replicas are negative", "OutOfRange", f"{TRAIT}.replicas", [web("web", trait("scaler", replicas=-1))], {}),
]

_RENDERING: list[Rule] = [
    (
        "reserved label",
        "LabelReserved",
        f'{PROPERTIES}.labels["app.oam.dev/component"]',
        [web(labels={"app.oam.dev/component": "x"})],
        {},
    ),
    (
        "probe of nothing",
        "ProbeHandlerNotUnique",
        f"{PROPERTIES}.livenessProbe",
        [web(livenessProbe={"periodSeconds": 5})],
        {},
    ),
    (
        "port twice",
        "PortNotUnique",
        f"{PROPERTIES}.ports[1].port",
        [web(ports=[{"port": 80, "expose": True}, {"port": 80, "containerPort": 81, "expose": True}])],
        {},
    ),
    (
        "port name twice",
        "PortNameNotUnique",
        f"{PROPERTIES}.ports[1].name",
        [web(ports=[{"port": 1, "name": "a"}, {"port": 2, "name": "a"}])],
        {},
    ),
    (
        "container not there",
        "ContainerNotFound",
        f"{TRAIT}.containerName",
        [web("web", trait("env", containerName="x", env={}))],
        {},
    ),
    (
        "container twice",
        "ContainerNotUnique",
        f"{TRAIT}.name",
        [web("web", trait("sidecar", name="web", image="b"))],
        {},
    ),
    (
        "gateway without domain",
        "DomainMissing",
        f"{TRAIT}.secretName",
        [web("web", trait("gateway", http={"/": 80}, secretName="tls"))],
        {},
    ),
    (
        "gateway class twice",
        "IngressClassConflict",
        f'{TRAIT}.annotations["kubernetes.io/ingress.class"]',
        [web("web", trait("gateway", http={"/": 80}, annotations={"kubernetes.io/ingress.class": "a"}))],
        {},
    ),
    (
        "gateway twice",
        "GatewayNotUnique",
        f"{FIRST}.traits[1].properties.name",
        [web("web", *[trait("gateway", http={"/": 80})] * 2)],
        {},
    ),
    (
        "volume twice, differently",
        "VolumeConflict",
        f"{FIRST}.traits[1].properties.emptyDir[0].name",
        [
            web(
                "web",
                trait("storage", emptyDir=[_MOUNTED]),
                trait("storage", emptyDir=[{**_MOUNTED, "medium": "Memory"}]),
            )
        ],
        {},
    ),
    (
        "two volumes in one place",
        "MountConflict",
        f"{TRAIT}.pvc[1].mountPath",
        [web("web", trait("storage", pvc=[_MOUNTED, {"name": "w", "mountPath": "/v"}]))],
        {},
    ),
    (
        "environment of an object without pods",
        "NoPodTemplate",
        f"{FIRST}.traits[0].properties",
        [{**objects(config_map()), "traits": [trait("env", env={"A": "b"})]}],
        {},
    ),
    (
        "gateway path",
        "PathNotAbsolute",
        f'{TRAIT}.http["a"]',
        [web("web", trait("gateway", domain="a.example", http={"a": 80}), ports=[{"port": 80}])],
        {},
    ),
    (
        "scaling a task",
        "NotScalable",
        f"{FIRST}.traits[0].properties",
        [{"name": "t", "type": "task", "properties": {"image": "b"}, "traits": [trait("scaler", replicas=2)]}],
        {},
    ),
    ("object without kind", "ObjectIncomplete", f"{PROPERTIES}.objects[0].kind", [objects({"apiVersion": "v1"})], {}),
    ("object is a text", "WrongType", f"{PROPERTIES}.objects[0]", [objects("x")], {}),
    (
        "list of objects",
        "ListNotAllowed",
        f"{PROPERTIES}.objects[0].kind",
        [objects({"apiVersion": "v1", "kind": "List", "items": []})],
        {},
    ),
    (
        "copy of a Secret in its annotation",
        "SecretValueInOpen",
        f'{PROPERTIES}.objects[0].metadata.annotations["{LAST_APPLIED}"]',
        [
            objects(
                {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "annotations": {LAST_APPLIED: "{}"}}}
            )
        ],
        {},
    ),
    (
        "object's metadata",
        "ObjectMalformed",
        f"{PROPERTIES}.objects[0].metadata",
        [objects(config_map(metadata="x"))],
        {},
    ),
    (
        "generated name",
        "GenerateNameNotAllowed",
        f"{PROPERTIES}.objects[0].metadata.generateName",
        [objects(config_map(metadata={"generateName": "c-"}))],
        {},
    ),
    (
        "object in another namespace",
        "NamespaceNotAllowed",
        f"{PROPERTIES}.objects[0].metadata.namespace",
        [objects(config_map(metadata={"name": "c", "namespace": "kube-system"}))],
        {},
    ),
    (
        "object twice in one component",
        "ObjectNotUnique",
        f"{PROPERTIES}.objects[1]",
        [objects(config_map(), config_map())],
        {},
    ),
    (
        "object twice in two components",
        "DuplicateObject",
        "spec.components[1]",
        [objects(config_map()), {**objects(config_map()), "name": "other"}],
        {},
    ),
    (
        "secret that is no base64",
        "InvalidBase64",
        f'{PROPERTIES}.objects[0].data["k"]',
        [objects({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "?"}})],
        {},
    ),
    (
        "secret value is a number",
        "SecretValueInvalid",
        f"{PROPERTIES}.objects[0].stringData",
        [objects({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": 1}})],
        {},
    ),
    (
        "deployment without a template",
        "InvalidObject",
        FIRST,
        [objects({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}})],
        {},
    ),
    ("object name with a slash", "InvalidName", FIRST, [objects(config_map(metadata={"name": "a/b"}))], {}),
    ("object name too long", "NameTooLong", FIRST, [objects(config_map(metadata={"name": "a" * 254}))], {}),
    ("service name", "InvalidName", FIRST, [web("1st", ports=[{"port": 80, "expose": True}])], {}),
    (
        "volume claim name",
        "InvalidFormat",
        f"{TRAIT}.pvc[0].name",
        [web("web", trait("storage", pvc=[{**_MOUNTED, "name": "My_V"}]))],
        {},
    ),
]

VIOLATIONS = (*_OUTLINE, *_PARAMETERS, *_RENDERING)
