"""What the lead looks at, puts in the cart and buys, as a score by product and by category."""

from collections.abc import Iterable, Sequence

from lead_memory.domain.derivations.purchase import product_slug
from lead_memory.domain.derivations.values import number, present
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, MemoryType, Value
from lead_memory.domain.payloads.commerce import CheckoutStarted, OrderPaid, Product, ProductListViewed, ProductSeen
from lead_memory.domain.slugs import slug
from lead_memory.domain.times import iso

SCORES = {
    "product.viewed": ("view_count", 1),
    "product_list.viewed": ("view_count", 1),
    "product.added": ("cart_count", 3),
    "product.removed": ("removal_count", -3),
    "checkout.started": ("checkout_count", 5),
    "order.paid": ("order_count", 10),
}
"""Event type -> what is counted, and the points that each adds. A score is never below 0."""

CONFIDENT_SCORE = 10
"""One order. The confidence rises with the score to 0.5 there, and towards 1 beyond."""


def product(event: Event, seen: ProductSeen) -> Iterable[Change]:
    return _products(event, (seen,))


def products(event: Event, cart: CheckoutStarted | OrderPaid) -> Iterable[Change]:
    return _products(event, cart.products)


def _products(event: Event, seen: Sequence[Product]) -> Iterable[Change]:
    by_slug = {key: one for one in seen if (key := product_slug(one))}
    for key, one in by_slug.items():
        yield _change(event, f"product:{key}", one.name or key)
    categories = {slug(one.category): one.category for one in seen if one.category}
    for key, category in categories.items():
        yield _change(event, f"category:{key}", category)


def category(event: Event, seen: ProductListViewed) -> Iterable[Change]:
    yield _change(event, f"category:{slug(seen.category)}", seen.category)


def _change(event: Event, key: str, name: str) -> Change:
    counter, points = SCORES[event.event_type]
    return Change(
        memory_type=MemoryType.INTEREST,
        key=key,
        said={"name": name, "counter": counter, "points": points, "seen_at": iso(event.occurred_at)},
        reduce=_add,
        aggregates=True,
        confidence=_confidence,
    )


def _add(value: Value | None, said: Value) -> Value:
    counts = {counter: number(value, counter) for counter, _ in SCORES.values()}
    counts[said["counter"]] += 1
    return present(
        name=said["name"],
        score=max(0, number(value, "score") + said["points"]),
        last_seen_at=said["seen_at"],
        **{counter: count or None for counter, count in counts.items()},
    )


def _confidence(value: Value) -> float:
    score = int(value["score"])
    return round(score / (score + CONFIDENT_SCORE), 3)


DERIVATIONS: dict[str, Derivation] = {
    "product.viewed": product,
    "product.added": product,
    "product.removed": product,
    "product_list.viewed": category,
    "checkout.started": products,
    "order.paid": products,
}
