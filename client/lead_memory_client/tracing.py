"""The commands that show where a memory comes from."""

from typing import Annotated
from uuid import UUID

from cyclopts import Parameter
from cyclopts.validators import Number

from lead_memory.domain.memories import MemoryType
from lead_memory_client.terminal import FAILED, OK, Of, answer, print_json, say

PAGE = 1000


def explain(memory_type: MemoryType, key: str, /, *, lead: UUID, of: Of = Of()) -> int:
    """Show a memory, and what each of its events made of it, oldest first.

    Args:
        memory_type: For example purchase.
        key: For example product:whey_1kg.
        lead: The lead's id.
    """
    from lead_memory_client.show_history import explanation_text

    organization_id = of.organization_id()
    found = of.connect().explain(lead, memory_type, key, organization_id)
    answer(of, found, lambda: explanation_text(found))
    if found.is_the_fold is False:
        say(
            "What is stored is not what the events give, so it was written by other rules or changed by hand: "
            f"rebuild it with `lead-memory rebuild --lead {lead} --stage {of.stage}`."
        )
        return FAILED
    return OK


def lineage(
    memory_type: MemoryType,
    key: str,
    /,
    *,
    lead: UUID,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    after: str | None = None,
    of: Of = Of(),
) -> int:
    """Show the ids of all events that have a part in a memory, newest first.

    Args:
        memory_type: For example purchase.
        key: For example product:whey_1kg.
        lead: The lead's id.
        limit: Only a page of so many at most; all of them, unless given.
        after: The cursor that the page before ended with.
    """
    organization_id = of.organization_id()
    memory = of.connect()
    page = memory.lineage(lead, memory_type, key, organization_id, limit=limit or PAGE, after=after)
    events = list(page.events)
    while limit is None and page.next is not None:
        page = memory.lineage(lead, memory_type, key, organization_id, limit=PAGE, after=page.next)
        events += page.events
    if of.json:
        print_json({"events": events, "next": page.next})
        return OK
    print("\n".join(events) or "No event has a part in it.")
    if page.next is not None:
        say(f"There is more: --after {page.next}")
    return OK
