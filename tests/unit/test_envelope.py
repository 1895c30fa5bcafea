"""What comes in, and what is turned away with a reason."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.derivations import DERIVATIONS, derive
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import Event, parse
from lead_memory.domain.payloads import PAYLOADS
from tests.events import NOW, START, all_samples, body, entry, event

VIEW: dict[str, Any] = {"sku": "a"}
NOTE = {"note_id": "n1", "author": "Carla"}
PROFILE: dict[str, Any] = {"memory_type": "fact", "key": "contact_profile", "value": {}}


def rejected(text: str | bytes) -> str:
    with pytest.raises(Rejected) as caught:
        for _ in derive(parse(text, NOW)):
            pass
    return caught.value.reason


def view(**metadata: Any) -> str:
    made = entry("product.viewed", VIEW)
    made["Detail"]["metadata"].update(metadata)
    return body(made)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not json", "not_json"),
        ("", "not_json"),
        ("[" * 100_000, "too_deep"),
        (body(entry("product.viewed", VIEW)).replace('"a"', "[" * 50_000 + "]" * 50_000), "too_deep"),
        (b"\xff\xfe", "not_json"),
        ("[]", "invalid_envelope"),
        ("{}", "invalid_envelope"),
        (json.dumps({"source": "a#b", "detail-type": "x", "detail": {}}), "invalid_envelope"),
        (json.dumps({"source": "a/b", "detail-type": "x", "detail": {}}), "invalid_envelope"),
        (json.dumps({"source": "a", "detail-type": "x", "detail": {}}), "no_metadata"),
        (body(entry("product.eaten", VIEW)), "unknown_type"),
        (view(version=2), "unknown_version"),
        (view(lead_organization_id="me"), "bad_uuid"),
        (view(organization_id=None), "bad_uuid"),
        (view(occurred_at="2026-02-03T14:05:11"), "time_without_zone"),
        (view(occurred_at=1770127511), "invalid_metadata"),
        (view(occurred_at=(NOW + timedelta(days=1, seconds=1)).isoformat()), "time_in_future"),
        (view(occurred_at="0001-01-01T00:00:00+14:00"), "invalid_metadata"),
        (view(occurred_at="9999-12-31T23:59:59-14:00"), "invalid_metadata"),
        (view(occurred_at="1700000000"), "invalid_metadata"),
        (view(event_id="😀" * 255), "invalid_metadata"),
        (body(entry("product.viewed", VIEW)).replace('"a"', "1e99999999999999999999"), "too_large"),
        (body(entry("memory.declared", {"memory_type": "fact", "key": "😀" * 255, "value": {}})), "key_too_long"),
        (body(entry("ticket.created", {"ticket_id": "a\x01b"})), "key_has_control"),
        (body(entry("memory.expired", {"memory_type": "fact", "key": "a"}, source="test")), "reserved_type"),
        (body(entry("note.pinned", {**NOTE, "category": "warning", "content": "a"}, source="agent")), "reserved_type"),
        (body(entry("intelligence.evaluated", {}, source="agent")), "reserved_type"),
        (body(entry("note.edited", {**NOTE, "content": "a"}, source="agent")), "reserved_type"),
        (body(entry("note.removed", NOTE, source="agent")), "reserved_type"),
        (body(entry("note.pinned", {**NOTE, "category": "warning", "content": " "})), "invalid_data"),
        (body(entry("note.pinned", {**NOTE, "category": "warning", "content": "a" * 2_001})), "too_large"),
        (body(entry("note.pinned", {**NOTE, "category": "gossip", "content": "a"})), "invalid_data"),
        (body(entry("memory.declared", {**PROFILE, "value": {"currentStage": "in love"}})), "invalid_data"),
        (body(entry("memory.declared", {**PROFILE, "value": {"painPoints": ["a"] * 21}})), "invalid_data"),
        (body(entry("memory.declared", {**PROFILE, "expires_at": "2026-12-01T00:00:00Z"})), "invalid_data"),
        (view(event_id=""), "invalid_metadata"),
        (view(event_id="a#b"), "invalid_metadata"),
        (view(event_id="x" * 256), "invalid_metadata"),
        (view(sequence=-1), "invalid_metadata"),
        (body(entry("product.viewed", {"price": "much"})), "invalid_data"),
        (body(entry("product.viewed", {"price": True})), "invalid_data"),
        (body(entry("order.paid", {"order_id": "o", "total": "NaN", "currency": "BRL"})), "invalid_data"),
        (body(entry("ticket.created", {"ticket_id": "x" * 249})), "key_too_long"),
        (body(entry("ticket.created", {"ticket_id": "T#1"})), "key_has_hash"),
        (body(entry("memory.declared", {"memory_type": "fact", "key": "a#b", "value": {}})), "key_has_hash"),
        (body(entry("memory.declared", {"memory_type": "purchase", "key": "a", "value": {}})), "invalid_data"),
        (body(entry("order.paid", None, source="shopify")), "no_data"),  # type: ignore[arg-type]
    ],
)
def test_bad_input_is_rejected_with_a_reason(text: str | bytes, reason: str) -> None:
    assert rejected(text) == reason


def test_an_unknown_integration_without_data_is_rejected() -> None:
    made = entry("order.paid", {}, source="acme")
    made["Detail"] = {"metadata": made["Detail"]["metadata"], "raw_payload": {"id": 1}}
    assert rejected(body(made)) == "no_mapping"


def test_a_raw_payload_that_is_not_the_integrations_is_rejected() -> None:
    made = entry("order.paid", {}, source="shopify")
    made["Detail"] = {"metadata": made["Detail"]["metadata"], "raw_payload": {"hello": "world"}}
    assert rejected(body(made)) in ("unmappable", "invalid_data")


def test_a_reason_never_quotes_the_content() -> None:
    with pytest.raises(Rejected) as caught:
        parse(body(entry("order.paid", {"order_id": "o", "total": "s3cret", "currency": "s3cret"})), NOW)
    assert "s3cret" not in str(caught.value)


@given(st.one_of(st.text(), st.binary(), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps)))
def test_any_text_is_an_event_or_a_rejection(text: str | bytes) -> None:
    with suppress(Rejected):
        parse(text, NOW)


_values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_broken = st.dictionaries(
    st.sampled_from([*entry("product.viewed", VIEW)["Detail"]["metadata"], "sequence", "correlation_id"]),
    _values | st.datetimes().map(lambda time: f"{time.isoformat()}+14:00"),
)
_said = st.recursive(_values, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(_broken, st.sampled_from(sorted(PAYLOADS)), _said, st.sampled_from(["data", "raw_payload"]))
def test_any_metadata_and_any_data_are_an_event_or_a_rejection(
    broken: dict[str, Any], event_type: str, said: Any, field: str
) -> None:
    made = entry(event_type, {}, source="shopify")
    made["Detail"] = {"metadata": {**made["Detail"]["metadata"], **broken}, field: said}
    with suppress(Rejected):
        derive(parse(body(made), NOW))


@given(
    st.dictionaries(st.sampled_from(["metadata", "data", "raw_payload"]), st.none() | st.integers() | st.text()),
    st.sampled_from(sorted(PAYLOADS)),
    st.sampled_from(["shopify", "stripe", "typeform", "intercom", "hubspot", "segment", "other"]),
)
def test_any_detail_is_an_event_or_a_rejection(detail: dict[str, Any], event_type: str, source: str) -> None:
    with suppress(Rejected):
        parse(json.dumps({"source": source, "detail-type": event_type, "detail": detail}), NOW)


def test_the_raw_payload_is_kept_byte_for_byte() -> None:
    metadata = json.dumps(entry("product.viewed", VIEW)["Detail"]["metadata"])
    raw = '{ "b": 1.50, "a": 12345678901234567890, "c": "\\u00e9" }'
    detail = f'{{"metadata":{metadata},"data":{{}},"raw_payload":{raw}}}'
    parsed = parse(f'{{"source":"s","detail-type":"product.viewed","detail":{detail}}}', NOW)
    assert parsed.raw_payload_json == raw.encode()


def test_ids_stay_strings_and_money_keeps_its_digits() -> None:
    order = event("order.paid", {"order_id": 820982911946154508, "total": "0.10", "currency": "brl"})
    assert (order.data.order_id, str(order.data.total), order.data.currency) == ("820982911946154508", "0.10", "BRL")  # type: ignore[attr-defined]


def test_a_time_is_kept_in_utc_whatever_its_zone() -> None:
    made = entry("product.viewed", VIEW)
    made["Detail"]["metadata"]["occurred_at"] = "2025-12-31T21:00:00-03:00"
    assert parse(body(made), NOW).occurred_at == START


def test_events_without_a_sequence_come_before_those_with_one() -> None:
    first, second = event("product.viewed", VIEW, event_id="z"), event("product.viewed", VIEW, event_id="a", sequence=0)
    assert first.position < second.position


ASKS = {"memories.summary_requested"}
"""What only asks for something: the memories that it names stay as they are, and so does their life."""


def test_every_event_type_has_a_sample_and_says_something() -> None:
    said: dict[str, int] = {}
    for sample in all_samples():
        said[sample.event_type] = said.get(sample.event_type, 0) + len(derive(sample))
    assert said.keys() == PAYLOADS.keys()
    assert {event_type for event_type, changes in said.items() if not changes} == ASKS


def test_no_derivation_waits_for_an_event_type_that_does_not_exist() -> None:
    assert set(DERIVATIONS) <= set(PAYLOADS)


@given(st.permutations(range(6)))
def test_the_order_of_a_payloads_keys_does_not_make_another_event(order: list[int]) -> None:
    fields = [("sku", "a"), ("name", "A"), ("price", "1.00"), ("category", "c"), ("brand", "b"), ("variant", "v")]

    def of(pairs: list[tuple[str, str]]) -> Event:
        return event("product.viewed", dict(pairs))

    assert of(fields).content_hashes == of([fields[i] for i in order]).content_hashes
