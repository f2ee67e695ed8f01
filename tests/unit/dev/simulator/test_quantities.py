from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.simulator.quantities import canonical_quantity, parse_quantity

quantities = st.builds(
    lambda number, suffix: f"{number}{suffix}",
    st.decimals(0, 10**6, places=3).map(lambda number: format(number.normalize(), "f")),
    st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi", "Ti"]),
)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        (2, "2"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000000", "1M"),
        ("4000", "4k"),
        ("100Mi", "100Mi"),
        ("0", "0"),
        ("1e3", "1e3"),
    ],
)
def test_quantity_is_written_as_kubernetes_stores_it(written: str | int, canonical: str) -> None:
    assert canonical_quantity(written) == canonical


@pytest.mark.parametrize("written", ["", "1 Gi", "Gi", "1gb", "--1", None, True])
def test_what_is_no_quantity_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        parse_quantity(written)


@given(quantities)
def test_canonical_form_has_the_same_value_and_is_its_own_canonical_form(written: str) -> None:
    canonical = canonical_quantity(written)

    assert parse_quantity(canonical) - parse_quantity(written) < Fraction(1, 10**9)
    assert parse_quantity(canonical) >= parse_quantity(written)
    assert canonical_quantity(canonical) == canonical
