"""The leads of a stage, from the registry that the index keeps: nothing is scanned."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import TYPE_CHECKING

from lead_memory.adapters import keys
from lead_memory.domain.memories import Lead
from lead_memory_client.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTITIONS_AT_ONCE = 16


class Registry:
    """Every method raises `AwsRefused`."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def organizations(self) -> list[str]:
        return list(self._registered(keys.ORGANIZATIONS))

    def leads(self, organization_ids: Iterable[str]) -> Iterator[Lead]:
        """Partition by partition."""
        for organization_id in organization_ids:
            for partition in keys.registries(organization_id):
                yield from self._leads_of(organization_id, partition)

    def hand_on(self, organization_ids: Iterable[str], at_once: int, take: Callable[[Sequence[Lead]], None]) -> int:
        """Of many partitions at once, some leads with each call of `take`; how many leads there were."""

        def hand_on(partition: tuple[str, str]) -> int:
            count = 0
            for some in batched(self._leads_of(*partition), at_once, strict=False):
                take(some)
                count += len(some)
            return count

        partitions = [(each, partition) for each in organization_ids for partition in keys.registries(each)]
        with ThreadPoolExecutor(PARTITIONS_AT_ONCE) as pool:
            return sum(pool.map(hand_on, partitions))

    def _leads_of(self, organization_id: str, partition: str) -> Iterator[Lead]:
        for lead_id in self._registered(partition):
            yield Lead(organization_id, lead_id)

    def _registered(self, partition: str) -> Iterator[str]:
        with translated("read the registry"):
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._table_name,
                IndexName=keys.GSI1,
                KeyConditionExpression=f"{keys.GSI1_PK} = :partition",
                ExpressionAttributeValues={":partition": {"S": partition}},
                ProjectionExpression=keys.GSI1_SK,
            )
            for page in pages:
                for item in page["Items"]:
                    yield item[keys.GSI1_SK]["S"]
