"""What the recorder does with one event, one batch, one failure."""

import json
from datetime import timedelta
from typing import Any

import pytest

from lead_memory.domain.errors import Conflict, Rejected, Unavailable
from lead_memory.domain.events import Event, parse
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.store import Commit, Stored, Write
from tests.events import NOW, SAMPLES, SOMEBODY, START, body, event
from tests.fakes import MemoryStore, canonical_bytes, no_pause

SUMMARY = MemoryKey(MemoryType.PURCHASE, "summary")
LAST = MemoryKey(MemoryType.PURCHASE, "last_transaction")


def order(order_id: str, minute: int, skus: int = 1, **more: Any) -> Event:
    products = [{"sku": f"sku-{number}", "price": "10.00"} for number in range(skus)]
    data = {"order_id": order_id, "total": "10.00", "currency": "BRL", "products": products, **more}
    return event("order.paid", data, event_id=f"paid-{order_id}", at=START + timedelta(minutes=minute))


def view(number: int, minute: int = 0) -> Event:
    return event("product.viewed", {"sku": "a"}, event_id=f"view-{number}", at=START + timedelta(minutes=minute))


async def test_events_of_one_lead_are_one_transaction() -> None:
    store = MemoryStore()
    assert await Recorder(store).record([view(n, n) for n in range(50)]) == [Outcome.RECORDED] * 50
    assert len(store.commits) == 1
    assert len(store.commits[0].writes) == 1


async def test_a_batch_over_the_transaction_limit_takes_as_few_as_it_can() -> None:
    store = MemoryStore()
    await Recorder(store).record([view(n, n) for n in range(150)])
    assert len(store.commits) == 2


async def test_an_order_of_more_products_than_a_transaction_holds_is_recorded_whole() -> None:
    store = MemoryStore()
    assert await Recorder(store).record([order("big", 0, skus=150)]) == [Outcome.RECORDED]
    assert len([name for name in store.rows if name.key.startswith("product:")]) == 300
    assert all(settled for _, settled in store.events.values())


@pytest.mark.parametrize("its_rows_are_lost", [False, True])
async def test_a_large_order_that_was_cut_off_is_finished_when_it_comes_again(its_rows_are_lost: bool) -> None:
    class DiesAfterTheEvent(MemoryStore):
        async def commit(self, commit: Commit) -> None:
            if self.commits and len(self.commits) < 2:
                self.commits.append(commit)
                raise Unavailable("injected")
            await super().commit(commit)

    store = DiesAfterTheEvent()
    big = order("big", 0, skus=150)
    assert isinstance((await Recorder(store).record([big]))[0], Unavailable)
    assert SUMMARY not in store.memories
    if its_rows_are_lost:
        store.rows.clear()
    assert await Recorder(store).record([big]) == [Outcome.DUPLICATE]
    assert store.memories[SUMMARY].value["order_count"] == 1
    assert len([name for name in store.rows if name.key.startswith("product:")]) == 300


async def test_a_memory_names_its_newest_events_and_the_log_all_of_them() -> None:
    store = MemoryStore()
    for start in range(0, 50, 10):
        await Recorder(store).record([view(n, n) for n in range(start, start + 10)])
    interest = MemoryKey(MemoryType.INTEREST, "product:a")
    assert store.memories[interest].source_event_ids == tuple(f"test/view-{n}" for n in range(49, 44, -1))
    assert store.memories[interest].source_event_count == 50
    assert [ref for ref, names in store.touches.items() if interest in names] == [f"test/view-{n}" for n in range(50)]


async def test_the_log_is_read_only_for_what_comes_late() -> None:
    store = MemoryStore()
    await Recorder(store).record([view(1, 1)])
    await Recorder(store).record([view(3, 3)])
    assert store.log_reads == 0
    await Recorder(store).record([view(2, 2)])
    assert store.log_reads == 1


async def test_a_late_event_writes_only_what_it_touches() -> None:
    store = MemoryStore()
    await Recorder(store).record([view(2, 2), order("o", 3)])
    await Recorder(store).record([view(1, 1)])
    assert [write.name.key for write in store.commits[-1].writes] == ["product:a"]


