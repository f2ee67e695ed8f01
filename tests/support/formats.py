"""Texts of every format, right and wrong, and where an object has such a text: what we refuse Kubernetes refuses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.contracts import formats
from shared.contracts.formats import Format

Object = dict[str, Any]

_LONG_DOMAIN = ".".join(["a" * 62] * 5)[:253]
_NAMES = ("a", "1", "a-b", "a" * 63)
_NO_NAMES = ("", "A", "a_b", "-a", "a-", "a b", "ä")
_KEYS = ("k", "K", "a_b", "a.b", "k" * 63, "a/b", "a.b/C", f"{_LONG_DOMAIN}/b")
_NO_KEYS = ("", "k" * 64, "/b", "a/", "a/b/c", "-a", "a b", "a..b/c", f"{_LONG_DOMAIN}a/b")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A format with its texts."""

    format: Format
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    placed: Callable[[str], Object]
    """An object that has the text."""


def _pod(container: Mapping[str, Any] | None = None, **spec: Any) -> Object:
    containers = [{"name": "web", "image": "web:1", **(container or {})}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe"},
        "spec": {"containers": containers, **spec},
    }


def _config_map(name: str = "probe", **fields: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **fields.pop("metadata", {})}, **fields}


def _ingress(host: str | None = None, tls: str | None = None) -> Object:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rule: Object = {"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    spec: Object = {"rules": [rule if host is None else {"host": host, **rule}]}
    if tls is not None:
        spec["tls"] = [{"hosts": [tls]}]
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "probe"}, "spec": spec}


def _claim(size: str) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "probe"}, "spec": spec}


def _role(name: str) -> Object:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": []}


def _rolling(surge: str) -> Object:
    labels = {"app": "web"}
    value: str | int = int(surge) if surge.isdecimal() else surge
    spec = {
        "selector": {"matchLabels": labels},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": value, "maxUnavailable": 1}},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe"}, "spec": spec}


def _volume(**source: Any) -> Object:
    return _pod(volumes=[{"name": "v", **source}])


def _in_configured_volume(path: str) -> Object:
    return _volume(configMap={"name": "c", "items": [{"key": "k", "path": path}]})


def _mounted(sub_path: str) -> Object:
    mount = {"name": "v", "mountPath": "/m", "subPath": sub_path}
    return _pod({"volumeMounts": [mount]}, volumes=[{"name": "v", "emptyDir": {}}])


def _probed(header: str) -> Object:
    request = {"port": 80, "path": "/", "httpHeaders": [{"name": header, "value": "v"}]}
    return _pod({"readinessProbe": {"httpGet": request}})


def _aliased(ip: str = "10.0.0.1", name: str = "a") -> Object:
    return _pod(hostAliases=[{"ip": ip, "hostnames": [name]}])


