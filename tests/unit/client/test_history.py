import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from lead_memory.domain.events import Event
from lead_memory.domain.memories import MemoryType
from lead_memory_client import LeadMemory, lineage
from lead_memory_client.errors import CursorUnknown
from lead_memory_client.table import LeadTable
from tests.events import LEAD, NOW, ORGANIZATION, START, event
from tests.unit.client.conftest import DeployedStage, Ran

OTHER_ORGANIZATION = "99999999-7a55-4d0c-9a8e-1f6a1b9f7c01"
WHEY = (MemoryType.PURCHASE, "product:whey_1kg")
HOLIDAY = (MemoryType.FACT, "on_holiday")
OF = ("--lead", LEAD, "--organization", ORGANIZATION)


def on_day(day: int) -> datetime:
    return START + timedelta(days=day)


def paid(order_id: str, *, on: int, sku: str = "whey_1kg") -> Event:
    product = {"sku": sku, "name": "Whey", "price": "189.90"}
    data = {"order_id": order_id, "total": "189.90", "currency": "BRL", "products": [product]}
    return event("order.paid", data, event_id=order_id, at=on_day(on))


def refunded(order_id: str, *, on: int) -> Event:
    return event(
        "order.refunded", {"order_id": order_id, "total": "189.90"}, event_id=f"refund{order_id}", at=on_day(on)
    )


def says_of_holiday(said: bool, *, on: int, event_type: str = "memory.declared", until: int | None = None) -> Event:
    data: dict[str, object] = {"memory_type": "fact", "key": "on_holiday", "value": {"said": said}}
    if event_type == "memory.inferred":
        data["confidence"] = 0.5
    if until is not None:
        data["expires_at"] = on_day(until).isoformat()
    return event(event_type, data, event_id=f"{event_type}{on}", at=on_day(on))


def viewed(number: int) -> Event:
    return event("product.viewed", {"sku": "a"}, event_id=f"e{number:04}", at=START + timedelta(minutes=number))


def test_a_memory_is_explained_by_what_each_event_changed_field_by_field(
    client: LeadMemory, stage: DeployedStage
) -> None:
    stage.take_in(paid("1", on=0), paid("2", on=1))
    found = client.explain(LEAD, *WHEY, ORGANIZATION)
    assert found.memory is not None
    assert (found.memory.value["purchase_count"], found.is_the_fold) == (2, True)
    assert [(each.event, each.effect) for each in found.contributions] == [("test/1", "made"), ("test/2", "changed")]
    assert {change.field: (change.before, change.after) for change in found.contributions[1].changes} == {
        "purchase_count": (1, 2),
        "quantity": (1, 2),
        "total_spent.BRL": (Decimal("189.90"), Decimal("379.80")),
        "last_purchased_at": ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    }


def test_each_event_is_told_apart_by_its_effect(client: LeadMemory, stage: DeployedStage) -> None:
    stage.take_in(
        says_of_holiday(True, on=0, until=9),
        says_of_holiday(False, on=1, event_type="memory.inferred"),
        says_of_holiday(True, on=2, until=9),
        says_of_holiday(False, on=3, until=9),
        event("memory.expired", {"memory_type": "fact", "key": "on_holiday"}, at=on_day(9), source="cleanup"),
        says_of_holiday(True, on=20),
    )
    effects = [each.effect for each in client.explain(LEAD, *HOLIDAY, ORGANIZATION).contributions]
    assert effects == ["made", "contradicted", "supported", "changed", "ended", "made"]


def test_a_memory_that_was_changed_by_hand_is_found_out(
    client: LeadMemory, stage: DeployedStage, command: Callable[..., Ran]
) -> None:
    stage.take_in(paid("1", on=0))
    assert command("explain", "purchase", "summary", *OF).code == 0
    summary = client.explain(LEAD, MemoryType.PURCHASE, "summary", ORGANIZATION).memory
    assert summary is not None
    summary.value["order_count"] = 7
    stage.remember(summary)
    ran = command("explain", "purchase", "summary", *OF)
    assert ran.code == 1
    assert "It is not what the events give." in ran.out
    assert f"`lead-memory rebuild --lead {LEAD} --stage dev`" in ran.err
    assert command("explain", "purchase", "order:1", *OF, "--json").json["is_the_fold"] is True


