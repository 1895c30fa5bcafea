"""What is sealed opens where it was sealed, and nowhere else."""

from os import urandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.adapters import keys
from lead_memory.adapters.sealing import KEY_BYTES, NONCE_BYTES, Keyring, KeyUnknown, Unreadable, key_version
from lead_memory.domain.memories import MemoryKey, MemoryType
from tests.events import LEAD, ORGANIZATION

DATA_KEYS = [urandom(KEY_BYTES) for _ in range(4)]
OTHER_ORGANIZATION = "0190d0c6-0000-7000-8000-000000000002"
HEADER_BYTES = 5

contents = st.binary(max_size=300)
parts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
places = st.tuples(parts, parts, parts)
versions = st.integers(1, len(DATA_KEYS))
names = st.builds(MemoryKey, st.sampled_from(MemoryType), parts)


def keyring(version: int = 1, *, organization_id: str = ORGANIZATION, hashes_names: bool = False) -> Keyring:
    return Keyring(organization_id, DATA_KEYS[:version], hashes_names=hashes_names)


@given(contents, places, versions, versions)
def test_content_opens_in_its_place_with_the_keyring_that_sealed_it_and_every_later_one(
    content: bytes, place: tuple[str, str, str], one: int, other: int
) -> None:
    earlier, later = sorted((one, other))
    sealed = keyring(earlier).seal(content, *place)
    assert keyring(later).open(sealed, *place) == content
    assert key_version(sealed) == earlier


@given(contents, places, st.integers(0, 2), parts)
def test_content_opens_under_no_other_lead_item_or_attribute(
    content: bytes, place: tuple[str, str, str], changed: int, to: str
) -> None:
    elsewhere = [to if number == changed else part for number, part in enumerate(place)]
    sealed = keyring().seal(content, *place)
    if tuple(elsewhere) == place:
        assert keyring().open(sealed, *elsewhere) == content
    else:
        with pytest.raises(Unreadable):
            keyring().open(sealed, *elsewhere)


@given(contents, st.lists(parts, min_size=1, max_size=4), st.lists(parts, min_size=1, max_size=4))
def test_no_two_places_are_taken_for_one(content: bytes, place: list[str], other: list[str]) -> None:
    sealed = keyring().seal(content, *place)
    if place == other:
        assert keyring().open(sealed, *other) == content
    else:
        with pytest.raises(Unreadable):
            keyring().open(sealed, *other)


@given(contents, places)
def test_content_does_not_open_for_another_organization_though_it_had_the_same_key(
    content: bytes, place: tuple[str, str, str]
) -> None:
    with pytest.raises(Unreadable):
        keyring(organization_id=OTHER_ORGANIZATION).open(keyring().seal(content, *place), *place)


@given(contents, places)
def test_content_does_not_open_with_another_key(content: bytes, place: tuple[str, str, str]) -> None:
    with pytest.raises(Unreadable):
        Keyring(ORGANIZATION, [DATA_KEYS[1]]).open(keyring().seal(content, *place), *place)


@given(contents, places, versions, versions)
def test_content_does_not_open_as_of_another_version(
    content: bytes, place: tuple[str, str, str], version: int, claimed: int
) -> None:
    everything = keyring(len(DATA_KEYS))
    sealed = keyring(version).seal(content, *place)
    claiming = sealed[:1] + claimed.to_bytes(HEADER_BYTES - 1) + sealed[HEADER_BYTES:]
    if claimed == version:
        assert everything.open(claiming, *place) == content
    else:
        with pytest.raises(Unreadable):
            everything.open(claiming, *place)


@given(contents, places, st.data())
def test_content_with_one_bit_turned_does_not_open(
    content: bytes, place: tuple[str, str, str], data: st.DataObject
) -> None:
    sealed = bytearray(keyring().seal(content, *place))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises((Unreadable, KeyUnknown)):
        keyring().open(bytes(sealed), *place)