def _scheduled(schedule: str) -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": "web", "image": "web:1"}]}
    spec = {"schedule": schedule, "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "probe"}, "spec": spec}


_HOSTS = ("a.b", "localhost", "*.a.b", "*.b", "a" * 64 + ".b", _LONG_DOMAIN, "1.2.3")
_NO_HOSTS = ("A.b", "*", "a.*.b", "*a.b", "a_b", "a.", " a", "a:80", "http://a", f"{_LONG_DOMAIN}a", "::1")

CASES: dict[str, Case] = {
    "label": Case(
        format=formats.LABEL,
        right=_NAMES,
        wrong=(*_NO_NAMES, "a.b", "a" * 64),
        placed=lambda text: _pod(volumes=[{"name": text, "emptyDir": {}}]),
    ),
    "container": Case(
        format=formats.LABEL,
        right=_NAMES,
        wrong=(*_NO_NAMES, "a.b", "a" * 64),
        placed=lambda text: _pod({"name": text}),
    ),
    "host name": Case(
        format=formats.SUBDOMAIN,
        right=(*_NAMES, "a.b", _LONG_DOMAIN),
        wrong=(*_NO_NAMES, "*.a", f"{_LONG_DOMAIN}a"),
        placed=lambda text: _aliased(name=text),
    ),
    "object name": Case(
        format=formats.OBJECT_NAME,
        right=(*_NAMES, "a.b", _LONG_DOMAIN),
        wrong=(*_NO_NAMES, "a..b", f"{_LONG_DOMAIN}a"),
        placed=_config_map,
    ),
    "path segment": Case(
        format=formats.PATH_SEGMENT,
        right=("a", "A_b", "a:b", "...", ".a", "..a", "a b"),
        wrong=("", ".", "..", "a/b", "a%b"),
        placed=_role,
    ),
    "label key": Case(
        format=formats.LABEL_KEY,
        right=_KEYS,
        wrong=(*_NO_KEYS, "A/b"),
        placed=lambda text: _config_map(metadata={"labels": {text: "v"}}),
    ),
    "label value": Case(
        format=formats.LABEL_VALUE,
        right=("", "a", "A_b.c", "a" * 63),
        wrong=("a" * 64, "-a", "a-", "_a", ".a", "a b", "ä", "a/b"),
        placed=lambda text: _config_map(metadata={"labels": {"k": text}}),
    ),
    "annotation key": Case(
        format=formats.ANNOTATION_KEY,
        right=(*_KEYS, "A/b"),
        wrong=_NO_KEYS,
        placed=lambda text: _config_map(metadata={"annotations": {text: "v"}}),
    ),
    "data key": Case(
        format=formats.DATA_KEY,
        right=("a", ".a", "A_b-c.d", "_", "a..b", "a" * 253),
        wrong=("", ".", "..", "...", "..a", "a/b", "a b", "ä", "a" * 254),
        placed=lambda text: _config_map(data={text: "v"}),
    ),
    "variable": Case(
        format=formats.VARIABLE,
        right=("A", "a.b", "1A", "A B", "..a", "~", "a" * 300),
        wrong=("", "A=B", "Ä", "a\tb"),
        placed=lambda text: _pod({"env": [{"name": text, "value": "v"}]}),
    ),
    "variable prefix": Case(
        format=formats.VARIABLE_PREFIX,
        right=("", "A_", "1"),
        wrong=("A=", "Ä"),
        placed=lambda text: _pod({"envFrom": [{"prefix": text, "configMapRef": {"name": "c"}}]}),
    ),
    "field of a pod": Case(
        format=formats.POD_FIELD,
        right=(
            *(f"metadata.{name}" for name in ("name", "namespace", "uid", "labels['a/b']", "annotations['A/b']")),
            *(f"spec.{name}" for name in ("nodeName", "serviceAccountName", "host")),
            *(f"status.{name}" for name in ("hostIP", "hostIPs", "podIP", "podIPs")),
        ),
        wrong=(
            *("", "metadata", "metadata.nope", "metadata.labels", "metadata.labels['']", "metadata.labels['A/b']"),
            *("metadata.annotations['a b']", "metadata.labels[a]", "spec.nodename", "status.phase", "limits.cpu"),
        ),
        placed=lambda text: _pod({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": text}}}]}),
    ),
    "port name": Case(
        format=formats.PORT_NAME,
        right=("http", "8a", "1-a", "a-1-2", "a" * 15),
        wrong=("a" * 16, "80", "1-2", "a--b", "-a", "a-", "A", "a.b", "a_b"),
        placed=lambda text: _pod({"ports": [{"name": text, "containerPort": 80}]}),
    ),
    "host": Case(
        format=formats.HOST,
        right=_HOSTS,
        wrong=(*_NO_HOSTS, "10.0.0.1", "010.0.0.1"),
        placed=_ingress,
    ),
    "host of a certificate": Case(
        format=formats.CERTIFICATE_HOST,
        right=(*_HOSTS, "10.0.0.1"),
        wrong=(*_NO_HOSTS, ""),
        placed=lambda text: _ingress(tls=text),
    ),
    "address": Case(
        format=formats.ADDRESS,
        right=("10.0.0.1", "::1", "fe80::1"),
        wrong=("", "x", "1.2.3", "10.0.0.1/8", "fe80::1%eth0", "1.2.3.256"),
        placed=_aliased,
    ),
    "header": Case(format=formats.HEADER, right=("a", "X-A", "1"), wrong=("", "a b", "a_b", "ä"), placed=_probed),
    "sub path": Case(
        format=formats.SUB_PATH, right=("", "a", "..a", "a/b", "a b"), wrong=("/a", "../a", "a/../b"), placed=_mounted
    ),
    "file": Case(
        format=formats.FILE_PATH,
        right=("a", ".a", "a/..b", "./a"),
        wrong=("", "/a", "..", "..a", "../a", "a/../b"),
        placed=_in_configured_volume,
    ),
    "path of a node": Case(
        format=formats.NODE_PATH,
        right=("/a", "a"),
        wrong=("", "..", "/a/../b"),
        placed=lambda text: _volume(hostPath={"path": text}),
    ),
    "quantity": Case(
        format=formats.QUANTITY,
        right=("1", "1.5", "500m", "1Ei", "1e3", "1k", "+1", "1.", ".5", "0", "-0", "1E3", "1n"),
        wrong=("", "-1", "1K", "abc", "1e", "1 Gi", "1gi"),
        placed=lambda text: _pod({"resources": {"requests": {"memory": text}}}),
    ),
    "size": Case(format=formats.SIZE, right=("1Gi", "20G", "1Mi"), wrong=("", "-1Gi", "0", "1K", "x"), placed=_claim),
    "surge": Case(
        format=formats.NUMBER_OR_PERCENTAGE,
        right=("1", "25%", "101%", "0"),
        wrong=("x", "1.5%", "-1%", "%"),
        placed=_rolling,
    ),
    "schedule": Case(
        format=formats.SCHEDULE,
        right=(
            "0 3 * * *",
            " */5  0-6/2 ?  JAN,mar * ",
            "0 3 * * mon-FRI",
            "5/10 0 1 12 6",
            "*-9 * * * *",
            "1,,2 * * * *",
            "+5 * * * *",
            "@daily",
            "@every 5m",
        ),
        wrong=(
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "*/0 * * * *",
            "5-3 * * * *",
            "1-2-3 * * * *",
            "1/2/3 * * * *",
            "a * * * *",
            "-1 * * * *",
            "*x * * * *",
            "TZ=UTC 0 3 * * *",
            "@sometimes",
            " @daily",
        ),
        placed=_scheduled,
    ),
    "resource": Case(
        format=formats.RESOURCE,
        right=("cpu", "memory", "ephemeral-storage", "nvidia.com/gpu"),
        wrong=("foo", "a b", "storage", "pods", "x/y/z", "A.com/gpu"),
        placed=lambda text: _pod({"resources": {"requests": {text: "1"}, "limits": {text: "1"}}}),
    ),
}
