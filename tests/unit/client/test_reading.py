import base64
from datetime import timedelta
from decimal import Decimal
from random import Random

import msgspec

from lead_memory.domain.memories import MemoryType
from lead_memory_client import LeadMemory
from lead_memory_client.entries import EventName
from tests.events import LEAD, ORGANIZATION, SOMEBODY, START, event, sample
from tests.unit.client.conftest import DeployedStage
from tests.unit.resolve.fakes import ANA, BRUNO, memory

OTHER_ORGANIZATION = "99999999-7a55-4d0c-9a8e-1f6a1b9f7c01"


def views(count: int) -> list[str]:
    return [f"e{number}" for number in range(count)]


def test_memories_of_every_type_come_back_by_type_and_key_with_exact_money(
    client: LeadMemory, stage: DeployedStage
) -> None:
    stage.remember(*(memory(ANA, memory_type, key, {"is": key}) for memory_type in MemoryType for key in ("b", "a")))
    stage.remember(memory(ANA, "purchase", "c", {"amount": Decimal("189.90")}), memory(BRUNO, "fact", "a", {}))
    stage.record(event("product.viewed", {"sku": "a"}))
    found = client.memories(ANA, ORGANIZATION)
    assert [str(each.name) for each in found] == sorted(
        [*(f"{memory_type}.{key}" for memory_type in MemoryType for key in "ab"), "purchase.c"]
    )
    assert {str(each.name): each.value for each in found}["purchase.c"] == {"amount": Decimal("189.90")}
    assert found[0] == memory(ANA, "behavioral", "a", {"is": "a"})


def test_what_is_expired_is_not_remembered_though_it_is_still_stored(client: LeadMemory, stage: DeployedStage) -> None:
    past = memory(ANA, "fact", "on_holiday", {}, expires_at=START)
    future = memory(ANA, "fact", "family", {}, expires_at=START + timedelta(days=36_500))
    stage.remember(past, future)
    assert client.memories(ANA, ORGANIZATION) == [future]


def test_another_organization_sees_neither_memories_nor_events(client: LeadMemory, stage: DeployedStage) -> None:
    stage.remember(memory(LEAD, "fact", "family", {}))
    stage.record(event("product.viewed", {"sku": "a"}))
    assert client.memories(LEAD, ORGANIZATION)
    assert client.events(LEAD, ORGANIZATION)
    assert client.memories(LEAD, OTHER_ORGANIZATION) == []
    assert client.events(LEAD, OTHER_ORGANIZATION) == []


def test_memories_and_events_that_fill_many_pages_all_come_back(client: LeadMemory, stage: DeployedStage) -> None:
    stage.remember(*(memory(ANA, "fact", f"k{n:03}", {"text": "x" * 300_000}) for n in range(5)))
    stage.record(
        *(
            event("product.viewed", {"sku": "a"}, event_id=event_id, at=START + timedelta(minutes=minute))
            for minute, event_id in enumerate(views(130))
        )
    )
    assert [each.key for each in client.memories(ANA, ORGANIZATION)] == ["k000", "k001", "k002", "k003", "k004"]
    assert [each.event_id for each in client.events(LEAD, ORGANIZATION, limit=200)] == views(130)[::-1]


def test_events_come_newest_first_and_no_more_than_asked_for(client: LeadMemory, stage: DeployedStage) -> None:
    stage.record(
        event("product.viewed", {"sku": "a"}, event_id="second", at=START + timedelta(hours=1)),
        event("product.viewed", {"sku": "a"}, event_id="first", at=START),
        event("product.viewed", {"sku": "a"}, event_id="third", at=START + timedelta(hours=2)),
    )
    assert [each.event_id for each in client.events(LEAD, ORGANIZATION, limit=2)] == ["third", "second"]


def test_an_event_comes_with_its_data_and_the_payload_that_it_was_made_of(
    client: LeadMemory, stage: DeployedStage
) -> None:
    paid = sample("shopify/order.paid.whey.json")
    stage.record(paid)
    [found] = client.events(paid.lead_organization_id, ORGANIZATION)
    assert (found.source, found.event_type, found.occurred_at) == ("shopify", "order.paid", paid.occurred_at)
    assert found.data["total"] == "214.90"
    assert found.raw_payload == msgspec.Raw(paid.raw_payload_json or b"")


def test_payloads_that_their_items_cannot_hold_come_back_byte_for_byte(
    client: LeadMemory, stage: DeployedStage
) -> None:
    noise = base64.b64encode(Random(1).randbytes(600_000)).decode()
    raw_payload = f'{{"b": 1.10,\n "a": "{noise}"}}'.encode()
    view = event("product.viewed", {"sku": "a"}, event_id="raw payload")
    large = [
        msgspec.structs.replace(view, raw_payload_json=raw_payload),
        event("product.viewed", {"sku": "a", "noise": noise}, event_id="data"),
    ]
    stage.record(*large)
    found = {each.event_id: each for each in client.events(LEAD, ORGANIZATION)}
    assert found["raw payload"].raw_payload == msgspec.Raw(raw_payload)
    assert found["data"].data == {"sku": "a", "noise": noise}
    assert raw_payload in msgspec.json.encode(found["raw payload"])


def test_the_log_says_which_of_many_events_are_recorded(client: LeadMemory, stage: DeployedStage) -> None:
    asked = {EventName(SOMEBODY, f"test/{event_id}") for event_id in views(150)}
    stage.record(*(event("product.viewed", {"sku": "a"}, event_id=event_id) for event_id in views(120)))
    assert client.recorded(asked) == {EventName(SOMEBODY, f"test/{event_id}") for event_id in views(120)}


def test_looking_at_rejections_leaves_them_in_their_queue(client: LeadMemory, stage: DeployedStage) -> None:
    for number in range(25):
        stage.reject(f"body {number}", reason="not_json")
    first, second = client.rejections(), client.rejections()
    assert {rejection.body for rejection in first} == {f"body {number}" for number in range(25)}
    assert {rejection.body for rejection in second} == {rejection.body for rejection in first}
    assert (first[0].reason, first[0].detail) == ("not_json", "why")
