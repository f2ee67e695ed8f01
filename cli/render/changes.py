"""What the clusters say that a plan would change: a word for each object, fields, diffs, and what speaks against it."""

from collections import Counter
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from cli.render.layout import Rows
from cli.render.phases import BAD, BUSY, GOOD, HELD, QUIET
from cli.render.text import plain
from shared.contracts.differences import Change, ObjectDifference
from shared.contracts.phases import Reason
from shared.contracts.views import PlanView

_FIELDS_SHOWN = 3
_LOOKS = {
    Change.CREATED: ("+ create", GOOD),
    Change.CHANGED: ("~ change", HELD),
    Change.RECREATED: ("± recreate", BAD),
    Change.UNCHANGED: ("= unchanged", QUIET),
    Change.KEPT: ("= keep", QUIET),
    Change.DELETED: ("- delete", BAD),
    Change.RELEASED: ("- release", HELD),
    Change.REFUSED: ("! refused", BAD),
    Change.UNKNOWN: ("? not known", HELD),
}
_COUNTED = {
    Change.CREATED: "to create",
    Change.CHANGED: "to change",
    Change.RECREATED: "to make anew",
    Change.DELETED: "to delete",
    Change.RELEASED: "to release",
    Change.REFUSED: "refused",
    Change.UNCHANGED: "unchanged",
    Change.KEPT: "kept",
    Change.UNKNOWN: "not known",
}
EFFECTS = frozenset({Change.CREATED, Change.CHANGED, Change.RECREATED, Change.DELETED, Change.RELEASED})
"""What applying the plan would do to a cluster."""
_LINES = {"+": GOOD, "-": BAD, "@": BUSY}


def word(change: Change) -> str:
    """Sign and verb."""
    return _LOOKS[change][0]


def style(change: Change) -> str:
    """The colour."""
    return _LOOKS[change][1]


def all_changes(view: PlanView) -> list[Change]:
    """Of every object of the plan that was asked about, and of what it does not have any more."""
    planned = [obj.live.change for step in view.steps for obj in step.objects if obj.live is not None]
    return planned + [one.change for cluster in view.clusters for one in cluster.unwanted]


def counts(view: PlanView) -> str:
    """How many objects of each change, the weightiest first; empty where no cluster was asked."""
    found = Counter(all_changes(view))
    return ", ".join(f"{found[change]} {words}" for change, words in _COUNTED.items() if found[change])


def note(live: ObjectDifference) -> str:
    """What else is to be known of an object, in a few words."""
    said = []
    if live.change in (Change.CHANGED, Change.RECREATED):
        paths = [plain(one.path) for one in live.fields]
        more = len(paths) - _FIELDS_SHOWN
        if paths:
            said.append(", ".join(paths[:_FIELDS_SHOWN]) + (f" and {more} more" if more > 0 else ""))
    if live.message and (live.change in EFFECTS or live.reason is Reason.ALREADY_COMPLETED):
        said.append(plain(live.message))
    return "; ".join(said)


def diff(live: ObjectDifference) -> Iterator[Text]:
    """The unified diff of one object, line by line; where it has none, its fields."""
    # The names of both sides are the same for every object.
    for line in live.text.splitlines()[2:]:
        yield Text(_printable(line), style=_LINES.get(line[:1], QUIET))
    if not live.text:
        for one in live.fields:
            yield Text(f"{plain(one.path)}: {plain(str(one.before))} → {plain(str(one.after))}", style=HELD)
    if live.shortened:
        yield Text("… there is more, which is too long to be shown", style=QUIET)


def _printable(line: str) -> str:
    """As it is, but for what a terminal would act upon: its indentation means something."""
    words = line.lstrip("+-@ ")
    return line[: len(line) - len(words)] + plain(words)


def problems(view: PlanView) -> RenderableType | None:
    """Why the clusters would not take it, each reason once with the clusters that say so."""
    told: dict[tuple[Reason, str, str], list[str]] = {}
    for cluster in view.clusters:
        for one in cluster.problems:
            told.setdefault((one.reason, one.step, one.message), []).append(cluster.cluster)
    several = len(view.clusters) > 1
    rows = Rows(("REASON", "STEP", ""))
    for (reason, step, message), clusters in sorted(told.items(), key=_missing_first):
        where = f"{', '.join(map(plain, clusters))}: " if several else ""
        rows.add(Text(reason, style=BAD), plain(step), note=f"{where}{plain(message)}")
    return rows if told else None


def _missing_first(item: tuple[tuple[Reason, str, str], list[str]]) -> bool:
    return item[0][0] is not Reason.REFERENCE_NOT_FOUND


def unwanted(view: PlanView) -> Iterator[Text]:
    """What clusters have of earlier generations and the plan does not, with their names where there are several."""
    told: dict[tuple[Change, str, str], list[str]] = {}
    for cluster in view.clusters:
        for one in cluster.unwanted:
            told.setdefault((one.change, str(one.key), one.message), []).append(cluster.cluster)
    for (change, key, message), names in told.items():
        where = f"in {', '.join(map(plain, names))}" if len(view.clusters) > 1 else ""
        said = "; ".join(part for part in (where, plain(message)) if part)
        text = Text.assemble((f"{word(change):<11}", style(change)), f"  {plain(key)}")
        yield text.append(f" ({said})", style=QUIET) if said else text


def unsaid(view: PlanView) -> Iterator[Text]:
    """The sentences about clusters that did not say everything."""
    for cluster in view.clusters:
        if cluster.message:
            yield Text(plain(cluster.message), style=HELD)


def hints(view: PlanView) -> Iterator[Text]:
    """What clusters warn of."""
    for text in dict.fromkeys(plain(hint) for cluster in view.clusters for hint in cluster.warnings):
        yield Text(text, style=HELD)
