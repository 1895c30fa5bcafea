"""A memory comes back from its item as it was folded, to the byte."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lead_memory.adapters.memory_items import CONTENT, PLAIN_BYTES, memory_item, memory_of
from lead_memory.adapters.sealing import KEY_BYTES, Keyring
from lead_memory.domain import canonical
from lead_memory.domain.derivations import touched
from lead_memory.domain.events import Event
from lead_memory.domain.fold import refold
from lead_memory.domain.memories import Memory
from tests.events import ORGANIZATION, START, all_samples, event, streams

KEYRING = Keyring(ORGANIZATION, [bytes(KEY_BYTES)])

offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1971, 1, 1), datetime(9997, 1, 1), timezones=offsets)  # noqa: DTZ001 - they have one
SAYINGS = st.sampled_from(
    [
        ("memory.declared", {"memory_type": "fact", "key": "away", "value": {"x": 1}}),
        ("memory.inferred", {"memory_type": "fact", "key": "away", "value": {"x": 1}, "confidence": 0.5}),
        ("preference.expressed", {"name": "contact_time", "value": "morning"}),
    ]
)


def folded(*log: Event) -> list[bytes]:
    """Bytes, because times of two zones are equal to Python when they are the same moment."""
    return list(map(canonical.encode, memories_of(log)))


def read_back(*log: Event) -> list[bytes]:
    items = [memory_item(memory, 1, KEYRING) for memory in memories_of(log)]
    return [canonical.encode(memory_of(item, KEYRING)) for item in items]


def memories_of(log: Sequence[Event]) -> list[Memory]:
    return list(refold(log, {name for event in log for name in touched(event)}).values())


@given(SAYINGS, times, offsets)
def test_a_time_in_any_zone_is_kept_as_it_reads_back(
    said: tuple[str, dict[str, Any]], ends_at: datetime, zone: timezone
) -> None:
    event_type, data = said
    occurs_at = START.astimezone(zone)
    ending = event(event_type, {**data, "expires_at": ends_at.isoformat()}, at=occurs_at)
    [memory] = read_back(ending)
    assert [memory] == folded(ending)


@given(streams())
def test_every_fold_reads_back_equal(stream: list[Event]) -> None:
    assert read_back(*stream) == folded(*stream)


def test_every_sample_reads_back_equal() -> None:
    for sample in all_samples():
        assert read_back(sample) == folded(sample)


def test_a_large_value_is_stored_packed_and_one_that_was_stored_as_it_is_still_opens() -> None:
    said = {"memory_type": "fact", "key": "story", "value": {"text": "she trains for the marathon " * PLAIN_BYTES}}
    [memory] = memories_of([event("memory.declared", said)])
    value = canonical.encode(memory.value)
    item = memory_item(memory, 1, KEYRING)
    assert len(item[CONTENT]) < len(value) / 2
    whole = item | {CONTENT: KEYRING.seal(value, item["pk"], item["sk"], CONTENT)}
    assert memory_of(item, KEYRING) == memory_of(whole, KEYRING) == memory
