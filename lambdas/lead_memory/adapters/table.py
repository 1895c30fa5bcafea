"""The table, over aiodynamo: asynchronous, because one call reads for hundreds of leads at once."""

import asyncio
import operator
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, reduce
from itertools import batched
from typing import Any
from uuid import uuid4

import aiohttp
from aiodynamo.client import Client
from aiodynamo.credentials import TooManyRetries
from aiodynamo.errors import (
    AIODynamoError,
    ConditionalCheckFailed,
    InternalDynamoError,
    ItemNotFound,
    NoCredentialsFound,
    ProvisionedThroughputExceeded,
    RequestLimitExceeded,
    ServiceUnavailable,
    Throttled,
    TransactionCanceled,
    TransactionConflict,
    TransactionInProgress,
)
from aiodynamo.expressions import Condition, F, KeyCondition, UpdateExpression
from aiodynamo.http.aiohttp import AIOHTTP
from aiodynamo.models import BatchGetRequest, BatchWriteRequest, DecorelatedJitterRetry, RetryTimeout, Select
from aiodynamo.operations import ConditionCheck, Delete, Put, Update

from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.domain.errors import Conflict, LeadMemoryError, Unavailable

RETRY_SECONDS = 8
BATCH_GET_ITEMS = 100
BATCH_WRITE_ITEMS = 25

type Item = dict[str, Any]

_AWAY = (
    aiohttp.ClientError,
    asyncio.TimeoutError,
    InternalDynamoError,
    NoCredentialsFound,
    ProvisionedThroughputExceeded,
    RequestLimitExceeded,
    RetryTimeout,
    ServiceUnavailable,
    Throttled,
    TooManyRetries,
)
_THROTTLED_READ = (ProvisionedThroughputExceeded, RequestLimitExceeded, RetryTimeout, Throttled)
_LOST_RACE = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
_THROTTLED = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"})
"""Codes of the reasons for which a transaction is cancelled."""


class Cancelled(Conflict):
    """A transaction that lost; `positions` are the operations whose condition failed."""

    def __init__(self, positions: Sequence[int]) -> None:
        self.positions = positions
        super().__init__("another writer won")


