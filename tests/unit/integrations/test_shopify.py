from decimal import Decimal

import pytest

from tests.unit.integrations.samples import body, canonical_data


def test_an_orders_id_is_the_tail_of_its_global_id_when_the_number_was_damaged_by_a_double() -> None:
    captured = body("shopify/order.paid")
    assert captured["id"] == 820982911946154500
    assert canonical_data("shopify", "order.paid", captured).order_id == "820982911946154508"


def test_the_captured_refund_does_not_find_its_order_because_only_the_damaged_number_names_it() -> None:
    refund = canonical_data("shopify", "order.refunded", body("shopify/order.refunded"))
    order = canonical_data("shopify", "order.paid", body("shopify/order.paid"))
    assert refund.order_id == "820982911946154500"
    assert refund.order_id != order.order_id


def test_a_refund_finds_its_order_when_the_numbers_are_intact() -> None:
    refund = canonical_data("shopify", "order.refunded", body("shopify/order.refunded.creatina"))
    order = canonical_data("shopify", "order.paid", body("shopify/order.paid.creatina"))
    assert refund.order_id == order.order_id


def test_a_cancellation_finds_its_order() -> None:
    cancelled = canonical_data("shopify", "order.cancelled", body("shopify/order.cancelled"))
    order = canonical_data("shopify", "order.paid", body("shopify/order.paid.shaker"))
    assert (cancelled.order_id, cancelled.reason) == (order.order_id, "customer")


def test_two_lines_of_one_sku_stay_two_lines() -> None:
    order = canonical_data("shopify", "order.paid", body("shopify/order.paid"))
    assert [(line.sku, line.quantity, line.price) for line in order.products] == [
        ("IPOD2008PINK", 1, Decimal("199.00")),
        ("IPOD2008PINK", 1, Decimal("199.00")),
    ]


def test_the_topic_says_paid_and_the_financial_status_is_not_asked() -> None:
    captured = body("shopify/order.paid")
    assert captured["financial_status"] == "voided"
    assert canonical_data("shopify", "order.paid", captured).total == Decimal("388.00")


def test_amounts_keep_the_digits_that_shopify_wrote() -> None:
    order = canonical_data("shopify", "order.paid", body("shopify/order.paid"))
    assert str(order.total) == "388.00"
    assert str(order.discount) == "20.00"


def test_an_order_tells_its_coupon_and_its_first_gateway() -> None:
    captured = canonical_data("shopify", "order.paid", body("shopify/order.paid"))
    discounted = canonical_data("shopify", "order.paid", body("shopify/order.paid.repurchase"))
    assert (captured.coupon, captured.payment_method) == (None, "visa")
    assert (discounted.coupon, discounted.payment_method) == ("RECOMPRA20", "pix")


def test_an_order_without_gateway_or_sku_is_still_an_order() -> None:
    manual = body("shopify/order.paid")
    manual["payment_gateway_names"] = []
    manual["line_items"][0]["sku"] = ""
    order = canonical_data("shopify", "order.paid", manual)
    assert order.payment_method is None
    assert order.products[0].sku is None


def test_a_refund_gives_back_the_refunded_quantity_and_what_its_transactions_moved() -> None:
    raw = body("shopify/order.refunded.creatina")
    failed = {**raw["transactions"][0], "status": "failure", "amount": "10.00"}
    raw["transactions"].append(failed)
    refund = canonical_data("shopify", "order.refunded", raw)
    assert raw["refund_line_items"][0]["line_item"]["quantity"] == 2
    assert refund.products[0].quantity == 1
    assert (refund.total, refund.currency) == (Decimal("89.90"), "BRL")


def test_a_refund_without_a_transaction_moved_no_money() -> None:
    captured = body("shopify/order.refunded")
    assert captured["transactions"] == []
    refund = canonical_data("shopify", "order.refunded", captured)
    assert refund.total == 0
    assert len(refund.products) == 2


@pytest.mark.parametrize(
    ("state", "consents"),
    [
        ("subscribed", {"email": True}),
        ("unsubscribed", {"email": False}),
        ("not_subscribed", {}),
        ("pending", {}),
        ("redacted", {}),
    ],
)
def test_only_a_stated_consent_counts(state: str, consents: dict[str, bool]) -> None:
    customer = body("shopify/lead.identified")
    customer["email_marketing_consent"] = {"state": state, "opt_in_level": None}
    assert canonical_data("shopify", "lead.identified", customer).consents == consents


def test_a_customer_without_consents_or_address_says_neither() -> None:
    customer = body("shopify/lead.identified")
    assert customer["email_marketing_consent"] is None
    lead = canonical_data("shopify", "lead.identified", customer)
    assert (lead.external_id, lead.consents) == ("706405506930370084", {})
    assert lead.address.model_dump(exclude_none=True) == {}


def test_each_channels_consent_is_its_own() -> None:
    lead = canonical_data("shopify", "lead.identified", body("shopify/lead.identified.consents"))
    assert lead.consents == {"email": True, "sms": False}
    assert lead.address.city == "Rio de Janeiro"


def test_a_checkout_has_its_value_and_its_cart() -> None:
    checkout = canonical_data("shopify", "checkout.started", body("shopify/checkout.started"))
    assert (checkout.checkout_id, checkout.value, checkout.currency) == (
        "36123456789012",
        Decimal("219.70"),
        "BRL",
    )
    assert [(line.sku, line.quantity) for line in checkout.products] == [("CREATINA", 2), ("SHAKER-600", 1)]
