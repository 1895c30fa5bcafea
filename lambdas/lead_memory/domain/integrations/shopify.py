"""Shopify's webhooks: https://shopify.dev/docs/api/webhooks. The topic decides, not the body's states."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_CONSENTS = {"subscribed": True, "unsubscribed": False}
"""Any other state (`not_subscribed`, `pending`, `redacted`, …) says nothing."""
_MOVED_MONEY = {"success", "pending"}


def _order_paid(order: Mapping[str, Any]) -> dict[str, Any]:
    gateways = order.get("payment_gateway_names") or [None]
    coupons = order.get("discount_codes") or [{}]
    return {
        "order_id": _id(order),
        "total": order["total_price"],
        "currency": order["currency"],
        "discount": order["total_discounts"],
        "coupon": coupons[0].get("code"),
        "payment_method": gateways[0],
        "products": [_product(line, line["quantity"]) for line in order["line_items"]],
    }


def _order_cancelled(order: Mapping[str, Any]) -> dict[str, Any]:
    return {"order_id": _id(order), "reason": order.get("cancel_reason")}


def _order_refunded(refund: Mapping[str, Any]) -> dict[str, Any]:
    """What went back is what the transactions say: lines without one were only put back on the shelf."""
    refunds = [
        transaction
        for transaction in refund["transactions"]
        if transaction["kind"] == "refund" and transaction["status"] in _MOVED_MONEY
    ]
    return {
        "order_id": str(refund["order_id"]),
        "refund_id": _id(refund),
        "total": sum((Decimal(transaction["amount"]) for transaction in refunds), Decimal(0)),
        "currency": refunds[0]["currency"] if refunds else None,
        "products": [_product(line["line_item"], line["quantity"]) for line in refund["refund_line_items"]],
        "reason": refund.get("note"),
    }


def _checkout_started(checkout: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "checkout_id": _id(checkout),
        "value": checkout["total_price"],
        "currency": checkout["currency"],
        "products": [_product(line, line["quantity"]) for line in checkout["line_items"]],
    }


def _lead_identified(customer: Mapping[str, Any]) -> dict[str, Any]:
    address = customer.get("default_address") or {}
    return {
        "external_id": _id(customer),
        "address": {
            "street": address.get("address1"),
            "city": address.get("city"),
            "region": address.get("province"),
            "country": address.get("country"),
            "postal_code": address.get("zip"),
        },
        "company": address.get("company"),
        "consents": {
            channel: _CONSENTS[consent["state"]]
            for channel in ("email", "sms")
            if (consent := customer.get(f"{channel}_marketing_consent")) and consent["state"] in _CONSENTS
        },
    }


def _product(line: Mapping[str, Any], quantity: int) -> dict[str, Any]:
    return {
        "product_id": line.get("product_id"),
        "sku": line.get("sku") or None,
        "name": line.get("title") or line["name"],
        "category": line.get("product_type") or None,
        "brand": line.get("vendor"),
        "variant": line.get("variant_title"),
        "price": line["price"],
        "quantity": quantity,
    }


def _id(resource: Mapping[str, Any]) -> str:
    """The tail of the resource's global id: the number beside it is damaged once JavaScript has read it."""
    gid = resource.get("admin_graphql_api_id")
    return gid.rpartition("/")[2] if gid else str(resource["id"])


MAPPINGS = {
    "order.paid": _order_paid,
    "order.cancelled": _order_cancelled,
    "order.refunded": _order_refunded,
    "checkout.started": _checkout_started,
    "lead.identified": _lead_identified,
}
