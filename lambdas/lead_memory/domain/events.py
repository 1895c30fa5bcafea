"""The envelope on the bus, and the event that it becomes once validated."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from lead_memory.domain import canonical
from lead_memory.domain.errors import Rejected
from lead_memory.domain.fields import TOO_DEEP, TOO_LARGE, Time
from lead_memory.domain.integrations import INTEGRATIONS
from lead_memory.domain.limits import (
    CLOCK_SKEW,
    EVENT_ID_CHARACTERS,
    MESSAGE_BYTES,
    MESSAGE_DEPTH,
    NUMBER_CHARACTERS,
    NUMBER_EXPONENT,
    REF_BYTES,
    SOURCE_CHARACTERS,
    UNSEEN,
)
from lead_memory.domain.memories import BEFORE_EVERY_SEQUENCE, Lead, Position
from lead_memory.domain.payloads import FIELD_NAMES, PAYLOADS
from lead_memory.domain.payloads.base import ARRIVING, Payload
from lead_memory.domain.payloads.intelligence import Extraction
from lead_memory.domain.payloads.keeping import TimesDecision

CONTENT_HASH_DIGITS = 32
"""Hexadecimal ones, of a SHA-256: an event is compared with the one other event that has its source and id."""

MALFORMED = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a mapping raises when a raw payload is not what the integration documents."""

_UNREADABLE = (msgspec.DecodeError, ArithmeticError, RecursionError, UnicodeError)
_RESERVED = (
    dict.fromkeys(("memory.expired", "memory.purged"), ("cleanup",))
    | dict.fromkeys(("memory.archived", "memory.soft_deleted", "memory.hard_delete_queued"), ("cleanup", "operator"))
    | dict.fromkeys(
        ("memory.restored", "note.pinned", "note.edited", "note.removed", "crm.entity_split"), ("operator",)
    )
    | {"intelligence.evaluated": ("extractor",), "memory.tiered": ("cleanup", "embedder")}
)
"""Event types that these sources alone may publish: a model's source has no notes, and deletes nothing."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    event_id: str
    event_type: str
    occurred_at: datetime
    sequence: int | None
    organization_id: str
    lead_organization_id: str
    version: int
    correlation_id: str | None
    causation_id: str | None
    data: Payload
    data_json: bytes
    """`data` as canonical JSON, with the fields that its model does not name."""
    raw_payload_json: bytes | None
    """The integration's own payload, byte for byte as it arrived."""
    data_was_mapped: bool
    """Whether `data` was made here from the raw payload."""
    content_hashes: tuple[str, ...]
    """128 bits of the SHA-256 of what the event says, and of the raw payload where the data was made from it.

    Two deliveries are the same when one of these is: integrations count attempts in the payload, so it may differ where
    the data does not; and a mapping may have been mended, so the data may differ where the payload does not.
    """

    @property
    def position(self) -> Position:
        sequence = BEFORE_EVERY_SEQUENCE if self.sequence is None else self.sequence
        return Position(self.occurred_at, sequence, self.source, self.event_id)

    @property
    def ref(self) -> str:
        return f"{self.source}/{self.event_id}"

    @property
    def rests_on(self) -> Collection[str]:
        """The refs of what a model made it of, such as messages, or of what made the memory that time changes."""
        if isinstance(self.data, TimesDecision):
            return self.data.rests_on
        return self._extraction.rests_on if self._extraction else ()

    @property
    def attempt_id(self) -> str | None:
        """Of the attempt at asking a model that it comes from."""
        return self._extraction.attempt_id if self._extraction else None

    @property
    def _extraction(self) -> Extraction | None:
        return getattr(self.data, "extraction", None)

    @property
    def lead(self) -> Lead:
        return Lead(self.organization_id, self.lead_organization_id)


def _seen(text: str) -> str:
    if UNSEEN.search(text):
        raise ValueError("controls and other characters without a shape are not taken")
    return text


def _without_hash(text: str) -> str:
    if "#" in text:
        raise ValueError("the number sign is not taken: it separates keys")
    return text


type _Note = Annotated[str, StringConstraints(max_length=EVENT_ID_CHARACTERS), AfterValidator(_seen)]

