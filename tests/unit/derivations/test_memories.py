"""The memories that events make, spelled as templates read them."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.derivations import touched
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import Event
from lead_memory.domain.fold import refold
from lead_memory.domain.memories import Memory, Source
from lead_memory.domain.money import padded
from lead_memory.domain.slugs import slug
from tests.events import START, all_samples, event, streams

ANA = "7b1f6c1e-0d5e-4a53-9a53-2f0e6d2f9a11"


def remembered(*events: Event) -> dict[str, Memory]:
    names = {name for event in events for name in touched(event)}
    return {str(name): memory for name, memory in refold(events, names).items()}


def values(*events: Event) -> dict[str, Mapping[str, Any]]:
    return {name: memory.value for name, memory in remembered(*events).items()}


_count = iter(range(1_000_000))


def at(minute: int, event_type: str, **data: Any) -> Event:
    return event(event_type, data, event_id=f"e{next(_count)}", at=START + timedelta(minutes=minute))


def paid(minute: int, order_id: str = "o1", total: str = "100.00", currency: str = "BRL", **data: Any) -> Event:
    return at(minute, "order.paid", order_id=order_id, total=total, currency=currency, **data)


def lines(*lines: tuple[str, str, int]) -> list[dict[str, Any]]:
    return [{"sku": sku, "name": sku.title(), "price": price, "quantity": quantity} for sku, price, quantity in lines]


@pytest.fixture(scope="module")
def ana() -> dict[str, Memory]:
    return remembered(*[sample for sample in all_samples() if sample.lead_organization_id == ANA])


def test_the_samples_of_one_lead_give_every_memory_type(ana: dict[str, Memory]) -> None:
    assert {memory.memory_type.value for memory in ana.values()} == {
        "fact", "preference", "interest", "purchase", "support", "behavioral", "campaign", "form",
        "conversation", "note",
    }  # fmt: skip


def test_the_specifications_own_memories_are_there(ana: dict[str, Memory]) -> None:
    last = ana["purchase.last_transaction"]
    assert (last.value["product_name"], str(last.value["amount"])) == ("Whey Protein 1kg", "189.90")
    assert len(last.source_event_ids) == 1
    assert ana["purchase.product:whey_1kg"].value["purchase_count"] == 2
    assert len(ana["purchase.product:whey_1kg"].source_event_ids) == 2
    assert ana["form.sat_survey_2026:how_did_you_find_us"].value["answer"] == "Instagram"
    assert ana["support.ticket:T-456"].value["status"] == "resolved"
    assert ana["campaign.campaign:camp_whey_recompra"].value["clicked_at"]
    assert ana["preference.channel"].value["value"] == "whatsapp"
    assert ana["preference.price_sensitivity"].source is Source.SYSTEM_COMPUTED
    assert ana["fact.family"].source is Source.USER_DECLARED
    assert {"interest.product:creatina", "interest.category:supplements", "fact.location"} <= set(ana)
    assert {"behavioral.last_conversation", "behavioral.response_pattern", "preference.payment_method"} <= set(ana)


def test_totals_are_kept_by_currency_and_never_added_across() -> None:
    summary = values(paid(0, "a", "10.00"), paid(1, "b", "20.50"), paid(2, "c", "1000", "JPY"))["purchase.summary"]
    assert summary["order_count"] == 3
    assert summary["total_spent"] == {"BRL": Decimal("30.50"), "JPY": Decimal(1000)}
    assert summary["average_order_value"] == {"BRL": Decimal("15.25"), "JPY": Decimal(1000)}


def test_two_lines_of_one_sku_are_one_product_bought_once() -> None:
    product = values(paid(0, products=lines(("whey", "10.00", 1), ("whey", "10.00", 2))))["purchase.product:whey"]
    assert (product["purchase_count"], product["quantity"], product["total_spent"]) == (1, 3, {"BRL": Decimal("30.00")})


def test_a_partial_refund_takes_back_its_part() -> None:
    order = paid(0, products=lines(("whey", "60.00", 1), ("creatina", "40.00", 1)))
    refund = at(1, "order.refunded", order_id="o1", total="40.00", products=[{"sku": "creatina", "quantity": 1}])
    after = values(order, refund)
    assert after["purchase.summary"]["total_spent"] == {"BRL": Decimal("60.00")}
    assert "purchase.product:creatina" not in after
    assert "interest.product:creatina" not in after
    assert after["purchase.last_transaction"]["amount"] == Decimal("60.00")
    assert after["purchase.order:o1"]["status"] == "partially_refunded"


def test_refunds_that_add_up_to_the_order_undo_it() -> None:
    refunds = [at(minute, "order.refunded", order_id="o1", total="50.00") for minute in (1, 2)]
    assert set(values(paid(0), *refunds)) == {"purchase.order:o1"}


def test_all_lines_that_came_back_undo_the_order_though_shipping_was_kept() -> None:
    order = paid(0, total="110.00", products=lines(("whey", "100.00", 1)))
    refund = at(1, "order.refunded", order_id="o1", total="100.00", products=[{"sku": "whey"}])
    after = values(order, refund)
    assert set(after) == {"purchase.order:o1"}
    assert after["purchase.order:o1"]["status"] == "refunded"


def test_goods_that_only_went_back_on_the_shelf_were_bought_all_the_same() -> None:
    order = paid(0, products=lines(("whey", "100.00", 1)))
    restock = at(1, "order.refunded", order_id="o1", total="0", products=[{"sku": "whey"}])
    assert values(order, restock)["purchase.product:whey"]["purchase_count"] == 1


def test_a_refund_that_is_announced_twice_goes_back_once() -> None:
    refunds = [at(n, "order.refunded", order_id="o1", refund_id="r1", total="30.00") for n in (1, 2)]
    assert values(paid(0), *refunds)["purchase.summary"]["total_spent"] == {"BRL": Decimal("70.00")}


def test_a_refund_without_prices_takes_the_orders_own() -> None:
    order = paid(0, products=lines(("whey", "60.00", 1), ("creatina", "40.00", 1)))
    refund = at(1, "order.refunded", order_id="o1", products=[{"sku": "creatina"}])
    assert values(order, refund)["purchase.last_transaction"]["amount"] == Decimal("60.00")


def test_a_refund_is_positive_however_it_is_signed() -> None:
    refund = at(1, "order.refunded", order_id="o1", total="-40.00")
    assert values(paid(0), refund)["purchase.last_transaction"]["amount"] == Decimal("60.00")


def test_a_refund_in_another_currency_takes_no_money_off() -> None:
    refund = at(1, "order.refunded", order_id="o1", total="50.00", currency="USD")
    assert values(paid(0), refund)["purchase.last_transaction"]["amount"] == Decimal("100.00")


def test_a_second_notice_without_money_does_not_change_the_currency() -> None:
    notice = at(1, "order.paid", order_id="o1", total="0", currency="USD")
    last = values(paid(0), notice)["purchase.last_transaction"]
    assert (last["amount"], last["currency"]) == (Decimal("100.00"), "BRL")


@given(streams())
def test_cancelling_every_order_leaves_no_trace_of_buying(events: list[Event]) -> None:
    cancelled = [
        event("order.cancelled", {"order_id": order_id}, event_id=f"cancel-{order_id}", at=START + timedelta(days=1))
        for order_id in "abc"
    ]
    without_orders = [event for event in events if not event.event_type.startswith("order.")]
    after = {name: value for name, value in values(*events, *cancelled).items() if ".order:" not in name}
    assert after == values(*without_orders)


@given(streams())
def test_a_product_is_never_bought_a_negative_number_of_times(events: list[Event]) -> None:
    for name, value in values(*events).items():
        if name.startswith("purchase.product:"):
            assert value["purchase_count"] >= 1
            assert value["quantity"] > 0
        if name.startswith("interest."):
            assert value["score"] >= 0


@given(streams())
def test_every_aggregating_memory_names_each_event_once(events: list[Event]) -> None:
    for memory in remembered(*events).values():
        assert len(set(memory.source_event_ids)) == len(memory.source_event_ids)
        assert 0 <= memory.confidence <= 1


def test_views_carts_and_orders_raise_the_interest() -> None:
    creatina = {"sku": "creatina", "category": "Supplements"}
    events = [
        at(0, "product.viewed", **creatina),
        at(1, "product.added", **creatina),
        at(2, "checkout.started", products=[creatina]),
        paid(3, products=[creatina]),
    ]
    for key in ("interest.product:creatina", "interest.category:supplements"):
        scores = [values(*events[: count + 1])[key]["score"] for count in range(len(events))]
        assert scores == sorted(set(scores))


@pytest.mark.parametrize(("discounted", "level"), [(0, "low"), (1, "medium"), (2, "high"), (4, "high")])
def test_price_sensitivity_is_the_share_of_orders_with_a_discount(discounted: int, level: str) -> None:
    orders = [paid(n, f"o{n}", discount="5.00" if n < discounted else "0") for n in range(4)]
    memory = remembered(*orders)["preference.price_sensitivity"]
    assert memory.value["value"] == level
    assert memory.source is Source.SYSTEM_COMPUTED


def test_opting_out_is_remembered_beside_the_preferred_channel() -> None:
    channel = values(
        at(0, "preference.expressed", name="channel", value="whatsapp"),
        at(1, "channel.opted_out", channel="SMS"),
        at(2, "channel.opted_out", channel="email"),
        at(3, "channel.opted_in", channel="email"),
    )["preference.channel"]
    assert channel["value"] == "whatsapp"
    assert set(channel["opted_out"]) == {"sms"}
    assert set(channel["opted_in"]) == {"email"}


def test_a_shops_picture_of_the_person_never_opts_them_in_again() -> None:
    left = at(0, "channel.opted_out", channel="email")
    snapshot = at(1, "lead.identified", consents={"email": True, "sms": True})
    channel = values(left, snapshot)["preference.channel"]
    assert set(channel["opted_out"]) == {"email"}
    assert set(channel["opted_in"]) == {"sms"}


def test_memories_of_channels_do_not_grow_with_what_comes_from_outside() -> None:
    events = [at(n, "channel.opted_out", channel=f"c{n}") for n in range(40)]
    messages = [at(n, "conversation.message_received", thread_id="t", channel=f"c{n}") for n in range(40)]
    after = values(*events, *messages)
    assert len(after["preference.channel"]["opted_out"]) == 20
    assert list(after["behavioral.response_pattern"]["channels"]) == [f"c{n}" for n in range(30, 40)]


def test_a_ticket_whose_status_says_resolved_is_not_open() -> None:
    created = at(0, "ticket.created", ticket_id="T")
    summary = values(created, at(1, "ticket.updated", ticket_id="T", status="resolved"))["support.summary"]
    assert (summary["open_tickets"], summary["resolved_count"]) == ([], 1)


def test_replies_are_timed_by_channel() -> None:
    pattern = values(
        at(0, "conversation.reply_sent", thread_id="t", channel="sms"),
        at(10, "conversation.message_received", thread_id="t", channel="sms"),
        at(20, "conversation.reply_sent", thread_id="t", channel="sms"),
        at(50, "conversation.message_received", thread_id="t", channel="sms"),
        at(60, "conversation.message_received", thread_id="u", channel="email"),
    )["behavioral.response_pattern"]
    assert pattern["median_reply_minutes"] == 20
    assert pattern["channels"]["sms"]["reply_count"] == 2
    assert pattern["channels"]["email"]["reply_count"] == 0
    assert pattern["usual_hours_utc"] == ["00", "01"]


def test_a_reopened_ticket_is_open_again() -> None:
    after = values(
        at(0, "ticket.created", ticket_id="T", subject="Broken"),
        at(1, "ticket.resolved", ticket_id="T"),
        at(2, "ticket.reopened", ticket_id="T"),
    )
    assert after["support.ticket:T"]["status"] == "open"
    assert "resolved_at" not in after["support.ticket:T"]
    assert after["support.summary"]["open_tickets"] == ["T"]


def test_an_inference_never_replaces_what_a_person_declared() -> None:
    said = at(0, "memory.declared", memory_type="fact", key="city", value="Recife")
    guess = at(5, "memory.inferred", memory_type="fact", key="city", value="Natal", confidence=0.9)
    agrees = at(6, "memory.inferred", memory_type="fact", key="city", value="Recife", confidence=0.9)
    memory = remembered(said, guess, agrees)["fact.city"]
    assert (memory.value, memory.source) == ({"value": "Recife"}, Source.USER_DECLARED)
    assert (memory.contradiction_count, memory.evidence_count) == (1, 2)


def test_at_equal_times_a_declaration_stands_whatever_came_last() -> None:
    derived = event("lead.identified", {"address": {"city": "Natal"}}, event_id="z")
    said = event(
        "memory.declared", {"memory_type": "fact", "key": "location", "value": {"city": "Recife"}}, event_id="a"
    )
    assert values(derived, said)["fact.location"] == {"city": "Recife"}


def test_a_newer_change_wins_over_an_older_declaration() -> None:
    said = at(0, "memory.declared", memory_type="fact", key="location", value={"city": "Recife"})
    moved = at(1, "lead.identified", address={"city": "Natal"})
    assert values(said, moved)["fact.location"] == {"city": "Natal"}


def test_saying_it_again_and_adding_to_it_are_evidence() -> None:
    declared = [
        at(n, "memory.declared", memory_type="fact", key="family", value=value)
        for n, value in enumerate([{"children": 2}, {"children": 2}, {"children": 2, "pet": "cat"}])
    ]
    memory = remembered(*declared)["fact.family"]
    assert (memory.evidence_count, len(memory.source_event_ids)) == (3, 1)
    other = at(9, "memory.declared", memory_type="fact", key="family", value={"children": 3})
    assert remembered(*declared, other)["fact.family"].evidence_count == 1


def test_what_was_over_when_it_was_said_is_empty() -> None:
    over = (START - timedelta(days=1)).isoformat()
    said = at(0, "memory.declared", memory_type="fact", key="a", value={"x": 1}, expires_at=over)
    assert values(said)["fact.a"] == {}


def test_the_year_9999_means_never() -> None:
    said = at(0, "memory.declared", memory_type="fact", key="a", value={"x": 1}, expires_at="9999-12-31T23:59:59Z")
    assert remembered(said)["fact.a"].expires_at is None


def test_what_was_said_after_a_memory_ended_starts_anew() -> None:
    until = (START + timedelta(minutes=5)).isoformat()
    first = at(0, "memory.declared", memory_type="fact", key="a", value={"x": 1}, expires_at=until)
    later = at(6, "memory.declared", memory_type="fact", key="a", value={"x": 1})
    memory = remembered(first, later)["fact.a"]
    assert (memory.created_at, memory.evidence_count) == (later.occurred_at, 1)


@pytest.mark.parametrize("key", ["interest.product:whey", "preference.price_sensitivity", "preference.channel"])
def test_what_is_counted_cannot_be_declared(key: str) -> None:
    memory_type, _, name = key.partition(".")
    with pytest.raises(Rejected):
        at(0, "memory.declared", memory_type=memory_type, key=name, value={"score": "high"})


@given(st.text(min_size=1, max_size=300))
def test_a_slug_is_a_key_and_stays_itself(name: str) -> None:
    made = slug(name)
    assert made
    assert "#" not in made
    assert len(made) <= 120
    assert slug(made) == made


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4), st.sampled_from(["BRL", "JPY", "KWD"]))
def test_padding_money_never_changes_it(amount: Decimal, currency: str) -> None:
    assert padded(amount, currency) == amount


def test_the_readable_key_of_a_sku() -> None:
    assert (slug("WHEY-1KG"), slug("Creatína 300 g"), slug("ホエイ")) == ("whey_1kg", "creatina_300_g", "ホエイ")
