"""Stripe's events: https://docs.stripe.com/api/events. The body is the event, its subject `data.object`."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from lead_memory.domain.money import minor_unit_digits

_DIGITS = {"ISK": 2, "MGA": 0, "UGX": 2}
"""Where Stripe's smallest unit is not ISO 4217's: https://docs.stripe.com/currencies#special-cases."""

_PLAN_QUANTITY = re.compile(r"[\d,]+ \u00d7 ")


def _order_paid(event: Mapping[str, Any]) -> dict[str, Any]:
    return _PAID[event["type"]](event["data"]["object"])


def _session_paid(session: Mapping[str, Any]) -> dict[str, Any]:
    """Raises `ValueError` for a session whose payment is still awaited, as with a bank slip."""
    if session["payment_status"] == "unpaid":
        raise ValueError("the session is complete and its payment has not arrived")
    currency = session["currency"]
    methods = session["payment_method_types"]
    return {
        "order_id": _order_id(session) or session["id"],
        "total": _amount(session["amount_total"], currency),
        "currency": currency,
        "discount": _amount((session.get("total_details") or {}).get("amount_discount", 0), currency),
        # The list is of methods that were offered; it tells which was used only when it has one.
        "payment_method": methods[0] if len(methods) == 1 else None,
    }


def _invoice_paid(invoice: Mapping[str, Any]) -> dict[str, Any]:
    currency = invoice["currency"]
    discounts = invoice.get("total_discount_amounts") or []
    return {
        "order_id": invoice["id"],
        "total": _amount(invoice["amount_paid"], currency),
        "currency": currency,
        "discount": _amount(sum(discount["amount"] for discount in discounts), currency),
        "products": [_product(line) for line in invoice["lines"]["data"]],
    }


def _order_refunded(event: Mapping[str, Any]) -> dict[str, Any]:
    charge = event["data"]["object"]
    before = (event["data"].get("previous_attributes") or {}).get("amount_refunded", 0)
    refunds = (charge.get("refunds") or {}).get("data") or [{}]
    return {
        "order_id": _order_id(charge) or charge["id"],
        "refund_id": refunds[0].get("id"),
        # `amount_refunded` is all that the charge ever gave back.
        "total": _amount(charge["amount_refunded"] - before, charge["currency"]),
        "currency": charge["currency"],
        "reason": refunds[0].get("reason"),
    }


def _order_id(payment: Mapping[str, Any]) -> str | None:
    """What a session, its invoice and its charge all name: the invoice, else the payment intent."""
    return payment.get("invoice") or payment.get("payment_intent")


def _product(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as API versions before (`price`) or since (`pricing`) 2025-03-31 write it.

    What one cost is reckoned from the line: a price's unit amount is the list's, also in a free trial.
    """
    priced = (line.get("pricing") or {}).get("price_details") or line.get("price") or {}
    quantity = line.get("quantity") or 1
    description = line.get("description") or ""
    return {
        "product_id": priced.get("product"),
        "name": _plan(description) or description or None,
        "price": _amount(round(Decimal(line["amount"]) / quantity), line["currency"]),
        "quantity": quantity,
    }


def _plan(description: str) -> str | None:
    """The plan's name, of what Stripe writes for one: the quantity, a times sign, the name, its price in brackets."""
    quantity = _PLAN_QUANTITY.match(description)
    if quantity is None or not description.endswith(")"):
        return None
    return description[quantity.end() :].rpartition(" (at ")[0] or None


def _amount(minor_units: int, currency: str) -> Decimal:
    """An amount in the currency's smallest unit, as Stripe counts them, in the currency itself."""
    code = currency.upper()
    digits = _DIGITS.get(code, minor_unit_digits(code))
    return Decimal(minor_units).scaleb(-digits)


_PAID: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "checkout.session.completed": _session_paid,
    "checkout.session.async_payment_succeeded": _session_paid,
    "invoice.paid": _invoice_paid,
}

MAPPINGS = {"order.paid": _order_paid, "order.refunded": _order_refunded}
