"""What leads do after a campaign's message, as the queue delivers it: the events that the benchmarks record.

Five events a lead: the message is delivered, opened and clicked, the lead looks at a list of products and says when to
be called. Each changes one memory, and the first three the same: so a hand-written updater has least to do for each.
Each has a raw payload that an integration sent, those of the samples in turn.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any
from uuid import uuid4

from tests.events import SAMPLE_FILES, SAMPLES

START = datetime(2026, 1, 1, tzinfo=UTC)
_DETAILS = {path: json.loads(path.read_text())["Detail"] for path in SAMPLE_FILES}
REAL = [detail["raw_payload"] for detail in _DETAILS.values() if "raw_payload" in detail]
"""Of 0.6 to 13 KB, half of them under 1.7."""
SMALL = [_DETAILS[SAMPLES / "segment/product_list.viewed.json"]["raw_payload"]]
LARGE = [_DETAILS[SAMPLES / "shopify/order.paid.json"]["raw_payload"]]
"""Of 1 and of 8 KB."""
_MESSAGE = {"campaign_id": "whey_again", "channel": "email", "campaign_name": "Whey: time to buy again"}
EVENTS: Sequence[tuple[str, dict[str, Any]]] = (
    ("campaign.message_delivered", _MESSAGE),
    ("campaign.message_opened", _MESSAGE),
    ("campaign.message_clicked", _MESSAGE),
    ("product_list.viewed", {"category": "Supplements", "list_id": "supplements"}),
    ("preference.expressed", {"name": "contact_time", "value": "after 18:00"}),
)
"""Of one lead, in their order: type and data."""


def records(
    organization: str, leads: Sequence[str], number: int = 0, *, payloads: Sequence[dict[str, Any]] = REAL
) -> list[dict[str, str]]:
    """The records of the events that follow the `number`th campaign's message, those of one time together."""
    in_turn = cycle(payloads)
    sent_at = START + timedelta(minutes=10 * number)
    return [
        {
            "messageId": str(uuid4()),
            "body": json.dumps(
                _event(organization, lead, happened, next(in_turn), sent_at + timedelta(minutes=minutes))
            ),
        }
        for minutes, happened in enumerate(EVENTS)
        for lead in leads
    ]


def _event(
    organization: str, lead: str, happened: tuple[str, dict[str, Any]], raw_payload: dict[str, Any], at: datetime
) -> dict[str, Any]:
    event_type, data = happened
    event_id, occurred_at = str(uuid4()), f"{at:%Y-%m-%dT%H:%M:%SZ}"
    metadata = {
        "event_id": event_id,
        "occurred_at": occurred_at,
        "organization_id": organization,
        "lead_organization_id": lead,
        "version": 1,
    }
    own = {
        "messageId": event_id,
        "timestamp": occurred_at,
        "event": event_type,
        "properties": {**raw_payload.get("properties", {}), **data},
    }
    detail = {"metadata": metadata, "data": data, "raw_payload": raw_payload | own}
    return {"source": "segment", "detail-type": event_type, "detail": detail}
