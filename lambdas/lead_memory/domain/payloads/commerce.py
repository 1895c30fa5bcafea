"""Products, carts and orders, with the names of Segment's e-commerce specification."""

from decimal import Decimal
from typing import Annotated

from lead_memory.domain.fields import (
    BLANK,
    Currency,
    Id,
    Money,
    Quantity,
    Short,
    Text,
    at_most,
)
from lead_memory.domain.limits import (
    PRODUCTS,
)
from lead_memory.domain.payloads.base import Payload


class Product(Payload):
    product_id: Annotated[Id | None, BLANK] = None
    sku: Annotated[Id | None, BLANK] = None
    name: Annotated[Text | None, BLANK] = None
    category: Annotated[Text | None, BLANK] = None
    brand: Short | None = None
    variant: Short | None = None
    price: Money | None = None
    """The price of one, in the currency of the event."""
    quantity: Quantity = Decimal(1)


type Products = Annotated[tuple[Product, ...], at_most(PRODUCTS)]


class ProductSeen(Product):
    """`product.viewed`, `product.added`, `product.removed`."""

    currency: Currency | None = None


class ProductListViewed(Payload):
    category: Text
    list_id: Id | None = None


class CheckoutStarted(Payload):
    checkout_id: Id | None = None
    value: Money | None = None
    currency: Currency | None = None
    products: Products = ()


class OrderPaid(Payload):
    order_id: Id
    total: Money
    """What was paid: after discounts, with tax and shipping."""
    currency: Currency
    discount: Money = Decimal(0)
    coupon: Short | None = None
    payment_method: Annotated[Text | None, BLANK] = None
    products: Products = ()


class OrderRefunded(Payload):
    """Without `total` and `products` the whole order is refunded."""

    order_id: Id
    refund_id: Id | None = None
    total: Money | None = None
    """What went back, positive."""
    currency: Currency | None = None
    products: Products = ()
    reason: Short | None = None


class OrderCancelled(Payload):
    order_id: Id
    reason: Short | None = None
