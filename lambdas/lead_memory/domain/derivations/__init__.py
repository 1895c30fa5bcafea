"""Events to changes, one module per memory type. Every function here is pure.

A module's `DERIVATIONS` says which event types it looks at. Adding a memory is a function and a line there.
"""

from collections.abc import Iterable, Mapping
from itertools import chain

import msgspec

from lead_memory.domain.amendments import Case, case_of
from lead_memory.domain.derivations import (
    behavioral,
    campaign,
    conversation,
    crm,
    declared,
    fact,
    form,
    intelligence,
    interest,
    keeping,
    note,
    preference,
    purchase,
    support,
)
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, MemoryKey, keep

MODULES: Mapping[str, Mapping[str, Derivation]] = {
    "purchase": purchase.DERIVATIONS,
    "interest": interest.DERIVATIONS,
    "preference": preference.DERIVATIONS,
    "fact": fact.DERIVATIONS,
    "form": form.DERIVATIONS,
    "support": support.DERIVATIONS,
    "campaign": campaign.DERIVATIONS,
    "behavioral": behavioral.DERIVATIONS,
    "conversation": conversation.DERIVATIONS,
    "note": note.DERIVATIONS,
    "intelligence": intelligence.DERIVATIONS,
    "crm": crm.DERIVATIONS,
    "declared": declared.DERIVATIONS,
    "keeping": keeping.DERIVATIONS,
}

DERIVATIONS: Mapping[str, tuple[Derivation, ...]] = {
    event_type: tuple(module[event_type] for module in MODULES.values() if event_type in module)
    for event_type in chain.from_iterable(MODULES.values())
}


def derive(event: Event, case: Case | None = None) -> list[Change]:
    """What an event says about its lead's memories.

    An event of an order is read with its case, of which it is one; without, as if it were the only one.
    Raises `Rejected` when what it says cannot be a memory's key.
    """
    if case_of(event) is None:
        return _changes(event)
    case = case or Case([event])
    return [purchase.order(event, case.until(event)), *_changes_of_case(event, case)]


def touched(event: Event, case: Case | None = None) -> set[MemoryKey]:
    """Every memory that the event, or its arrival in its case, can change."""
    notices = case.notices if case else []
    return {change.name for each in (event, *notices) for change in derive(each)}


def made_by(module: str, event: Event) -> set[MemoryKey]:
    """The memories that one of `MODULES` makes of the event, read as if it were the only one of its order."""
    derivation = MODULES[module].get(event.event_type)
    made = {change.name for change in derivation(event, event.data)} if derivation else set()
    order = case_of(event) if module == "purchase" else None
    return made | {order} if order else made


def _changes(event: Event) -> list[Change]:
    derivations = DERIVATIONS.get(event.event_type, ())
    return [change for derivation in derivations for change in derivation(event, event.data)]


def _changes_of_case(event: Event, case: Case) -> Iterable[Change]:
    """The order's changes at its first notice; at its other events, only that they had a part in what counts."""
    if case.standing is None:
        return []
    first = case.notices[0]
    changes = _changes(msgspec.structs.replace(first, data=case.standing))
    if event.position == first.position:
        return changes
    return [msgspec.structs.replace(change, said={}, reduce=keep) for change in changes if change.aggregates]
