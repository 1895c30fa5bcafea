"""Organizations' keyrings, for whoever may use the stage's KMS key."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import ERASED_AT, Item, time
from lead_memory.adapters.organization_items import HASHES_NAMES, WRAPPED_KEYS
from lead_memory.adapters.sealing import Keyring, encryption_context
from lead_memory.domain.errors import Erased
from lead_memory_client.items import attributes, plain_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient


def read_organization(dynamodb: "DynamoDBClient", table: str, organization_id: str) -> Item | None:
    """None for an organization that is not known. Raises `Erased`."""
    key = attributes(keys.organization_key(organization_id))
    answer = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
    if "Item" not in answer:
        return None
    item = plain_item(answer["Item"])
    if ERASED_AT in item:
        raise Erased(f"the organization was erased at {time(item[ERASED_AT]):%Y-%m-%d %H:%M:%S} UTC")
    return item


class KeyringReader:
    """Reads the organization's item each time, so that a new key is seen at once, and unwraps each key once."""

    def __init__(
        self, dynamodb: "DynamoDBClient", table: str, open_kms: Callable[[], "KMSClient"], content_key: str
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._open_kms = open_kms
        self._content_key = content_key
        self._unwrapped: dict[tuple[str, bytes], bytes] = {}

    def read(self, organization_id: str) -> Keyring | None:
        """None for an organization that is not known. Raises `Erased`."""
        item = read_organization(self._dynamodb, self._table, organization_id)
        if item is None:
            return None
        data_keys = [self._unwrap(organization_id, wrapped) for wrapped in item[WRAPPED_KEYS]]
        return Keyring(organization_id, data_keys, hashes_names=item[HASHES_NAMES])

    def _unwrap(self, organization_id: str, wrapped: bytes) -> bytes:
        if (organization_id, wrapped) not in self._unwrapped:
            self._unwrapped[organization_id, wrapped] = self._open_kms().decrypt(
                KeyId=self._content_key,
                CiphertextBlob=wrapped,
                EncryptionContext=encryption_context(organization_id),
            )["Plaintext"]
        return self._unwrapped[organization_id, wrapped]
