"""Contents as they are compressed."""

import zlib
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.adapters.packing import pack, unpack

CONTENT = b'{"data":{"email":"ana@example.com","currency":"BRL"},"raw_payload":null,"mapped":false}'
PACKED_ONCE = b64decode("eLtVhTd8Q7CgkQ3M4okOqRVAL+SkQnuTiNAA9zhribAAABBMHfk=")
"""As it lies in tables: another dictionary does not open it."""


@given(st.binary(max_size=5_000))
def test_what_is_packed_opens_to_the_same_bytes(content: bytes) -> None:
    assert unpack(pack(content)) == content


def test_what_was_packed_with_the_dictionary_as_it_was_first_opens() -> None:
    assert unpack(PACKED_ONCE) == CONTENT


@pytest.mark.parametrize("end", [1, 6, -1])
def test_what_ends_too_soon_is_an_error(end: int) -> None:
    with pytest.raises(zlib.error):
        unpack(PACKED_ONCE[:end])
