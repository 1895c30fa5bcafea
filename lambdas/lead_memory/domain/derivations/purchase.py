"""What the lead bought: the last order, each product, the whole, and each order as it stands."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from lead_memory.domain.amendments import Case
from lead_memory.domain.derivations.values import added, mapping, number, present
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, MemoryType, Value
from lead_memory.domain.money import minor_unit_digits, padded
from lead_memory.domain.payloads.base import Payload
from lead_memory.domain.payloads.commerce import OrderCancelled, OrderPaid, OrderRefunded, Product
from lead_memory.domain.slugs import slug
from lead_memory.domain.times import iso

LINES_KEPT = 20
"""Order lines in `last_transaction`; `line_count` says how many there were. A memory stays within one read unit."""


def product_slug(product: Product) -> str | None:
    """A product's name in keys: from its SKU, else its name, else its id."""
    name = product.sku or product.name or product.product_id
    return slug(name) if name else None


def order_paid(event: Event, order: OrderPaid) -> Iterable[Change]:
    yield _last_transaction(event, order)
    yield from _products(event, order)
    yield Change(
        memory_type=MemoryType.PURCHASE,
        key="summary",
        said={
            "total_spent": {order.currency: padded(order.total, order.currency)},
            "purchased_at": iso(event.occurred_at),
        },
        reduce=_add_order,
        aggregates=True,
    )


def _last_transaction(event: Event, order: OrderPaid) -> Change:
    return Change(
        memory_type=MemoryType.PURCHASE,
        key="last_transaction",
        said=present(
            order_id=order.order_id,
            product_name=next((product.name for product in order.products if product.name), None),
            products=[_line(product, order.currency) for product in order.products[:LINES_KEPT]],
            line_count=len(order.products),
            amount=padded(order.total, order.currency),
            currency=order.currency,
            payment_method=order.payment_method,
            purchased_at=iso(event.occurred_at),
        ),
    )


def _line(product: Product, currency: str) -> Value:
    return present(
        name=product.name,
        sku=product.sku,
        product_id=product.product_id,
        quantity=product.quantity,
        price=None if product.price is None else padded(product.price, currency),
    )


def _products(event: Event, order: OrderPaid) -> Iterable[Change]:
    lines: dict[str, list[Product]] = {}
    for product in order.products:
        if (key := product_slug(product)) is not None:
            lines.setdefault(key, []).append(product)
    for key, same in lines.items():
        spent = sum(((product.price or Decimal(0)) * product.quantity for product in same), Decimal(0))
        yield Change(
            memory_type=MemoryType.PURCHASE,
            key=f"product:{key}",
            said=present(
                name=next((product.name for product in same if product.name), None),
                quantity=sum(product.quantity for product in same),
                total_spent={order.currency: padded(spent, order.currency)},
                purchased_at=iso(event.occurred_at),
            ),
            reduce=_add_product,
            aggregates=True,
        )


def _add_product(value: Value | None, said: Value) -> Value:
    return {
        **present(name=said.get("name") or (value or {}).get("name")),
        "purchase_count": number(value, "purchase_count") + 1,
        "quantity": number(value, "quantity") + said["quantity"],
        "total_spent": added(mapping(value, "total_spent"), said["total_spent"]),
        "first_purchased_at": (value or {}).get("first_purchased_at", said["purchased_at"]),
        "last_purchased_at": said["purchased_at"],
    }


def _add_order(value: Value | None, said: Value) -> Value:
    total_spent = added(mapping(value, "total_spent"), said["total_spent"])
    orders = added(mapping(value, "orders_by_currency"), dict.fromkeys(said["total_spent"], 1))
    return {
        "order_count": number(value, "order_count") + 1,
        "orders_by_currency": orders,
        "total_spent": total_spent,
        "average_order_value": {
            currency: _rounded(total / orders[currency], currency) for currency, total in total_spent.items()
        },
        "first_purchased_at": (value or {}).get("first_purchased_at", said["purchased_at"]),
        "last_purchased_at": said["purchased_at"],
    }


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-minor_unit_digits(currency)), ROUND_HALF_UP)


def order(event: Event, case: Case) -> Change:
    """`order:<id>`: how the order stands after this event, the last of `case`."""
    order_id = event.data.order_id  # type: ignore[attr-defined]
    return Change(
        memory_type=MemoryType.PURCHASE,
        key=f"order:{order_id}",
        said={"order_id": order_id, **_order(case)},
        aggregates=True,
    )


def _order(case: Case) -> Value:
    paid, refunded = case.announced, case.refunded
    currency = paid.currency if paid else next((refund.currency for refund in case.refunds if refund.currency), None)
    return present(
        status=_status(case),
        amount=padded(paid.total, paid.currency) if paid else None,
        refunded=padded(refunded, currency) if refunded and currency else refunded or None,
        currency=currency,
        paid_at=_last_at(case, OrderPaid),
        refunded_at=_last_at(case, OrderRefunded),
        cancelled_at=_last_at(case, OrderCancelled),
    )


def _status(case: Case) -> str:
    if case.cancelled:
        return "cancelled"
    if not case.refunds:
        return "paid"
    undone = case.refunded is None or (case.announced is not None and case.standing is None)
    return "refunded" if undone else "partially_refunded"


def _last_at(case: Case, kind: type[Payload]) -> str | None:
    times = [iso(event.occurred_at) for event in case.events if isinstance(event.data, kind)]
    return times[-1] if times else None


DERIVATIONS: dict[str, Derivation] = {"order.paid": order_paid}
