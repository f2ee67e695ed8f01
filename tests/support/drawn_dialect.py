"""Draws valid documents in the dialect: every key, in either spelling, and what belongs together."""

from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]

NAMES = ("settings", "keys", "db", "web", "api", "cache")
TYPES = {"settings": "config", "keys": "secret", "db": "store", "cache": "store"}
words = st.sampled_from(["a", "info", "x y", "http://db:5432/x", ""])
ports = st.lists(st.integers(1, 65535), max_size=2, unique=True).map(lambda found: [{"port": port} for port in found])
amounts = st.fixed_dictionaries(
    {}, optional={"cpu": st.sampled_from(["100m", "1"]), "memory": st.just("64Mi"), "gpu": st.just("1")}
)
_BOTH = {
    "mount_path": "mountPath",
    "sub_path": "subPath",
    "read_only": "readOnly",
    "tmp_create": "tmpCreate",
    "claim_name": "claimName",
    "env_from": "envFrom",
    "source_name": "sourceName",
    "value_from": "valueFrom",
    "http_get": "httpGet",
    "sub_steps": "subSteps",
}


def spelled(value: Any, *, camel: bool) -> Any:
    """The same with multi-word keys in the older spelling."""
    if isinstance(value, dict):
        return {(_BOTH.get(k, k) if camel else k): spelled(v, camel=camel) for k, v in value.items()}
    return [spelled(one, camel=camel) for one in value] if isinstance(value, list) else value


@st.composite
def volumes(draw: st.DrawFn) -> list[Document]:
    """Volumes of every kind, each mounted once."""
    kinds: list[Document] = [
        {"name": "own", "type": "persistent", "tmp_create": True, "size": "2Gi", "storage_class": "fast"},
        {"name": "made", "type": "persistent", "create": True, "claim_name": "uploads"},
        {"name": "there", "type": "persistent", "claim_name": "archive"},
        {"name": "tmp", "type": "ephemeral"},
        {"name": "conf", "type": "config", "source_name": "settings"},
        {"name": "keys", "type": "secret", "read_only": True, "sub_path": "password"},
    ]
    chosen = draw(st.lists(st.sampled_from(kinds), max_size=3, unique_by=lambda one: one["name"]))
    return [{**one, "mount_path": f"/{one['name']}"} for one in chosen]


@st.composite
def probes(draw: st.DrawFn) -> list[Document]:
    """At most one of each type."""
    handlers: list[Document] = [
        {"exec": {"command": ["true"]}},
        {"http_get": {"path": "/healthz", "port": 80, "scheme": "HTTP"}},
        {"tcp_socket": {"port": 80}},
    ]
    types = draw(st.lists(st.sampled_from(["liveness", "readiness", "startup"]), max_size=2, unique=True))
    return [
        {"type": one, **draw(st.sampled_from(handlers)), "period_seconds": draw(st.integers(1, 9))} for one in types
    ]


@st.composite
def container_traits(draw: st.DrawFn, *, sidecar: bool) -> Document:
    """What a container may have."""
    given: Document = {"storage": draw(volumes()), "resources": draw(amounts)}
    if draw(st.booleans()):
        given["env_from"] = [{"type": draw(st.sampled_from(["configMap", "config"])), "source_name": "settings"}]
    if draw(st.booleans()):
        source = {"secret": {"name": "keys", "key": "password"}}
        given["envs"] = [{"name": "PW", "value_from": source}, {"name": "S", "value_from": {"static": draw(words)}}]
    if sidecar:
        given["probes"] = draw(probes())
    return {key: value for key, value in given.items() if value}


@st.composite
def traits(draw: st.DrawFn, name: str) -> Document:
    """What a workload may have."""
    given = draw(container_traits(sidecar=True))
    if draw(st.booleans()):
        inner = draw(container_traits(sidecar=False))
        given["init"] = [{"name": "first", "properties": {"image": "busybox:1", "command": ["true"]}, "traits": inner}]
    if draw(st.booleans()):
        inner = draw(container_traits(sidecar=True))
        given["sidecar"] = [{"image": "fluent:1", "args": ["-v"], "env": {"A": "b"}, "traits": inner}]
    if draw(st.booleans()):
        routes = [{"path": f"/{index}", "backend": {"service_name": name}} for index in range(draw(st.integers(1, 2)))]
        given["ingress"] = [
            {"hosts": draw(st.sampled_from([[], ["a.example.com", "b.example.com"]])), "routes": routes}
        ]
    if draw(st.booleans()):
        rule = {"api_groups": [""], "resources": ["pods"], "verbs": ["get"]}
        given["rbac"] = [{"cluster_scope": draw(st.booleans()), "rules": [rule]}]
    if draw(st.booleans()):
        given["share"] = {"strategy": draw(st.sampled_from(["default", "ignore", "force"]))}
    return given


@st.composite
def components(draw: st.DrawFn, name: str) -> Document:
    """A component of the type that its name goes with."""
    type_ = TYPES.get(name, "webservice")
    if type_ == "config":
        return {"name": name, "type": type_, "properties": {"conf": {"level": "info", "app.ini": draw(words)}}}
    if type_ == "secret":
        return {"name": name, "type": type_, "properties": {"secret": {"password": draw(words)}}}
    properties = {"ports": draw(ports), "env": draw(st.dictionaries(st.sampled_from("AB"), words, max_size=2))}
    if draw(st.booleans()):
        properties |= {"labels": {"team": "shop"}, "command": ["serve"]}
    given = {"name": name, "type": type_, "image": "app:1", "properties": properties, "traits": draw(traits(name))}
    return given | ({"replicas": draw(st.integers(-1, 3))} if draw(st.booleans()) else {})


@st.composite
def workflows(draw: st.DrawFn, names: list[str]) -> list[Document]:
    """Steps that deploy all of them."""
    steps: list[Document] = []
    for name in draw(st.permutations(names)):
        mode = draw(st.sampled_from(["StepByStep", "DAG"]))
        nested: bool = draw(st.booleans())
        if steps and nested:
            steps[-1].setdefault("sub_steps", []).append({"name": name, "components": [name]})
        else:
            steps.append({"name": f"do-{name}", "mode": mode, "components": [name]})
    return steps


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """An application."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    document: Document = {"name": "shop", "component": [draw(components(name)) for name in names]}
    ordered: bool = draw(st.booleans())
    if ordered:
        document["workflow"] = draw(workflows(names))
    about: Document = draw(st.fixed_dictionaries({}, optional={"version": st.just("2.0"), "tmp_enable": st.booleans()}))
    document |= about
    spelling: Document = spelled(document, camel=draw(st.booleans()))
    return spelling
