"""What the catalogue says of types: found by name, alias and pin; what is waited for in words."""

import pytest

from shared.catalogue.entries import Catalogue
from shared.catalogue.walking import NoSuchField, Walker
from shared.catalogue.words import AT_ONCE, rule_in_words
from shared.contracts.completion import AnyOf, Compare, CompletionRule, FieldOperand, Not, ValueOperand
from shared.contracts.kinds import TypeKind
from shared.jobtypes.builtin import BUILTIN
from shared.planning.policies import POLICY_TYPES

CATALOGUE = Catalogue(BUILTIN, POLICY_TYPES)


def test_every_entry_is_there_once() -> None:
    names = [(view.kind, view.name) for view in CATALOGUE.views]
    assert len(names) == len(set(names))
    assert {name for kind, name in names if kind is TypeKind.COMPONENT} == {e.name for e in BUILTIN.job_types.values()}
    assert {name for kind, name in names if kind is TypeKind.TRAIT} == {e.name for e in BUILTIN.traits.values()}
    assert {name for kind, name in names if kind is TypeKind.POLICY} == set(POLICY_TYPES)


@pytest.mark.parametrize("name", ["statefulset", "store", "statefulset@v1", "store@v1"])
def test_type_is_found_by_name_alias_and_pinned_version(name: str) -> None:
    view = CATALOGUE.find(name)
    assert view is not None
    assert view.name == "statefulset"


def test_type_is_not_found_in_another_version_or_at_another_place() -> None:
    assert CATALOGUE.find("statefulset@v2") is None
    assert CATALOGUE.find("statefulset", TypeKind.TRAIT) is None
    assert CATALOGUE.find("nothing") is None


@pytest.mark.parametrize(
    ("name", "kind", "meant"),
    [
        ("webservic", None, "webservice"),
        ("Storage", None, "storage"),
        ("statefulset@v2", None, "statefulset"),
        ("stores", TypeKind.COMPONENT, "store"),
        ("zzz", None, ""),
    ],
)
def test_type_that_is_not_there_has_a_nearest_one(name: str, kind: TypeKind | None, meant: str) -> None:
    assert CATALOGUE.meant(name, kind) == meant


def test_page_has_the_summaries_of_one_kind() -> None:
    page = CATALOGUE.page(TypeKind.POLICY)
    assert [item.name for item in page.items] == sorted(POLICY_TYPES)
    assert len(CATALOGUE.page().items) == len(CATALOGUE.views)


def test_deprecated_and_later_types_say_so() -> None:
    raw, helm = CATALOGUE.find("raw"), CATALOGUE.find("helm")
    assert raw is not None
    assert helm is not None
    assert (raw.deprecated, raw.successor, raw.supported) == (True, "k8s-objects", True)
    assert (helm.supported, helm.deprecated) == (False, False)
    assert helm.refusal


def test_each_kind_says_what_it_waits_for() -> None:
    task = CATALOGUE.find("task")
    assert task is not None
    (job,) = task.completion
    assert job.kind == "batch/v1/Job"
    assert job.words.startswith("Done when the condition `Complete` is `True` or ")
    assert job.words.endswith("Failed for good when the condition `Failed` is `True`.")
    assert task.runs_once


def test_types_that_are_no_objects_of_their_own_are_done_at_once() -> None:
    for name in ("config", "secret", "volume"):
        view = CATALOGUE.find(name, TypeKind.COMPONENT)
        assert view is not None
        assert [(each.words, each.rule) for each in view.completion] == [(AT_ONCE, None)]


def test_rules_are_said_in_words() -> None:
    ready = Compare(left=FieldOperand(path="status.ready", default=1), comparison=">=", right=ValueOperand(value=2))
    gone = Compare(left=FieldOperand(path="status.gone"), comparison="==", right=ValueOperand(value=None))
    either = AnyOf(of=(ready, gone))
    assert rule_in_words(None) == AT_ONCE
    assert rule_in_words(CompletionRule(success=ready)) == "Done when `status.ready` (`1` if absent) is at least `2`."
    assert rule_in_words(CompletionRule(success=Not(of=gone))) == "Done when `status.gone` is there."
    assert rule_in_words(CompletionRule(success=Not(of=either), failure=gone)) == (
        "Done when not (`status.ready` (`1` if absent) is at least `2` or there is no `status.gone`). "
        "Failed for good when there is no `status.gone`."
    )
    assert rule_in_words(CompletionRule(success=gone, health_only=True)) == (
        "Done as soon as it is there; healthy while there is no `status.gone`."
    )


SCHEMA = {
    "title": "thing",
    "required": ["name"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "default": 3},
        "name": {"type": "string", "minLength": 1, "description": "What it is called."},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "by_name": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Part"}},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "on": {"type": "boolean", "default": False, "deprecated": True},
    },
    "$defs": {"Part": {"type": "object", "required": ["key"], "properties": {"key": {"enum": ["a", "b"]}}}},
}


def test_fields_are_read_with_the_required_ones_first() -> None:
    fields = Walker(SCHEMA).children([])
    assert [field.name for field in fields] == ["name", "by_name", "either", "on", "parts", "size"]
    by_name = {field.name: field for field in fields}
    assert (by_name["name"].required, by_name["name"].bounds) == (True, "not empty")
    assert by_name["name"].description == "What it is called."
    assert (by_name["size"].default, by_name["size"].bounds) == (3, "at least 1")
    assert (by_name["on"].default, by_name["on"].deprecated) == (False, True)
    assert [by_name[n].type for n in ("parts", "by_name", "either")] == [
        "[]object",
        "map[string]object",
        "string or integer",
    ]


@pytest.mark.parametrize("path", [["parts", "key"], ["by_name", "key"]])
def test_paths_lead_through_lists_and_maps(path: list[str]) -> None:
    field = Walker(SCHEMA).field(path)
    assert (field.name, field.required, field.values) == ("key", True, ("a", "b"))


@pytest.mark.parametrize(
    ("type_", "path", "values"),
    [
        ("webservice", ["ports", "name"], ()),
        ("volume", ["storageClassName"], ()),
        ("webservice", ["ports", "protocol"], ("TCP", "UDP", "SCTP")),
    ],
)
def test_values_are_listed_only_where_there_are_no_others(type_: str, path: list[str], values: tuple[str, ...]) -> None:
    view = CATALOGUE.find(type_)
    assert view is not None
    assert Walker(view.parameters).field(path).values == values


def test_path_that_leads_nowhere_says_how_far_it_got() -> None:
    with pytest.raises(NoSuchField, match=r"thing\.parts has no field 'kee'") as error:
        Walker(SCHEMA).field(["parts", "kee", "x"])
    assert error.value.known == ["key"]
