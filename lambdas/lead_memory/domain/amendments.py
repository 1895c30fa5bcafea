"""An order and what amends it: refunds, cancellations, and a second notice of the same payment.

They belong together by the order's id; together they are a case. Derivations see the order as its whole case leaves it,
at the place of its first notice. So no derivation has to know how to take back its own effect, and after a refund
"last purchase" is the purchase before it.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from lead_memory.domain.events import Event
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.domain.payloads import OrderCancelled, OrderPaid, OrderRefunded, Product


def case_of(event: Event) -> MemoryKey | None:
    """The memory that a case shares, `purchase.order:<id>`; None for an event that is of no order."""
    if isinstance(event.data, OrderPaid | OrderRefunded | OrderCancelled):
        return MemoryKey(MemoryType.PURCHASE, f"order:{event.data.order_id}")
    return None


def is_amendment(event: Event) -> bool:
    return isinstance(event.data, OrderRefunded | OrderCancelled)


def opening(case: Sequence[Event]) -> Event | None:
    """The first notice of the order, in a case sorted by position."""
    return next((event for event in case if isinstance(event.data, OrderPaid)), None)


def as_it_stands(case: Sequence[Event]) -> OrderPaid | None:
    """The order as its case, sorted by position, leaves it; None when nothing of it is left or it is not known."""
    order: OrderPaid | None = None
    for event in case:
        if isinstance(event.data, OrderPaid):
            order = event.data if order is None else _supplemented(order, event.data)
    for event in case:
        if order is None or isinstance(event.data, OrderCancelled):
            return None
        if isinstance(event.data, OrderRefunded):
            order = _refunded(order, event.data)
    return order


def refund_total(refund: OrderRefunded) -> Decimal | None:
    """What went back; None when that is everything."""
    if refund.total is not None:
        return refund.total
    if not refund.products:
        return None
    return sum(((line.price or Decimal(0)) * line.quantity for line in refund.products), Decimal(0))


def _supplemented(order: OrderPaid, later: OrderPaid) -> OrderPaid:
    """Integrations announce one payment twice with unequal detail: the later notice wins where it says something."""
    said = {field: value for field, value in later if value not in (None, (), Decimal(0))}
    return order.model_copy(update=said)


def _refunded(order: OrderPaid, refund: OrderRefunded) -> OrderPaid | None:
    amount = refund_total(refund)
    if amount is None:
        return None
    total = order.total - amount
    products = _without(order.products, refund.products)
    if total <= 0 or (order.products and not products):
        return None
    return order.model_copy(update={"total": total, "products": products})


def _without(products: Iterable[Product], returned: Iterable[Product]) -> tuple[Product, ...]:
    """The lines that are left. One SKU may stand on several lines, so a return is taken from each in turn."""
    left = list(products)
    for line in returned:
        quantity = line.quantity
        for index, product in enumerate(left):
            if _same(product, line):
                taken = min(quantity, product.quantity)
                quantity -= taken
                left[index] = product.model_copy(update={"quantity": product.quantity - taken})
    return tuple(product for product in left if product.quantity)


def _same(one: Product, other: Product) -> bool:
    """By the first of SKU, product id and name that both have."""
    pairs = ((one.sku, other.sku), (one.product_id, other.product_id), (one.name, other.name))
    return next((mine == theirs for mine, theirs in pairs if mine is not None and theirs is not None), False)
