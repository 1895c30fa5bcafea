"""Organizations' data keys from KMS, each with the organization as its encryption context."""

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from lead_memory.adapters.sdk import ONE_RETRY, SdkClient, failures_named
from lead_memory.domain.errors import KeysUnavailable

if TYPE_CHECKING:
    from mypy_boto3_kms.client import KMSClient


ORGANIZATION = "organization_id"
"""In the encryption context; the key's policy refuses a request without it."""
_NO_KEY = "KMS did not give a data key"


def encryption_context(organization_id: str) -> dict[str, str]:
    return {ORGANIZATION: organization_id}


class DataKey(NamedTuple):
    plaintext: bytes
    """32 bytes, for AES-256."""
    wrapped: bytes
    """The same, encrypted by KMS."""


class KeyService:
    """Both methods raise `KeysUnavailable`, after seven seconds where KMS is silent."""

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id
        self._client: SdkClient[KMSClient] = SdkClient("kms", connect_timeout=1, read_timeout=2, retries=ONE_RETRY)

    async def generate(self, organization_id: str) -> DataKey:
        return await asyncio.to_thread(self._generate, organization_id)

    async def unwrap(self, organization_id: str, wrapped: bytes) -> bytes:
        return await asyncio.to_thread(self._unwrap, organization_id, wrapped)

    def _generate(self, organization_id: str) -> DataKey:
        with failures_named(_NO_KEY, KeysUnavailable):
            made = self._client().generate_data_key(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=encryption_context(organization_id)
            )
        return DataKey(made["Plaintext"], made["CiphertextBlob"])

    def _unwrap(self, organization_id: str, wrapped: bytes) -> bytes:
        with failures_named(_NO_KEY, KeysUnavailable):
            # With the key named, what another key wrapped does not open.
            return self._client().decrypt(
                KeyId=self._key_id, CiphertextBlob=wrapped, EncryptionContext=encryption_context(organization_id)
            )["Plaintext"]
