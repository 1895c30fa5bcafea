"""Any message is an event or a rejection that quotes nothing, and soon."""

from copy import deepcopy
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain import canonical
from lead_memory.domain.integrations import INTEGRATIONS
from lead_memory.domain.payloads import PAYLOADS
from tests.events import SAMPLE_FILES, entry
from tests.unit.limits.any_json import json_values, marked_values, mutate
from tests.unit.limits.life import rejected

ENTRIES = [canonical.decode(path.read_bytes()) for path in SAMPLE_FILES]
MAPPINGS = [(source, event_type) for source, types in INTEGRATIONS.items() for event_type in types]


def message(made: dict[str, Any]) -> bytes:
    return canonical.encode({"source": made["Source"], "detail-type": made["DetailType"], "detail": made["Detail"]})


def without(made: dict[str, Any], field: str) -> dict[str, Any]:
    made["Detail"].pop(field)
    return made


@st.composite
def mutated_entries(draw: st.DrawFn) -> dict[str, Any]:
    """A sample with one to three values of its detail dropped or replaced by any JSON."""
    made: dict[str, Any] = deepcopy(draw(st.sampled_from(ENTRIES)))
    for _ in range(draw(st.integers(1, 3))):
        mutate(draw, made["Detail"], marked_values)
    return made


@given(st.binary() | st.text() | json_values.map(canonical.encode))
def test_any_text(text: str | bytes) -> None:
    rejected(text)


@given(mutated_entries())
def test_any_sample_that_is_almost_right(made: dict[str, Any]) -> None:
    rejected(message(made))


@given(st.sampled_from(sorted(PAYLOADS)), marked_values)
def test_any_data_of_any_type(event_type: str, data: Any) -> None:
    rejected(message(entry(event_type, data)))


@given(st.sampled_from(sorted(PAYLOADS)), st.data())
def test_any_values_in_the_fields_of_any_type(event_type: str, data: st.DataObject) -> None:
    fields = PAYLOADS[event_type].model_fields
    rejected(
        message(entry(event_type, data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(fields, marked_values)))))
    )


@given(st.sampled_from(MAPPINGS), marked_values)
def test_any_raw_payload_of_any_integration(mapping: tuple[str, str], payload: Any) -> None:
    source, event_type = mapping
    made = without(entry(event_type, {}, source=source), "data")
    made["Detail"]["raw_payload"] = payload
    rejected(message(made))


@given(st.data())
def test_any_bytes_in_place_of_some_of_a_samples(data: st.DataObject) -> None:
    body = message(data.draw(st.sampled_from(ENTRIES)))
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 20)))
    rejected(body[:start] + data.draw(st.binary(max_size=20)) + body[end:])


@given(json_values)
def test_depth_is_that_of_the_value(value: Any) -> None:
    assert canonical.depth(canonical.encode(value)) == _depth(value)


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


@given(st.binary())
def test_depth_is_found_in_any_bytes(data: bytes) -> None:
    try:
        depth = _depth(msgspec.json.decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError):
        assert canonical.depth(data) >= 0
    else:
        assert canonical.depth(data) == depth
