"""What would happen to an object, as a verb and notes."""

from collections.abc import Iterator, Sequence

from shared.contracts.fieldpath import EVERYTHING
from shared.contracts.plan import ApplyMode, KeptField, Retention
from shared.contracts.views import PlanObjectView

_KEPT = {
    (True, True): "",
    (True, False): " when the document changes it",
    (False, True): " unless the document changes it",
}
"""By whether the live value stays when the object changes, and when it does not."""


def verb(obj: PlanObjectView) -> str:
    """What is done, in a word or three."""
    treatment = obj.treatment
    if treatment.read_only:
        return "read only"
    if obj.mode is ApplyMode.CREATE:
        return "create if absent"
    if treatment.shared:
        return "share"
    return "take over" if treatment.take_over else "apply"


def notes(obj: PlanObjectView) -> Iterator[str]:
    """What else is to be known of it, the most important first."""
    treatment = obj.treatment
    if treatment.read_only:
        # Nothing else that policies say has an effect on what is never written.
        yield "has to be there"
        return
    if obj.mode is not ApplyMode.CREATE:
        yield from _of_owners(obj)
        yield from _kept(treatment.kept)
        if treatment.replace:
            yield "updates replace all of it"
        if treatment.recreate_fields:
            yield f"made anew where {', '.join(treatment.recreate_fields)} changes"
    yield from _of_its_end(obj)


def _of_owners(obj: PlanObjectView) -> Iterator[str]:
    if obj.treatment.shared:
        yield "the first application writes it, the last one deletes it"
    if obj.treatment.take_over:
        yield "adopted if no application has it"


def _kept(kept: Sequence[KeptField]) -> Iterator[str]:
    for times, when in _KEPT.items():
        paths = [one.path for one in kept if (one.on_update, one.on_state_keep) == times]
        if paths:
            yield f"keeps live {'state' if EVERYTHING in paths else ', '.join(paths)}{when}"


def _of_its_end(obj: PlanObjectView) -> Iterator[str]:
    disposal = obj.treatment.disposal
    match disposal.retention:
        case Retention.NEVER:
            yield "never deleted"
        case Retention.ON_APP_DELETE:
            yield "deleted with the application alone"
        case Retention.ON_APP_UPDATE:
            if obj.volume:
                yield "deleted when no longer wanted"
        case Retention.DEFAULT:
            if obj.volume:
                yield "outlives the application"
    if disposal.orphan_dependents and disposal.retention is not Retention.NEVER:
        yield "what was made of it outlives it"
