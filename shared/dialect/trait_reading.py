"""Reads the traits of a component, or of one of its containers."""

from enum import StrEnum
from typing import Any

from shared.contracts import formats, quantities
from shared.contracts.naming import joined
from shared.dialect import amounts
from shared.dialect.fields import PORT_MAX, Fields, From
from shared.dialect.findings import Code, Notes
from shared.dialect.ingress_reading import read_ingress
from shared.dialect.model import (
    Container,
    EnvFrom,
    HttpGet,
    KeyRef,
    Number,
    Probe,
    Rbac,
    Resources,
    Rule,
    Storage,
    StorageType,
    TcpSocket,
    Traits,
    Variable,
)

TRAITS = ("storage", "envs", "env_from", "probes", "resources", "init", "sidecar", "ingress", "rbac", "share")
_STORAGE = (
    "name",
    "type",
    "mount_path",
    "sub_path",
    "read_only",
    "source_name",
    "tmp_create",
    "create",
    "size",
    "storage_class",
    "claim_name",
    "data",
)
_SOURCES = ("static", "field", "secret", "config")
_PROBE_NUMBERS = {
    "initial_delay_seconds": "initialDelaySeconds",
    "period_seconds": "periodSeconds",
    "timeout_seconds": "timeoutSeconds",
    "failure_threshold": "failureThreshold",
    "success_threshold": "successThreshold",
}
_RULE_LISTS = {
    "api_groups": "apiGroups",
    "resources": "resources",
    "resource_names": "resourceNames",
    "non_resource_urls": "nonResourceURLs",
    "verbs": "verbs",
}
_RBAC = (
    "service_account",
    "namespace",
    "cluster_scope",
    "role_name",
    "binding_name",
    "service_account_labels",
    "service_account_annotations",
    "role_labels",
    "binding_labels",
    "automount_service_account_token",
    "rules",
)
_LABELS = (formats.LABEL_KEY, formats.LABEL_VALUE)
_GPU = "nvidia.com/gpu"
_AMOUNTS = {"cpu": "cpu", "memory": "memory", "gpu": _GPU}
_STRATEGIES = ("default", "ignore", "force")


class Owner(StrEnum):
    """What the traits are of."""

    COMPONENT = "component"
    INIT = "init container"
    SIDECAR = "sidecar"


