"""The lead's tickets, and what they come to."""

from collections.abc import Iterable
from decimal import Decimal

from lead_memory.domain.derivations.values import number, present
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, MemoryType, Reducer, Value
from lead_memory.domain.payloads.engagement import (
    TicketCreated,
    TicketRated,
    TicketReopened,
    TicketResolved,
    TicketUpdated,
)
from lead_memory.domain.times import iso

CLOSED = ("resolved", "closed")
"""Statuses in which a ticket is not open."""

OPEN_TICKETS_KEPT = 20
"""Open tickets that the summary names, newest last."""


type _Ticket = TicketCreated | TicketUpdated | TicketResolved | TicketReopened | TicketRated


def ticket(event: Event, ticket: _Ticket) -> Iterable[Change]:
    at = iso(event.occurred_at)
    match ticket:
        case TicketCreated() as created:
            said = present(
                status=created.status,
                subject=created.subject,
                priority=created.priority,
                channel=created.channel,
                opened_at=at,
            )
        case TicketUpdated() as updated:
            said = present(status=updated.status, subject=updated.subject, priority=updated.priority)
        case TicketResolved() as resolved:
            said = present(status="resolved", subject=resolved.subject, resolution=resolved.resolution, resolved_at=at)
        case TicketReopened() as reopened:
            said = present(status="open", subject=reopened.subject) | {"resolved_at": None}
        case TicketRated() as rated:
            said = present(csat=rated.csat, comment=rated.comment)
    yield _change(f"ticket:{ticket.ticket_id}", said, _merge)
    news = present(
        opens=isinstance(ticket, TicketCreated | TicketReopened) or None,
        closes=said.get("status") in CLOSED or None,
        is_new=isinstance(ticket, TicketCreated) or None,
        ticket_id=ticket.ticket_id,
        csat=said.get("csat"),
        at=at,
    )
    yield _change("summary", news, _add_to_summary)


def _change(key: str, said: Value, reduce: Reducer) -> Change:
    return Change(memory_type=MemoryType.SUPPORT, key=key, said=said, reduce=reduce, aggregates=True)


def _merge(value: Value | None, said: Value) -> Value:
    merged = {**(value or {}), **said}
    return {field: what for field, what in merged.items() if what is not None}


def _add_to_summary(value: Value | None, said: Value) -> Value:
    ticket_id = said["ticket_id"]
    open_before = (value or {}).get("open_tickets", [])
    open_tickets = [other for other in open_before if other != ticket_id]
    closed_now = "closes" in said and (ticket_id in open_before or "is_new" in said)
    if "closes" not in said and ("opens" in said or ticket_id in open_before):
        open_tickets.append(ticket_id)
    csat_count = number(value, "csat_count") + ("csat" in said)
    csat_total = number(value, "csat_total") + said.get("csat", 0)
    return present(
        ticket_count=number(value, "ticket_count") + ("is_new" in said),
        resolved_count=number(value, "resolved_count") + closed_now,
        open_tickets=open_tickets[-OPEN_TICKETS_KEPT:],
        last_ticket_id=ticket_id,
        last_activity_at=said["at"],
        csat_count=csat_count or None,
        csat_total=csat_total or None,
        csat_average=(Decimal(csat_total) / csat_count).quantize(Decimal("0.01")) if csat_count else None,
    )


DERIVATIONS: dict[str, Derivation] = dict.fromkeys(
    ("ticket.created", "ticket.updated", "ticket.resolved", "ticket.reopened", "ticket.rated"), ticket
)
