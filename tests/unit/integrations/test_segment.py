from decimal import Decimal

from tests.unit.integrations.samples import body, canonical_data


def test_a_price_stays_the_decimal_that_was_written() -> None:
    viewed = canonical_data("segment", "product.viewed", body("segment/product.viewed"))
    assert (viewed.price, viewed.currency) == (Decimal("89.9"), "BRL")
    assert (viewed.sku, viewed.category) == ("CREATINA", "Supplements")


def test_a_blank_property_says_nothing() -> None:
    message = body("segment/product.viewed")
    message["properties"] |= {"sku": "", "category": "", "quantity": None}
    viewed = canonical_data("segment", "product.viewed", message)
    assert (viewed.sku, viewed.category, viewed.quantity) == (None, None, 1)


def test_an_orders_total_is_what_was_paid() -> None:
    order = canonical_data("segment", "order.paid", body("segment/order.paid"))
    assert (order.total, order.discount, order.coupon) == (Decimal("274.82"), Decimal("28.98"), "BEMVINDO10")
    assert [line.name for line in order.products] == ["Whey Protein 1kg", "Creatina"]


def test_without_a_total_it_is_the_revenue_with_shipping_and_tax() -> None:
    message = body("segment/order.paid.shaker")
    assert "total" not in message["properties"]
    message["properties"]["tax"] = Decimal("0.60")
    order = canonical_data("segment", "order.paid", message)
    assert order.total == Decimal("39.9") + Decimal("9.5") + Decimal("0.60")


def test_a_refund_and_a_cancellation_find_their_orders() -> None:
    order = canonical_data("segment", "order.paid", body("segment/order.paid"))
    refund = canonical_data("segment", "order.refunded", body("segment/order.refunded"))
    assert refund.order_id == order.order_id
    other = canonical_data("segment", "order.paid", body("segment/order.paid.shaker"))
    cancelled = canonical_data("segment", "order.cancelled", body("segment/order.cancelled"))
    assert cancelled.order_id == other.order_id


def test_a_refund_of_nothing_but_an_order_id_is_of_the_whole_order() -> None:
    message = body("segment/order.refunded")
    message["properties"] = {"order_id": "o1"}
    refund = canonical_data("segment", "order.refunded", message)
    assert (refund.total, refund.products) == (None, ())


def test_traits_are_read_by_segments_names() -> None:
    lead = canonical_data("segment", "lead.identified", body("segment/lead.identified"))
    assert (lead.external_id, lead.company, lead.job_title, lead.language) == (
        "7012345679914",
        "Studio Movimento",
        "Personal trainer",
        "pt-BR",
    )
    assert (lead.address.region, lead.address.postal_code) == ("RJ", "22041-001")


def test_a_visitor_who_said_nothing_of_themselves_is_still_identified() -> None:
    message = body("segment/lead.identified")
    message |= {"traits": {"email": "a@example.com"}, "userId": None}
    lead = canonical_data("segment", "lead.identified", message)
    assert (lead.external_id, lead.company) == (None, None)
