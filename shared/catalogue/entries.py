"""The types of a registry as the API tells of them."""

import inspect
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from shared.catalogue.schemas import DIALECT, parameter_schema
from shared.catalogue.words import rule_in_words
from shared.contracts.catalogue import ObjectCompletion, TypePage, TypeSummary, TypeView
from shared.contracts.kinds import TypeKind
from shared.jobtypes.base import JobType, Parameters, Registry, Trait
from shared.jobtypes.rules import rule_for
from shared.planning.findings import nearest
from shared.planning.policies.base import PolicyType

Entry = JobType[Any] | Trait[Any] | PolicyType[Any]
_ANY = "*"
_UNHEARD_OF = "example.com/v1/Thing"
"""Stands for all kinds without a rule of their own."""
_VOLUME = "v1/PersistentVolumeClaim"


class Catalogue:
    """Everything that documents can use."""

    def __init__(self, registry: Registry, policies: Mapping[str, PolicyType[Any]]) -> None:
        """Describe each entry once; whoever asks gets the same."""
        job_types = {id(entry): entry for entry in registry.job_types.values()}
        traits = {id(entry): entry for entry in registry.traits.values()}
        entries: list[Entry] = [*_sorted(job_types.values()), *_sorted(traits.values()), *_sorted(policies.values())]
        self.views = tuple(map(_view, entries))

    def page(self, kind: TypeKind | None = None) -> TypePage:
        """Summaries, by kind and name."""
        return TypePage(items=tuple(_summary(view) for view in self.views if kind in (None, view.kind)))

    def find(self, name: str, kind: TypeKind | None = None) -> TypeView | None:
        """The type of that name or alias, whose version may be pinned; components come first, then traits."""
        bare, at, pinned = name.partition("@")
        for view in self.views:
            named = bare in (view.name, *view.aliases) and (not at or pinned == f"v{view.version}")
            if named and kind in (None, view.kind):
                return view
        return None

    def meant(self, name: str, kind: TypeKind | None = None) -> str:
        """The name that was probably meant by one that there is not, or an empty text."""
        return nearest(name, [n for v in self.views if kind in (None, v.kind) for n in (v.name, *v.aliases)])


def _sorted(entries: Iterable[Any]) -> list[Any]:
    return sorted(entries, key=lambda entry: entry.name)


def _summary(view: TypeView) -> TypeSummary:
    return TypeSummary(**{name: getattr(view, name) for name in TypeSummary.model_fields})


def _view(entry: Entry) -> TypeView:
    described: dict[str, Any] = {
        "name": entry.name,
        "title": entry.title,
        "description": inspect.getdoc(entry.parameters) or "",
        "notes": _notes(entry.parameters),
        "examples": tuple(map(dict, entry.examples)),
        "parameters": schema_of(entry),
    }
    match entry:
        case PolicyType():
            return TypeView(kind=TypeKind.POLICY, **described)
        case Trait():
            return TypeView(kind=TypeKind.TRAIT, **described, **_registered(entry))
        case JobType():
            return TypeView(kind=TypeKind.COMPONENT, **described, **_registered(entry), runs_once=entry.runs_once)


def _registered(entry: JobType[Any] | Trait[Any]) -> dict[str, Any]:
    completion = entry.completion if isinstance(entry, JobType) else rule_for
    kinds = tuple(sorted(entry.kinds))
    return {
        "aliases": entry.aliases,
        "version": entry.version,
        "supported": not entry.refusal,
        "refusal": entry.refusal,
        "deprecated": bool(entry.successor),
        "successor": entry.successor,
        "kinds": kinds,
        "completion": () if entry.refusal else tuple(_completion(kind, completion) for kind in kinds),
    }


def _completion(kind: str, completion: Any) -> ObjectCompletion:
    api_version, _, name = (_UNHEARD_OF if kind == _ANY else kind).rpartition("/")
    manifest = {"apiVersion": api_version, "kind": name, "metadata": {"name": name.lower()}, "spec": {}}
    # Whatever becomes of a volume afterwards, its step is done: binding may wait for its first user.
    rule = None if kind == _VOLUME else completion(manifest)
    return ObjectCompletion(kind=kind, words=rule_in_words(rule), rule=rule)


def _notes(parameters: type[Parameters]) -> str:
    """What the entry's own file says of it beyond its first sentence."""
    documentation = inspect.cleandoc(sys.modules[parameters.__module__].__doc__ or "")
    return documentation.partition("\n\n")[2]


def schema_of(entry: Entry) -> dict[str, Any]:
    """JSON Schema 2020-12 of an entry's properties."""
    schema = parameter_schema(entry.parameters)
    examples = {"examples": [dict(example) for example in entry.examples]} if entry.examples else {}
    deprecated = {"deprecated": True} if getattr(entry, "successor", "") else {}
    return {"$schema": DIALECT, **schema, "title": entry.name, **deprecated, **examples}