async def test_a_row_that_does_not_open_is_made_again_from_the_log_by_the_next_event_that_touches_it() -> None:
    store = MemoryStore()
    await Recorder(store).record([order("a", 0), order("b", 10)])
    whole = MemoryStore()
    await Recorder(whole).record([order("a", 0), order("b", 10), order("c", 20)])
    store.rows[SUMMARY] = Stored(None, store.rows[SUMMARY].version)
    await Recorder(store).record([order("c", 20)])
    assert canonical_bytes(store.memories) == canonical_bytes(whole.memories)


async def test_an_event_that_comes_again_changes_nothing() -> None:
    store = MemoryStore()
    await Recorder(store).record([order("o", 0)])
    before = dict(store.rows)
    assert await Recorder(store).record([order("o", 0), order("o", 0)]) == [Outcome.DUPLICATE] * 2
    assert store.rows == before


async def test_the_same_id_with_other_content_is_a_conflict_that_names_both() -> None:
    store = MemoryStore()
    first, second = order("o", 0), order("o", 0, total="99.00")
    await Recorder(store).record([first])
    (result,) = await Recorder(store).record([second])
    assert isinstance(result, Rejected)
    assert result.reason == "conflict"
    assert first.content_hashes[0] in result.detail
    assert second.content_hashes[0] in result.detail
    assert store.memories[LAST].value["amount"] == 10


async def test_the_same_id_with_other_content_in_one_batch_is_a_conflict_too() -> None:
    results = await Recorder(MemoryStore()).record([order("o", 0), order("o", 0, total="99.00"), order("o", 0)])
    assert results[0] is Outcome.RECORDED
    assert isinstance(results[1], Rejected)
    assert results[2] is Outcome.DUPLICATE


async def test_what_is_recorded_is_a_duplicate_also_beside_other_content_under_its_id() -> None:
    recorder = Recorder(MemoryStore())
    await recorder.record([order("o", 0)])
    other, same = await recorder.record([order("o", 0, total="99.00"), order("o", 0)])
    assert isinstance(other, Rejected)
    assert same is Outcome.DUPLICATE


async def test_a_redelivery_whose_payload_counts_attempts_is_a_duplicate() -> None:
    entry = json.loads((SAMPLES / "intercom/ticket.created.json").read_text())
    store = MemoryStore()
    await Recorder(store).record([parse(body(entry), NOW)])
    entry["Detail"]["raw_payload"]["delivery_attempts"] = 2
    assert await Recorder(store).record([parse(body(entry), NOW)]) == [Outcome.DUPLICATE]


async def test_a_lead_of_another_organization_is_refused() -> None:
    store = MemoryStore()
    await Recorder(store).record([view(1)])
    other = event("product.viewed", {"sku": "a"}, event_id="x", organization_id="99999999-0000-4000-8000-000000000000")
    (result,) = await Recorder(store).record([other])
    assert isinstance(result, Rejected)
    assert result.reason == "wrong_organization"


async def test_a_writer_that_read_a_row_before_it_went_and_came_again_loses() -> None:
    store = MemoryStore()
    await Recorder(store).record([order("o", 0, total="100.00")])
    read_before = await store.snapshot(SOMEBODY, {SUMMARY})
    await Recorder(store).record(
        [event("order.cancelled", {"order_id": "o"}, event_id="c", at=START + timedelta(hours=1))]
    )
    await Recorder(store).record([order("p", 120, total="7.00")])
    stored = read_before.memories[SUMMARY]
    with pytest.raises(Conflict):
        await store.commit(Commit(lead=SOMEBODY, writes=[Write(SUMMARY, stored.memory, stored.version)]))


async def test_a_conflicting_payload_never_settles_a_large_order_that_was_cut_off() -> None:
    class DiesAfterTheEvent(MemoryStore):
        async def commit(self, commit: Commit) -> None:
            if len(self.commits) == 1 and self.alive:
                self.alive = False
                raise Unavailable("injected")
            await super().commit(commit)

        alive = True

    store = DiesAfterTheEvent()
    big = order("big", 0, skus=150)
    await Recorder(store).record([big])
    (conflict,) = await Recorder(store).record([order("big", 0, skus=151)])
    assert isinstance(conflict, Rejected)
    assert await Recorder(store).record([big]) == [Outcome.DUPLICATE]
    assert store.memories[SUMMARY].value["order_count"] == 1


