"""What is as large as the bus takes, from the bus to the log and back."""

import base64
import secrets
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from lead_memory.domain import canonical
from lead_memory.domain.limits import VALUE_BYTES
from lead_memory_client import Entry, LeadMemory
from lead_memory_client.batching import BYTES_PER_CALL
from lead_memory_client.delivery import deliver
from tests import events
from tests.events import ORGANIZATION


def noise(characters: int) -> str:
    """Text that compression makes a quarter smaller, and no more."""
    return base64.b64encode(secrets.token_bytes(characters)).decode()[:characters]


def an_entry(lead: str, event_type: str, data: dict[str, Any], raw_payload: Any = None) -> Entry:
    made = events.entry(event_type, data, event_id=str(uuid4()), lead_organization_id=lead)
    made["Detail"]["raw_payload"] = raw_payload
    return msgspec.convert(made, Entry)


def as_large_as_the_bus_takes(lead: str, event_type: str, field: str) -> Entry:
    def of_size(characters: int) -> Entry:
        payload = {"product_id": "whey", "noise": noise(characters)}
        return an_entry(lead, event_type, payload) if field == "data" else an_entry(lead, event_type, {}, payload)

    beside = sum(len(text) for text in (of_size(0).source, event_type, of_size(0).detail_json()))
    return of_size(BYTES_PER_CALL - beside)


@pytest.mark.parametrize("field", ["data", "raw_payload"])
def test_an_event_as_large_as_the_bus_takes_comes_back_whole(memory: LeadMemory, field: str) -> None:
    lead = str(uuid4())
    large = as_large_as_the_bus_takes(lead, "lead.identified", field)
    assert len(large.detail_json()) > 999_000
    assert set(deliver(memory, [large], patience_seconds=60).visible_seconds) == {large.name}
    [found] = memory.events(lead, ORGANIZATION)
    came_back = found.data if field == "data" else canonical.decode(bytes(found.raw_payload or b""))
    # The local bus writes its JSON anew, with spaces; the bytes from the queue on are the integration tests'.
    assert canonical.encode(came_back) == canonical.encode(large.detail[field])


def test_the_largest_value_is_remembered_and_a_larger_one_rejected_alone(memory: LeadMemory) -> None:
    lead = str(uuid4())

    def declared(key: str, size: int) -> Entry:
        value = {"text": noise(size - len('{"text":""}'))}
        return an_entry(lead, "memory.declared", {"memory_type": "fact", "key": key, "value": value})

    largest, larger = declared("k" * 255, VALUE_BYTES), declared("larger", VALUE_BYTES + 1)
    delivery = deliver(memory, [larger, largest], patience_seconds=60)
    assert set(delivery.visible_seconds) == {largest.name}
    assert {name: rejection.reason for name, rejection in delivery.rejected.items()} == {larger.name: "too_large"}
    assert [each.value for each in memory.memories(lead, ORGANIZATION)] == [largest.detail["data"]["value"]]
