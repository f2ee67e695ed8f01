"""Rendering is pure: the same input gives the same bytes, and nothing that it gets is changed."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.contracts.canonical import canonical_json
from shared.jobtypes.base import JobType, Parameters, RenderError, Rendering, Trait
from shared.jobtypes.builtin import BUILTIN
from tests.support import drawn, goldens

JOB_TYPES = [entry for entry in goldens.entries().values() if isinstance(entry, JobType) and not entry.refusal]
TRAITS = [entry for entry in goldens.entries().values() if isinstance(entry, Trait)]
BASES = [
    goldens.rendered(goldens.component_of(path)) for path in goldens.rendering_paths() if "trait-" not in path.name
]
PATIENT = settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def _accepted(model: type[BaseModel], properties: Any) -> Parameters:
    try:
        parameters = model.model_validate(properties)
    except ValidationError:
        assume(condition=False)
        raise
    assert isinstance(parameters, Parameters)
    return parameters


def _bytes(rendering: Rendering | RenderError) -> bytes:
    if isinstance(rendering, RenderError):
        return repr((rendering.path, rendering.code, rendering.message, rendering.remedy)).encode()
    return canonical_json(goldens.as_data(rendering))


def _rendered(entry: JobType[Any], parameters: Parameters) -> Rendering | RenderError:
    try:
        return entry.render(goldens.CONTEXT, parameters)
    except RenderError as refused:
        return refused


def _applied(entry: Trait[Any], parameters: Parameters, rendering: Rendering) -> Rendering | RenderError:
    try:
        return entry.apply(goldens.CONTEXT, parameters, rendering)
    except RenderError as refused:
        return refused


@pytest.mark.parametrize("entry", JOB_TYPES, ids=lambda entry: entry.name)
@PATIENT
@given(data=st.data())
def test_component_renders_alike_and_leaves_its_properties_alone(entry: JobType[Any], data: st.DataObject) -> None:
    properties = data.draw(drawn.properties(entry.parameters))
    before = copy.deepcopy(properties)
    parameters = _accepted(entry.parameters, properties)
    untouched = parameters.model_copy(deep=True)
    first = _bytes(_rendered(entry, parameters))
    assert _bytes(_rendered(entry, parameters)) == first, "a second rendering of the same parameters"
    again = _accepted(entry.parameters, copy.deepcopy(before))
    assert _bytes(_rendered(entry, again)) == first, "a rendering of the same document"
    assert parameters == untouched, "rendering changed its parameters"
    assert properties == before, "rendering changed the document"


@pytest.mark.parametrize("entry", TRAITS, ids=lambda entry: entry.name)
@PATIENT
@given(data=st.data(), base=st.sampled_from(BASES))
def test_trait_applies_alike_and_leaves_what_it_gets_alone(
    entry: Trait[Any], data: st.DataObject, base: Rendering
) -> None:
    properties = data.draw(drawn.properties(entry.parameters))
    before, base_before = copy.deepcopy(properties), copy.deepcopy(base)
    parameters = _accepted(entry.parameters, properties)
    untouched = parameters.model_copy(deep=True)
    first = _bytes(_applied(entry, parameters, base))
    assert base == base_before, "the trait changed the rendering that it got"
    assert _bytes(_applied(entry, parameters, base)) == first, "a second application of the same parameters"
    again = _accepted(entry.parameters, copy.deepcopy(before))
    assert _bytes(_applied(entry, again, base)) == first, "an application of the same document"
    assert parameters == untouched, "the trait changed its parameters"
    assert properties == before, "the trait changed the document"


@pytest.mark.parametrize("entry", TRAITS, ids=lambda entry: entry.name)
@settings(PATIENT, max_examples=8)
@given(data=st.data(), base=st.sampled_from(BASES), others=st.lists(st.sampled_from(TRAITS), min_size=1, max_size=3))
def test_traits_merge_alike_each_time_in_either_order(
    entry: Trait[Any], data: st.DataObject, base: Rendering, others: list[Trait[Any]]
) -> None:
    """Also where an order makes a conflict: the same one, told in the same words."""
    given_ = [(t, _accepted(t.parameters, data.draw(drawn.properties(t.parameters)))) for t in (entry, *others)]
    there, back = _merged(base, given_), _merged(base, given_[::-1])
    assert (_merged(base, given_), _merged(base, given_[::-1])) == (there, back)


def _merged(base: Rendering, traits: list[tuple[Trait[Any], Parameters]]) -> bytes:
    rendering: Rendering | RenderError = base
    for trait, parameters in traits:
        if isinstance(rendering, RenderError):
            break
        rendering = _applied(trait, parameters, rendering)
    return _bytes(rendering)


def test_every_entry_is_drawn() -> None:
    assert {entry.name for entry in JOB_TYPES} == {e.name for e in BUILTIN.job_types.values() if not e.refusal}
    assert {entry.name for entry in TRAITS} == {e.name for e in BUILTIN.traits.values()}
