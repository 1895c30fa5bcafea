"""What an attacker or a broken integration can put into a megabyte."""

import json
from decimal import Decimal
from typing import Any

import pytest

from lead_memory.domain import canonical
from lead_memory.domain.derivations import derive
from lead_memory.domain.events import parse
from lead_memory.domain.limits import (
    ANSWERS,
    CONSENTS,
    MESSAGE_BYTES,
    MESSAGE_DEPTH,
    MONEY_WHOLE_DIGITS,
    NAME_CHARACTERS,
    PRODUCTS,
    QUANTITY,
    VALUE_DEPTH,
)
from lead_memory.domain.money import padded
from tests.events import LEAD, NOW, body, entry, event
from tests.unit.limits.any_json import CANARY
from tests.unit.limits.life import rejected

X = '"X"'
"""Stands in a body for JSON that `json.dumps` would not write."""
VIEW: dict[str, Any] = {"sku": "a"}
MILLION = 900_000


def said(event_type: str, data: dict[str, Any], put: str = X, **metadata: Any) -> str:
    return body(entry(event_type, data, **metadata)).replace(X, put)


def raw(source: str, event_type: str, payload: Any, put: str = X) -> str:
    made = entry(event_type, {}, source=source)
    made["Detail"] = {"metadata": made["Detail"]["metadata"], "raw_payload": payload}
    return body(made).replace(X, put)


def declared(value: Any, put: str = X) -> str:
    return said("memory.declared", {"memory_type": "fact", "key": "a", "value": value}, put)


def order(put: str = X, **data: Any) -> str:
    return said("order.paid", {"order_id": "o", "currency": "BRL", "total": "1", **data}, put)


def line(**product: Any) -> dict[str, Any]:
    return {"products": [{"sku": "a", "price": "1.50", **product}]}


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def stripe_invoice(**line: Any) -> dict[str, Any]:
    lines = {"data": [{"amount": 1, "currency": "usd", **line}]}
    invoice = {"id": "in_1", "amount_paid": 1, "currency": "usd", "lines": lines}
    return {"type": "invoice.paid", "data": {"object": invoice}}


def intercom_message(markup: str) -> dict[str, Any]:
    source = {"id": 1, "type": "email", "body": markup, "author": {"type": "user", "id": "1"}}
    return {"data": {"item": {"id": "1", "source": source}}}