def test_a_memory_that_keeps_changing_is_not_compared_with_an_older_log(
    client: LeadMemory, stage: DeployedStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.take_in(paid("1", on=0))
    versions = itertools.count()
    monkeypatch.setattr(LeadTable, "memory", lambda *_: (None, next(versions)))
    assert client.explain(LEAD, *WHEY, ORGANIZATION).is_the_fold is None


def test_the_command_shows_the_value_and_under_each_event_its_changes(
    stage: DeployedStage, command: Callable[..., Ran]
) -> None:
    stage.take_in(paid("1", on=0), paid("2", on=1))
    shown = command("explain", *WHEY, *OF).out
    assert "purchase_count: 2" in shown
    assert "It is what 2 events give, to the byte." in shown
    assert "2026-01-02 00:00  order.paid  test/2  changed" in shown
    assert "    total_spent.BRL: 189.90 → 379.80" in shown
    assert "    purchase_count: nothing → 1" in shown
    told = command("explain", *WHEY, *OF, "--json").json["contributions"]
    assert told[0]["changes"][0] == {"field": "name", "after": "Whey"}


def test_what_another_organization_remembers_is_not_explained(client: LeadMemory, stage: DeployedStage) -> None:
    stage.take_in(paid("1", on=0))
    found = client.explain(LEAD, *WHEY, OTHER_ORGANIZATION)
    assert (found.memory, found.contributions) == (None, ())
    assert client.lineage(LEAD, *WHEY, OTHER_ORGANIZATION).events == ()
    assert client.memories(LEAD, OTHER_ORGANIZATION, as_of=NOW) == []


def test_the_lineage_names_every_event_of_the_explanation_newest_first(
    client: LeadMemory, stage: DeployedStage
) -> None:
    stage.take_in(paid("1", on=0), paid("2", on=1), paid("3", on=2, sku="other"), refunded("1", on=3))
    for name in (WHEY, (MemoryType.PURCHASE, "order:1"), (MemoryType.PURCHASE, "summary")):
        explained = [each.event for each in client.explain(LEAD, *name, ORGANIZATION).contributions]
        assert list(client.lineage(LEAD, *name, ORGANIZATION).events) == explained[::-1] != []


@pytest.mark.parametrize("limit", [7, 100, 130, 1000])
def test_pages_of_a_lineage_together_name_each_event_once(client: LeadMemory, stage: DeployedStage, limit: int) -> None:
    stage.take_in(*map(viewed, range(260)), paid("1", on=9))
    found: list[str] = []
    after = None
    while True:
        page = client.lineage(LEAD, MemoryType.INTEREST, "product:a", ORGANIZATION, limit=limit, after=after)
        assert len(page.events) <= limit
        found += page.events
        if (after := page.next) is None:
            break
    assert found == [f"test/e{number:04}" for number in reversed(range(260))]


def test_a_page_reads_no_more_of_a_long_timeline_than_its_bound(
    client: LeadMemory, stage: DeployedStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage, "READS", 2)
    stage.take_in(paid("1", on=-1), *map(viewed, range(250)))
    first = client.lineage(LEAD, *WHEY, ORGANIZATION, limit=10)
    assert first.events == ()
    second = client.lineage(LEAD, *WHEY, ORGANIZATION, limit=10, after=first.next)
    assert (second.events, second.next) == (("test/1",), None)


def test_the_command_names_all_or_a_page_with_its_cursor(stage: DeployedStage, command: Callable[..., Ran]) -> None:
    stage.take_in(*map(viewed, range(3)))
    name = ("interest", "product:a", *OF)
    assert command("lineage", *name).out.split() == ["test/e0002", "test/e0001", "test/e0000"]
    page = command("lineage", *name, "--limit", "2")
    assert page.out.split() == ["test/e0002", "test/e0001"]
    cursor = page.err.split()[-1]
    assert command("lineage", *name, "--limit", "2", "--after", cursor, "--json").json == {
        "events": ["test/e0000"],
        "next": None,
    }
    assert command("lineage", *name, "--after", "nonsense").code == 1


@pytest.mark.parametrize("cursor", ["", "nonsense", "bm9uc2Vuc2U", "é"])
def test_a_cursor_that_no_page_gave_is_refused(client: LeadMemory, stage: DeployedStage, cursor: str) -> None:
    stage.take_in(viewed(0))
    with pytest.raises(CursorUnknown):
        client.lineage(LEAD, MemoryType.INTEREST, "product:a", ORGANIZATION, after=cursor)


def test_memories_as_of_a_time_are_those_of_the_events_recorded_by_then(
    client: LeadMemory, stage: DeployedStage
) -> None:
    stage.take_in(paid("1", on=0), paid("2", on=1))
    # Occurred before the others, and came a day after them.
    stage.take_in(paid("0", on=-5), recorded_at=NOW + timedelta(days=1))
    then = {str(each.name): each.value for each in client.memories(LEAD, ORGANIZATION, as_of=NOW)}
    later = {str(each.name): each.value for each in client.memories(LEAD, ORGANIZATION, as_of=NOW + timedelta(days=1))}
    assert client.memories(LEAD, ORGANIZATION, as_of=NOW - timedelta(seconds=1)) == []
    assert then["purchase.summary"]["order_count"] == 2
    assert later["purchase.summary"]["order_count"] == 3
    assert "purchase.order:0" not in then


def test_what_had_ended_by_then_was_not_known(client: LeadMemory, stage: DeployedStage) -> None:
    stage.take_in(says_of_holiday(True, on=0, until=9), recorded_at=START)
    assert [each.key for each in client.memories(LEAD, ORGANIZATION, as_of=on_day(8))] == ["on_holiday"]
    assert client.memories(LEAD, ORGANIZATION, as_of=on_day(9)) == []


def test_as_of_now_what_is_known_is_what_is_stored(
    client: LeadMemory, stage: DeployedStage, command: Callable[..., Ran]
) -> None:
    stage.take_in(paid("1", on=0), refunded("1", on=1), paid("2", on=2), says_of_holiday(True, on=3), viewed(5))
    assert client.memories(LEAD, ORGANIZATION, as_of=NOW) == client.memories(LEAD, ORGANIZATION) != []
    assert "on_holiday" in command("memories", *OF, "--as-of", "2026-11-20T13:00+01:00").out
    assert command("memories", *OF, "--as-of", "2026-11-20T11:59").out == "Nothing is remembered.\n"
