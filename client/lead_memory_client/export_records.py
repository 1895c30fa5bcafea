"""What is held of a lead, record by record, opened."""

import base64
import zlib
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from lead_memory.adapters import keys, packing
from lead_memory.adapters.memory_items import ERASED_AT, Item, memory_of
from lead_memory.adapters.sealing import Keyring
from lead_memory.domain import canonical
from lead_memory.domain.errors import LeadMemoryError
from lead_memory.domain.memories import MemoryType
from lead_memory_client.answers import RecordedEvent
from lead_memory_client.items import recorded_event

MEMORIES, EVENTS, ERASED_EVENTS, WAITING_MESSAGES = "memories", "events", "erased_events", "waiting_messages"
VECTOR = keys.kind(keys.VECTOR_SK_PREFIX)


class HeldEvent(RecordedEvent, frozen=True, kw_only=True):
    raw_payload: msgspec.Raw
    """`null` where there is none."""
    sequence: int | None
    correlation_id: str | None
    causation_id: str | None
    memories: tuple[str, ...]
    """`<type>.<key>` of those that it has a part in."""

    @property
    def ref(self) -> str:
        return f"{self.source}/{self.event_id}"


class ErasedEvent(msgspec.Struct, frozen=True):
    key: str
    """`event`, the source, and a hash of the event's id."""
    erased_at: str


class HeldUse(msgspec.Struct, frozen=True):
    """What recalls know of a memory, without what they compute from its text."""

    memory: str
    """`<type>.<key>`."""
    usage_count: int
    last_accessed_at: datetime | None
    vector_id: str | None
    embedding_version: str | None


class WaitingMessage(msgspec.Struct, frozen=True):
    """A message that was not recorded, and waits for a person."""

    queue: str
    reason: str
    detail: str
    sent_at: datetime
    body: str
    """As the bus delivered it."""


class Record(NamedTuple):
    section: str
    """One of the four above, or the kind of item."""
    place: tuple[Any, ...]
    """Where it stands among the others of its section."""
    content: Any
    unreadable: bool = False


def record(item: Item, keyring: Keyring | None) -> Record:
    """Memories and events as such, anything else with all its attributes under its kind.

    So is a memory or an event that cannot be read as one, because it does not open or other rules wrote it.
    """
    keyring = keyring or Keyring(item["organization_id"], [])
    with suppress(LeadMemoryError, msgspec.MsgspecError, zlib.error, LookupError, ValueError):
        if typed := _typed(item, keyring):
            return typed
    return _opened(item, keyring)


def _typed(item: Item, keyring: Keyring) -> Record | None:
    match keys.kind(item[keys.SK]):
        case "event" if ERASED_AT in item:
            return Record(ERASED_EVENTS, (item[keys.SK],), ErasedEvent(item[keys.SK], item[ERASED_AT]))
        case "event":
            event = _event(item, keyring)
            sequence = -1 if event.sequence is None else event.sequence
            return Record(EVENTS, (event.occurred_at, sequence, event.source, event.event_id), event)
        case kind if kind == VECTOR:
            return Record(VECTOR, (item[keys.SK],), _use(item, keyring))
        case kind if kind in MemoryType:
            memory = memory_of(item, keyring)
            return Record(MEMORIES, memory.name, memory)
    return None


def _use(item: Item, keyring: Keyring) -> HeldUse:
    from lead_memory.adapters.vector_items import indexed, stored

    known = indexed(stored(item), keyring)
    return HeldUse(
        memory=str(known.entry.name),
        usage_count=known.use.usage_count,
        last_accessed_at=known.use.last_accessed_at,
        vector_id=known.vector_id,
        embedding_version=known.embedding_version,
    )


def _event(item: Item, keyring: Keyring) -> HeldEvent:
    from lead_memory.adapters.event_items import touched_names

    event, position = recorded_event(item, keyring), keys.timeline_position(item[keys.GSI1_SK])
    return HeldEvent(
        **{**msgspec.structs.asdict(event), "raw_payload": event.raw_payload or msgspec.Raw(b"null")},
        sequence=position.given_sequence,
        correlation_id=item.get("correlation_id"),
        causation_id=item.get("causation_id"),
        memories=tuple(map(str, sorted(touched_names(item, keyring)))),
    )


def _opened(item: Item, keyring: Keyring) -> Record:
    unreadable = False
    content: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, bytes):
            try:
                value = _readable(keyring.open(value, item[keys.PK], item[keys.SK], name))
            except LeadMemoryError as error:
                unreadable = True
                value = {"unreadable": str(error), "base64": base64.b64encode(value).decode()}
        content[name] = value
    return Record(keys.kind(item[keys.SK]), (item[keys.SK],), content, unreadable)


def _readable(content: bytes) -> Any:
    """JSON or text where it is that, compressed or not, and base64 where it is neither."""
    with suppress(zlib.error):
        content = packing.unpack(content)
    with suppress(msgspec.DecodeError):
        return canonical.decode(content)
    with suppress(UnicodeDecodeError):
        return content.decode()
    return base64.b64encode(content).decode()
