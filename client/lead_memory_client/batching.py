"""As much as one call to AWS takes."""

from collections.abc import Callable, Iterable, Iterator

ITEMS_PER_CALL = 10
BYTES_PER_CALL = 1_000_000
"""EventBridge takes 1 MB of entries a call, every entry's source, type and detail together; SQS 1 MiB of messages."""


def batches[T](items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """As many at a time as one call takes, in order; `size` is in bytes."""
    batch: list[T] = []
    batch_size = 0
    for item in items:
        item_size = size(item)
        if batch and (len(batch) == ITEMS_PER_CALL or batch_size + item_size > BYTES_PER_CALL):
            yield batch
            batch, batch_size = [], 0
        batch.append(item)
        batch_size += item_size
    if batch:
        yield batch