class Reader:
    """Reads the traits of one component."""

    def __init__(self, notes: Notes, component: str, namespace: str) -> None:
        self._notes = notes
        self._component = component
        self._namespace = namespace

    def traits(self, fields: Fields | None, owner: Owner = Owner.COMPONENT) -> Traits:
        """Read them; `fields` is the map beneath `traits`."""
        if fields is None:
            return Traits()
        nested = owner is not Owner.COMPONENT
        if nested:
            self._forbid(fields, owner)
        return Traits(
            storage=tuple(map(self._storage, fields.entries("storage", _STORAGE))),
            envs=tuple(map(self._variable, fields.entries("envs", ("name", "value_from")))),
            env_from=tuple(map(self._env_from, fields.entries("env_from", ("type", "source_name")))),
            probes=() if owner is Owner.INIT else self._probes(fields),
            resources=self._resources(fields.fields("resources", tuple(_AMOUNTS))),
            init=() if nested else self._init(fields),
            sidecar=() if nested else self._sidecars(fields),
            ingress=read_ingress(fields),
            rbac=() if nested else tuple(map(self._rbac, fields.entries("rbac", _RBAC))),
            share=None if nested else self._share(fields),
        )

    def _forbid(self, fields: Fields, owner: Owner) -> None:
        lists = ["init", "sidecar", "rbac", *(["probes"] if owner is Owner.INIT else [])]
        for name in lists:
            for item in fields.items(name):
                self._forbidden(item.path, name, owner)
        if fields.given("share"):
            self._forbidden(fields.place("share"), "share", owner)

    def _forbidden(self, path: str, name: str, owner: Owner) -> None:
        message = f"{name} cannot be among the traits of a container: this is an {owner}".replace(
            "an sidecar", "a sidecar"
        )
        self._notes.error(path, Code.NESTED_TRAIT_FORBIDDEN, message, "Move it to the component's traits.")

    def _storage(self, fields: Fields) -> Storage:
        name, type_ = fields.required("name", form=formats.LABEL), fields.required("type")
        mount_path = fields.required("mount_path")
        known = [storage.value for storage in StorageType]
        if type_.value and type_.value not in known:
            self._notes.not_one_of(type_.path, Code.INVALID_STORAGE_TYPE, known, type_.value)
        source = fields.text("source_name") or name
        if type_.value in (StorageType.CONFIG, StorageType.SECRET) and not source.value:
            self._notes.error(fields.place("source_name"), Code.MISSING_REQUIRED_FIELD, "is required where name is")
        data = fields.text_map("data", formats.DATA_KEY)
        if data and type_.value not in (StorageType.CONFIG, StorageType.SECRET):
            self._notes.no_effect(fields.place("data"), f"what is {type_.value} holds no data")
        tmp_create, create = fields.is_set("tmp_create"), fields.is_set("create")
        claim = fields.text("claim_name")
        if tmp_create:
            if claim is not None:
                self._notes.no_effect(claim.path, "with tmp_create the claim is the component's own")
            claim = From(joined(name.value, self._component), name.path)
        return Storage(
            path=fields.path,
            name=name,
            type=type_,
            mount_path=mount_path,
            sub_path=fields.text("sub_path", formats.SUB_PATH),
            read_only=fields.flag("read_only"),
            source=source,
            tmp_create=tmp_create,
            create=create and not tmp_create,
            size=self._size(fields, made=tmp_create or create),
            storage_class=fields.text("storage_class", formats.OBJECT_NAME),
            claim=claim or name,
            data=data,
        )

    def _size(self, fields: Fields, *, made: bool) -> From[str] | None:
        size = fields.text("size")
        if size is None or not made:
            return None
        whole = amounts.size(size.value)
        if whole is None:
            self._notes.error(size.path, Code.INVALID_STORAGE_SIZE, "is no size such as 10Gi")
            return None
        return From(whole, size.path)

    def _variable(self, fields: Fields) -> Variable:
        name = fields.required("name", form=formats.VARIABLE)
        source = fields.fields("value_from", _SOURCES)
        if source is None:
            if not fields.given("value_from"):
                message = "needs one of static, field, secret and config"
                self._notes.error(fields.place("value_from"), Code.INVALID_ENV_VALUE_SOURCE, message)
            return Variable(path=fields.path, name=name)
        # An empty text beside another source is how Go writes a field that is not used.
        given = [key for key in _SOURCES if source.given(key) and _value(source.raw(key)) != ""]
        if not given and source.given("static"):
            given = ["static"]
        if len(given) != 1:
            message = f"needs exactly one of static, field, secret and config, but has {len(given)}"
            self._notes.error(source.path, Code.INVALID_ENV_VALUE_SOURCE, message)
            return Variable(path=fields.path, name=name)
        static = None
        if given == ["static"]:
            static = source.text("static") or From("", source.place("static"))
        return Variable(
            path=fields.path,
            name=name,
            static=static,
            field=source.text("field", formats.POD_FIELD),
            secret=_key_ref(source.fields("secret", ("name", "key"))),
            config=_key_ref(source.fields("config", ("name", "key"))),
        )

    def _env_from(self, fields: Fields) -> EnvFrom:
        type_ = fields.required("type")
        known = ("configMap", "config", "secret")
        if type_.value and type_.value not in known:
            self._notes.not_one_of(type_.path, Code.INVALID_ENVFROM_TYPE, known, type_.value)
        name = fields.required("source_name", form=formats.OBJECT_NAME)
        return EnvFrom(path=fields.path, of_secret=type_.value == "secret", name=name)

    def _probes(self, fields: Fields) -> tuple[Probe, ...]:
        known = ("type", "exec", "http_get", "tcp_socket", *_PROBE_NUMBERS)
        probes = tuple(map(self._probe, fields.entries("probes", known)))
        first: dict[str, str] = {}
        for probe in probes:
            type_ = probe.type.value
            if type_ and first.setdefault(type_, probe.path) != probe.path:
                message = f"{first[type_]} is the {type_} probe already"
                self._notes.error(probe.path, Code.INVALID_PROBE_CONFIG, message, "Leave one of them.")
        return probes

    def _probe(self, fields: Fields) -> Probe:
        type_ = fields.required("type")
        known = ("liveness", "readiness", "startup")
        if type_.value and type_.value not in known:
            self._notes.not_one_of(type_.path, Code.INVALID_PROBE_TYPE, known, type_.value)
        handlers = [name for name in ("exec", "http_get", "tcp_socket") if fields.given(name)]
        if len(handlers) != 1:
            message = f"needs exactly one of exec, http_get and tcp_socket, but has {len(handlers)}"
            self._notes.error(fields.path, Code.INVALID_PROBE_CONFIG, message)
        exec_ = fields.fields("exec", ("command",))
        if exec_ is not None and len(handlers) == 1 and not list(exec_.items("command")):
            self._notes.error(fields.path, Code.INVALID_PROBE_CONFIG, "exec needs a command")
        numbers = {
            ours: found for theirs, ours in _PROBE_NUMBERS.items() if (found := fields.number(theirs)) is not None
        }
        return Probe(
            path=fields.path,
            type=type_,
            command=None if exec_ is None else From(exec_.texts("command"), exec_.place("command")),
            http_get=self._http_get(fields.fields("http_get", ("path", "port", "host", "scheme"))),
            tcp_socket=self._tcp_socket(fields.fields("tcp_socket", ("port", "host"))),
            numbers={name: found for name, found in numbers.items() if found.value != 0},
        )

    def _http_get(self, fields: Fields | None) -> HttpGet | None:
        if fields is None:
            return None
        return HttpGet(
            path=fields.path,
            url_path=fields.text("path"),
            port=port_of(fields),
            host=fields.text("host"),
            scheme=fields.text("scheme"),
        )

    def _tcp_socket(self, fields: Fields | None) -> TcpSocket | None:
        return None if fields is None else TcpSocket(path=fields.path, port=port_of(fields), host=fields.text("host"))

    def _resources(self, fields: Fields | None) -> Resources | None:
        if fields is None:
            return None
        found: dict[str, From[str]] = {}
        for name, kubernetes in _AMOUNTS.items():
            raw = fields.raw(name)
            if raw is None or raw.value == "":
                continue
            text = (
                str(raw.value) if isinstance(raw.value, int | float) and not isinstance(raw.value, bool) else raw.value
            )
            number = quantities.amount(text) if isinstance(text, str) else None
            if number is None or (name == "gpu" and number != number.to_integral_value()):
                what = "a whole number" if name == "gpu" else "an amount such as 500m or 2Gi"
                self._notes.error(raw.path, Code.INVALID_TRAIT_CONFIG, f"must be {what}")
            else:
                found[kubernetes] = From(text, raw.path)
        return Resources(path=fields.path, amounts=found)

    def _init(self, fields: Fields) -> tuple[Container, ...]:
        return tuple(
            map(self._init_container, fields.entries("init", ("name", "image", "command", "properties", "traits")))
        )

    def _init_container(self, fields: Fields) -> Container:
        silent = ("ports", "labels", "conf", "secret")
        properties = fields.fields("properties", ("image", "command", "env"), silent=silent)
        properties = properties or Fields(
            From({}, fields.place("properties")), self._notes, ("image", "command", "env")
        )
        image = properties.text("image") or fields.text("image")
        if image is None:
            if not properties.given("image") or properties.raw("image") == From("", properties.place("image")):
                self._notes.error(properties.place("image"), Code.MISSING_IMAGE, "is required")
            image = From("", properties.place("image"))
        return Container(
            path=fields.path,
            name=fields.text("name", formats.LABEL),
            image=image,
            command=properties.texts("command") or fields.texts("command"),
            env=properties.text_map("env", formats.VARIABLE),
            traits=self.traits(fields.fields("traits", TRAITS), Owner.INIT),
        )

    def _sidecars(self, fields: Fields) -> tuple[Container, ...]:
        known = ("name", "image", "command", "args", "env", "traits")
        return tuple(map(self._sidecar, fields.entries("sidecar", known)))

    def _sidecar(self, fields: Fields) -> Container:
        return Container(
            path=fields.path,
            name=fields.text("name", formats.LABEL),
            image=fields.required("image", Code.MISSING_IMAGE),
            command=fields.texts("command"),
            args=fields.texts("args"),
            env=fields.text_map("env", formats.VARIABLE),
            traits=self.traits(fields.fields("traits", TRAITS), Owner.SIDECAR),
        )

    def _rbac(self, fields: Fields) -> Rbac:
        namespace = fields.text("namespace")
        if namespace is not None and namespace.value != self._namespace:
            message = f"the pods are in {self._namespace!r}, and a pod takes no account of another namespace"
            self._notes.error(namespace.path, Code.INVALID_TRAIT_CONFIG, message, "Leave it out.")
        rules = tuple(map(self._rule, fields.entries("rules", tuple(_RULE_LISTS))))
        if not rules and _is_list_or_absent(fields.raw("rules")):
            self._notes.error(fields.place("rules"), Code.MISSING_RBAC_RULES, "is required")
        return Rbac(
            path=fields.path,
            account=fields.text("service_account", formats.OBJECT_NAME),
            cluster_scope=fields.is_set("cluster_scope"),
            role=fields.text("role_name", formats.PATH_SEGMENT),
            binding=fields.text("binding_name", formats.PATH_SEGMENT),
            account_labels=fields.text_map("service_account_labels", *_LABELS),
            account_annotations=fields.text_map("service_account_annotations", formats.ANNOTATION_KEY),
            role_labels=fields.text_map("role_labels", *_LABELS),
            binding_labels=fields.text_map("binding_labels", *_LABELS),
            automount=fields.flag("automount_service_account_token"),
            rules=rules,
        )

    def _rule(self, fields: Fields) -> Rule:
        if not list(fields.items("verbs")) and _is_list_or_absent(fields.raw("verbs")):
            self._notes.error(fields.place("verbs"), Code.MISSING_RBAC_VERBS, "is required")
        lists = {ours: fields.texts(theirs) for theirs, ours in _RULE_LISTS.items() if fields.given(theirs)}
        return Rule(path=fields.path, lists={name: texts for name, texts in lists.items() if texts})

    def _share(self, fields: Fields) -> From[str] | None:
        share = fields.fields("share", ("strategy",))
        if share is None:
            return None
        strategy = share.text("strategy")
        if strategy is None:
            return From(_STRATEGIES[0], share.path)
        if strategy.value not in _STRATEGIES:
            self._notes.warn(strategy.path, "NotAllowed", f"is none of {', '.join(_STRATEGIES)}: the default counts")
            return From(_STRATEGIES[0], strategy.path)
        return strategy


def port_of(fields: Fields) -> Number:
    """A port that must be there; 0 where it is not, and that has been noted."""
    port = fields.number("port", PORT_MAX)
    if port is not None and port.value > 0:
        return port
    if port is not None or fields.raw("port") is None:
        fields.notes.error(fields.place("port"), Code.MISSING_REQUIRED_FIELD, "is required")
    return From(0, fields.place("port"))


def _key_ref(fields: Fields | None) -> KeyRef | None:
    if fields is None:
        return None
    name = fields.required("name", form=formats.OBJECT_NAME)
    return KeyRef(path=fields.path, name=name, key=fields.required("key", form=formats.DATA_KEY))


def _value(found: From[Any] | None) -> Any:
    return None if found is None else found.value


def _is_list_or_absent(found: From[Any] | None) -> bool:
    """Anything else has been refused already."""
    return found is None or isinstance(found.value, list)