_IDENTITY = ("event_id", "occurred_at", "organization_id", "lead_organization_id", "version", "sequence")
"""Of the metadata, what names the event and its place."""


class _Metadata(BaseModel):
    model_config = ConfigDict(extra="ignore")

    event_id: Annotated[_Note, Field(min_length=1), AfterValidator(_without_hash)]
    occurred_at: Time
    organization_id: UUID
    lead_organization_id: UUID
    version: Literal[1] = 1
    sequence: Annotated[int, Field(ge=0, lt=2**63, strict=True)] | None = None
    correlation_id: _Note | None = None
    causation_id: _Note | None = None


class _Detail(msgspec.Struct):
    metadata: dict[str, Any] | None = None
    data: msgspec.Raw = msgspec.Raw()
    raw_payload: msgspec.Raw = msgspec.Raw()


class _BusEvent(msgspec.Struct):
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=SOURCE_CHARACTERS)]
    detail_type: str = msgspec.field(name="detail-type")
    detail: _Detail


def _number(text: str) -> Decimal:
    number = Decimal(text) if len(text) <= NUMBER_CHARACTERS else None
    if number is None or abs(number.adjusted()) > NUMBER_EXPONENT:
        raise OverflowError("a number beyond the bounds")
    return number


_BUS_EVENT = msgspec.json.Decoder(_BusEvent)
_JSON = msgspec.json.Decoder(float_hook=_number)
_METADATA_REASONS = {
    "uuid_parsing": "bad_uuid",
    "uuid_type": "bad_uuid",
    "timezone_aware": "time_without_zone",
    "literal_error": "unknown_version",
}
_DATA_REASONS = {"string_too_long": TOO_LARGE, TOO_LARGE: TOO_LARGE, TOO_DEEP: TOO_DEEP}
"""Pydantic's error type -> our reason; any other is `invalid_metadata` or `invalid_data`."""
_EXPECTED = {"uuid_parsing": "a UUID is expected"}
"""What is said in place of a message of Pydantic's that quotes."""


def parse(body: str | bytes, now: datetime) -> Event:
    """An event out of a queue message's body, which is the bus's JSON. Raises `Rejected`."""
    try:
        _check_measures(body.encode() if isinstance(body, str) else body)
        entry = _BUS_EVENT.decode(body)
    except msgspec.ValidationError as error:
        raise Rejected("invalid_envelope", str(error)) from None
    except _UNREADABLE:
        raise Rejected("not_json", "the message's body is not JSON") from None
    if UNSEEN.search(entry.source) or "#" in entry.source or "/" in entry.source:
        raise Rejected("invalid_envelope", "`source` has no `#`, no `/` and no characters without a shape")
    if entry.detail.metadata is None:
        raise Rejected("no_metadata", "`detail.metadata` is missing")
    metadata = _metadata(entry.source, entry.detail.metadata, now)
    payload_type = PAYLOADS.get(entry.detail_type)
    if payload_type is None:
        raise Rejected("unknown_type", "`detail-type` is not an event type; docs/reference/events.md lists them")
    if entry.source not in (publishers := _RESERVED.get(entry.detail_type, (entry.source,))):
        raise Rejected("reserved_type", f"{entry.detail_type} is published by {' and '.join(publishers)} alone")
    given, raw = _json(entry.detail.data), _json(entry.detail.raw_payload)
    payload = None if raw is None else _decoded(raw, "raw_payload")
    mapped = given is None
    data = _mapped(entry.source, entry.detail_type, payload) if given is None else _decoded(given, "data")
    data_json = canonical.encode(data)
    said = [data_json, canonical.encode(payload)] if mapped else [data_json]
    return Event(
        source=entry.source,
        event_id=metadata.event_id,
        event_type=entry.detail_type,
        occurred_at=metadata.occurred_at,
        sequence=metadata.sequence,
        organization_id=str(metadata.organization_id),
        lead_organization_id=str(metadata.lead_organization_id),
        version=metadata.version,
        correlation_id=metadata.correlation_id,
        causation_id=metadata.causation_id,
        data=_validated(payload_type, data),
        data_json=data_json,
        raw_payload_json=raw,
        data_was_mapped=mapped,
        content_hashes=tuple(_hash(entry.detail_type, metadata.occurred_at, part) for part in said),
    )


