"""Renders a component as a document has it, by the registry alone."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.jobtypes.base import RenderContext, Rendering
from tests.support.goldens import CONTEXT, rendered

Document = dict[str, Any]
Render = Callable[[Document], Rendering]


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
