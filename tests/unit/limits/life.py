"""What may become of a message: an event that lives as every other, or a rejection that quotes nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from lead_memory.adapters.event_items import event_of, packed_event
from lead_memory.adapters.memory_items import CONTENT
from lead_memory.adapters.sealing import Keyring
from lead_memory.domain import canonical
from lead_memory.domain.derivations import derive, touched
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import Event, parse
from lead_memory.domain.fold import refold
from tests.events import NOW, ORGANIZATION
from tests.unit.limits.any_json import CANARY

CPU_SECONDS = 2.0
"""For any message that the queue carries, from its bytes to its memories and back."""

_KEYRING = Keyring(ORGANIZATION, [bytes(32)])


@contextmanager
def in_time() -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < CPU_SECONDS


def rejected(body: str | bytes) -> Rejected | None:
    """Why it was; None for an event, once it has been recorded, read back and folded without harm."""
    with in_time():
        event = _taken(body)
        if not isinstance(event, Rejected):
            _live(event)
            return None
    assert CANARY not in str(event)
    # As SQS takes it in an attribute of the message.
    assert event.detail.isprintable()
    assert len(event.detail) < 1_000
    return event


def _taken(body: str | bytes) -> Event | Rejected:
    try:
        event = parse(body, NOW)
        derive(event)
    except Rejected as rejection:
        return rejection
    return event


def _live(event: Event) -> None:
    assert _reread(event).data == event.data
    if event.raw_payload_json is not None:
        canonical.decode(event.raw_payload_json)
    for memory in refold([event], touched(event)).values():
        content = canonical.encode(memory.value)
        assert canonical.encode(canonical.decode(content)) == content


def _reread(event: Event) -> Event:
    item, large = packed_event(event, [], _KEYRING, recorded_at=NOW, settled=True)
    return event_of(item if large is None else {**item, CONTENT: large}, _KEYRING)
