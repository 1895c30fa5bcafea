"""What the bus's rules put into a queue of ours: which event it is and whose, and nothing of what it says."""

from uuid import UUID

import msgspec

from lead_memory.domain.memories import Lead


class _Metadata(msgspec.Struct):
    organization_id: str
    lead_organization_id: str
    event_id: str


class _Detail(msgspec.Struct):
    metadata: _Metadata


class _OfBus(msgspec.Struct):
    source: str
    detail: _Detail


def named_event(body: str) -> tuple[Lead, str]:
    """The lead, and the event's ref. Raises `msgspec.DecodeError`, `ValidationError` for JSON that is another."""
    said = msgspec.json.decode(body, type=_OfBus)
    metadata = said.detail.metadata
    try:
        # The log has them in one spelling, whatever the integration wrote.
        organization_id, lead_id = UUID(metadata.organization_id), UUID(metadata.lead_organization_id)
    except ValueError:
        raise msgspec.ValidationError("an event names its organization and its lead by UUIDs") from None
    return Lead(str(organization_id), str(lead_id)), f"{said.source}/{metadata.event_id}"
