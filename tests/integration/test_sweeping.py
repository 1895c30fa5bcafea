"""What time decides, from the table to the bus and back through the recorder."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.due import DueIndex
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.leases import Budgets, Leases
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.thread_log import ThreadLog
from lead_memory.domain.conversation import names
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Memory, MemoryKey
from lead_memory.services.bus import Entry
from lead_memory.services.extraction import Extractor
from lead_memory.services.extraction_ports import Ports
from lead_memory.services.extraction_queue import Request
from lead_memory.services.offline_model import OfflineModel
from lead_memory.services.rebuild import Rebuilder
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.sweep import sweep
from tests.events import NOW, SOMEBODY, START, event
from tests.fakes import canonical_bytes
from tests.unit.intelligence.fakes import TIMES, delivered
from tests.unit.intelligence.said import in_turn

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class Bus:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def publish(self, entries: Sequence[Entry]) -> int:
        self.entries += entries
        return len(entries)


class Queue:
    """The extractor's, without pauses."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        assert delay_seconds == 0
        self.requests += requests
        return len(requests)

    async def give_up(self, request: Request, reason: str) -> None:
        raise AssertionError(reason)


class Ground:
    def __init__(self, store: EventStore, table: DynamoTable, keyrings: Keyrings) -> None:
        self.store, self._table, self._keyrings = store, table, keyrings

    async def record(self, events: Sequence[Event]) -> None:
        assert set(await Recorder(self.store).record(events)) <= {Outcome.RECORDED}

    async def sweep(self, now: datetime) -> list[str]:
        """What was published by the cleanup and by the extractor, and recorded once: its types but for evaluations."""
        bus, queue = Bus(), Queue()
        for _ in range(2):
            due = DueIndex(self._table, self._keyrings, OrganizationSettings(self._table))
            report = await sweep(due, bus, queue, now=now, has_time=lambda: True)
            assert report.finished
        assert len(bus.entries) == 2 * len(set(bus.entries))
        assert len(queue.requests) == 2 * len(set(queue.requests))
        assert await self._extractor(bus, queue, now).extract(queue.requests) == set()
        events = {event.ref: event for event in (delivered(entry, NOW) for entry in bus.entries)}
        await self.record(list(events.values()))
        return sorted(event.event_type for event in events.values() if event.event_type != "intelligence.evaluated")

    def _extractor(self, bus: Bus, queue: Queue, now: datetime) -> Extractor:
        return Extractor(
            Ports(
                threads=ThreadLog(self._table, self._keyrings),
                organizations=OrganizationSettings(self._table),
                leases=Leases(self._table),
                budgets=Budgets(self._table),
                model=OfflineModel(),
                bus=bus,
                queue=queue,
                clock=lambda: now,
                new_id=lambda: str(uuid4()),
                report=lambda *_: None,
            ),
            TIMES,
        )

    async def memories(self) -> dict[MemoryKey, Memory]:
        found = (await self.store.all_memories(SOMEBODY)).memories
        return {name: row.memory for name, row in found.items() if row.memory}


def note(note_id: str, expires_at: datetime | None) -> Event:
    pinned = {
        "note_id": note_id,
        "author": "Carla",
        "category": "warning",
        "content": f"Call {note_id}.",
        "expires_at": expires_at and expires_at.isoformat(),
    }
    return event("note.pinned", pinned, event_id=note_id, source="operator")


@pytest.fixture
def ground(store: EventStore, table: DynamoTable, keyrings: Keyrings) -> Ground:
    return Ground(store, table, keyrings)


async def test_a_silent_thread_is_summarized_before_what_is_short_term_of_it_ends(ground: Ground) -> None:
    await ground.record(in_turn(4))
    assert await ground.sweep(START + DAY - 2 * HOUR) == []
    assert await ground.sweep(START + DAY - HOUR) == ["thread.reactivation_prepared", "thread.summarized"]
    assert await ground.sweep(START + DAY + HOUR) == ["memory.expired"]
    assert await ground.sweep(START + DAY + HOUR) == []
    memories = await ground.memories()
    thread = memories[names.thread("t")].value
    assert thread["summary"]["text"].splitlines()[0] == "Customer: I need 0 plans."
    assert thread["summary"]["message_count"] == thread["reactivation"]["message_count"] == 4
    assert memories[names.recent("t")].value == {}
    assert memories[names.INTERACTIONS].value["interaction_count"] == 4


async def test_a_rebuild_after_a_sweep_gives_the_same_bytes(ground: Ground, table: DynamoTable) -> None:
    await ground.record([*in_turn(12), note("a", START + HOUR)])
    for hours in (1, 30, 24 * 40):
        await ground.sweep(START + hours * HOUR)
    before = await ground.memories()
    assert not (await Rebuilder(ground.store).check(SOMEBODY)).differences
    await table.delete([keys.memory_key(SOMEBODY.lead_id, name) for name in before])
    assert not await ground.memories()
    await Rebuilder(ground.store).rebuild(SOMEBODY)
    assert canonical_bytes(await ground.memories()) == canonical_bytes(before)


async def test_a_note_that_is_over_leaves_its_row_and_the_others_stay(ground: Ground) -> None:
    await ground.record([note("a", START + HOUR), note("b", START + 3 * HOUR), note("c", None)])
    for hours, stay in ((2, {"b", "c"}), (4, {"c"})):
        assert await ground.sweep(START + hours * HOUR) == ["memory.expired"]
        assert (await ground.memories())[names.CONTACT_NOTES].value["notes"].keys() == stay
    assert await ground.sweep(START + 400 * DAY) == []


async def test_a_thread_that_is_busy_is_summarized_every_ten_messages_and_one_that_is_resolved_once_more(
    ground: Ground,
) -> None:
    await ground.record(in_turn(10))
    assert await ground.sweep(START + HOUR) == ["thread.summarized"]
    assert await ground.sweep(START + 2 * HOUR) == []
    resolved = event("conversation.thread_resolved", {"thread_id": "t"}, event_id="r", at=START + 2 * HOUR)
    await ground.record([*in_turn(3, since=START + HOUR, text="I need 7{} plans."), resolved])
    assert await ground.sweep(START + 2 * HOUR) == ["thread.summarized"]
    thread = (await ground.memories())[names.thread("t")].value
    assert (thread["status"], thread["summary"]["message_count"]) == ("resolved", 13)
    assert "I need 72 plans" in thread["summary"]["text"]
    assert await ground.sweep(START + 20 * DAY) == []
