"""What a batch's memories may come to; checked on what is to be written, because no single event tells."""

from collections.abc import Iterable

from lead_memory.domain import canonical
from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.notes import refuse_over_bound
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import Event
from lead_memory.domain.limits import VALUE_BYTES
from lead_memory.domain.payloads.conversation import NoteEdited, NotePinned
from lead_memory.services.store import Write


def refuse_too_large(writes: Iterable[Write]) -> None:
    for write in writes:
        size = len(canonical.encode(write.memory.value)) if write.memory else 0
        if size > VALUE_BYTES:
            detail = f"a {write.name.memory_type} memory would have {size:,} bytes; at most {VALUE_BYTES:,} are kept"
            raise Rejected("too_large", detail)


def refuse_too_many_notes(writes: Iterable[Write], events: Iterable[Event]) -> None:
    """Of a target that is noted on; what takes notes away is never refused."""
    noted = {names.notes(event.data.thread_id) for event in events if isinstance(event.data, NotePinned | NoteEdited)}
    for write in writes:
        if write.memory and write.name in noted:
            refuse_over_bound(write.memory.value, write.memory.updated_at)