class _Client(Client):
    async def send_request(self, *, action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await super().send_request(action=action, payload=payload)
        except (*_AWAY, AIODynamoError) as error:
            # The library's frame holds the error, and by its traceback the error the frame, with all that was asked.
            error.__traceback__ = error.__context__ = None
            raise


class DynamoTable:
    """Retries throttled and unanswered requests with jitter for some seconds, then raises `Unavailable`."""

    def __init__(self, name: str, aws: Aws, retry_seconds: float = RETRY_SECONDS) -> None:
        self._name = name
        self._aws = aws
        self._retries = DecorelatedJitterRetry(time_limit_secs=retry_seconds)

    @cached_property
    def _client(self) -> Client:
        return _Client(
            AIOHTTP(self._aws.session),
            self._aws.credentials,
            self._aws.region,
            endpoint=self._aws.endpoint("dynamodb"),
            numeric_type=int,
            throttle_config=self._retries,
        )

    async def get(self, key: keys.Key, *, consistent: bool = False) -> Item | None:
        """One GetItem."""
        with _translated():
            try:
                return await self._client.get_item(self._name, key._asdict(), consistent_read=consistent)
            except ItemNotFound:
                return None

    async def batch_get(self, wanted: Sequence[keys.Key], attributes: Sequence[str] = ()) -> list[Item]:
        """Strongly consistent; in no order, and without what is not there. All attributes, or those that are named."""
        found: list[Item] = []
        for asked in batched(wanted, BATCH_GET_ITEMS, strict=False):
            items, throttled = await self.read(asked, consistent=True, attributes=attributes)
            if throttled:
                raise Unavailable("DynamoDB did not answer: Throttled")
            found += items
        return found

    async def read(
        self, wanted: Collection[keys.Key], *, consistent: bool = False, attributes: Sequence[str] = ()
    ) -> tuple[list[Item], set[keys.Key]]:
        """At most `BATCH_GET_ITEMS`, with one BatchGetItem: what is there, and the keys that stayed throttled."""
        found: list[Item] = []
        left = [key._asdict() for key in wanted]
        named = reduce(operator.and_, map(F, attributes)) if attributes else None
        # What is left when all of it is throttled is an error of its own.
        with _translated(), suppress(*_THROTTLED_READ):
            async for _ in self._retries.attempts():
                request = BatchGetRequest(left, projection=named, consistent_read=consistent)
                answer = await self._client.batch_get({self._name: request})
                found += answer.items.get(self._name, [])
                if not (left := answer.unprocessed_keys.get(self._name, [])):
                    break
        return found, {keys.Key(**key) for key in left}

    async def query(
        self,
        condition: KeyCondition,
        *,
        index: str | None = None,
        limit: int | None = None,
        after: Item | None = None,
        newest_first: bool = False,
    ) -> AsyncIterator[Item]:
        """Strongly consistent on the table. At most `limit` items, from the one that comes next after a place."""
        with _translated():
            async for item in self._client.query(
                self._name,
                condition,
                index=index,
                limit=limit,
                start_key=after,
                scan_forward=not newest_first,
                consistent_read=index is None,
                select=Select.all_projected_attributes if index else Select.all_attributes,
            ):
                yield item

    async def page(self, condition: KeyCondition, having: Condition, limit: int) -> tuple[list[Item], bool]:
        """One strongly consistent Query, whatever there is: of at most `limit` items those that have something.

        And whether there are more than were looked at.
        """
        with _translated():
            page = await self._client.query_single_page(
                self._name, condition, filter_expression=having, limit=limit, consistent_read=True
            )
            return page.items, page.last_evaluated_key is not None

    async def transact(self, operations: Sequence[Put | Update | Delete | ConditionCheck]) -> None:
        """All or nothing, and once: a retry after a lost answer carries the same token. Raises `Cancelled`."""
        token = str(uuid4())
        with _translated():
            async for _ in self._retries.attempts():
                try:
                    await self._client.transact_write_items(operations, request_token=token)
                    return
                except TransactionCanceled as cancelled:
                    _raise_unless_throttled(
                        [reason.code if reason else "" for reason in cancelled.cancellation_reasons]
                    )
                except (TransactionConflict, TransactionInProgress):
                    raise Cancelled([]) from None

    async def update(self, key: keys.Key, change: UpdateExpression, condition: Condition) -> None:
        """One UpdateItem, at half a transaction's cost. Raises `Conflict` where the condition does not hold."""
        with _translated():
            try:
                await self._client.update_item(self._name, key._asdict(), change, condition=condition)
            except ConditionalCheckFailed:
                raise Conflict("another writer won") from None

    async def delete(self, unwanted: Sequence[keys.Key]) -> None:
        """Whatever they hold, and as often as it is asked for."""
        for asked in batched(unwanted, BATCH_WRITE_ITEMS, strict=False):
            left = [key._asdict() for key in asked]
            with _translated():
                async for _ in self._retries.attempts():
                    try:
                        answer = await self._client.batch_write({self._name: BatchWriteRequest(keys_to_delete=left)})
                    except (TransactionConflict, TransactionInProgress):
                        continue
                    if self._name not in answer or not (left := answer[self._name].undeleted_keys):
                        break

    async def add(self, key: keys.Key, numbers: Mapping[str, int], *, expires_at: int) -> None:
        """Adds to the numbers of an item, which begin at 0; a retry after a lost answer adds again."""
        expression = F(keys.TTL).set(expires_at)
        for attribute, number in numbers.items():
            expression &= F(attribute).add(number)
        with _translated():
            await self._client.update_item(self._name, key._asdict(), expression)

    @property
    def name(self) -> str:
        return self._name


def _raise_unless_throttled(codes: Sequence[str]) -> None:
    """By the codes of a cancelled transaction's reasons, empty where an operation was not to blame."""
    if _LOST_RACE.intersection(codes):
        raise Cancelled([position for position, code in enumerate(codes) if code == "ConditionalCheckFailed"]) from None
    if not _THROTTLED.issuperset(filter(None, codes)):
        raise LeadMemoryError(f"DynamoDB refused a transaction: {sorted(set(codes) - {''})}") from None


@contextmanager
def _translated() -> Iterator[None]:
    """Without the causes: DynamoDB's own messages may quote what was asked, and tracebacks show them."""
    try:
        yield
    except _AWAY as error:
        raise Unavailable(f"DynamoDB did not answer: {type(error).__name__}") from None
    except AIODynamoError as error:
        raise LeadMemoryError(f"DynamoDB refused a request: {type(error).__name__}") from None
