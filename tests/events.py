"""Events for tests: from the samples, made by hand, and drawn by Hypothesis."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from lead_memory.domain.events import Event, parse
from lead_memory.domain.memories import Lead

SAMPLES = Path(__file__).parent.parent / "events"
ORGANIZATION = "3f0c1b52-7a55-4d0c-9a8e-1f6a1b9f7c01"
LEAD = "11111111-2222-4333-8444-555555555555"
SOMEBODY = Lead(ORGANIZATION, LEAD)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)


def body(entry: dict[str, Any]) -> str:
    """What the queue delivers for an entry that was put on the bus."""
    return json.dumps({"source": entry["Source"], "detail-type": entry["DetailType"], "detail": entry["Detail"]})


def sample(name: str) -> Event:
    return parse(body(json.loads((SAMPLES / name).read_text())), NOW)


def all_samples() -> list[Event]:
    return [parse(body(json.loads(path.read_text())), NOW) for path in sorted(SAMPLES.rglob("*.json"))]


def entry(
    event_type: str,
    data: dict[str, Any],
    *,
    event_id: str = "e1",
    at: datetime = START,
    source: str = "test",
    **metadata: Any,
) -> dict[str, Any]:
    known = {
        "event_id": event_id,
        "occurred_at": at.isoformat(),
        "organization_id": ORGANIZATION,
        "lead_organization_id": LEAD,
        "version": 1,
    }
    return {"Source": source, "DetailType": event_type, "Detail": {"metadata": {**known, **metadata}, "data": data}}


def event(event_type: str, data: dict[str, Any], **metadata: Any) -> Event:
    return parse(body(entry(event_type, data, **metadata)), NOW)


_few = st.sampled_from(["a", "b", "c"])
_amounts = st.integers(1, 300).map(lambda units: f"{units}.50")
_products = st.lists(
    st.fixed_dictionaries({"sku": _few, "price": _amounts, "quantity": st.integers(1, 2)}), min_size=0, max_size=3
)
_currencies = st.sampled_from(["BRL", "JPY"])
happenings = st.one_of(
    st.tuples(
        st.just("order.paid"),
        st.fixed_dictionaries(
            {
                "order_id": _few,
                "total": _amounts,
                "currency": _currencies,
                "products": _products,
                "discount": st.sampled_from(["0", "5"]),
                "payment_method": st.sampled_from([None, "pix", "card"]),
            }
        ),
    ),
    st.tuples(
        st.just("order.refunded"),
        st.fixed_dictionaries({"order_id": _few, "total": st.none() | _amounts, "products": _products}),
    ),
    st.tuples(st.just("order.cancelled"), st.fixed_dictionaries({"order_id": _few})),
    st.tuples(
        st.sampled_from(["product.viewed", "product.added", "product.removed"]), st.fixed_dictionaries({"sku": _few})
    ),
    st.tuples(
        st.sampled_from(["ticket.created", "ticket.resolved", "ticket.reopened"]),
        st.fixed_dictionaries({"ticket_id": _few}),
    ),
    st.tuples(
        st.sampled_from(["conversation.message_received", "conversation.reply_sent"]),
        st.fixed_dictionaries({"thread_id": _few, "channel": st.sampled_from(["sms", "email"])}),
    ),
    st.tuples(
        st.sampled_from(["channel.opted_in", "channel.opted_out"]),
        st.fixed_dictionaries({"channel": st.sampled_from(["sms", "email"])}),
    ),
    st.tuples(
        st.sampled_from(["memory.declared"]),
        st.fixed_dictionaries(
            {
                "memory_type": st.just("fact"),
                "key": _few,
                "value": st.fixed_dictionaries({"says": _few}),
                "expires_at": st.sampled_from([None, "2026-01-01T00:03:00Z", "2025-12-31T21:03:00-03:00"]),
            }
        ),
    ),
    st.tuples(
        st.just("memory.inferred"),
        st.fixed_dictionaries(
            {
                "memory_type": st.just("fact"),
                "key": _few,
                "value": st.fixed_dictionaries({"says": _few}),
                "confidence": st.just(0.5),
            }
        ),
    ),
    st.tuples(st.just("memory.expired"), st.fixed_dictionaries({"memory_type": st.just("fact"), "key": _few})),
)


@st.composite
def streams(draw: st.DrawFn, max_size: int = 14) -> list[Event]:
    """One lead's events, few enough names that they meet, several at one time."""
    drawn = draw(st.lists(st.tuples(happenings, st.integers(0, 6)), min_size=1, max_size=max_size))
    return [
        event(
            event_type,
            data,
            event_id=f"e{number}",
            at=START + timedelta(minutes=minute),
            source="cleanup" if event_type == "memory.expired" else "test",
        )
        for number, ((event_type, data), minute) in enumerate(drawn)
    ]
