"""What the cleanup reads follows what is due, whatever else there is."""

from datetime import timedelta
from uuid import uuid4

from lead_memory.adapters.store import EventStore
from lead_memory.domain.memories import Lead
from lead_memory.services.record import Outcome, Recorder
from tests.events import NOW, ORGANIZATION
from tests.integration.recalling import fact
from tests.swept import swept

DUE, FEW, MANY = 30, 10, 100
OVER, AHEAD = ((NOW + timedelta(hours=hours)).isoformat() for hours in (-1, 1))


async def test_a_sweep_reads_as_much_among_many_memories_that_are_not_due_as_among_few(
    store: EventStore, table_name: str, content_key: str
) -> None:
    leads = [Lead(ORGANIZATION, str(uuid4())) for _ in range(10)]

    async def say(kind: str, numbers: range, *ends: str | None) -> None:
        """Of each number another memory, which ends at one of these times in turn."""
        for place, lead in enumerate(leads):
            own = numbers[place :: len(leads)]
            events = [
                fact(f"{kind} {number}", "x", lead=lead, expires_at=ends[number // len(leads) % len(ends)])
                for number in own
            ]
            assert set(await Recorder(store).record(events)) == {Outcome.RECORDED}

    await say("over", range(DUE), OVER)
    await say("later", range(FEW), AHEAD, None)
    among_few = await swept(table_name, content_key, ORGANIZATION, NOW)
    await say("later", range(FEW, MANY), AHEAD, None)
    assert await swept(table_name, content_key, ORGANIZATION, NOW) == among_few
    assert among_few.report == (DUE, 0, True)
    assert among_few.items == 2 * DUE
    await say("over", range(DUE, DUE + 10), OVER)
    among_more = await swept(table_name, content_key, ORGANIZATION, NOW)
    assert among_more.items == among_few.items + 2 * 10
