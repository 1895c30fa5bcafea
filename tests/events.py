"""Events for tests: from the samples, made by hand, and drawn by Hypothesis."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from lead_memory.domain.events import Event, parse
from lead_memory.domain.memories import Lead

SAMPLES = Path(__file__).parent.parent / "events"
SCRIPTS = sorted((SAMPLES / "conversations").glob("*.json"))
"""Each holds the entries of a whole conversation."""
SAMPLE_FILES = sorted(set(SAMPLES.rglob("*.json")) - set(SCRIPTS))
"""Each holds one entry."""
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
    return [parse(body(json.loads(path.read_text())), NOW) for path in SAMPLE_FILES]


def entry(
    event_type: str,
    data: dict[str, Any],
    *,
    event_id: str = "e1",
    at: datetime = START,
    source: str | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    known = {
        "event_id": event_id,
        "occurred_at": at.isoformat(),
        "organization_id": ORGANIZATION,
        "lead_organization_id": LEAD,
        "version": 1,
    }
    detail = {"metadata": {**known, **metadata}, "data": data}
    return {"Source": source or _source(event_type), "DetailType": event_type, "Detail": detail}


def _source(event_type: str) -> str:
    """Some types are published by one source alone."""
    if event_type.startswith("note.") or event_type in ("crm.entity_split", "memory.restored"):
        return "operator"
    if event_type == "intelligence.evaluated":
        return "extractor"
    return "cleanup" if event_type in ("memory.expired", "memory.tiered", *MOVES) else "test"


def event(event_type: str, data: dict[str, Any], **metadata: Any) -> Event:
    return parse(body(entry(event_type, data, **metadata)), NOW)


MOVES = ("memory.archived", "memory.soft_deleted", "memory.hard_delete_queued", "memory.purged", "memory.restored")
_few = st.sampled_from(["a", "b", "c"])
_amounts = st.integers(1, 300).map(lambda units: f"{units}.50")
_products = st.lists(
    st.fixed_dictionaries({"sku": _few, "price": _amounts, "quantity": st.integers(1, 2)}), min_size=0, max_size=3
)
_currencies = st.sampled_from(["BRL", "JPY"])
_times = st.sampled_from([None, "2026-01-01T00:03:00Z", "2025-12-31T21:03:00-03:00"])
_facts = st.fixed_dictionaries(
    {},
    optional={
        "preferences": st.fixed_dictionaries({"budget_range": _few}),
        "painPoints": st.lists(_few, max_size=2),
        "objectionsAddressed": st.lists(
            st.fixed_dictionaries({"objection": _few, "resolved": st.booleans()}), max_size=2
        ),
        "productsDiscussed": st.lists(
            st.fixed_dictionaries({"productName": _few, "interest_level": st.sampled_from(["low", "medium", "high"])}),
            max_size=2,
        ),
        "currentStage": st.sampled_from(["awareness", "decision", "churned"]),
        "nextStep": st.fixed_dictionaries({"action": _few}),
    },
).filter(bool)
_profile = {"memory_type": st.just("fact"), "key": st.just("contact_profile"), "value": _facts}
_note = {"note_id": _few, "author": st.just("Carla")}
_target = {"thread_id": _few}
_fields = {
    "category": st.sampled_from(["strategy", "warning"]),
    "content": _few,
    "priority": st.sampled_from(["high", "low"]),
    "expires_at": _times,
}
_written = {"thread_id": _few, "written_by": st.just("extractive"), "message_count": st.integers(0, 4)}
_outcome = st.fixed_dictionaries(
    {
        "job": st.sampled_from(["facts", "entities", "summary", "reactivation"]),
        "status": st.sampled_from(["processed", "batched", "skipped", "failed"]),
    },
    optional={
        "until": st.integers(0, 72).map(lambda hours: (START + timedelta(hours=hours)).isoformat()),
        "estimated_cost_micros": st.integers(0, 9),
    },
)
evaluations = st.fixed_dictionaries(
    {
        "attempt_id": _few,
        "importance_score": st.integers(0, 100),
        "message_count": st.integers(0, 6),
        "lead_message_count": st.integers(0, 4),
        "jobs": st.lists(_outcome, min_size=1, max_size=4, unique_by=lambda outcome: str(outcome["job"])),
    },
    optional={"thread_id": _few},
)
_fact = {"memory_type": st.just("fact"), "key": _few}
_annotations = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.none() | st.lists(_few, max_size=2),
        "metadata": st.none() | st.fixed_dictionaries({"of": _few}),
        "importance": st.none() | st.sampled_from([0, 0.25, 1]),
        "environment": st.sampled_from(["staging", "production"]),
    },
)
kept = st.one_of(
    st.tuples(
        st.sampled_from(MOVES),
        st.fixed_dictionaries(_fact, optional={"since": st.integers(0, 6).map("2026-01-01T00:0{}:00Z".format)}),
    ),
    st.tuples(
        st.just("memory.tiered"),
        st.fixed_dictionaries(_fact | {"storage_tier": st.sampled_from(["hot", "warm", "cold"])}),
    ),
    st.tuples(st.just("memory.annotated"), st.fixed_dictionaries(_fact), _annotations).map(
        lambda drawn: (drawn[0], drawn[1] | drawn[2])
    ),
)
"""What is said of facts beside their values."""
_kinds = st.sampled_from(["account", "contact"])
_record = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["01", "02"]),
        "name": st.sampled_from(["A", "á", "B", "C"]),
        "email": _few,
        "status": _few,
        "amount": _amounts,
        "account_name": _few,
    },
).filter(bool)
_relations = st.fixed_dictionaries(
    {}, optional={"account": st.fixed_dictionaries({"kind": st.just("account"), "key": _few})}
)
_kept = st.tuples(_record, _few, st.integers(0, 6), st.booleans()).map(
    lambda drawn: (
        drawn[0]
        | {"name_key": drawn[1], "at": f"2026-01-01T00:{drawn[2]:02}:00Z"}
        | ({"by_person": True} if drawn[3] else {})
    )
)
_two = st.permutations(["a", "b", "c"])
_entity = _kinds.flatmap(lambda kind: _few.map(lambda key: {"memory_type": "fact", "key": f"{kind}:{key}"}))
extractions = st.tuples(
    st.just("crm.entity_extracted"),
    st.fixed_dictionaries({"kind": _kinds, "key": _few, "record": _record, "relations": _relations}),
)
crm_happenings = st.one_of(
    extractions,
    st.tuples(st.just("crm.entities_merged"), _kinds, _two, st.lists(_kept, max_size=3)).map(
        lambda drawn: (
            drawn[0],
            {"kind": drawn[1], "key": drawn[2][0], "merged_key": drawn[2][1], "records": drawn[3]},
        )
    ),
    st.tuples(st.just("crm.entity_split"), _kinds, _two, st.lists(_kept, max_size=3)).map(
        lambda drawn: (drawn[0], {"kind": drawn[1], "key": drawn[2][0], "name_key": drawn[2][1], "records": drawn[3]})
    ),
    st.tuples(st.just("memory.declared"), _entity, _record, st.sampled_from([{}, {"industry": "steel"}])).map(
        lambda drawn: (drawn[0], drawn[1] | {"value": drawn[2] | drawn[3]})
    ),
    st.tuples(st.just("memory.inferred"), _entity, _record).map(
        lambda drawn: (drawn[0], drawn[1] | {"value": drawn[2], "confidence": 0.5})
    ),
)
"""Of two kinds with few keys, whoever publishes them."""
happenings = st.one_of(
    crm_happenings,
    kept,
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
        st.fixed_dictionaries(
            {"thread_id": _few, "channel": st.sampled_from(["sms", "email"]), "text": st.sampled_from(["", "Oi!"])}
        ),
    ),
    st.tuples(
        st.just("conversation.intent_classified"),
        st.fixed_dictionaries({"thread_id": _few, "intent": _few, "topic": st.none() | _few}),
    ),
    st.tuples(
        st.just("conversation.thread_resolved"),
        st.fixed_dictionaries({"thread_id": _few}, optional={"topic": _few, "sentiment": st.just("positive")}),
    ),
    st.tuples(st.just("thread.summary_requested"), st.fixed_dictionaries({"thread_id": _few, "full": st.booleans()})),
    st.tuples(st.just("thread.extraction_requested"), st.fixed_dictionaries({"thread_id": _few})),
    st.tuples(st.just("intelligence.evaluated"), evaluations),
    st.tuples(st.just("thread.summarized"), st.fixed_dictionaries(_written | {"summary": _few})),
    st.tuples(st.just("thread.reactivation_prepared"), st.fixed_dictionaries(_written | {"text": _few})),
    st.tuples(
        st.just("note.pinned"),
        st.fixed_dictionaries(_note | _fields, optional=_target),
    ),
    st.tuples(st.just("note.edited"), st.fixed_dictionaries(_note, optional=_target | _fields)),
    st.tuples(st.just("note.removed"), st.fixed_dictionaries(_note, optional=_target)),
    st.tuples(
        st.just("memory.expired"),
        st.fixed_dictionaries(
            {"memory_type": st.just("note"), "key": st.just("contact") | _few.map("thread:{}".format)}
        ),
    ),
    st.tuples(st.just("memory.declared"), st.fixed_dictionaries(_profile)),
    st.tuples(st.just("memory.inferred"), st.fixed_dictionaries(_profile | {"confidence": st.just(0.5)})),
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
                "expires_at": _times,
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


MADE_BY_MODELS = (
    *("memory.inferred", "thread.summarized", "thread.reactivation_prepared"),
    *("crm.entity_extracted", "crm.entities_merged"),
)
_origins = st.none() | st.lists(st.integers(0, 13), max_size=2, unique=True)
"""Numbers of the events of a stream that one rests on; None where it does not say."""


def _with_origin(event_type: str, data: dict[str, Any], origins: list[int] | None) -> dict[str, Any]:
    if event_type not in MADE_BY_MODELS or origins is None:
        return data
    rests_on = [f"test/e{number}" for number in origins]
    return data | {"extraction": {"attempt_id": "a", "model": "m", "prompt_version": "1", "rests_on": rests_on}}


@st.composite
def streams(draw: st.DrawFn, max_size: int = 14) -> list[Event]:
    """One lead's events, few enough names that they meet, several at one time."""
    drawn = draw(st.lists(st.tuples(happenings, st.integers(0, 6), _origins), min_size=1, max_size=max_size))
    return [
        event(
            event_type,
            _with_origin(event_type, data, origins),
            event_id=f"e{number}",
            at=START + timedelta(minutes=minute),
        )
        for number, ((event_type, data), minute, origins) in enumerate(drawn)
    ]
