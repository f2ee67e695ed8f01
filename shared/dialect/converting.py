"""From a document in the dialect to the OAM Application that means the same."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.contracts import annotations
from shared.contracts.naming import joined
from shared.dialect import containers, network
from shared.dialect.cloning import SHARING, clones_of
from shared.dialect.converted import Converted
from shared.dialect.fields import From
from shared.dialect.findings import Notes
from shared.dialect.model import Application, Component, Rbac, Rule
from shared.dialect.ordering import Order, check_edges, order
from shared.dialect.paths import At, check_written, written
from shared.dialect.reading import WORKLOADS, read
from shared.planning import DEFAULT_LIMITS, DocumentRejected, Limits
from shared.planning.document import API_VERSION, KIND
from shared.planning.findings import shortened

START_TIMEOUT = "20m"
"""What the dialect's users are used to, for each object."""
_ABOUT = {
    "version": annotations.ANNOTATION_VERSION,
    "alias": annotations.ANNOTATION_ALIAS,
    "project": annotations.ANNOTATION_PROJECT,
    "description": annotations.ANNOTATION_DESCRIPTION,
    "icon": annotations.ANNOTATION_ICON,
}
_MAX_RULES = 10_000
_VERSION = "1.0.0"


def convert(document: Mapping[str, Any], *, limits: Limits = DEFAULT_LIMITS) -> Converted:
    """Convert a document.

    Raises:
        DocumentRejected: with everything that is wrong with it, in its own words and places.
    """
    notes = Notes()
    app = read(document, notes)
    _check_size(app, limits, notes)
    if notes.errors:
        raise DocumentRejected(notes.errors, warnings=notes.warnings)
    plain = [component for component in app.components if component.template is None]
    ordered = order(app.components if app.workflow else plain, app.workflow)
    check_edges(sum(map(len, ordered.waits_for.values())), notes)
    if notes.errors:
        raise DocumentRejected(notes.errors, warnings=notes.warnings)
    tree = _application(app, plain, ordered, notes)
    clones = clones_of(app, ordered, notes)
    if notes.errors:
        raise DocumentRejected(notes.errors, warnings=notes.warnings)
    converted, paths = written(tree)
    check_written(converted, paths, limits)
    return Converted(document=converted, paths=paths, warnings=shortened(notes.warnings), app_id=app.id, clones=clones)


def _check_size(app: Application, limits: Limits, notes: Notes) -> None:
    """What is short in the dialect can be long in OAM: every host has every route, every component waits for many."""
    if len(app.components) > limits.components:
        message = f"{len(app.components)} components, {limits.components} are allowed"
        notes.error("component", "TooMany", message, "Make several applications of it.")
    rules = sum(len(i.hosts) * len(i.routes) for one in app.components for i in network.every_ingress(one))
    if rules > _MAX_RULES:
        message = f"its ingresses have {rules} rules, each host with each route; {_MAX_RULES} are allowed"
        notes.error("component", "TooMany", message, "Make several applications of it.")


def _application(app: Application, components: Sequence[Component], ordered: Order, notes: Notes) -> At:
    deployed = [one for one in components if one.name.value in ordered.waits_for]
    for component in components:
        if component.name.value not in ordered.waits_for:
            message = f"{component.name.value!r} is in no step of the workflow and is not deployed"
            notes.warn(component.path, "NotDeployed", message, "Add it to a step, or take it out.")
    places = ordered.waits_for
    policies = [*_policies(deployed)]
    spec = {
        "components": At([_component(one, places[one.name.value], notes) for one in deployed], "component"),
        "policies": policies or None,
    }
    return At({"apiVersion": API_VERSION, "kind": KIND, "metadata": _metadata(app), "spec": spec}, "")


