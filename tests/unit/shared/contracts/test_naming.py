"""Names stay within Kubernetes' limits, stable and distinct."""

import re

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.contracts.naming import NAME_MAX, as_label, fit, job_name, joined, label

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,70}[a-z0-9])?", fullmatch=True)
subdomains = st.lists(labels, min_size=1, max_size=4).map(".".join)
digests = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


@given(labels)
def test_name_that_fits_stays(name: str) -> None:
    assume(len(name) <= NAME_MAX)
    assert fit(name) == name
    assert label(name) == name


@given(labels, labels)
def test_long_names_are_shortened_and_stay_apart(one: str, other: str) -> None:
    assume(one != other)
    assert len(fit(one)) <= NAME_MAX
    assert fit(one) != fit(other)


@given(subdomains, subdomains)
def test_dns_name_becomes_a_label_of_its_own(one: str, other: str) -> None:
    assert LABEL.match(label(one))
    assert len(label(one)) <= NAME_MAX
    assert one == other or label(one) != label(other)


def test_dots_and_dashes_stay_apart() -> None:
    assert label("a.b") != label("a-b")


def test_empty_parts_are_left_out_of_a_joined_name() -> None:
    assert joined("web", "", "canary") == "web-canary"
    assert joined("web", "") == "web"


@given(labels, digests, st.integers(1, 999))
def test_name_of_a_job_is_a_label_that_tells_attempts_apart(base: str, digest: str, attempt: int) -> None:
    name = job_name(base, digest, attempt)
    assert LABEL.match(name)
    assert len(name) <= NAME_MAX
    assert name != job_name(base, digest, attempt + 1)


@given(st.text(max_size=80))
def test_text_becomes_a_label_or_nothing(text: str) -> None:
    found = as_label(text)
    assert not found or (LABEL.match(found) and len(found) <= NAME_MAX)


def test_label_is_near_the_text() -> None:
    assert [as_label(text) for text in ("my.Web", "web_1", "-x-", "web", "...")] == ["my-web", "web-1", "x", "web", ""]