@given(contents, places, st.data())
def test_content_that_lost_its_end_does_not_open(
    content: bytes, place: tuple[str, str, str], data: st.DataObject
) -> None:
    sealed = keyring().seal(content, *place)
    with pytest.raises(Unreadable):
        keyring().open(sealed[: data.draw(st.integers(0, len(sealed) - 1))], *place)


@given(st.binary(max_size=100), places)
def test_what_was_never_sealed_is_an_error_with_a_name(content: bytes, place: tuple[str, str, str]) -> None:
    with pytest.raises((Unreadable, KeyUnknown)):
        keyring().open(content, *place)


@given(contents, places)
def test_two_seals_of_one_content_have_nothing_in_common_and_do_not_tell_it(
    content: bytes, place: tuple[str, str, str]
) -> None:
    one, other = keyring().seal(content, *place), keyring().seal(content, *place)
    nonce = slice(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES)
    assert one[:HEADER_BYTES] == other[:HEADER_BYTES]
    assert one[nonce] != other[nonce]
    assert one[HEADER_BYTES:] != other[HEADER_BYTES:]
    assert len(content) < 4 or content not in one


def test_ten_thousand_seals_have_ten_thousand_nonces() -> None:
    nonces = {keyring().seal(b"", "place")[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES] for _ in range(10_000)}
    assert len(nonces) == 10_000


@given(contents, places, st.integers(1, len(DATA_KEYS) - 1))
def test_content_of_a_newer_key_asks_for_the_keyring_to_be_read_again(
    content: bytes, place: tuple[str, str, str], version: int
) -> None:
    sealed = keyring(version + 1).seal(content, *place)
    with pytest.raises(KeyUnknown):
        keyring(version).open(sealed, *place)


@given(names, names, versions, versions)
def test_a_hashed_name_is_the_same_after_every_rotation_and_another_for_every_other_name(
    name: MemoryKey, other: MemoryKey, one_version: int, other_version: int
) -> None:
    one = keyring(one_version, hashes_names=True).memory_key(LEAD, name)
    assert (one == keyring(other_version, hashes_names=True).memory_key(LEAD, other)) == (name == other)


@given(st.sampled_from(MemoryType), st.text("abcdefghijklmnopqrstuvwxyz_:", min_size=4, max_size=40))
def test_a_hashed_name_shows_the_type_and_a_length_that_all_have(memory_type: MemoryType, key: str) -> None:
    sk = keyring(hashes_names=True).memory_key(LEAD, MemoryKey(memory_type, key)).sk
    assert key not in sk.removeprefix(f"{memory_type}#")
    assert len(sk) == len(keyring(hashes_names=True).memory_key(LEAD, MemoryKey(memory_type, "")).sk)
    assert keys.memory_name(sk).memory_type is memory_type


@given(names)
def test_a_hashed_name_of_one_organization_is_not_anothers(name: MemoryKey) -> None:
    others = Keyring(OTHER_ORGANIZATION, [DATA_KEYS[1]], hashes_names=True)
    assert keyring(hashes_names=True).memory_key(LEAD, name) != others.memory_key(LEAD, name)


@given(names)
def test_a_hashed_name_of_one_lead_is_not_anothers(name: MemoryKey) -> None:
    hashing = keyring(hashes_names=True)
    assert hashing.memory_key(LEAD, name).sk != hashing.memory_key("another lead", name).sk


@given(names)
def test_a_name_that_is_not_hashed_stands_as_it_is(name: MemoryKey) -> None:
    assert keyring().memory_key(LEAD, name) == keys.memory_key(LEAD, name)


@given(contents, contents, versions, versions)
def test_a_fingerprint_is_the_same_after_every_rotation_and_another_for_every_other_content(
    content: bytes, other: bytes, one_version: int, other_version: int
) -> None:
    one = keyring(one_version).fingerprint(content)
    assert (one == keyring(other_version).fingerprint(other)) == (content == other)


@given(contents)
def test_a_fingerprint_cannot_be_made_without_the_organizations_key(content: bytes) -> None:
    assert keyring().fingerprint(content) != Keyring(ORGANIZATION, [DATA_KEYS[1]]).fingerprint(content)
