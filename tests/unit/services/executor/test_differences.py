"""What is told of a difference, and what never is."""

import json
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.executor.domain.differences import Difference, asked_for, comparable, difference
from services.executor.domain.outcomes import meaning
from shared.contracts import annotations, fieldpath
from shared.contracts.identity import ObjectKey
from shared.kube.errors import ApiUnavailable, Cause, Forbidden, Invalid, KubeError
from shared.kube.kinds import Object

SECRET = ObjectKey(api_version="v1", kind="Secret", namespace="n", name="s")


def config(data: Any = None, **metadata: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", **metadata}, "data": data or {}}


def secret(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data}


def found(before: Object, after: Object) -> Difference:
    return difference(before, after, after)


def told(before: Object, after: Object) -> dict[str, tuple[Any, Any]]:
    return {one.path: (one.before, one.after) for one in found(before, after).fields}


def test_what_changes_at_every_apply_is_no_difference() -> None:
    noted = dict.fromkeys(annotations.BOOKKEEPING, "old")
    before = config(
        uid="1", resourceVersion="1", generation=1, creationTimestamp="then", managedFields=[{}], annotations=noted
    )
    after = config(
        uid="2",
        resourceVersion="2",
        generation=2,
        managedFields=[],
        annotations=dict.fromkeys(noted, "new") | {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    )
    assert found(before | {"status": {"a": 1}}, after | {"status": {"a": 2}}) == Difference((), "", shortened=False)


def test_fields_are_named_as_policies_name_them() -> None:
    before = config({"a.b/c": "1", "d": "2"}, labels={"x": "1"})
    after = config({"a.b/c": "3"}, labels={"x": "1", "y": "2"})
    paths = told(before, after)
    assert paths == {
        'data["a.b/c"]': ("1", "3"),
        "data.d": ("2", None),
        "metadata.labels.y": (None, "2"),
    }
    assert [fieldpath.read(after, fieldpath.parse(path)) for path in ('data["a.b/c"]', "metadata.labels.y")] == [
        "3",
        "2",
    ]


def test_elements_are_compared_by_name_and_else_by_position() -> None:
    def made(*containers: Any, args: list[str]) -> Object:
        return config() | {"spec": {"containers": list(containers), "args": args}}

    a, b, c = ({"name": name, "image": "1"} for name in "abc")
    assert told(made(a, b, args=["x", "y"]), made(b | {"image": "2"}, c, args=["x", "z", "w"])) == {
        "spec.containers[name=a]": (a, None),
        "spec.containers[name=b].image": ("1", "2"),
        "spec.containers[name=c]": (None, c),
        "spec.args[1]": ("y", "z"),
        "spec.args[2]": (None, "w"),
    }
    assert told(made(a, b, args=[]), made(b, a, args=[])) == {"spec.containers": (["a", "b"], ["b", "a"])}


def test_a_diff_has_three_lines_around_each_change() -> None:
    before, after = ({f"k{i}": "x" for i in range(9)} | {"k4": value} for value in ("old", "new"))
    assert found(config(before), config(after)).text.splitlines() == [
        "--- live",
        "+++ planned",
        "@@ -4,7 +4,7 @@",
        *("   k1: x", "   k2: x", "   k3: x", "-  k4: old", "+  k4: new", "   k5: x", "   k6: x", "   k7: x"),
    ]


def test_of_a_secret_only_the_keys_are_told() -> None:
    before, after = (
        secret(same="c2FtZQ==", old="b2xk", changed="MQ=="),
        secret(same="c2FtZQ==", changed="Mg==", new="bg=="),
    )
    assert told(before, after) == {
        "data.old": ("****** (before)", None),
        "data.changed": ("****** (before)", "****** (after)"),
        "data.new": (None, "****** (after)"),
    }


def test_what_others_noted_on_a_secret_is_hidden_and_what_the_document_says_is_not() -> None:
    before = secret() | {"metadata": {"name": "s", "annotations": {"theirs": "value", "mine": "1", "gone": "v"}}}
    after = secret() | {"metadata": {"name": "s", "annotations": {"theirs": "value", "mine": "2"}}}
    wanted = secret() | {"metadata": {"name": "s", "annotations": {"mine": "2"}}}
    answer = difference(before, after, wanted)
    assert {f.path: (f.before, f.after) for f in answer.fields} == {
        "metadata.annotations.mine": ("1", "2"),
        "metadata.annotations.gone": ("****** (before)", None),
    }
    assert "value" not in answer.text


VALUES = st.dictionaries(st.sampled_from("abcdef"), st.text("ghijklmnop", min_size=8), max_size=6)


@given(before=VALUES, after=VALUES)
def test_no_value_of_a_secret_is_ever_told(before: dict[str, str], after: dict[str, str]) -> None:
    answer = found(secret(**before), secret(**after))
    text = json.dumps([f.model_dump() for f in answer.fields]) + answer.text
    assert not [value for value in (*before.values(), *after.values()) if value in text]
    changed = {f"data.{key}" for key in {*before, *after} if before.get(key) != after.get(key)}
    assert {f.path for f in answer.fields} == changed


def test_long_values_many_fields_and_long_texts_are_shortened_and_said_to_be() -> None:
    long = found(config({"a": "x" * 5000}), config({"a": "y" * 5000}))
    assert str(long.fields[0].after) == "y" * 1024 + "… (5000 characters)"
    many = found(config(), config({f"k{i}": "v" for i in range(500)}))
    assert (len(many.fields), many.shortened) == (100, True)
    lines = found(config({f"k{i}": "v" for i in range(5000)}), config({f"k{i}": "w" for i in range(5000)}))
    assert (lines.text, lines.shortened, len(lines.fields)) == ("", True, 100)
    wide = found(config({f"k{i}": "v" * 900 for i in range(60)}), config({f"k{i}": "w" * 900 for i in range(60)}))
    assert wide.shortened
    assert len(wide.text) <= 24 * 1024
    assert sum(len(str(f.after)) for f in wide.fields) <= 24 * 1024


def test_what_the_server_filled_in_is_no_difference_of_what_is_made_anew() -> None:
    live = config({"a": "1", "defaulted": "x"}) | {"spec": {"list": [{"a": 1, "b": 2}]}}
    manifest = config({"a": "2"}) | {"spec": {"list": [{"a": 1}]}}
    assert told(asked_for(live, manifest), manifest) == {"data.a": ("1", "2")}


def test_the_object_that_is_compared_is_left_as_it_is() -> None:
    before = config(annotations=dict.fromkeys(annotations.BOOKKEEPING, "x"), labels={"a": "b"})
    copy = json.loads(json.dumps(before))
    comparable(before)
    assert before == copy


@pytest.mark.parametrize(
    "error",
    [
        lambda value: Invalid(
            f'Secret "s" is invalid: data[k]: Invalid value: "{value}"', causes=(Cause("", "", "data[k]"),)
        ),
        lambda value: Forbidden(f'admission webhook "w" denied the request: {value} is weak'),
        lambda value: ApiUnavailable(f'admission webhook "w" denied the request: {value}'),
        lambda value: Forbidden(f"ValidatingAdmissionPolicy 'p' denied: {value}"),
    ],
    ids=["validation", "admission", "a broken webhook", "a policy"],
)
def test_words_about_a_secret_that_may_hold_its_values_are_not_passed_on(error: Any) -> None:
    value = secrets.token_hex(8)
    made: KubeError = error(value)
    assert value not in str(meaning(made, SECRET, None))
    elsewhere = SECRET.model_copy(update={"kind": "ConfigMap"})
    assert value in str(meaning(made, elsewhere, None))


def test_words_about_rights_and_quotas_are_passed_on() -> None:
    for words in (
        'secrets "s" is forbidden: User "u" cannot patch resource',
        "exceeded quota: q, requested: secrets=1",
    ):
        assert words in str(meaning(Forbidden(words), SECRET, None))
