"""Renders a component as a document has it, by the registry alone."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.contracts.identity import AppUid, Namespace, Tenant
from shared.jobtypes.base import RenderContext, Rendering
from shared.jobtypes.builtin import BUILTIN

Document = dict[str, Any]
Render = Callable[[Document], Rendering]

CONTEXT = RenderContext(
    tenant=Tenant("acme"),
    namespace=Namespace("shop-prod"),
    app_name="shop",
    app_uid=AppUid("a1b2c3"),
    component="web",
    path="spec.components[0]",
)


def rendered(component: Document) -> Rendering:
    """Validate and render a component with its traits in order."""
    job_type = BUILTIN.job_types[component["type"]]
    context = replace(CONTEXT, component=component["name"])
    rendering = job_type.render(context, job_type.parameters.model_validate(component.get("properties", {})))
    for index, entry in enumerate(component.get("traits", ())):
        trait = BUILTIN.traits[entry["type"]]
        before = copy.deepcopy(rendering)
        parameters = trait.parameters.model_validate(entry.get("properties", {}))
        after = trait.apply(replace(context, path=f"{context.path}.traits[{index}]"), parameters, rendering)
        assert rendering == before, "a trait changed the rendering it got"
        rendering = after
    return rendering


@pytest.fixture
def context() -> RenderContext:
    return CONTEXT


@pytest.fixture
def render() -> Render:
    return rendered


@pytest.fixture
def webservice() -> Callable[..., Document]:
    """A small webservice with the traits given as (type, properties)."""

    def build(*traits: tuple[str, Document], **properties: Any) -> Document:
        return {
            "name": "web",
            "type": "webservice",
            "properties": {"image": "nginx:1.27", **properties},
            "traits": [{"type": type_, "properties": given} for type_, given in traits],
        }

    return build
