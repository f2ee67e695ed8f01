"""A registry of a few small types, and documents made of them: they stand for all, as planning knows none by name."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from shared.contracts import sealed
from shared.contracts.completion import Compare, CompletionRule, FieldOperand, ValueOperand
from shared.contracts.desired import CopiedObjects
from shared.contracts.identity import AppRef, AppUid, ClusterName, StepId
from shared.contracts.plan import ApplyMode, Manifest, Placement, Plan, PlannedStep, Reference
from shared.jobtypes.base import (
    DeclaredObject,
    JobType,
    Parameters,
    Registry,
    RenderContext,
    RenderError,
    Rendering,
    SecretEncoding,
    SecretLocation,
    Trait,
)
from shared.planning import check_document, make_plan, warned

Document = dict[str, Any]
UID = AppUid("uid-1")
DEV = ClusterName("dev")


class Port(Parameters):
    port: int
    name: str | None = None


class AppParameters(Parameters):
    image: str
    replicas: int = 1
    pull: Literal["Always", "Never"] = "Always"
    ports: list[Port] = Field(default_factory=list)
    size: int | str = 1
    labels: dict[str, str] = Field(default_factory=dict)
    pod: dict[str, Any] = Field(default_factory=dict)


class ObjectsParameters(Parameters):
    objects: list[dict[str, Any]]


class HoldsParameters(Parameters):
    """`None` instead of data: it only has to exist."""

    configs: dict[str, dict[str, str] | None] = Field(default_factory=dict)
    secrets: dict[str, dict[str, str] | None] = Field(default_factory=dict)
    volumes: list[str] = Field(default_factory=list)


class BrokenParameters(Parameters):
    place: str = ""


RULE = CompletionRule(
    success=Compare(left=FieldOperand(path="status.ok"), comparison="==", right=ValueOperand(value=True))
)


def rule_for(_manifest: Manifest) -> CompletionRule:
    return RULE


def _template(context: RenderContext, parameters: AppParameters) -> dict[str, Any]:
    spec = {"containers": [{"name": context.component, "image": parameters.image}], **parameters.pod}
    return {"metadata": {"labels": dict(parameters.labels)}, "spec": spec}


def _render_app(context: RenderContext, parameters: AppParameters) -> Rendering:
    workload = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": context.component},
        "spec": {
            "replicas": parameters.replicas,
            "selector": {"matchLabels": context.selector},
            "template": _template(context, parameters),
        },
    }
    if not parameters.ports:
        return Rendering(workload=workload)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": context.component},
        "spec": {"selector": context.selector, "ports": [{"port": p.port} for p in parameters.ports]},
    }
    return Rendering(workload=workload, others=(service,))


def _render_once(context: RenderContext, parameters: AppParameters) -> Rendering:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": context.component},
        "spec": {"template": _template(context, parameters)},
    }
    return Rendering(workload=job)


def _render_objects(_context: RenderContext, parameters: ObjectsParameters) -> Rendering:
    first, *others = parameters.objects
    return Rendering(workload=first, others=tuple(others))


def _render_broken(_context: RenderContext, parameters: BrokenParameters) -> Rendering:
    raise RenderError(parameters.place, "CannotRender", "this cannot be rendered", "Write something else.")


def _hold(context: RenderContext, parameters: HoldsParameters, rendering: Rendering) -> Rendering:
    path = f"{context.path}.properties"
    declared = [
        *_sources("ConfigMap", parameters.configs, f"{path}.configs"),
        *_sources("Secret", parameters.secrets, f"{path}.secrets"),
    ]
    for i, name in enumerate(parameters.volumes):
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": {}}
        declared.append(
            DeclaredObject(
                kind_token="pvc", manifest=claim, mode=ApplyMode.CREATE, path=f"{path}.volumes[{i}]", volume=True
            )
        )
    return replace(rendering, declared=(*rendering.declared, *declared))


def _sources(kind: str, given: Mapping[str, dict[str, str] | None], path: str) -> Iterator[DeclaredObject]:
    for name, data in given.items():
        manifest: Manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
        if data is not None:
            manifest["stringData" if kind == "Secret" else "data"] = data
        mode = ApplyMode.CREATE if data is None else ApplyMode.APPLY
        yield DeclaredObject(kind_token=kind.lower(), manifest=manifest, mode=mode, path=f"{path}.{name}")


def _held_secrets(properties: Mapping[str, Any]) -> Iterable[SecretLocation]:
    for name, data in properties.get("secrets", {}).items():
        for key in data or {}:
            yield SecretLocation(path=("secrets", name, key), secret=name, key=key, encoding=SecretEncoding.PLAIN)


def _secret_objects(properties: Mapping[str, Any]) -> Iterable[SecretLocation]:
    for i, obj in enumerate(properties.get("objects", [])):
        for key in obj.get("data", {}) if obj.get("kind") == "Secret" else ():
            path = ("objects", i, "data", key)
            name = obj["metadata"]["name"]
            yield SecretLocation(path=path, secret=name, key=key, encoding=SecretEncoding.BASE64)


def _refer(_context: RenderContext, _parameters: BrokenParameters, rendering: Rendering) -> Rendering:
    extra = Reference(kind="ServiceAccount", namespace="demo", name="robot", path="somewhere")
    return replace(rendering, references=(*rendering.references, extra))


def _break(context: RenderContext, parameters: BrokenParameters, _rendering: Rendering) -> Rendering:
    return _render_broken(context, parameters)


_ANY = frozenset({"*"})
REGISTRY = Registry.of(
    [
        JobType(
            name="app",
            title="A Deployment",
            parameters=AppParameters,
            render=_render_app,
            kinds=_ANY,
            completion=rule_for,
            aliases=("application",),
            version=2,
        ),
        JobType(
            name="once",
            title="A Job",
            parameters=AppParameters,
            render=_render_once,
            kinds=_ANY,
            completion=rule_for,
            runs_once=True,
        ),
        JobType(
            name="objects",
            title="Anything",
            parameters=ObjectsParameters,
            render=_render_objects,
            kinds=_ANY,
            completion=rule_for,
            verbatim=True,
            secrets=_secret_objects,
        ),
        JobType(
            name="broken",
            title="Never renders",
            parameters=BrokenParameters,
            render=_render_broken,
            kinds=_ANY,
            completion=rule_for,
        ),
    ],
    [
        Trait(name="holds", title="Declares", parameters=HoldsParameters, apply=_hold, secrets=_held_secrets),
        Trait(name="breaks", title="Never applies", parameters=BrokenParameters, apply=_break),
        Trait(name="refers", title="Refers to an account", parameters=BrokenParameters, apply=_refer),
    ],
)


def component(name: str, type_: str = "app", *traits: Document, **fields: Any) -> Document:
    """A component; `fields` beside `properties` and `dependsOn` are parameters."""
    properties: Document = {"image": "nginx"} if type_ in ("app", "once") else {}
    made: Document = {"name": name, "type": type_, "properties": {**properties, **fields.pop("properties", {})}}
    if traits:
        made["traits"] = list(traits)
    return {**made, **fields}


def holds(**properties: Any) -> Document:
    """The trait that declares configs, secrets and volumes."""
    return {"type": "holds", "properties": properties}


def document(*components: Document, **fields: Any) -> Document:
    """An Application named `shop` in the namespace `demo`; `fields` are those of spec, but `metadata`."""
    metadata = {"name": "shop", "namespace": "demo", **fields.pop("metadata", {})}
    return {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": metadata,
        "spec": {"components": list(components), **fields},
    }


def placement(text: str) -> Placement:
    """A cluster, or `<cluster>/<namespace>`."""
    cluster, _, namespace = text.partition("/")
    return Placement(cluster=ClusterName(cluster), namespace=namespace)


def planned(doc: Document, *clusters: str, registry: Registry = REGISTRY, copies: Sequence[CopiedObjects] = ()) -> Plan:
    """Check and plan a document."""
    app, warnings = check_document(doc, registry)
    plan = make_plan(
        app,
        ref=AppRef(tenant="acme", namespace=app.metadata.namespace, name=app.metadata.name),
        uid=UID,
        generation=3,
        placements=[placement(c) for c in clusters or ("dev",)],
        registry=registry,
        copies=copies,
    )
    return warned(plan, warnings)


def steps(plan: Plan) -> dict[str, PlannedStep]:
    """The steps of the plan's only cluster by id."""
    return {step.step: step for step in plan.steps}


def waits(plan: Plan) -> dict[str, list[StepId]]:
    """What each step waits for."""
    return {step.step: list(step.depends_on) for step in plan.steps}


def base64_of(text: str) -> str:
    """A value as the data of a Secret has it."""
    return base64.b64encode(text.encode()).decode()


def sealed_value(*clusters: str, box: str = "box") -> str:
    """What a sealed value for these clusters looks like; nobody can open it."""
    part = sealed.SealedPart(key="key", nonce="nonce", box=box)
    return sealed.write(sealed.SealedValue(mark="mark", parts={ClusterName(c): part for c in clusters}))
