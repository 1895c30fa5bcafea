"""What an integration knows of the person."""

from collections.abc import Iterable

from lead_memory.domain.derivations.values import present
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, MemoryType
from lead_memory.domain.payloads.contact import LeadIdentified


def identified(_: Event, lead: LeadIdentified) -> Iterable[Change]:
    facts = {
        "location": lead.address.model_dump(exclude_none=True) if lead.address else {},
        "work": present(company=lead.company, job_title=lead.job_title),
        "language": present(value=lead.language),
    }
    for key, said in facts.items():
        if said:
            yield Change(memory_type=MemoryType.FACT, key=key, said=said)


DERIVATIONS: dict[str, Derivation] = {"lead.identified": identified}
