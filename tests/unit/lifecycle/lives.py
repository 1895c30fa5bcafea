"""What may happen to a lead's memories in two months, drawn by Hypothesis."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from lead_memory.domain.events import Event
from tests.events import MOVES, START, event

_keys = st.sampled_from(["a", "b"])
_days = st.integers(0, 60)
_fact = {"memory_type": st.just("fact"), "key": _keys}


def _at(day: int) -> str:
    return (START + timedelta(days=day)).isoformat()


_said = st.tuples(
    st.sampled_from(["memory.declared", "memory.inferred"]),
    st.fixed_dictionaries(
        _fact,
        optional={"tags": st.lists(_keys, max_size=2), "project_id": st.just("p"), "expires_at": _days.map(_at)},
    ),
)
_moved = st.tuples(st.sampled_from(MOVES), st.fixed_dictionaries(_fact, optional={"since": _days.map(_at)}))
_annotated = st.tuples(
    st.just("memory.annotated"),
    st.fixed_dictionaries(_fact, optional={"text": st.none() | _keys, "project_id": st.none() | st.just("p")}),
)
_tiered = st.tuples(
    st.just("memory.tiered"), st.fixed_dictionaries(_fact | {"storage_tier": st.sampled_from(["hot", "warm", "cold"])})
)
_expired = st.tuples(st.just("memory.expired"), st.fixed_dictionaries(_fact))
_viewed = st.tuples(st.just("product.viewed"), st.fixed_dictionaries({"sku": _keys}))
_moved_interest = st.tuples(
    st.sampled_from(MOVES),
    st.fixed_dictionaries({"memory_type": st.just("interest"), "key": _keys.map("product:{}".format)}),
)


def secret(event_id: str) -> str:
    """In all that a person or a model says with an event."""
    return f"secret-{event_id}"


def _event(number: int, event_type: str, data: dict[str, Any], day: int) -> Event:
    event_id = f"e{number}"
    if event_type in ("memory.declared", "memory.inferred"):
        data = data | {"value": {"says": secret(event_id)}}
    if event_type == "memory.inferred":
        data = data | {"confidence": 0.5}
    if isinstance(data.get("text"), str):
        data = data | {"text": secret(event_id)}
    return event(event_type, data, event_id=event_id, at=START + timedelta(days=day))


@st.composite
def lives(draw: st.DrawFn) -> list[Event]:
    """Any commands at any times, often in the order in which they have an effect."""
    one = st.tuples(_said | _moved | _moved | _annotated | _tiered | _expired | _viewed | _moved_interest, _days)
    drawn = draw(st.lists(one, min_size=1, max_size=16))
    # Days without an order would seldom let a purge come after its queue and its grace.
    if draw(st.booleans()):
        drawn = [(said, 4 * place) for place, (said, _) in enumerate(drawn)]
    return [_event(number, event_type, data, day) for number, ((event_type, data), day) in enumerate(drawn)]
