"""Events to changes, one module per memory type. Every function here is pure.

A module's `DERIVATIONS` says which event types it looks at. Adding a memory is a function and a line there.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import msgspec

from lead_memory.domain.amendments import as_it_stands, opening
from lead_memory.domain.derivations import (
    behavioral,
    campaign,
    declared,
    fact,
    form,
    interest,
    preference,
    purchase,
    support,
)
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, MemoryKey, keep
from lead_memory.domain.payloads import OrderCancelled, OrderPaid, OrderRefunded

_MODULES: Sequence[Mapping[str, Derivation]] = (
    purchase.DERIVATIONS,
    interest.DERIVATIONS,
    preference.DERIVATIONS,
    fact.DERIVATIONS,
    form.DERIVATIONS,
    support.DERIVATIONS,
    campaign.DERIVATIONS,
    behavioral.DERIVATIONS,
    declared.DERIVATIONS,
)

DERIVATIONS: Mapping[str, tuple[Derivation, ...]] = {
    event_type: tuple(module[event_type] for module in _MODULES if event_type in module)
    for event_type in chain.from_iterable(_MODULES)
}


def derive(event: Event, case: Sequence[Event] = ()) -> list[Change]:
    """What an event says about its lead's memories.

    An event of an order is read with its `case`: all events of that order, itself included, sorted by position.
    Raises `Rejected` when what it says cannot be a memory's key.
    """
    match event.data:
        case OrderPaid() | OrderRefunded() | OrderCancelled() as said:
            return [purchase.order(event, said), *_changes_of_case(event, case or (event,))]
    return _changes(event)


def touched(event: Event, case: Sequence[Event] = ()) -> set[MemoryKey]:
    """Every memory that the event, or its arrival in its case, can change."""
    notices = [other for other in case if isinstance(other.data, OrderPaid)]
    return {change.name for each in (event, *notices) for change in derive(each)}


def _changes(event: Event) -> list[Change]:
    return [change for derivation in DERIVATIONS.get(event.event_type, ()) for change in derivation(event, event.data)]


def _changes_of_case(event: Event, case: Sequence[Event]) -> Iterable[Change]:
    first, order = opening(case), as_it_stands(case)
    if first is None or order is None:
        return []
    changes = _changes(msgspec.structs.replace(first, data=order))
    if event.position == first.position:
        return changes
    return [msgspec.structs.replace(change, said={}, reduce=keep) for change in changes if change.aggregates]
