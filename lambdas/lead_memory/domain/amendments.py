"""An order and what amends it: refunds, cancellations, and a second notice of the same payment.

They belong together by the order's id; together they are a case. Derivations see the order as its whole case leaves it,
at the place of its first notice. So no derivation has to know how to take back its own effect, and after a refund
"last purchase" is the purchase before it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cached_property

from lead_memory.domain.events import Event
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.domain.payloads.commerce import OrderCancelled, OrderPaid, OrderRefunded, Product


def case_of(event: Event) -> MemoryKey | None:
    """The memory that a case shares, `purchase.order:<id>`; None for an event that is of no order."""
    if isinstance(event.data, OrderPaid | OrderRefunded | OrderCancelled):
        return MemoryKey(MemoryType.PURCHASE, f"order:{event.data.order_id}")
    return None


def is_amendment(event: Event) -> bool:
    return isinstance(event.data, OrderRefunded | OrderCancelled)


class Case:
    """The events of one order, sorted by position."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events

    def until(self, event: Event) -> "Case":
        return Case([other for other in self.events if other.position <= event.position])

    @cached_property
    def notices(self) -> list[Event]:
        return [event for event in self.events if isinstance(event.data, OrderPaid)]

    @cached_property
    def announced(self) -> OrderPaid | None:
        """The order before its amendments; None while nothing announced it."""
        order: OrderPaid | None = None
        for event in self.notices:
            if isinstance(event.data, OrderPaid):
                order = event.data if order is None else _supplemented(order, event.data)
        return order

    @cached_property
    def cancelled(self) -> bool:
        """A cancelled order stays cancelled: what comes back is another order."""
        return any(isinstance(event.data, OrderCancelled) for event in self.events)

    @cached_property
    def refunds(self) -> list[OrderRefunded]:
        """Each refund once, though it may have been announced twice."""
        refunds = [event.data for event in self.events if isinstance(event.data, OrderRefunded)]
        return list({refund.refund_id or number: refund for number, refund in enumerate(refunds)}.values())

    @cached_property
    def refunded(self) -> Decimal | None:
        """What went back, in the order's currency; None when that is everything."""
        order = self.announced
        amounts = [
            _amount(refund, order)
            for refund in self.refunds
            if order is None or refund.currency in (None, order.currency)
        ]
        known = [amount for amount in amounts if amount is not None]
        return None if len(known) < len(amounts) else sum(known, Decimal(0))

    @cached_property
    def standing(self) -> OrderPaid | None:
        """The order as the case leaves it; None when nothing of it is left, or it was not announced."""
        order = self.announced
        if order is None or self.cancelled or self.refunded is None:
            return None
        if not self.refunds:
            return order
        # Money makes a refund. Goods that only went back on the shelf were bought all the same.
        returned = [line for refund in self.refunds if _amount(refund, order) for line in refund.products]
        products = _without(order.products, returned)
        total = order.total - self.refunded
        if total <= 0 or (order.products and not products):
            return None
        return order.model_copy(update={"total": total, "products": products})


class Cases:
    """The cases of a lead's events."""

    def __init__(self, events: Iterable[Event]) -> None:
        events_of: defaultdict[MemoryKey, list[Event]] = defaultdict(list)
        for event in sorted(events, key=lambda event: event.position):
            if (name := case_of(event)) is not None:
                events_of[name].append(event)
        self._cases = {name: Case(of_case) for name, of_case in events_of.items()}

    def of(self, event: Event) -> Case | None:
        """None for an event that is of no order, or of one that these events do not have."""
        name = case_of(event)
        return self._cases.get(name) if name else None


def _supplemented(order: OrderPaid, later: OrderPaid) -> OrderPaid:
    """Integrations announce one payment twice with unequal detail: the later notice wins where it says something."""
    said = {field: value for field, value in later if value not in (None, (), Decimal(0))}
    if not later.total:
        said.pop("currency")
    return order.model_copy(update=said)


def _amount(refund: OrderRefunded, order: OrderPaid | None) -> Decimal | None:
    """What one refund sent back, positive however the integration signs it; None when that is everything."""
    if refund.total is not None:
        return abs(refund.total)
    if not refund.products:
        return None
    return sum((_price(line, order) * line.quantity for line in refund.products), Decimal(0))


def _price(line: Product, order: OrderPaid | None) -> Decimal:
    bought = order.products if order else ()
    prices = [line.price, *(product.price for product in bought if _same(product, line))]
    return next((price for price in prices if price is not None), Decimal(0))


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
