"""Reads ingresses, of which a component or a container may have several."""

from shared.contracts import formats
from shared.dialect.fields import PORT_MAX, Fields, From
from shared.dialect.findings import Code
from shared.dialect.model import Ingress, Rewrite, Route, Text, Tls

_INGRESS = (
    "name",
    "namespace",
    "hosts",
    "label",
    "annotations",
    "ingress_class_name",
    "default_path_type",
    "tls",
    "routes",
)
_PATH_TYPES = {name.lower(): name for name in ("Prefix", "Exact", "ImplementationSpecific")}
_REGEX = frozenset({"regex", "regexreplace"})


def read_ingress(fields: Fields) -> tuple[Ingress, ...]:
    """Read the ingresses beneath `traits`."""
    return tuple(map(_ingress, fields.entries("ingress", _INGRESS)))


def _ingress(fields: Fields) -> Ingress:
    if namespace := fields.text("namespace"):
        fields.notes.no_effect(namespace.path, "an Ingress is in the application's namespace")
    routes = tuple(map(_route, fields.entries("routes", ("path", "path_type", "host", "backend", "rewrite"))))
    raw = fields.raw("routes")
    if not routes and (raw is None or isinstance(raw.value, list)):
        fields.notes.error(fields.place("routes"), Code.MISSING_INGRESS_ROUTES, "is required")
    return Ingress(
        path=fields.path,
        name=fields.text("name", formats.OBJECT_NAME),
        hosts=fields.texts("hosts", formats.HOST),
        labels=fields.text_map("label", formats.LABEL_KEY, formats.LABEL_VALUE),
        annotations=fields.text_map("annotations", formats.ANNOTATION_KEY),
        class_name=fields.text("ingress_class_name", formats.OBJECT_NAME),
        path_type=_path_type(fields, "default_path_type"),
        tls=tuple(map(_tls, fields.entries("tls", ("secret_name", "hosts")))),
        routes=routes,
    )


def _tls(fields: Fields) -> Tls:
    return Tls(
        path=fields.path,
        secret=fields.text("secret_name", formats.OBJECT_NAME),
        hosts=fields.texts("hosts", formats.CERTIFICATE_HOST),
    )


def _route(fields: Fields) -> Route:
    known = ("service_name", "service_port", "weight", "headers")
    backend = fields.fields("backend", known)
    if backend is None:
        service: Text = From("", f"{fields.place('backend')}.service_name")
        if not fields.given("backend"):
            fields.notes.error(service.path, Code.MISSING_SERVICE_NAME, "is required")
        port = None
    else:
        service = backend.required("service_name", Code.MISSING_SERVICE_NAME, form=formats.LABEL)
        port = backend.number("service_port", most=PORT_MAX)
        for name in ("weight", "headers"):
            if (raw := backend.raw(name)) is not None and raw.value:
                fields.notes.no_effect(raw.path, "an Ingress has nothing of the kind")
    return Route(
        path=fields.path,
        url_path=fields.text("path"),
        path_type=_path_type(fields, "path_type"),
        host=fields.text("host", formats.HOST),
        service=service,
        port=None if port is None or port.value == 0 else port,
        rewrite=_rewrite(fields.fields("rewrite", ("type", "match", "replacement"))),
    )


def _rewrite(fields: Fields | None) -> Rewrite | None:
    if fields is None:
        return None
    if match := fields.text("match"):
        fields.notes.no_effect(match.path, "what is rewritten is the path of the route")
    type_ = fields.text("type")
    regex = type_ is not None and type_.value.lower() in _REGEX
    return Rewrite(path=fields.path, replacement=fields.text("replacement"), regex=regex)


def _path_type(fields: Fields, name: str) -> Text | None:
    found = fields.text(name)
    if found is None:
        return None
    known = _PATH_TYPES.get(found.value.lower())
    if known is None:
        fields.notes.not_one_of(found.path, Code.INVALID_TRAIT_CONFIG, _PATH_TYPES.values(), found.value)
        return None
    return From(known, found.path)