def _metadata(app: Application) -> dict[str, Any]:
    about: dict[str, Any] = {annotations.ANNOTATION_VERSION: _VERSION}
    about |= {_ABOUT[key]: text for key, text in app.about.items()}
    if app.template is not None and app.template.value:
        about[annotations.ANNOTATION_TEMPLATE] = At("true", app.template.path)
    about[annotations.ANNOTATION_START_TIMEOUT] = START_TIMEOUT
    return {"name": app.name, "namespace": app.namespace, "annotations": about}


def _component(component: Component, waits_for: Sequence[From[str]], notes: Notes) -> At:
    workload = component.type.value in WORKLOADS
    properties, traits = _workload(component, notes) if workload else _data(component, notes)
    depends_on = [At(one.value, one.path) for one in waits_for]
    rendered = {
        "name": component.name,
        "type": component.type,
        "properties": properties,
        "traits": traits or None,
        "dependsOn": depends_on or None,
    }
    return At(rendered, component.path)


def _data(component: Component, notes: Notes) -> tuple[dict[str, Any], list[At]]:
    of_secret = component.type.value == "secret"
    data = {"stringData": component.secret} if of_secret else {"data": component.conf}
    traits = component.traits
    for name, given in (("storage", traits.storage), ("envs", traits.envs), ("env_from", traits.env_from)):
        if given:
            notes.no_effect(given[0].path.rpartition("[")[0], f"a {component.type.value} has no pods for {name}")
    return data, [*network.service(component, notes), *_labels(component, "object-labels")]


def _workload(component: Component, notes: Notes) -> tuple[dict[str, Any], list[At]]:
    properties = {
        "image": component.image,
        "imagePullPolicy": containers.PULL_POLICY,
        "cmd": component.command or None,
        "env": containers.env(component.env, component.traits.envs),
        "ports": network.ports(component),
    }
    claims, mounts = containers.storage(component, notes)
    traits = [_replicas(component), *claims, *containers.container_traits(component), *mounts]
    for named in containers.containers(component):
        traits += containers.settings(named)
    traits += _accounts(component)
    traits += network.ingresses(component, notes)
    traits += _labels(component, "labels", "object-labels")
    return properties, traits


def _labels(component: Component, *types: str) -> Iterator[At]:
    """The labels of pods, and of everything that was made before."""
    if component.labels:
        for type_ in types:
            yield At({"type": type_, "properties": component.labels}, component.path)


def _replicas(component: Component) -> At:
    given = component.replicas
    wanted: Any = 1 if given is None or given.value <= 0 else given
    return At({"type": "scaler", "properties": {"replicas": wanted}}, component.path if given is None else given.path)


def _accounts(component: Component) -> Iterator[At]:
    for number, rbac in enumerate(component.traits.rbac, 1):
        name = rbac.account or joined(component.name.value, str(number) if number > 1 else "", "sa")
        yield At({"type": "rbac", "properties": _rbac(rbac, name)}, rbac.path)


def _rbac(rbac: Rbac, name: From[str] | str) -> dict[str, Any]:
    account = name if isinstance(name, str) else name.value
    return {
        "serviceAccountName": name,
        "roleName": rbac.role or joined(account, "role"),
        "bindingName": rbac.binding or joined(account, "binding"),
        "clusterScope": rbac.cluster_scope,
        "serviceAccountLabels": rbac.account_labels or None,
        "serviceAccountAnnotations": rbac.account_annotations or None,
        "roleLabels": rbac.role_labels or None,
        "bindingLabels": rbac.binding_labels or None,
        "automountServiceAccountToken": rbac.automount,
        "rules": [At(_rule(rule), rule.path) for rule in rbac.rules],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    """Kubernetes refuses resources of no group; the core group has no name."""
    core: dict[str, Any] = {"apiGroups": [""]} if "resources" in rule.lists else {}
    return {**core, **rule.lists}


def _policies(components: Sequence[Component]) -> Iterator[At]:
    for component in components:
        strategy = component.traits.share
        if strategy is not None:
            rule = {"selector": {"componentNames": [component.name.value]}}
            yield At({"type": SHARING[strategy.value], "properties": {"rules": [rule]}}, strategy.path)
