"""Reads a document in the dialect and tells everything that is wrong with it at once."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from shared.contracts import formats
from shared.contracts.identity import DNS_LABEL
from shared.contracts.naming import as_label
from shared.dialect.fields import Fields, From, Texts
from shared.dialect.findings import Code, Notes
from shared.dialect.model import (
    Application,
    Component,
    Port,
    Step,
    SubStep,
    TemplateUse,
    Text,
)
from shared.dialect.trait_reading import TRAITS, Reader, port_of

APPLICATION = (
    "name",
    "namespace",
    "version",
    "alias",
    "project",
    "description",
    "icon",
    "tmp_enable",
    "component",
    "workflow",
    "id",
)
ABOUT = ("version", "alias", "project", "description", "icon")
COMPONENT = ("name", "type", "image", "replicas", "namespace", "properties", "traits", "template")
COMPONENT_ALIASES = {"component_type": "type", "Tem": "template"}
PROPERTIES = ("ports", "env", "labels", "conf", "secret", "command", "image")
TYPES = ("webservice", "store", "config", "secret")
WORKLOADS = ("webservice", "store")
DEFAULT_NAMESPACE = "default"

_NAME_MIN, _NAME_MAX = 2, 63
_LABEL = re.compile(DNS_LABEL)
_CONF_BYTES = 1024 * 1024
_DOWNLOAD = "config.url"
_MODES = ("StepByStep", "DAG")


def read(document: Mapping[str, Any], notes: Notes) -> Application:
    """The application, of use only where no error was noted."""
    fields = Fields(From(dict(document), ""), notes, APPLICATION, silent=("workflow_id",))
    name = _name(fields, "name", required=True) or From("", "name")
    namespace = fields.text("namespace")
    within = DEFAULT_NAMESPACE if namespace is None else namespace.value
    components = tuple(_component(entry, notes, within) for entry in _components(fields))
    _unique([component.name for component in components], Code.DUPLICATE_COMPONENT, "component", notes)
    return Application(
        name=name,
        namespace=namespace,
        id=fields.text("id"),
        about={key: found for key in ABOUT if (found := fields.text(key)) is not None},
        template=fields.flag("tmp_enable"),
        components=components,
        workflow=read_workflow(fields, notes, {component.name.value for component in components}),
    )


def _components(fields: Fields) -> Iterable[Fields]:
    raw = fields.raw("component")
    if raw is None or raw.value == []:
        fields.notes.error(fields.place("component"), Code.MISSING_REQUIRED_FIELD, "is required")
    for item in fields.maps("component"):
        yield Fields(item, fields.notes, COMPONENT, aliases=COMPONENT_ALIASES)


def _name(fields: Fields, key: str, *, required: bool) -> Text | None:
    """A name in lower case; what is wrong with it is noted."""
    found = fields.required(key) if required else fields.text(key)
    if found is None or not found.value:
        return found
    text = found.value.lower()
    if text != found.value:
        fields.notes.warn(found.path, "LowerCased", f"is read as {text!r}: names are lower-case")
    if len(text) < _NAME_MIN:
        fields.notes.error(found.path, Code.NAME_TOO_SHORT, f"must have at least {_NAME_MIN} characters")
    elif len(text) > _NAME_MAX:
        fields.notes.error(found.path, Code.NAME_TOO_LONG, f"must have at most {_NAME_MAX} characters")
    elif not _LABEL.fullmatch(text):
        message = "is no DNS label: lower-case letters, digits and '-', with a letter or digit at both ends"
        remedy = f"Call it {label!r}." if (label := as_label(text)) else ""
        fields.notes.error(found.path, Code.INVALID_NAME_FORMAT, message, remedy)
    return From(text, found.path)


def _unique(names: Iterable[Text | None], code: Code, what: str, notes: Notes) -> None:
    first: dict[str, str] = {}
    for name in names:
        if name is not None and name.value and first.setdefault(name.value, name.path) != name.path:
            notes.error(name.path, code, f"there is another {what} {name.value!r} at {first[name.value]}")


def _component(fields: Fields, notes: Notes, namespace: str) -> Component:
    name = _name(fields, "name", required=True) or From("", fields.place("name"))
    type_ = fields.text("type") or From("", fields.place("type"))
    if type_.value not in TYPES and not (fields.given("type") and not isinstance(_raw(fields, "type"), str)):
        notes.not_one_of(type_.path, Code.INVALID_COMPONENT_TYPE, TYPES, type_.value)
    own = fields.text("namespace")
    if own is not None and own.value != namespace:
        notes.no_effect(own.path, "a component is in the application's namespace")
    empty: From[dict[str, Any]] = From({}, fields.place("properties"))
    properties = fields.fields("properties", PROPERTIES) or Fields(empty, notes, PROPERTIES)
    template = _template(fields)
    component = Component(
        path=fields.path,
        name=name,
        type=type_,
        image=fields.text("image") or From("", fields.place("image")),
        replicas=fields.number("replicas"),
        ports=tuple(
            Port(path=port.path, number=port_of(port))
            for port in properties.entries("ports", ("port",), silent=("expose",))
        ),
        env=properties.text_map("env", formats.VARIABLE),
        labels=properties.text_map("labels", formats.LABEL_KEY, formats.LABEL_VALUE),
        conf=properties.text_map("conf", formats.DATA_KEY),
        secret=properties.text_map("secret", formats.DATA_KEY if template is None else None),
        command=properties.texts("command"),
        traits=Reader(notes, name.value, namespace).traits(fields.fields("traits", TRAITS)),
        template=template,
    )
    _check_content(component, fields, properties, notes)
    return component


def _template(fields: Fields) -> TemplateUse | None:
    template = fields.fields("template", ("id", "target"))
    if template is None:
        return None
    # An empty one is how Go writes that there is none.
    raw = _raw(fields, "template")
    if isinstance(raw, dict) and not any(raw.values()):
        return None
    return TemplateUse(id=template.required("id"), target=_name(template, "target", required=False))


def _check_content(component: Component, fields: Fields, properties: Fields, notes: Notes) -> None:
    """What a component of its type needs, and what nothing comes of."""
    if component.template is None:
        _check_needed(component, fields, properties, notes)
    if _DOWNLOAD in component.conf:
        message = "nothing is downloaded: the platform calls no address that a document names"
        notes.error(component.conf[_DOWNLOAD].path, "Unsupported", message, "Write the contents into conf.")
    # Only what is of the wrong type: a config may well have replicas.
    unused = {"conf": ("config",), "secret": ("secret",), "env": WORKLOADS, "command": WORKLOADS, "image": ()}
    for key, types in unused.items():
        # Which secret values a component of a template has the template says.
        if key == "secret" and component.template is not None:
            continue
        raw = properties.raw(key)
        if raw is not None and raw.value and component.type.value in TYPES and component.type.value not in types:
            notes.no_effect(raw.path, f"not of a {component.type.value}")


def _check_needed(component: Component, fields: Fields, properties: Fields, notes: Notes) -> None:
    match component.type.value:
        case "webservice" | "store":
            raw = _raw(fields, "image")
            if raw is None or raw == "":
                notes.error(component.image.path, Code.MISSING_IMAGE, "is required")
        case "config":
            _check_data(properties, "conf", component.conf, notes)
        case "secret":
            _check_data(properties, "secret", component.secret, notes)


def _check_data(properties: Fields, key: str, data: Texts, notes: Notes) -> None:
    raw = properties.raw(key)
    if raw is None or raw.value == {}:
        notes.error(properties.place(key), Code.MISSING_REQUIRED_FIELD, "is required")
    if sum(len(name.encode()) + len(value.value.encode()) for name, value in data.items()) > _CONF_BYTES:
        notes.error(properties.place(key), "TooLarge", f"has more than {_CONF_BYTES} bytes, which Kubernetes refuses")


def read_workflow(fields: Fields, notes: Notes, components: set[str]) -> tuple[Step, ...]:
    """Read the steps beneath `workflow`; `components` are the names that there are."""
    known = ("name", "mode", "components", "properties", "sub_steps", "job_type")
    steps = tuple(_step(entry, notes, components) for entry in fields.entries("workflow", known))
    _unique([step.name for step in steps], Code.DUPLICATE_WORKFLOW_STEP, "step", notes)
    return steps


def _step(fields: Fields, notes: Notes, components: set[str]) -> Step:
    mode = fields.text("mode")
    if mode is not None and mode.value not in _MODES:
        notes.not_one_of(mode.path, Code.INVALID_WORKFLOW_MODE, _MODES, mode.value)
    known = ("name", "components", "properties")
    sub_steps = tuple(_sub_step(entry, notes, components) for entry in fields.entries("sub_steps", known))
    _unique([step.name for step in sub_steps], Code.DUPLICATE_WORKFLOW_STEP, "step", notes)
    own = _sub_step(fields, notes, components, group=bool(sub_steps))
    return Step(
        path=own.path,
        name=own.name,
        components=own.components,
        at_once=mode is not None and mode.value == "DAG",
        sub_steps=sub_steps,
    )


def _sub_step(fields: Fields, notes: Notes, components: set[str], *, group: bool = False) -> SubStep:
    name = _name(fields, "name", required=False)
    properties = fields.fields("properties", ("policies",))
    listed = [*fields.texts("components"), *(properties.texts("policies") if properties is not None else ())]
    meant = [From(one.value.lower(), one.path) for one in listed if one.value]
    for one in meant:
        if one.value not in components:
            message = f"there is no component {one.value!r}"
            notes.error(one.path, Code.COMPONENT_NOT_FOUND, message)
    if not meant and not group:
        if name is not None and name.value in components:
            meant = [name]
        else:
            message = "lists no component, and its name is that of none"
            notes.error(fields.path, Code.WORKFLOW_STEP_NO_COMPONENT, message)
    return SubStep(path=fields.path, name=name, components=tuple(meant))


def _raw(fields: Fields, key: str) -> Any:
    found = fields.raw(key)
    return None if found is None else found.value
