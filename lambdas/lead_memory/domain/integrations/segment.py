"""Segment's messages: e-commerce v2 events (track) and Identify, https://segment.com/docs/connections/spec/.

The canonical payloads use Segment's own names, so a mapping says which properties are read.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_PRODUCT = ("product_id", "sku", "name", "category", "brand", "variant", "price", "quantity")


def _product_seen(message: Mapping[str, Any]) -> dict[str, Any]:
    return _said(message["properties"], *_PRODUCT, "currency")


def _product_list_viewed(message: Mapping[str, Any]) -> dict[str, Any]:
    return _said(message["properties"], "list_id", "category")


def _checkout_started(message: Mapping[str, Any]) -> dict[str, Any]:
    checkout = message["properties"]
    return {
        **_said(checkout, "checkout_id", "value", "currency"),
        "products": _products(checkout),
    }


def _order_paid(message: Mapping[str, Any]) -> dict[str, Any]:
    order = message["properties"]
    return {
        **_said(order, "order_id", "currency", "discount", "coupon", "payment_method"),
        "total": _total(order),
        "products": _products(order),
    }


def _order_refunded(message: Mapping[str, Any]) -> dict[str, Any]:
    refund = message["properties"]
    return {
        **_said(refund, "order_id", "refund_id", "total", "currency", "reason"),
        "products": _products(refund),
    }


def _order_cancelled(message: Mapping[str, Any]) -> dict[str, Any]:
    return _said(message["properties"], "order_id", "reason")


def _lead_identified(message: Mapping[str, Any]) -> dict[str, Any]:
    traits = message["traits"]
    address = traits.get("address") or {}
    return {
        "external_id": message.get("userId"),
        "address": {
            **_said(address, "street", "city", "country"),
            "region": address.get("state"),
            "postal_code": address.get("postalCode"),
        },
        "company": (traits.get("company") or {}).get("name"),
        "job_title": traits.get("title"),
        "language": (message.get("context") or {}).get("locale"),
    }


def _products(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_said(product, *_PRODUCT) for product in properties.get("products") or []]


def _total(order: Mapping[str, Any]) -> Any:
    """`total`; without it `revenue`, which Segment defines without shipping and tax, and those two."""
    if order.get("total") is not None:
        return order["total"]
    return sum((Decimal(order.get(part) or 0) for part in ("shipping", "tax")), Decimal(order["revenue"]))


def _said(properties: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The named properties that have a value: trackers send blanks for what they do not know."""
    return {name: properties[name] for name in names if properties.get(name) not in (None, "")}


MAPPINGS = {
    "product.viewed": _product_seen,
    "product.added": _product_seen,
    "product.removed": _product_seen,
    "product_list.viewed": _product_list_viewed,
    "checkout.started": _checkout_started,
    "order.paid": _order_paid,
    "order.refunded": _order_refunded,
    "order.cancelled": _order_cancelled,
    "lead.identified": _lead_identified,
}
