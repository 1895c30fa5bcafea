"""Organizations' data keys from KMS, each with the organization as its encryption context."""

from base64 import b64encode
from typing import Any, NamedTuple

import msgspec

from lead_memory.adapters.aws import Aws, AwsError
from lead_memory.adapters.sealing import encryption_context
from lead_memory.domain.errors import KeysUnavailable

REQUEST_SECONDS = 3


class DataKey(NamedTuple):
    plaintext: bytes
    """32 bytes, for AES-256."""
    wrapped: bytes
    """The same, encrypted by KMS."""


class _Generated(msgspec.Struct, rename="pascal"):
    plaintext: bytes
    ciphertext_blob: bytes


class _Decrypted(msgspec.Struct, rename="pascal"):
    plaintext: bytes


class KeyService:
    """Both methods raise `KeysUnavailable`, after seven seconds where KMS is silent."""

    def __init__(self, key_id: str, aws: Aws) -> None:
        self._key_id = key_id
        self._aws = aws

    async def generate(self, organization_id: str) -> DataKey:
        made = await self._ask("GenerateDataKey", organization_id, _Generated, KeySpec="AES_256")
        return DataKey(made.plaintext, made.ciphertext_blob)

    async def unwrap(self, organization_id: str, wrapped: bytes) -> bytes:
        # With the key named, what another key wrapped does not open.
        opened = await self._ask("Decrypt", organization_id, _Decrypted, CiphertextBlob=b64encode(wrapped).decode())
        return opened.plaintext

    async def _ask[Answer](self, operation: str, organization_id: str, answer: type[Answer], **of: Any) -> Answer:
        asked = {"KeyId": self._key_id, "EncryptionContext": encryption_context(organization_id), **of}
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"TrentService.{operation}"}
        try:
            return await self._aws.ask(
                "kms", msgspec.json.encode(asked), answer, seconds=REQUEST_SECONDS, headers=headers
            )
        except AwsError as error:
            raise KeysUnavailable(f"KMS did not give a data key: {error.code}") from None
