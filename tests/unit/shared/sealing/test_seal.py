from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.identity import AppUid, ClusterName, Namespace, Tenant
from shared.contracts.sealed import SealedPart, SealedValue, for_cluster, write
from shared.sealing import Place, SealedValueInvalid, SealingKey, generate, open_value, public_key_of, seal

WEST, EAST = ClusterName("west"), ClusterName("east")
PRIVATE = {WEST: generate(), EAST: generate()}
PUBLIC = {name: public_key_of(key) for name, key in PRIVATE.items()}
MARK_KEY = b"only the gateway knows this"
PLACE = Place(Tenant("acme"), Namespace("shop"), AppUid("u1"), "db", "password")

texts = st.text(max_size=20)
places = st.builds(Place, texts, texts, texts, texts, texts)


def sealed(plain: bytes, place: Place = PLACE, previous: SealedValue | None = None) -> SealedValue:
    return seal(plain, place, PUBLIC, mark_key=MARK_KEY, previous=previous)


def opened(
    value: SealedValue, place: Place = PLACE, cluster: ClusterName = WEST, key: SealingKey | None = None
) -> bytes:
    return open_value(write(value), place, cluster, [key or PRIVATE[cluster]])


@given(st.binary(max_size=2000), places, st.sampled_from([WEST, EAST]))
def test_value_opens_in_its_place_in_every_cluster_it_was_sealed_for(
    plain: bytes, place: Place, cluster: ClusterName
) -> None:
    assert opened(sealed(plain, place), place, cluster) == plain


@given(places, places)
def test_value_opens_in_no_other_place(here: Place, there: Place) -> None:
    value = sealed(b"s3cret", here)
    if here == there:
        assert opened(value, there) == b"s3cret"
    else:
        with pytest.raises(SealedValueInvalid):
            opened(value, there)


@pytest.mark.parametrize("component", range(len(PLACE)))
def test_each_component_of_the_place_is_bound(component: int) -> None:
    there = Place._make("other" if n == component else given for n, given in enumerate(PLACE))

    with pytest.raises(SealedValueInvalid):
        opened(sealed(b"s3cret"), there)


def test_blanks_moved_between_components_are_another_place() -> None:
    here = PLACE._replace(namespace=Namespace("a"), name="bc")
    there = PLACE._replace(namespace=Namespace("ab"), name="c")

    with pytest.raises(SealedValueInvalid):
        opened(sealed(b"s3cret", here), there)


def test_part_of_one_cluster_does_not_open_as_another_even_with_its_key() -> None:
    value = sealed(b"s3cret")
    swapped = SealedValue(mark=value.mark, parts={WEST: value.parts[EAST]})

    with pytest.raises(SealedValueInvalid):
        opened(swapped, cluster=WEST)
    with pytest.raises(SealedValueInvalid):
        opened(swapped, cluster=WEST, key=PRIVATE[EAST])


@given(st.data())
def test_damaged_value_does_not_open(data: st.DataObject) -> None:
    value = sealed(b"s3cret")
    part = value.parts[WEST].model_dump()
    field = data.draw(st.sampled_from(["box", "key", "nonce"]))
    raw = bytearray(b64decode(part[field]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = SealedPart.model_validate(part | {field: b64encode(raw).decode()})

    with pytest.raises(SealedValueInvalid):
        opened(SealedValue(mark=value.mark, parts={WEST: damaged}))


@pytest.mark.parametrize("text", ["plain", "kubemin.sealed.v1:", "kubemin.sealed.v1:{}", 'kubemin.sealed.v1:{"x":1}'])
def test_what_is_no_sealed_value_does_not_open(text: str) -> None:
    with pytest.raises(SealedValueInvalid):
        open_value(text, PLACE, WEST, [PRIVATE[WEST]])


def test_value_for_other_clusters_says_so() -> None:
    only_east = for_cluster(write(sealed(b"s3cret")), EAST)

    with pytest.raises(SealedValueInvalid, match="other clusters"):
        open_value(only_east, PLACE, WEST, [PRIVATE[WEST]])


def test_unchanged_value_keeps_its_ciphertext() -> None:
    first = sealed(b"s3cret")

    assert sealed(b"s3cret", previous=first) == first


def test_value_is_sealed_anew_for_a_key_that_replaced_the_old_one() -> None:
    first = sealed(b"s3cret")
    new = generate()

    second = seal(b"s3cret", PLACE, PUBLIC | {WEST: public_key_of(new)}, mark_key=MARK_KEY, previous=first)

    assert opened(second, key=new) == b"s3cret"
    assert second.parts[EAST] == first.parts[EAST]


def test_cluster_opens_what_was_sealed_for_any_key_that_it_holds() -> None:
    ring = [generate(), generate(), PRIVATE[WEST]]

    assert open_value(write(sealed(b"s3cret")), PLACE, WEST, ring) == b"s3cret"


def test_value_sealed_for_a_retired_key_does_not_open() -> None:
    with pytest.raises(SealedValueInvalid, match="does not hold"):
        opened(sealed(b"s3cret"), key=generate())


def test_wrong_hint_of_the_recipient_does_no_harm() -> None:
    value = sealed(b"s3cret")
    misled = value.parts[WEST].model_copy(update={"recipient": "0" * 16})

    assert opened(SealedValue(mark=value.mark, parts={WEST: misled})) == b"s3cret"


def test_changed_value_is_sealed_anew() -> None:
    first = sealed(b"s3cret")
    second = sealed(b"other", previous=first)

    assert second.mark != first.mark
    assert second.parts[WEST] != first.parts[WEST]


def test_value_moved_to_another_place_is_sealed_anew() -> None:
    first = sealed(b"s3cret")
    there = PLACE._replace(key="other")

    assert opened(sealed(b"s3cret", there, previous=first), there) == b"s3cret"


def test_further_cluster_leaves_the_ciphertext_of_the_others() -> None:
    first = seal(b"s3cret", PLACE, {WEST: PUBLIC[WEST]}, mark_key=MARK_KEY)
    second = sealed(b"s3cret", previous=first)

    assert second.parts[WEST] == first.parts[WEST]
    assert opened(second, cluster=EAST) == b"s3cret"


def test_cluster_that_was_dropped_keeps_nothing() -> None:
    second = seal(b"s3cret", PLACE, {EAST: PUBLIC[EAST]}, mark_key=MARK_KEY, previous=sealed(b"s3cret"))

    assert set(second.parts) == {EAST}


def test_equal_values_in_two_places_do_not_show_as_equal() -> None:
    assert sealed(b"s3cret").mark != sealed(b"s3cret", PLACE._replace(key="other")).mark


def test_mark_depends_on_its_key() -> None:
    other = seal(b"s3cret", PLACE, PUBLIC, mark_key=b"the key of another gateway")

    assert other.mark != sealed(b"s3cret").mark


def test_short_mark_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        seal(b"s3cret", PLACE, PUBLIC, mark_key=b"short")


def test_error_quotes_nothing_of_the_value() -> None:
    value = sealed(b"s3cret")

    with pytest.raises(SealedValueInvalid) as raised:
        opened(value, PLACE._replace(name="other"))

    shown = repr(raised.value)
    assert "s3cret" not in shown
    assert value.parts[WEST].box not in shown
    assert raised.value.__cause__ is None
