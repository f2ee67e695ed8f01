"""One valid piece of a document for every line of the dialect, and what has to be in the cluster once it is delivered.

Names begin with the feature's, so that several can be in one application.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.support.dialect import Document, component

Place = tuple[str | int, ...]
_SPEC: Place = ("spec", "template", "spec")
_MAIN: Place = (*_SPEC, "containers", 0)
_INIT: Place = (*_SPEC, "initContainers", 0)
_SIDE: Place = (*_SPEC, "containers", 1)
_ROUTE: Place = ("http", "paths", 0)
_RULES: Place = ("spec", "rules")


@dataclass(frozen=True)
class Feature:
    """A line of the dialect."""

    name: str
    components: tuple[Document, ...]
    expected: tuple[tuple[str, str, Place, Any], ...]
    """Kind, name, place in the object, and what stands there."""
    warned: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    """Code and place of every warning, where the components stand alone in a document."""
    application: Document = field(default_factory=dict)
    """Keys of the application beside its components."""


def volume(name: str, type_: str = "persistent", /, **given: Any) -> Document:
    """An entry of `storage`."""
    return {"name": name, "type": type_, "mount_path": f"/{name}", **given}


def mounts(*names: str) -> list[Document]:
    """What a container has."""
    return [{"name": name, "mountPath": f"/{name}"} for name in names]


def claim(name: str) -> Document:
    """A volume of a pod."""
    return {"name": name, "persistentVolumeClaim": {"claimName": name}}


def route(service: str, **given: Any) -> Document:
    """A route of an ingress."""
    return {"backend": {"service_name": service}, **given}


DATA = (
    Feature(
        "conf",
        (component("conf", "config", properties={"conf": {"LEVEL": "info", "app.ini": "a = b\n"}}, replicas=1),),
        (("ConfigMap", "conf", ("data",), {"LEVEL": "info", "app.ini": "a = b\n"}),),
    ),
    Feature(
        "secret",
        (component("secret", "secret", properties={"secret": {"db.password": "x"}, "labels": {"team": "shop"}}),),
        (
            ("Secret", "secret", ("data",), {"db.password": "eA=="}),
            ("Secret", "secret", ("type",), "Opaque"),
            ("Secret", "secret", ("metadata", "labels", "team"), "shop"),
        ),
    ),
    Feature(
        "conf-ports",
        (component("conf-ports", "config", properties={"conf": {"a": "b"}, "ports": [{"port": 80}]}),),
        (("Service", "conf-ports", ("spec", "ports", 0, "port"), 80),),
        warned=frozenset({("NoPods", "component[0].properties.ports")}),
    ),
)
"""What other features take from, too."""

WORKLOADS = (
    Feature(
        "web",
        (
            component(
                "web",
                replicas=2,
                properties={
                    "ports": [{"port": 80, "expose": True, "_note": "main"}, {"port": 8443}],
                    "env": {"DB": "store:5432"},
                    "labels": {"tier": "edge"},
                    "command": ["nginx", "-g", "daemon off;"],
                },
            ),
        ),
        (
            ("Deployment", "web", ("spec", "replicas"), 2),
            ("Deployment", "web", (*_MAIN, "name"), "web"),
            ("Deployment", "web", (*_MAIN, "imagePullPolicy"), "IfNotPresent"),
            ("Deployment", "web", (*_MAIN, "command"), ["nginx", "-g", "daemon off;"]),
            ("Deployment", "web", (*_MAIN, "env"), [{"name": "DB", "value": "store:5432"}]),
            ("Deployment", "web", ("metadata", "labels", "tier"), "edge"),
            ("Deployment", "web", ("spec", "template", "metadata", "labels", "tier"), "edge"),
            ("Service", "web", ("spec", "type"), "ClusterIP"),
            ("Service", "web", ("spec", "ports", 0, "name"), "web-80"),
            ("Service", "web", ("spec", "ports", 1, "port"), 8443),
            ("Service", "web", ("spec", "selector", "app.oam.dev/component"), "web"),
        ),
    ),
    Feature(
        "store",
        (component("store", "store", properties={"ports": [{"port": 5432}]}),),
        (
            ("StatefulSet", "store", ("spec", "serviceName"), "store"),
            ("Service", "store", ("spec", "clusterIP"), "None"),
        ),
    ),
    Feature(
        "a-name-of-more-than-fifteen",
        (component("a-name-of-more-than-fifteen", replicas=0, properties={"ports": [{"port": 8080}]}, traits={}),),
        (
            ("Service", "a-name-of-more-than-fifteen", ("spec", "ports", 0, "name"), "p-8080"),
            ("Deployment", "a-name-of-more-than-fifteen", ("spec", "replicas"), 1),
        ),
    ),
    Feature(
        "envs",
        (
            component(
                "envs",
                properties={"env": {"A": "first"}},
                traits={
                    "envs": [
                        {"name": "S", "value_from": {"static": "x"}},
                        {"name": "F", "value_from": {"field": "metadata.name"}},
                        {"name": "P", "value_from": {"secret": {"name": "secret", "key": "db.password"}}},
                        {"name": "C", "value_from": {"config": {"name": "conf", "key": "LEVEL"}}},
                    ]
                },
            ),
        ),
        (
            ("Deployment", "envs", (*_MAIN, "env", 0), {"name": "A", "value": "first"}),
            ("Deployment", "envs", (*_MAIN, "env", 1), {"name": "S", "value": "x"}),
            ("Deployment", "envs", (*_MAIN, "env", 2, "valueFrom", "fieldRef", "fieldPath"), "metadata.name"),
            ("Deployment", "envs", (*_MAIN, "env", 3, "valueFrom", "secretKeyRef", "key"), "db.password"),
            ("Deployment", "envs", (*_MAIN, "env", 4, "valueFrom", "configMapKeyRef", "name"), "conf"),
        ),
    ),
    Feature(
        "env-from",
        (
            component(
                "env-from",
                traits={
                    "env_from": [
                        {"type": "configMap", "source_name": "conf"},
                        {"type": "config", "source_name": "outside"},
                        {"type": "secret", "source_name": "secret"},
                    ]
                },
            ),
        ),
        (
            (
                "Deployment",
                "env-from",
                (*_MAIN, "envFrom"),
                [
                    {"configMapRef": {"name": "conf"}},
                    {"configMapRef": {"name": "outside"}},
                    {"secretRef": {"name": "secret"}},
                ],
            ),
        ),
    ),
    Feature(
        "older-keys",
        (
            {
                "name": "older-keys",
                "component_type": "webservice",
                "image": "nginx:1.27",
                "traits": {
                    "envFrom": [{"type": "secret", "sourceName": "secret"}],
                    "storage": [{"name": "cache", "type": "ephemeral", "mountPath": "/cache", "readOnly": True}],
                },
            },
        ),
        (
            ("Deployment", "older-keys", (*_MAIN, "envFrom", 0, "secretRef", "name"), "secret"),
            (
                "Deployment",
                "older-keys",
                (*_MAIN, "volumeMounts"),
                [{"name": "cache", "mountPath": "/cache", "readOnly": True}],
            ),
        ),
    ),
)

STORAGE = (
    Feature(
        "claims",
        (
            component(
                "claims",
                traits={
                    "storage": [
                        volume("own", tmp_create=True, size="2Gi"),
                        volume("made", create=True, storage_class="immediate"),
                        volume("named", create=True, claim_name="archive"),
                        volume("there", claim_name="existing"),
                        volume("there", claim_name="existing", mount_path="/again", sub_path="x", read_only=True),
                    ]
                },
            ),
        ),
        (
            ("PersistentVolumeClaim", "own-claims", ("spec", "resources", "requests", "storage"), "2Gi"),
            ("PersistentVolumeClaim", "own-claims", ("spec", "accessModes"), ["ReadWriteOnce"]),
            ("PersistentVolumeClaim", "made", ("spec", "resources", "requests", "storage"), "1Gi"),
            ("PersistentVolumeClaim", "made", ("spec", "storageClassName"), "immediate"),
            ("PersistentVolumeClaim", "archive", ("metadata", "name"), "archive"),
            ("PersistentVolumeClaim", "existing", ("metadata", "labels"), None),
            (
                "Deployment",
                "claims",
                (*_MAIN, "volumeMounts", 4),
                {"name": "there", "mountPath": "/again", "subPath": "x", "readOnly": True},
            ),
        ),
    ),
    Feature(
        "templates",
        (
            component(
                "templates",
                "store",
                replicas=2,
                traits={
                    "storage": [
                        volume("data", tmp_create=True, size="5Gi"),
                        volume("logs", tmp_create=True),
                        volume("old", claim_name="existing"),
                        volume("scratch", "ephemeral"),
                    ]
                },
            ),
        ),
        (
            ("StatefulSet", "templates", ("spec", "replicas"), 2),
            ("StatefulSet", "templates", ("spec", "volumeClaimTemplates", 0, "metadata", "name"), "data"),
            ("StatefulSet", "templates", ("spec", "volumeClaimTemplates", 1, "metadata", "name"), "logs"),
            ("StatefulSet", "templates", (*_MAIN, "volumeMounts"), mounts("data", "logs", "old", "scratch")),
            ("PersistentVolumeClaim", "data-templates-1", ("spec", "resources", "requests", "storage"), "5Gi"),
            ("PersistentVolumeClaim", "logs-templates-0", ("spec", "resources", "requests", "storage"), "1Gi"),
        ),
    ),
    Feature(
        "files",
        (
            component(
                "files",
                traits={
                    "storage": [
                        volume("conf", "config"),
                        volume("pw", "secret", source_name="secret", read_only=True),
                        volume("else", "config", source_name="outside", sub_path="app.yaml"),
                    ]
                },
            ),
        ),
        (
            ("Deployment", "files", (*_SPEC, "volumes", 0, "configMap", "name"), "conf"),
            ("Deployment", "files", (*_SPEC, "volumes", 1, "secret", "secretName"), "secret"),
            ("Deployment", "files", (*_SPEC, "volumes", 2, "configMap", "name"), "outside"),
        ),
    ),
    Feature(
        "one-volume",
        (
            component(
                "one-volume",
                traits={
                    "storage": [volume("shared", create=True, claim_name="shared-claim")],
                    "init": [
                        {"name": "a", "properties": {"image": "busybox:1"}, "traits": {"storage": [volume("shared")]}}
                    ],
                    "sidecar": [
                        {"name": "b", "image": "fluent:1", "traits": {"storage": [volume("shared", "ephemeral")]}}
                    ],
                },
            ),
        ),
        (
            (
                "Deployment",
                "one-volume",
                (*_SPEC, "volumes"),
                [{"name": "shared", "persistentVolumeClaim": {"claimName": "shared-claim"}}],
            ),
            ("Deployment", "one-volume", (*_MAIN, "volumeMounts"), mounts("shared")),
            ("Deployment", "one-volume", (*_INIT, "volumeMounts"), mounts("shared")),
            ("Deployment", "one-volume", (*_SIDE, "volumeMounts"), mounts("shared")),
        ),
        warned=frozenset(
            {
                ("NoEffect", "component[0].traits.init[0].traits.storage[0]"),
                ("NoEffect", "component[0].traits.sidecar[0].traits.storage[0]"),
            }
        ),
    ),
)

PODS = (
    Feature(
        "probes",
        (
            component(
                "probes",
                traits={
                    "probes": [
                        {
                            "type": "liveness",
                            "http_get": {"path": "/up", "port": 80, "scheme": "HTTP", "host": "web.example.com"},
                        },
                        {
                            "type": "readiness",
                            "tcp_socket": {"port": 80, "host": "127.0.0.1"},
                            "period_seconds": 3,
                            "timeout_seconds": 0,
                        },
                        {"type": "startup", "exec": {"command": ["true"]}, "failure_threshold": 5},
                    ]
                },
            ),
        ),
        (
            ("Deployment", "probes", (*_MAIN, "livenessProbe", "httpGet", "path"), "/up"),
            ("Deployment", "probes", (*_MAIN, "livenessProbe", "httpGet", "host"), "web.example.com"),
            ("Deployment", "probes", (*_MAIN, "readinessProbe", "tcpSocket", "port"), 80),
            ("Deployment", "probes", (*_MAIN, "readinessProbe", "tcpSocket", "host"), "127.0.0.1"),
            ("Deployment", "probes", (*_MAIN, "readinessProbe", "periodSeconds"), 3),
            ("Deployment", "probes", (*_MAIN, "startupProbe", "exec", "command"), ["true"]),
            ("Deployment", "probes", (*_MAIN, "startupProbe", "failureThreshold"), 5),
        ),
    ),
    Feature(
        "amounts",
        (component("amounts", traits={"resources": {"cpu": "10m", "memory": "16Mi"}}),),
        (
            (
                "Deployment",
                "amounts",
                (*_MAIN, "resources"),
                {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "10m", "memory": "16Mi"}},
            ),
        ),
    ),
    Feature(
        "containers",
        (
            component(
                "containers",
                traits={
                    "init": [
                        {"properties": {"image": "busybox:1", "command": ["true"], "env": {"A": "b"}}},
                        {
                            "name": "beside",
                            "image": "busybox:2",
                            "command": ["true"],
                            "traits": {
                                "envs": [{"name": "L", "value_from": {"config": {"name": "conf", "key": "LEVEL"}}}],
                                "env_from": [{"type": "secret", "source_name": "secret"}],
                                "resources": {"cpu": "5m"},
                            },
                        },
                    ],
                    "sidecar": [
                        {
                            "image": "fluent:1",
                            "command": ["fluentd"],
                            "args": ["-v"],
                            "env": {"C": "d"},
                            "traits": {"probes": [{"type": "liveness", "tcp_socket": {"port": 24224}}]},
                        }
                    ],
                },
            ),
        ),
        (
            ("Deployment", "containers", (*_INIT, "name"), "containers-init-1"),
            ("Deployment", "containers", (*_INIT, "env"), [{"name": "A", "value": "b"}]),
            ("Deployment", "containers", (*_SPEC, "initContainers", 1, "image"), "busybox:2"),
            ("Deployment", "containers", (*_SPEC, "initContainers", 1, "resources", "limits"), {"cpu": "5m"}),
            ("Deployment", "containers", (*_SIDE, "name"), "containers-sidecar-1"),
            ("Deployment", "containers", (*_SIDE, "args"), ["-v"]),
            ("Deployment", "containers", (*_SIDE, "livenessProbe", "tcpSocket", "port"), 24224),
        ),
    ),
    Feature(
        "accounts",
        (
            component(
                "accounts",
                traits={
                    "rbac": [
                        {
                            "rules": [{"api_groups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
                            "service_accountLabels": {"a": "b"},
                            "service_accountAnnotations": {"c": "d"},
                            "role_labels": {"e": "f"},
                            "binding_labels": {"g": "h"},
                            "automount_service_account_token": False,
                        },
                        {
                            "service_account": "same",
                            "role_name": "same",
                            "binding_name": "same",
                            "rules": [{"resources": ["configmaps"], "verbs": ["get"]}],
                        },
                        {
                            "service_account": "same",
                            "role_name": "reads-health",
                            "binding_name": "reads-health",
                            "cluster_scope": True,
                            "rules": [{"non_resource_urls": ["/healthz"], "verbs": ["get"]}],
                        },
                    ]
                },
            ),
        ),
        (
            ("Deployment", "accounts", (*_SPEC, "serviceAccountName"), "accounts-sa"),
            ("ServiceAccount", "accounts-sa", ("automountServiceAccountToken",), False),
            ("ServiceAccount", "accounts-sa", ("metadata", "labels", "a"), "b"),
            ("Role", "accounts-sa-role", ("rules", 0, "verbs"), ["get", "list"]),
            ("RoleBinding", "accounts-sa-binding", ("roleRef", "name"), "accounts-sa-role"),
            ("ServiceAccount", "same", ("metadata", "name"), "same"),
            ("Role", "same", ("rules", 0, "resources"), ["configmaps"]),
            ("RoleBinding", "same", ("subjects", 0, "name"), "same"),
            ("ClusterRole", "reads-health", ("rules", 0, "nonResourceURLs"), ["/healthz"]),
            ("ClusterRoleBinding", "reads-health", ("subjects", 0, "name"), "same"),
        ),
    ),
)

INGRESSES = (
    Feature(
        "edge",
        (
            component(
                "edge",
                properties={"ports": [{"port": 80}]},
                traits={
                    "ingress": [
                        {
                            "hosts": ["a.example.com", "b.example.com"],
                            "label": {"tier": "edge"},
                            "annotations": {"x": "y"},
                            "ingress_class_name": "nginx",
                            "default_path_type": "exact",
                            "tls": [{"secret_name": "cert", "hosts": ["a.example.com"]}],
                            "routes": [
                                route("edge", path="/"),
                                route("edge", path="/api", path_type="PREFIX", host="api.example.com"),
                            ],
                        },
                        {"routes": [route("edge", path="/old/(.*)", rewrite={"type": "regex", "replacement": "/$1"})]},
                        {"name": "plain", "routes": [{"backend": {"service_name": "edge", "service_port": 8080}}]},
                    ]
                },
            ),
        ),
        (
            ("Ingress", "edge-ingress", ("spec", "ingressClassName"), "nginx"),
            ("Ingress", "edge-ingress", ("metadata", "annotations", "x"), "y"),
            ("Ingress", "edge-ingress", ("metadata", "labels", "tier"), "edge"),
            ("Ingress", "edge-ingress", ("spec", "tls", 0, "secretName"), "cert"),
            ("Ingress", "edge-ingress", ("spec", "rules", 1, "host"), "b.example.com"),
            ("Ingress", "edge-ingress", (*_RULES, 0, *_ROUTE, "pathType"), "Exact"),
            ("Ingress", "edge-ingress", (*_RULES, 2, *_ROUTE, "pathType"), "Prefix"),
            (
                "Ingress",
                "edge-ingress-2",
                ("metadata", "annotations", "nginx.ingress.kubernetes.io/rewrite-target"),
                "/$1",
            ),
            (
                "Ingress",
                "edge-ingress-2",
                (*_RULES, 0, *_ROUTE, "pathType"),
                "ImplementationSpecific",
            ),
            (
                "Ingress",
                "plain",
                (*_RULES, 0, *_ROUTE, "backend", "service", "port", "number"),
                8080,
            ),
            ("Ingress", "plain", (*_RULES, 0, *_ROUTE, "path"), "/"),
        ),
    ),
)

GROUPS = {"workloads": WORKLOADS, "storage": STORAGE, "pods": PODS, "ingresses": INGRESSES}
FEATURES = (*DATA, *(feature for group in GROUPS.values() for feature in group))
OUTSIDE = ("outside", "existing")
"""A ConfigMap and a claim that features refer to, and somebody else has made."""


def application(name: str, features: tuple[Feature, ...], **given: Any) -> Document:
    """All of them at once, after what they take from."""
    before = [one["name"] for feature in DATA for one in feature.components]
    components = [one for feature in (*DATA, *features) for one in feature.components]
    rest = [one["name"] for feature in features for one in feature.components]
    steps = [
        {"name": "data", "mode": "DAG", "components": before},
        {"name": "rest", "mode": "DAG", "components": rest[:1], "properties": {"policies": rest[1:]}},
    ]
    return {"name": name, "component": components, "workflow": steps, **given}


def at(manifest: Any, place: Place) -> Any:
    """What stands there; None where nothing does."""
    for key in place:
        try:
            manifest = manifest[key]
        except (KeyError, IndexError):
            return None
    return manifest
