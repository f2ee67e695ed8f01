"""What is fed: each target takes bytes and may end in nothing but an answer or the refusal that its readers expect."""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from pydantic import ValidationError

from services.gateway.domain import documents
from services.gateway.domain.refusals import DocumentUnreadable
from shared.contracts.canonical import canonical_json
from shared.contracts.completion import holds
from shared.contracts.identity import AppUid, Tenant
from shared.contracts.plan import Finding
from shared.contracts.registry import ClusterRecord
from shared.jobtypes.base import Parameters, RenderError, Rendering
from shared.jobtypes.builtin import BUILTIN
from shared.planning import (
    DEFAULT_LIMITS,
    DocumentRejected,
    make_plan,
    masked_document,
    parse_document,
    plan_view,
    secret_locations,
    warned,
)
from tests.fuzz import seeds
from tests.fuzz.mutation import mutated_document, mutated_text
from tests.fuzz.seeds import Pool
from tests.support import goldens
from tests.support.planning import sealed_value

_SEALED = sealed_value("dev")
MAX_BYTES = 64 * 1024
"""Of one input."""
_CLUSTERS = [
    ClusterRecord(name="dev", default=True, sealing_key="key", created_at=datetime(2026, 1, 1, tzinfo=UTC)),
]


@dataclass(frozen=True, kw_only=True)
class Target:
    """Something that reads inputs."""

    name: str
    feed: Callable[[bytes], bool]
    """Whether the input was taken rather than refused. Raises on a finding."""
    seeds: Callable[[], Sequence[bytes]]
    mutated: Callable[[bytes, Pool, Random], bytes]
    """An input and the pool to take parts from make another input."""
    share: float
    """Of all inputs of a campaign."""


def _yaml(raw: bytes) -> bool:
    """What is read as a document is read as the same again from its JSON."""
    try:
        document = parse_document(raw)
    except DocumentRejected as refused:
        _told(refused.findings)
        return False
    assert parse_document(canonical_json(document)) == document
    return True


def _document(raw: bytes) -> bool:
    """From the request's bytes to the plan, as the gateway does it for `plan`."""
    try:
        parsed = documents.parse(raw, DEFAULT_LIMITS)
    except DocumentUnreadable as unreadable:
        _told(unreadable.findings)
        return False
    except DocumentRejected as refused:
        _told(refused.findings, refused.warnings)
        return False
    before = copy.deepcopy(parsed.document)
    try:
        _planned(parsed)
        taken = True
    except DocumentRejected as refused:
        taken = False
        _told(refused.findings, refused.warnings)
        if parsed.converted is not None:
            foreign = [f.path for f in refused.findings if f.path.startswith(("spec.", "metadata."))]
            assert not foreign, f"places that the sent document does not have: {foreign}"
    assert parsed.document == before, "planning changed the document"
    return taken


def _planned(parsed: documents.Parsed) -> None:
    checked = documents.read(parsed, BUILTIN)
    _told(checked.warnings)
    application = checked.application
    locations = secret_locations(application, BUILTIN)
    canonical_json(masked_document(checked.document, locations))
    if locations:
        sealed = documents.replaced(checked.document, {location.path: _SEALED for location in locations})
        application = documents.check(sealed, BUILTIN).application
    with documents.told_of(checked.paths):
        resolved = documents.resolve(application, _CLUSTERS)
        plan = make_plan(
            application,
            ref=documents.ref(application, Tenant("acme")),
            uid=AppUid("a1b2c3"),
            generation=1,
            placements=resolved.placements,
            registry=BUILTIN,
        )
    plan_view(documents.told_plan(warned(plan, checked.warnings), checked.paths)).model_dump_json()


def _component(raw: bytes) -> bool:
    """A component and its traits by the registry alone: refused in its own words, or the same bytes each time."""
    try:
        entry = json.loads(raw)
        job_type = BUILTIN.job_types[entry["type"]]
        parameters: Parameters = job_type.parameters.model_validate(entry.get("properties", {}))
        traits = [(BUILTIN.traits[t["type"]], t.get("properties", {})) for t in entry.get("traits", ())]
        applied = [(trait, trait.parameters.model_validate(properties)) for trait, properties in traits]
    except (ValueError, ValidationError, LookupError, TypeError, AttributeError, RecursionError):
        # No well-formed component: the other targets see to it that such ones are refused.
        return False
    if job_type.refusal or len(applied) > DEFAULT_LIMITS.traits_of_component:
        return False
    try:
        rendering = job_type.render(goldens.CONTEXT, parameters)
        for trait, given in applied:
            before = canonical_json(goldens.as_data(rendering))
            after = trait.apply(goldens.CONTEXT, given, rendering)
            again = trait.apply(goldens.CONTEXT, given, rendering)
            assert canonical_json(goldens.as_data(rendering)) == before, f"{trait.name} changed what it got"
            assert canonical_json(goldens.as_data(after)) == canonical_json(goldens.as_data(again)), trait.name
            rendering = after
    except RenderError as refused:
        _told([Finding(path=refused.path, code=refused.code, message=refused.message, remedy=refused.remedy)])
        return False
    _judged(rendering)
    return True


def _judged(rendering: Rendering) -> None:
    """Every object has a completion rule that can be asked, or none."""
    for manifest in goldens.manifests(rendering):
        completion = BUILTIN.job_types["k8s-objects"].completion(manifest)
        if completion is not None:
            holds(completion.success, manifest)


def _told(*findings: Sequence[Finding]) -> None:
    """Findings can be sent, and say something."""
    for finding in (one for several in findings for one in several):
        assert finding.code
        assert finding.message
        finding.model_dump_json()


TARGETS = {
    target.name: target
    for target in (
        Target(name="parser", feed=_yaml, seeds=seeds.texts, mutated=mutated_text, share=0.4),
        Target(name="planning", feed=_document, seeds=seeds.applications, mutated=mutated_document, share=0.2),
        Target(name="dialect", feed=_document, seeds=seeds.dialect, mutated=mutated_document, share=0.2),
        Target(name="types", feed=_component, seeds=seeds.components, mutated=mutated_document, share=0.2),
    )
}
