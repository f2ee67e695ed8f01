from hypothesis import given
from hypothesis import strategies as st

from shared.bus.backoff import backoff_s


@given(attempt=st.integers(min_value=1, max_value=10_000))
def test_a_delay_is_at_least_half_of_the_full_one_and_never_past_the_limit(attempt: int) -> None:
    full = min(60.0, 0.5 * 2.0 ** min(attempt - 1, 30))
    assert full / 2 <= backoff_s(attempt) <= full
