import contextlib
import json
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.plan import Finding
from shared.planning import DocumentRejected, Limits, parse_document

json_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
json_values = st.recursive(
    json_scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)
documents = st.dictionaries(st.text(min_size=1, max_size=8), json_values, min_size=1, max_size=5)


def refusal(raw: bytes | str, **limits: int) -> Finding:
    with pytest.raises(DocumentRejected) as caught:
        parse_document(raw.encode() if isinstance(raw, str) else raw, limits=Limits(**limits))
    (finding,) = caught.value.findings
    return finding


def parsed(text: str) -> dict[str, object]:
    return parse_document(text.encode())


@given(documents)
def test_any_json_object_is_read_as_the_json_module_reads_it(value: dict[str, object]) -> None:
    assert parse_document(json.dumps(value).encode()) == value
    assert parse_document(json.dumps(value, indent=2, ensure_ascii=False).encode()) == value


# Neither texts that only older YAML takes for texts, nor breaks that YAML folds.
yaml_texts = st.text("abcxyz :#'\"-\n,[]{}&*!|>%@`?é😀\t", max_size=20)
yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | yaml_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(yaml_texts, inner, max_size=4),
)


@given(st.dictionaries(yaml_texts, yaml_values, min_size=1, max_size=5))
def test_what_a_yaml_dumper_writes_is_read_back(value: dict[str, object]) -> None:
    text = yaml.dump(json.loads(json.dumps(value)), allow_unicode=True, Dumper=yaml.SafeDumper)
    assert parse_document(text.encode()) == value


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode(errors="surrogatepass")))
def test_no_bytes_raise_anything_but_a_refusal(raw: bytes) -> None:
    with contextlib.suppress(DocumentRejected):
        assert isinstance(parse_document(raw), dict)


SNIPPETS = [
    "a",
    ":",
    " ",
    "\n",
    "- ",
    "&x ",
    "*x",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    '"',
    "<<",
    "!!int ",
    "|",
    "? ",
    "#",
    "\t",
    "1",
    "---\n",
    "\\",
]


@given(st.lists(st.sampled_from(SNIPPETS), max_size=40).map("".join))
def test_no_arrangement_of_yaml_syntax_raises_anything_but_a_refusal(text: str) -> None:
    with contextlib.suppress(DocumentRejected):
        assert isinstance(parse_document(text.encode(), limits=Limits(depth=6, nodes=50)), dict)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-7", -7),
        ("0644", 420),
        ("0o644", 420),
        ("0x1F", 31),
        ("089", 89),
        ("1_000", "1_000"),
        ("22:22", "22:22"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("2026-01-02", "2026-01-02"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ('"12"', "12"),
        ("'true'", "true"),
        ("!!str 12", "12"),
        ("!!int 12", 12),
        ("!!float 12", 12.0),
        ("=", "="),
    ],
)
def test_scalars_resolve_by_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    found = parsed(f"a: {text}")["a"]
    assert (type(found), found) == (type(value), value)


def test_keys_are_texts_as_in_json() -> None:
    assert parsed("http: {80: a, true: b, /: c}") == {"http": {"80": "a", "true": "b", "/": "c"}}


def test_aliases_are_copies_and_merge_keys_yield_to_explicit_ones() -> None:
    text = "base: &b {a: 1, c: {d: 2}}\none: *b\ntwo: {<<: *b, a: 3}\nthree:\n  <<: [*b, {e: 5}]\n"
    found = parsed(text)
    assert found["two"] == {"a": 3, "c": {"d": 2}}
    assert found["three"] == {"a": 1, "c": {"d": 2}, "e": 5}
    assert found["one"] == found["base"]
    assert found["one"] is not found["base"]


