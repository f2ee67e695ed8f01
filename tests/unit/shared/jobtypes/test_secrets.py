"""Where secret values are, so that the gateway can seal them, and that sealed ones get through rendering untouched."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import sealed
from shared.jobtypes.base import RenderError, Rendering, SecretEncoding
from shared.jobtypes.builtin import BUILTIN
from shared.jobtypes.secret_data import secret_data

Document = dict[str, Any]


def test_storage_points_at_every_value_also_of_a_secret_that_is_only_mounted() -> None:
    properties = {
        "secret": [
            {"name": "keys", "data": {"a": "YQ=="}, "stringData": {"b": "b"}},
            {"name": "only", "mountOnly": True, "stringData": {"c": "c"}},
        ]
    }
    found = list(BUILTIN.traits["storage"].secrets(properties))
    assert [(one.path, one.secret, one.key, one.encoding) for one in found] == [
        (("secret", 0, "data", "a"), "keys", "a", SecretEncoding.BASE64),
        (("secret", 0, "stringData", "b"), "keys", "b", SecretEncoding.PLAIN),
        (("secret", 1, "stringData", "c"), "only", "c", SecretEncoding.PLAIN),
    ]


def test_k8s_objects_points_into_its_secrets_alone() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": {"a": "YQ=="}}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}}
    found = list(BUILTIN.job_types["k8s-objects"].secrets({"objects": [config, secret]}))
    assert [(one.path, one.secret) for one in found] == [(("objects", 1, "data", "a"), "keys")]
    assert [one.path for one in BUILTIN.job_types["raw"].secrets(secret)] == [("data", "a")]


@pytest.mark.parametrize("version", ["v2", "V1", None])
def test_values_of_a_secret_whose_version_is_wrong_are_sealed_as_well(version: str | None) -> None:
    secret = {"apiVersion": version, "kind": "Secret", "metadata": {"name": "keys"}, "data": {"a": "YQ=="}}
    assert [one.secret for one in BUILTIN.job_types["k8s-objects"].secrets({"objects": [secret]})] == ["keys"]


@pytest.mark.parametrize("type_", ["webservice", "worker", "statefulset", "task"])
def test_other_types_hold_no_secret_values(type_: str) -> None:
    assert list(BUILTIN.job_types[type_].secrets({"env": [{"name": "A", "value": "b"}]})) == []


@given(
    st.dictionaries(st.sampled_from("abc"), st.binary(max_size=20)),
    st.dictionaries(st.sampled_from("abc"), st.text(max_size=20)),
)
def test_plain_values_become_base64_and_string_data_wins(data: dict[str, bytes], string_data: dict[str, str]) -> None:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    merged = secret_data(encoded, string_data, "")
    expected = {**data, **{key: value.encode() for key, value in string_data.items()}}
    assert {key: base64.b64decode(value) for key, value in merged.items()} == expected


@given(st.text(), st.booleans())
def test_sealed_value_passes_untouched_from_either_place(text: str, in_data: bool) -> None:  # noqa: FBT001 - drawn
    token = sealed.PREFIX + text
    values = {"key": token}
    assert secret_data(values if in_data else None, None if in_data else values, "") == values


def test_line_breaks_within_base64_are_dropped() -> None:
    assert secret_data({"key": "c2Vj\ncmV0\r\n"}, None, "") == {"key": "c2VjcmV0"}


def test_refusal_of_a_value_does_not_repeat_it(render: Callable[[Document], Rendering]) -> None:
    component = {
        "name": "web",
        "type": "webservice",
        "properties": {"image": "a"},
        "traits": [{"type": "storage", "properties": {"secret": [{"name": "s", "data": {"k": "hunter2!"}}]}}],
    }
    with pytest.raises(RenderError) as refused:
        render(component)
    assert "hunter2" not in f"{refused.value} {refused.value.remedy}"