def envelope(body: str | bytes) -> str:
    """Of a body that `parse` takes, what names the event and says nothing more of it."""
    entry = _BUS_EVENT.decode(body)
    metadata = {name: value for name, value in (entry.detail.metadata or {}).items() if name in _IDENTITY}
    named = {"source": entry.source, "detail-type": entry.detail_type, "detail": {"metadata": metadata}}
    return msgspec.json.encode(named).decode()


def validated(event_type: str, data_json: bytes) -> Payload:
    """The typed payload of an event that was recorded earlier."""
    return PAYLOADS[event_type].model_validate(canonical.decode(data_json))


def _json(raw: msgspec.Raw) -> bytes | None:
    """The bytes as they came; None for what is absent or null."""
    return None if bytes(raw) in (b"", b"null") else bytes(raw)


def _hash(event_type: str, occurred_at: datetime, said: bytes) -> str:
    when = f"{event_type}\n{occurred_at.isoformat()}\n".encode()
    return hashlib.sha256(when + said).hexdigest()[:CONTENT_HASH_DIGITS]


def _check_measures(body: bytes) -> None:
    if len(body) > MESSAGE_BYTES:
        raise Rejected(TOO_LARGE, f"the message has at most {MESSAGE_BYTES:,} bytes")
    if canonical.depth(body) > MESSAGE_DEPTH:
        raise Rejected(TOO_DEEP, f"in the message at most {MESSAGE_DEPTH} lists and objects may lie within each other")


def _metadata(source: str, given: dict[str, Any], now: datetime) -> _Metadata:
    try:
        metadata = _Metadata.model_validate(given)
    except ValidationError as error:
        raise _rejection(error, "metadata", _METADATA_REASONS) from None
    if len(f"{source}/{metadata.event_id}".encode()) > REF_BYTES:
        raise Rejected("invalid_metadata", f"source and `metadata.event_id` have at most {REF_BYTES} bytes together")
    if metadata.occurred_at > now + CLOCK_SKEW:
        raise Rejected("time_in_future", "`metadata.occurred_at` is more than a day ahead")
    return metadata


def _decoded(data: bytes, field: str) -> Any:
    try:
        return _JSON.decode(data)
    except (ArithmeticError, msgspec.ValidationError):  # the latter for a whole number of thousands of digits
        bound = f"{NUMBER_CHARACTERS} characters, and its first digit at most {NUMBER_EXPONENT} places from the point"
        raise Rejected(TOO_LARGE, f"a number in `{field}` has at most {bound}") from None
    except _UNREADABLE:
        raise Rejected("invalid_data", f"`{field}` cannot be read as JSON") from None


def _mapped(source: str, event_type: str, payload: Any) -> Mapping[str, Any]:
    if payload is None:
        raise Rejected("no_data", "one of `data` and `raw_payload` is needed")
    mapper = INTEGRATIONS.get(source, {}).get(event_type)
    if mapper is None:
        raise Rejected("no_mapping", f"`data` is missing and no mapping makes {event_type} from this source")
    try:
        return mapper(payload)
    except MALFORMED as error:
        raise Rejected("unmappable", f"the raw payload lacks what {event_type} needs: {type(error).__name__}") from None


def _validated(payload_type: type[Payload], data: object) -> Payload:
    try:
        return payload_type.model_validate(data, context=ARRIVING)
    except ValidationError as error:
        raise _rejection(error, "data", _DATA_REASONS) from None


def _rejection(error: ValidationError, part: str, reasons: Mapping[str, str]) -> Rejected:
    """Says where the first mistake is, without names that are content, such as an address used as a key."""
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    known = FIELD_NAMES | _Metadata.model_fields.keys()
    place = [str(name) if isinstance(name, int) or name in known else "*" for name in first["loc"]]
    expected = _EXPECTED.get(first["type"], first["msg"].removeprefix("Value error, "))
    return Rejected(reasons.get(first["type"], f"invalid_{part}"), f"`{'.'.join([part, *place])}`: {expected}")