@pytest.mark.parametrize(
    ("raw", "code", "words"),
    [
        (b"", "Empty", "empty"),
        (b"# only a comment\n", "Empty", "empty"),
        (b"\x00\x01\x02", "InvalidText", ""),
        (b"a: 1\nb: \xff", "InvalidText", "line 2, column 4"),
        (b"a: 1\n b: 2", "InvalidYaml", "line 2"),
        (b"a: [1, 2", "InvalidYaml", "begins in line 1"),
        (b"- a\n- b", "WrongType", "a list"),
        (b"just text", "WrongType", "a single value"),
        (b'{"a": NaN}', "InvalidNumber", "line 1, column 7"),
        (b'{"a": -Infinity}', "InvalidNumber", "line 1, column 7"),
        (b'{"a": 1e999}', "InvalidNumber", "too large"),
        (b'{"a": 9223372036854775808}', "InvalidNumber", "64 bits"),
        (b'{"a": "\\ud800"}', "InvalidText", "surrogate"),
        (b"a: .nan", "InvalidNumber", "line 1, column 4"),
        (b"a: -.inf", "InvalidNumber", "line 1, column 4"),
        (b"a: 1e999", "InvalidNumber", "too large"),
        (b"a: 99999999999999999999", "InvalidNumber", "64 bits"),
        (b"a: !!binary aGk=", "UnsupportedTag", "line 1"),
        (b"a: !!timestamp 2026-01-01", "UnsupportedTag", "line 1"),
        (b"a: !!python/object:os.system {}", "UnsupportedTag", "line 1"),
        (b"? [a, b]\n: c", "UnsupportedKey", "plain text"),
        (b"a: &x [*x]", "InvalidAlias", "line 1"),
        (b"a: *nothing", "InvalidAlias", "line 1"),
        (b"a: 1\n---\nb: 2", "SeveralDocuments", "line 2"),
        (b"<<: 1", "InvalidYaml", "merged"),
    ],
)
def test_what_cannot_be_read_is_one_finding_with_its_place(raw: bytes, code: str, words: str) -> None:
    finding = refusal(raw)
    assert finding.code == code
    assert words in finding.message


@pytest.mark.parametrize("text", ["a:\n  b: 1\n  c: 2\n  b: 3\n", '{"a": {\n"b": 1,\n"c": 2,\n"b": 3}}'])
def test_a_key_given_twice_is_named_with_both_lines(text: str) -> None:
    finding = refusal(text)
    assert (finding.code, finding.path) == ("DuplicateKey", "a.b")
    assert "line 4" in finding.message
    assert "first in line 2" in finding.message


def test_json_escapes_that_yaml_does_not_know_are_read() -> None:
    assert parsed('{"a": "\\ud83d\\ude00 \\/"}') == {"a": "😀 /"}


def test_a_byte_order_mark_and_an_empty_last_document_do_no_harm() -> None:
    assert parse_document(b"\xef\xbb\xbf---\na: 1\n---\n") == {"a": 1}


@pytest.mark.parametrize("nest", ["[", '{"a":', "- "])
def test_deep_nesting_is_refused_at_once_without_exhausting_the_stack(nest: str) -> None:
    started = time.perf_counter()
    finding = refusal("a: " + nest * 100_000 if nest == "[" else nest * 100_000)
    assert finding.code == "TooDeep"
    assert time.perf_counter() - started < 5


def test_nesting_up_to_the_limit_is_read() -> None:
    for text in ("[" * 63 + "]" * 63, "[" * 63 + "1" + "]" * 63):
        assert parsed('{"a": ' + text + "}")
        assert parsed("a: " + text)
    assert refusal("a: " + "[" * 64 + "]" * 64).code == "TooDeep"
    assert refusal('{"a": ' + "[" * 64 + "]" * 64 + "}").code == "TooDeep"


def test_aliases_cannot_explode() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert refusal("\n".join(levels)).code == "TooLarge"


def test_a_long_text_cannot_be_multiplied_by_aliases() -> None:
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 50)}]"
    assert refusal(text).code == "TooLarge"


def test_aliases_cannot_nest_deeper_than_the_limit() -> None:
    text = "a: &a [[[[1]]]]\nb: [[[*a]]]"
    assert refusal(text, depth=6).code == "TooDeep"


def test_an_unterminated_text_of_escapes_is_refused_quickly() -> None:
    started = time.perf_counter()
    refusal('{"' + '\\"' * 400_000)
    assert time.perf_counter() - started < 5


def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    finding = refusal(b"\xff" * 101, body_bytes=100)
    assert (finding.code, "101 bytes" in finding.message) == ("TooLarge", True)


def test_too_many_components_are_refused_quickly() -> None:
    body = json.dumps({"spec": {"components": [{"name": f"c{i}", "type": "app"} for i in range(10_000)]}})
    started = time.perf_counter()
    finding = refusal(body)
    assert (finding.code, finding.path) == ("TooMany", "spec.components")
    assert time.perf_counter() - started < 2


def test_too_many_traits_are_refused() -> None:
    body = json.dumps({"spec": {"components": [{"traits": [{}, {}]}, {"traits": [{}]}]}})
    assert refusal(body, traits=2).code == "TooMany"
    finding = refusal(body, traits_of_component=1)
    assert (finding.code, finding.path) == ("TooMany", "spec.components[0].traits")
