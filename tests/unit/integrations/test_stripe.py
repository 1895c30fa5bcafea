from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.integrations.samples import body, canonical_data

DIGITS = {
    **dict.fromkeys(("ARS", "AUD", "BRL", "CAD", "CHF", "EUR", "GBP", "HUF", "INR", "MXN", "TWD", "USD"), 2),
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND"), 0),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3),
    **dict.fromkeys(("ISK", "UGX"), 2),
}
"""Digits of Stripe's smallest unit, from https://docs.stripe.com/currencies."""


def _session(amount: int, currency: str) -> Any:
    event = body("stripe/order.paid")
    event["data"]["object"] |= {"amount_total": amount, "currency": currency.lower()}
    return event


@given(st.integers(0, 99_999_999), st.sampled_from(sorted(DIGITS)))
def test_an_amount_survives_the_way_from_the_smallest_unit_and_back(minor_units: int, currency: str) -> None:
    order = canonical_data("stripe", "order.paid", _session(minor_units, currency))
    assert order.total * 10 ** DIGITS[currency] == minor_units
    assert order.total.as_tuple().exponent == -DIGITS[currency]
    assert order.currency == currency


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (1999, "USD", "19.99"),
        (500, "JPY", "500"),
        (5120, "KWD", "5.120"),
        (500, "ISK", "5.00"),
        (500, "UGX", "5.00"),
        (500, "MGA", "500"),
    ],
)
def test_amounts_are_in_the_smallest_unit_that_stripe_uses(amount: int, currency: str, written: str) -> None:
    assert str(canonical_data("stripe", "order.paid", _session(amount, currency)).total) == written


def test_a_session_and_the_invoice_of_its_first_period_are_one_order() -> None:
    session = canonical_data("stripe", "order.paid", body("stripe/order.paid"))
    invoice = canonical_data("stripe", "order.paid", body("stripe/order.paid.invoice"))
    assert session.order_id == invoice.order_id == "in_1MhUT5E0b6fckueSfPlY05Fw"


def test_a_refund_finds_the_invoice_that_its_charge_paid() -> None:
    invoice = canonical_data("stripe", "order.paid", body("stripe/order.paid.renewal"))
    refund = canonical_data("stripe", "order.refunded", body("stripe/order.refunded"))
    assert refund.order_id == invoice.order_id
    assert refund.refund_id == "re_3MsifRE0b6fckueS0Tg6HcLw"


def test_a_refund_of_a_one_off_payment_finds_its_session_by_the_payment_intent() -> None:
    session, charge = body("stripe/order.paid"), body("stripe/order.refunded")
    session["data"]["object"] |= {"mode": "payment", "invoice": None, "payment_intent": "pi_1"}
    charge["data"]["object"] |= {"invoice": None, "payment_intent": "pi_1"}
    paid = canonical_data("stripe", "order.paid", session)
    assert paid.order_id == canonical_data("stripe", "order.refunded", charge).order_id == "pi_1"


def test_a_free_session_is_known_by_its_own_id() -> None:
    event = body("stripe/order.paid")
    event["data"]["object"] |= {"mode": "payment", "invoice": None, "payment_intent": None}
    assert canonical_data("stripe", "order.paid", event).order_id == event["data"]["object"]["id"]


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=6))
def test_partial_refunds_of_one_charge_add_up_to_what_it_gave_back(parts: list[int]) -> None:
    event, refunded, totals = body("stripe/order.refunded"), 0, Decimal(0)
    for part in parts:
        event["data"]["previous_attributes"] = {"amount_refunded": refunded}
        refunded += part
        event["data"]["object"]["amount_refunded"] = refunded
        totals += canonical_data("stripe", "order.refunded", event).total
    assert totals * 100 == sum(parts)


def test_a_refund_without_the_refunds_list_that_newer_versions_leave_out_is_still_a_refund() -> None:
    event = body("stripe/order.refunded")
    del event["data"]["object"]["refunds"]
    refund = canonical_data("stripe", "order.refunded", event)
    assert (refund.refund_id, refund.total) == (None, Decimal("5.00"))


def test_a_session_whose_payment_is_awaited_is_not_an_order() -> None:
    event = body("stripe/order.paid")
    event["data"]["object"]["payment_status"] = "unpaid"
    with pytest.raises(ValueError, match="not arrived"):
        canonical_data("stripe", "order.paid", event)


def test_a_late_payment_is_an_order_when_it_arrives() -> None:
    event = body("stripe/order.paid")
    event["type"] = "checkout.session.async_payment_succeeded"
    assert canonical_data("stripe", "order.paid", event).order_id == "in_1MhUT5E0b6fckueSfPlY05Fw"


def test_an_event_of_another_type_is_not_an_order() -> None:
    event = body("stripe/order.paid")
    event["type"] = "checkout.session.expired"
    with pytest.raises(KeyError):
        canonical_data("stripe", "order.paid", event)


def test_the_payment_method_is_known_only_when_one_was_offered() -> None:
    event = body("stripe/order.paid")
    assert canonical_data("stripe", "order.paid", event).payment_method == "card"
    event["data"]["object"]["payment_method_types"] = ["card", "boleto"]
    assert canonical_data("stripe", "order.paid", event).payment_method is None


def test_an_invoices_line_is_the_plan_without_the_count_and_price_that_stripe_writes_around_it() -> None:
    order = canonical_data("stripe", "order.paid", body("stripe/order.paid.renewal"))
    assert [(line.name, line.quantity, line.price) for line in order.products] == [
        ("Training plan", 1, Decimal("15.00"))
    ]


def test_an_invoices_line_without_a_description_has_no_name() -> None:
    event = body("stripe/order.paid.renewal")
    event["data"]["object"]["lines"]["data"][0] |= {"description": None, "price": None}
    product = canonical_data("stripe", "order.paid", event).products[0]
    assert (product.name, product.product_id, product.price) == (None, None, Decimal("15.00"))


def test_a_free_trial_costs_nothing_whatever_its_price_lists() -> None:
    event = body("stripe/order.paid.invoice")
    assert event["data"]["object"]["lines"]["data"][0]["price"]["unit_amount"] == 1500
    assert canonical_data("stripe", "order.paid", event).products[0].price == 0


def test_an_invoices_line_is_read_as_newer_versions_write_it() -> None:
    event = body("stripe/order.paid.renewal")
    line = event["data"]["object"]["lines"]["data"][0]
    del line["price"]
    line |= {
        "amount": 3000,
        "quantity": 2,
        "pricing": {
            "price_details": {"price": "price_1", "product": "prod_1"},
            "type": "price_details",
            "unit_amount_decimal": "1500",
        },
    }
    product = canonical_data("stripe", "order.paid", event).products[0]
    assert (product.product_id, product.quantity, product.price) == ("prod_1", 2, Decimal("15.00"))