async def test_an_order_with_more_refunds_than_a_transaction_holds_can_be_cancelled() -> None:
    store = MemoryStore()
    refunds = [
        event("order.refunded", {"order_id": "o", "total": "0.01"}, event_id=f"r{n}", at=START + timedelta(minutes=n))
        for n in range(1, 131)
    ]
    assert set(await Recorder(store).record([order("o", 0), *refunds])) == {Outcome.RECORDED}
    cancelled = event("order.cancelled", {"order_id": "o"}, event_id="c", at=START + timedelta(days=1))
    assert await Recorder(store).record([cancelled]) == [Outcome.RECORDED]
    assert SUMMARY not in store.memories


async def test_an_event_whose_key_is_impossible_fails_alone() -> None:
    bad = event("ticket.created", {"ticket_id": "T#1"}, event_id="bad")
    results = await Recorder(MemoryStore()).record([view(1), bad, view(2)])
    assert results[0] is results[2] is Outcome.RECORDED
    assert isinstance(results[1], Rejected)
    assert results[1].reason == "key_has_hash"


async def test_an_event_that_the_store_cannot_take_fails_alone() -> None:
    class RefusesOne(MemoryStore):
        async def commit(self, commit: Commit) -> None:
            if any(event.event_id == "view-2" for event in commit.events):
                raise Rejected("too_large", "it does not fit")
            await super().commit(commit)

    results = await Recorder(RefusesOne()).record([view(1, 1), view(2, 2), view(3, 3)])
    assert results[0] is results[2] is Outcome.RECORDED
    assert isinstance(results[1], Rejected)


async def test_an_unexpected_fault_gives_back_only_the_event_that_has_it() -> None:
    class BreaksOnOne(MemoryStore):
        async def commit(self, commit: Commit) -> None:
            if any(event.event_id == "view-2" for event in commit.events):
                raise ZeroDivisionError
            await super().commit(commit)

    results = await Recorder(BreaksOnOne()).record([view(1, 1), view(2, 2), view(3, 3)])
    assert results[0] is results[2] is Outcome.RECORDED
    assert not isinstance(results[1], Outcome | Rejected)


async def test_the_store_away_gives_everything_back_and_loses_nothing() -> None:
    class Away(MemoryStore):
        async def commit(self, commit: Commit) -> None:
            raise Unavailable("injected")

    store = Away()
    results = await Recorder(store, no_pause).record([view(1), view(2)])
    assert all(isinstance(result, Unavailable) for result in results)
    assert not store.events


@pytest.mark.parametrize("first", ["order", "refund"])
async def test_a_refund_undoes_its_order_whichever_comes_first(first: str) -> None:
    store = MemoryStore()
    refund = event("order.refunded", {"order_id": "new", "total": "10.00"}, event_id="r", at=START + timedelta(hours=2))
    pair = [order("new", 60), refund] if first == "order" else [refund, order("new", 60)]
    await Recorder(store).record([order("old", 0)])
    for one in pair:
        await Recorder(store).record([one])
    assert store.memories[LAST].value["order_id"] == "old"
    assert store.memories[SUMMARY].value["order_count"] == 1
    assert store.memories[MemoryKey(MemoryType.PURCHASE, "order:new")].value["status"] == "refunded"


async def test_undoing_the_only_order_leaves_no_purchase() -> None:
    store = MemoryStore()
    cancelled = event("order.cancelled", {"order_id": "o"}, event_id="c", at=START + timedelta(hours=1))
    await Recorder(store).record([order("o", 0)])
    await Recorder(store).record([cancelled])
    assert [str(name) for name in store.memories] == ["purchase.order:o"]


async def test_one_payment_that_is_announced_twice_is_one_order() -> None:
    store = MemoryStore()
    session = event(
        "order.paid", {"order_id": "pi_1", "total": "10.00", "currency": "USD", "payment_method": "card"}, event_id="s"
    )
    invoice = event(
        "order.paid",
        {"order_id": "pi_1", "total": "10.00", "currency": "USD", "products": [{"name": "Plan", "price": "10.00"}]},
        event_id="i",
        at=START + timedelta(seconds=2),
    )
    await Recorder(store).record([session])
    await Recorder(store).record([invoice])
    assert store.memories[SUMMARY].value["order_count"] == 1
    assert store.memories[SUMMARY].source_event_ids == ("test/i", "test/s")
    assert store.memories[LAST].value["product_name"] == "Plan"
    assert store.memories[LAST].value["payment_method"] == "card"
