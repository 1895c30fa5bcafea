"""Content, sealed with its organization's data key and bound to its place (decision 0008)."""

import hmac
import struct
from collections.abc import Sequence
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lead_memory.adapters import keys
from lead_memory.domain.errors import LeadMemoryError
from lead_memory.domain.memories import MemoryKey

KEY_BYTES = 32
NONCE_BYTES = 12
_FORMAT = 1
_HEADER = struct.Struct(">BI")
"""The format, and the version of the data key."""
_NAME_BYTES = 16
CONTEXT = "organization_id"
"""Of the encryption context; the key's policy refuses a request without it."""


class KeyUnknown(LeadMemoryError):
    """The content is sealed with a newer key than this keyring holds; read the keyring again."""


class Unreadable(LeadMemoryError):
    """The content was not sealed for this organization and place; it does not open."""


class Keyring:
    """One organization's data keys: the newest seals, each of them opens.

    A place is what names the content where it lies, such as an item's key and attribute: it is authenticated with the
    content, so that a ciphertext that was moved elsewhere does not open.
    """

    def __init__(self, organization_id: str, data_keys: Sequence[bytes], *, hashes_names: bool = False) -> None:
        self.organization_id = organization_id
        self.hashes_names = hashes_names
        self._keys = data_keys
        self._ciphers = [AESGCM(key) for key in data_keys]

    @property
    def newest_version(self) -> int:
        return len(self._ciphers)

    def seal(self, content: bytes, *place: str) -> bytes:
        header = _HEADER.pack(_FORMAT, self.newest_version)
        nonce = urandom(NONCE_BYTES)
        return header + nonce + self._ciphers[-1].encrypt(nonce, content, self._associated(header, place))

    def open(self, sealed: bytes, *place: str) -> bytes:
        """Raises `KeyUnknown` or `Unreadable`."""
        version = key_version(sealed)
        if version > self.newest_version:
            raise KeyUnknown(f"the key version {version} is not known here yet")
        header, nonce = sealed[: _HEADER.size], sealed[_HEADER.size : _HEADER.size + NONCE_BYTES]
        try:
            return self._ciphers[version - 1].decrypt(
                nonce, sealed[_HEADER.size + NONCE_BYTES :], self._associated(header, place)
            )
        except (InvalidTag, ValueError):
            raise Unreadable("content that was not sealed for this organization and place") from None

    def memory_key(self, lead_id: str, name: MemoryKey) -> keys.Key:
        """With the memory's name; where the organization chose so, with a keyed hash of the lead and the name."""
        key = keys.memory_key(lead_id, name)
        if not self.hashes_names:
            return key
        digest = hmac.digest(self._derived(b"names of memories"), "\0".join(key).encode(), "sha256")
        return keys.Key(lead_id, keys.hashed_memory_sk(name.memory_type, digest[:_NAME_BYTES].hex()))

    def fingerprint(self, content: bytes) -> str:
        """The same for the same content, and it tells nothing of it to who has no key."""
        return hmac.digest(self._derived(b"contents"), content, "sha256").hex()

    def _derived(self, purpose: bytes) -> bytes:
        """A key from the first data key, which stays: a rotation renames nothing."""
        return hmac.digest(self._keys[0], purpose, "sha256")

    def _associated(self, header: bytes, place: Sequence[str]) -> bytes:
        # No part can hold a zero byte, so no two places are written the same.
        return header + "\0".join((self.organization_id, *place)).encode()


def encryption_context(organization_id: str) -> dict[str, str]:
    """With which KMS wraps an organization's data keys, and unwraps them."""
    return {CONTEXT: organization_id}


def key_version(sealed: bytes) -> int:
    """Raises `Unreadable` for what is not sealed."""
    if len(sealed) < _HEADER.size or sealed[0] != _FORMAT:
        raise Unreadable("content that is not sealed")
    version: int = _HEADER.unpack_from(sealed)[1]
    if version < 1:
        raise Unreadable("content that is not sealed")
    return version