REJECTED = {
    "more than a message": (said("product.viewed", VIEW, note="x" * MESSAGE_BYTES), "too_large"),
    "nesting without end": ("[" * MILLION, "too_deep"),
    "nesting in a name": (said("product.viewed", {"sku": "X"}, nested(9_000)), "too_deep"),
    "nesting in the metadata": (said("product.viewed", VIEW, nested(9_000), more="X"), "too_deep"),
    "nesting in what is not read": (said("product.viewed", {**VIEW, "more": "X"}, nested(9_000)), "too_deep"),
    "nesting in a raw payload": (raw("shopify", "order.paid", "X", nested(9_000)), "too_deep"),
    "nesting in objects": (declared("X", '{"a":' * 9_000 + "1" + "}" * 9_000), "too_deep"),
    "nesting in a value": (declared({"a": "X"}, nested(VALUE_DEPTH)), "too_deep"),
    "nesting in a preference": (
        said("preference.expressed", {"name": "a", "value": "X"}, nested(VALUE_DEPTH + 1)),
        "too_deep",
    ),
    "nesting in an answer": (
        said("form.response_submitted", {"form_id": "f", "answers": [{"question": "q", "answer": "X"}]}, nested(20)),
        "too_deep",
    ),
    "NaN": (order("NaN", total="X"), "not_json"),
    "infinity": (order("-Infinity", total="X"), "not_json"),
    "NaN as text": (order(total="NaN"), "invalid_data"),
    "infinity as text": (order(total="-Infinity"), "invalid_data"),
    "a confidence that is no number": (
        said("memory.inferred", {"memory_type": "fact", "key": "a", "value": 1, "confidence": "nan"}),
        "invalid_data",
    ),
    "half of a surrogate pair": (said("product.viewed", {"sku": "X"}, '"\\ud800"'), "not_json"),
    "half of a surrogate pair, unescaped": (said("product.viewed", {"sku": "X"}, '"\ud800"'), "not_json"),
    "half of a surrogate pair in a raw payload": (raw("shopify", "order.paid", {"id": "X"}, '"\\udfff"'), "not_json"),
    "a number that fills memory": (declared("X", "1e99999999"), "too_large"),
    "a rating that fills memory": (said("ticket.rated", {"ticket_id": "t", "csat": "X"}, "1e99999999"), "too_large"),
    "an exponent that is no number": (declared("X", "1e99999999999999999999"), "too_large"),
    "nothing with an exponent": (order("0e999999", total="X"), "too_large"),
    "nothing with an exponent as text": (order(total="0e-999999"), "too_large"),
    "a whole number of 10,000 digits": (said("order.cancelled", {"order_id": "X"}, "9" * 10_000), "too_large"),
    "a whole number of a million digits": (order("9" * MILLION, total="X"), "too_large"),
    "a fraction of a million digits": (order("1." + "0" * MILLION, total="X"), "too_large"),
    "a fraction of a million digits as text": (order(total="1." + "0" * MILLION), "too_large"),
    "a quantity of a million digits": (order(**line(quantity="1." + "0" * MILLION)), "too_large"),
    "an amount of absurd size": (order(total="1" + "0" * MONEY_WHOLE_DIGITS), "invalid_data"),
    "a quantity of absurd size": (order(**line(quantity=QUANTITY + 1)), "invalid_data"),
    "an amount in a raw payload": (raw("stripe", "order.paid", stripe_invoice(amount="X"), "1e99999999"), "too_large"),
    "a description that is almost a plan's": (
        raw("stripe", "order.paid", stripe_invoice(description="1 \u00d7 " + " (at " * 150_000)),
        "too_large",
    ),
    "a time of a million digits": (
        said("product.viewed", VIEW, occurred_at=f"2026-01-01T00:00:00.{'1' * MILLION}Z"),
        "invalid_metadata",
    ),
    "a UUID of control characters": (said("product.viewed", VIEW, organization_id="\x01" * 36), "bad_uuid"),
    "a name of a million characters": (said("product.viewed", {"name": "x" * MILLION}), "too_large"),
    "a name of accents": (said("product.viewed", {"name": "a" + "\u0315\u0300" * (MILLION // 12)}), "too_large"),
    "too many products": (order(products=[VIEW] * (PRODUCTS + 1)), "too_large"),
    "too many things that are no products": (order(products=[1] * (MILLION // 3)), "too_large"),
    "too many answers": (
        said("form.response_submitted", {"form_id": "f", "answers": [{}] * (ANSWERS + 1)}),
        "too_large",
    ),
    "too many consents": (
        said("lead.identified", {"consents": {f"c{number}": True for number in range(CONSENTS + 1)}}),
        "too_large",
    ),
    "a raw payload of many products": (
        raw(
            "segment",
            "order.paid",
            {"properties": {"order_id": "o", "total": 1, "currency": "BRL", "products": [VIEW] * 50_000}},
        ),
        "too_large",
    ),
    "the organization's key": (
        said("memory.declared", {"memory_type": "fact", "key": "#", "value": 1}),
        "key_has_hash",
    ),
    "a lead's key": (
        said("memory.declared", {"memory_type": "fact", "key": "lead#head", "value": 1}),
        "key_has_hash",
    ),
    "an event's key": (said("ticket.created", {"ticket_id": "event#shopify#1"}), "key_has_hash"),
    "a key that ends a string": (said("ticket.created", {"ticket_id": "a\x00b"}), "key_has_control"),
    "a key that turns what follows": (said("ticket.created", {"ticket_id": "a\u202eb"}), "key_has_control"),
    "a key with what cannot be seen": (
        said("preference.expressed", {"name": "cha\u200bnnel", "value": 1}),
        "key_has_control",
    ),
    "an id with what cannot be seen": (said("product.viewed", VIEW, event_id="a\u2066b"), "invalid_metadata"),
    "a source with a new line": (body(entry("product.viewed", VIEW, source="shopify\n")), "invalid_envelope"),
    "a cause with a control": (said("product.viewed", VIEW, causation_id="a\x1bb"), "invalid_metadata"),
}


@pytest.mark.parametrize(("message", "reason"), REJECTED.values(), ids=REJECTED)
def test_it_is_rejected_with_its_reason_and_soon(message: str, reason: str) -> None:
    rejection = rejected(message)
    assert rejection is not None
    assert rejection.reason == reason


TAKEN = {
    "a value as deep as it may be": declared({"a": "X"}, nested(VALUE_DEPTH - 1)),
    "a message as deep as it may be": said("product.viewed", {**VIEW, "more": "X"}, nested(MESSAGE_DEPTH - 3)),
    "100,000 names": said("product.viewed", {**VIEW, **{f"k{number}": 1 for number in range(70_000)}}),
    "100,000 names in a raw payload": raw(
        "shopify", "order.cancelled", {"id": 1, **{f"k{number}": 1 for number in range(70_000)}}
    ),
    "the largest order": order(
        products=[
            {"sku": f"s{number}", "name": "n" * NAME_CHARACTERS, "category": f"c{number}", "price": "9" * 15}
            | {"quantity": QUANTITY}
            for number in range(PRODUCTS)
        ]
    ),
    "one product on every line": order(products=[{**VIEW, "price": "9" * 15, "quantity": QUANTITY}] * PRODUCTS),
    "a message's text of a million characters": said(
        "conversation.message_received", {"thread_id": "t", "channel": "email", "text": "x" * MILLION}
    ),
    "a subject of a million characters": said("ticket.created", {"ticket_id": "t", "subject": "x" * MILLION}),
    "markup that is never closed": raw(
        "intercom", "conversation.message_received", intercom_message("<" * 400_000 + "<a" * 200_000)
    ),
    "names of objects as Python has them": declared({"__proto__": {"__class__": 1}, "constructor": None, "": 0}),
    "a name that ends a string": said("product.viewed", {"name": "a\x00b", "sku": "\x00"}),
    "a key of emoji": said("ticket.created", {"ticket_id": "\U0001f468\u200d\U0001f469\u200d\U0001f467"}),
    "no content": said("memory.declared", {"memory_type": "fact", "key": "a", "value": {}}),
}


@pytest.mark.parametrize("message", TAKEN.values(), ids=TAKEN)
def test_it_is_taken_and_lives_as_every_other_event_and_soon(message: str) -> None:
    assert rejected(message) is None


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("order.paid", {"order_id": CANARY, "currency": CANARY, "total": CANARY}),
        ("lead.identified", {"consents": {CANARY: CANARY}}),
        ("lead.identified", {"consents": {"person": "x"}}),
        ("memory.declared", {"memory_type": CANARY, "key": CANARY, "value": CANARY}),
        ("memory.declared", {"memory_type": "fact", "key": CANARY + "#", "value": 1}),
        ("ticket.rated", {"ticket_id": CANARY, "csat": CANARY}),
        ("product.viewed", {"price": [CANARY]}),
        ("channel.opted_in", {"channel": f"{CANARY} {CANARY}"}),
        ("preference.expressed", {"name": "a", "value": 1, "expires_at": CANARY}),
        ("conversation.intent_classified", {"thread_id": CANARY, "intent": CANARY, "confidence": CANARY}),
    ],
)
def test_a_rejection_names_the_field_and_quotes_nothing(event_type: str, data: dict[str, Any]) -> None:
    rejection = rejected(said(event_type, data))
    assert rejection is not None
    assert "person" not in rejection.detail


@pytest.mark.parametrize(
    "field", ["event_id", "organization_id", "lead_organization_id", "occurred_at", "version", "sequence"]
)
def test_a_rejection_of_metadata_names_the_field_and_quotes_nothing(field: str) -> None:
    made = entry("product.viewed", VIEW)
    made["Detail"]["metadata"][field] = [f"{CANARY}#"]
    rejection = rejected(body(made))
    assert rejection is not None
    assert f"`metadata.{field}`" in rejection.detail


@pytest.mark.parametrize("spelling", [LEAD.upper(), f"urn:uuid:{LEAD}", LEAD.replace("-", "")])
def test_a_uuid_has_one_spelling_here(spelling: str) -> None:
    assert event("product.viewed", VIEW, lead_organization_id=spelling).lead_organization_id == LEAD


def test_names_that_look_the_same_are_the_same_key() -> None:
    one, other = (event("ticket.created", {"ticket_id": spelling}) for spelling in ("caf\u00e9", "cafe\u0301"))
    assert [change.name for change in derive(one)] == [change.name for change in derive(other)]


def test_of_a_name_that_stands_twice_the_last_counts_everywhere() -> None:
    made = parse(said("product.viewed", VIEW).replace('"sku": "a"', '"sku": "a", "sku": "b"'), NOW)
    assert (made.data.sku, canonical.decode(made.data_json)) == ("b", {"sku": "b"})  # type: ignore[attr-defined]


def test_a_raw_payload_that_is_not_read_is_kept_byte_for_byte() -> None:
    payload = (
        '{"a#b": "\\u202e\\u0000", "__proto__": [1.10, 1.7976931348623157e308, -0, ' + "9" * 4_000 + '], "a#b": 2}'
    )
    message = said("product.viewed", VIEW)[:-2] + f', "raw_payload": {payload}' + "}}"
    assert json.loads(message)["detail"]["raw_payload"]
    assert rejected(message) is None
    assert parse(message, NOW).raw_payload_json == payload.encode()


@pytest.mark.parametrize("payload", [nested(9_000), '"\\ud800"', "1e99999999", "[1,]"])
def test_a_raw_payload_that_could_not_be_read_back_is_rejected_though_it_is_not_needed(payload: str) -> None:
    assert rejected(said("product.viewed", VIEW)[:-2] + f', "raw_payload": {payload}' + "}}") is not None


def test_a_sum_of_more_digits_than_are_exact_is_still_written() -> None:
    assert padded(Decimal(10) ** 27, "KWD") == Decimal(10) ** 27
