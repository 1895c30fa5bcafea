"""The events of made-up leads, from the samples: what happens to each is drawn, always the same way."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import batched, chain, zip_longest
from random import Random
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from tests.events import SAMPLE_FILES

type Entry = dict[str, Any]
"""As a sample is written."""
type Life = Sequence[Entry]
"""What happens to one lead, in time's order."""


def samples() -> Life:
    entries = [json.loads(path.read_bytes()) for path in SAMPLE_FILES]
    return sorted(entries, key=lambda entry: datetime.fromisoformat(entry["Detail"]["metadata"]["occurred_at"]))


def lives(group: str, leads: int, happens: Mapping[str, float]) -> list[Life]:
    """Of leads that no other group has; `happens` is how likely a sample of each event type is.

    What happens to a lead depends on its number alone, so that groups can be compared.
    """
    known = samples()

    def life(number: int) -> Life:
        draw = Random(number)  # noqa: S311 - not a secret
        return [_of_lead(f"{group}-{number}", entry) for entry in known if draw.random() < happens[entry["DetailType"]]]

    return list(map(life, range(leads)))


def _of_lead(name: str, entry: Entry) -> Entry:
    metadata = entry["Detail"]["metadata"]
    own = {"lead_organization_id": str(uuid5(NAMESPACE_OID, name)), "event_id": f"{metadata['event_id']}-{name}"}
    return entry | {"Detail": entry["Detail"] | {"metadata": metadata | own}}


def lead_of(life: Life) -> str:
    lead: str = life[0]["Detail"]["metadata"]["lead_organization_id"]
    return lead


def arrivals(lives: Iterable[Life], *, at_once: int) -> Iterator[Entry]:
    """All leads' lives side by side; of each lead, `at_once` events come one right after the other."""
    turns = zip_longest(*(batched(life, at_once, strict=False) for life in lives), fillvalue=())
    return chain.from_iterable(chain.from_iterable(turns))


def message_body(entry: Entry) -> str:
    """The event as the bus writes it into the queue and the archive."""
    metadata = entry["Detail"]["metadata"]
    envelope = {
        "version": "0",
        "id": str(uuid5(NAMESPACE_OID, metadata["event_id"])),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": "000000000000",
        "time": metadata["occurred_at"],
        "region": "us-east-1",
        "resources": [],
        "detail": entry["Detail"],
    }
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False)


def delivery(entries: Iterable[Entry]) -> dict[str, Any]:
    """A batch as the queue's mapping gives it to the updater."""
    return {"Records": [{"messageId": str(n), "body": message_body(entry)} for n, entry in enumerate(entries)]}
