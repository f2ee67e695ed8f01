"""Small applications of many kinds, and of half of them a second version."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e.system import Document, application, component

PER_NAMESPACE = 50


@dataclass(frozen=True)
class Task:
    """A component that runs once for each of its templates."""

    component: str
    clusters: tuple[str, ...]
    templates: int
    """How many versions have another one; superseded before it began, one may never run."""


@dataclass(frozen=True)
class Wanted:
    """One application: its versions in the order in which they are sent."""

    namespace: str
    name: str
    versions: tuple[Document, ...]
    tasks: tuple[Task, ...]


def namespaces_for(count: int) -> int:
    """How many namespaces hold so many applications."""
    return -(-count // PER_NAMESPACE)


def draw(seed: int, count: int, namespaces: Sequence[str], clusters: Sequence[str]) -> list[Wanted]:
    """So many applications; the same seed draws the same."""
    rng = random.Random(f"{seed}/applications")
    return [_draw(rng, number, namespaces[number // PER_NAMESPACE], clusters) for number in range(count)]


def _draw(rng: random.Random, number: int, namespace: str, clusters: Sequence[str]) -> Wanted:
    name = f"app-{number:03d}"
    # By turns, so that a few applications are of all kinds already; half of each kind are updated.
    kind = _KINDS[number % len(_KINDS)]
    versions = 1 + (number // len(_KINDS)) % 2
    places = rng.choice([(clusters[0],), (clusters[-1],), tuple(clusters)])
    # An update that changes the task itself, or leaves it as it is.
    task_changes = rng.random() < 0.5
    made = [kind(name, version, version if task_changes else 0) for version in range(versions)]
    documents = [application(namespace, *components, name=name, clusters=list(places)) for components in made]
    tasks = [Task(str(c["name"]), places, versions if task_changes else 1) for c in made[0] if str(c["type"]) == "task"]
    return Wanted(namespace, name, tuple(documents), tuple(tasks))


def _chain(name: str, version: int, task: int) -> list[Document]:
    ports = [{"port": 80, "expose": True}]
    return [
        component(f"{name}-front", "webservice", ports=ports),
        component(f"{name}-init", "task", after=[f"{name}-front"], image=_image(task)),
        component(f"{name}-back", "worker", after=[f"{name}-init"], image=_image(version)),
    ]


def _web(name: str, version: int, task: int) -> list[Document]:
    del task
    return [component(f"{name}-web", "webservice", ports=[{"port": 80, "expose": True}], image=_image(version))]


def _configured(name: str, version: int, task: int) -> list[Document]:
    del task
    properties: dict[str, Any] = {
        "configMap": [{"name": f"{name}-config", "mountPath": "/etc/app", "data": {"version": str(version)}}],
        "secret": [{"name": f"{name}-secret", "mountPath": "/etc/secret", "stringData": {"key": f"value-{version}"}}],
    }
    return [component(f"{name}-app", "worker", traits=[{"type": "storage", "properties": properties}])]


def _objects(name: str, version: int, task: int) -> list[Document]:
    del task
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{name}-plain"},
        "data": {"version": str(version)},
    }
    return [{"name": f"{name}-plain", "type": "k8s-objects", "properties": {"objects": [config]}}]


def _tasks(name: str, version: int, task: int) -> list[Document]:
    return [
        component(f"{name}-one", "task", image=_image(task)),
        component(f"{name}-two", "task", after=[f"{name}-one"], image=_image(task)),
        component(f"{name}-last", "worker", after=[f"{name}-two"], image=_image(version)),
    ]


def _image(version: int) -> str:
    return f"registry.example/app:{version + 1}"


_KINDS = (_chain, _web, _configured, _tasks, _objects)
