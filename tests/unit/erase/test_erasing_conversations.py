"""What is written of a thread may quote it: it goes with what it quotes, also where it was on its way."""

import asyncio
from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain import canonical
from lead_memory.domain.errors import Erased
from lead_memory.domain.events import Event
from lead_memory.services.forget import STATES
from lead_memory.services.record import Recorder
from lead_memory.services.sweep import Entry
from tests.events import NOW, SOMEBODY, START, event
from tests.fakes import canonical_bytes, no_pause
from tests.unit.conversation.test_summarizing import DAY, HOUR, Log, conversations, delivered, said
from tests.unit.erase.fakes import ErasableStore, eraser
from tests.unit.erase.test_erasing_laws import WHO, erase
from tests.unit.record.test_recorder_laws import folded

CANARY = "zqxcanary"
ROUNDS = 4
_randoms = st.integers(0, 2**32 - 1).map(Random)


def log_of(store: ErasableStore) -> Log:
    return Log([event for event, _ in store.events.values()])


def everywhere(store: ErasableStore) -> str:
    return str([store.rows, store.events])


async def record(store: ErasableStore, events: Sequence[Event]) -> None:
    await Recorder(store, no_pause).record(events)


async def arrive(store: ErasableStore, entries: Sequence[Entry]) -> None:
    await record(store, [delivered(entry, NOW + 3 * DAY) for entry in entries])


def message(thread_id: str, event_id: str, hours: int, text: str = "Oi!") -> Event:
    said = {"thread_id": thread_id, "channel": "sms", "text": text}
    return event("conversation.message_received", said, event_id=event_id, at=NOW + hours * HOUR)


def learned(value: dict[str, object], event_id: str, hours: int) -> Event:
    inferred = {"memory_type": "fact", "key": "contact_profile", "value": value, "confidence": 0.9}
    return event("memory.inferred", inferred, event_id=event_id, at=NOW + hours * HOUR)


quoted = st.one_of(
    st.builds(message, st.just("a"), st.just("quoted"), st.integers(-72, 24), st.just(f"I want the {CANARY} plan.")),
    st.builds(learned, st.just({"painPoints": [CANARY]}), st.just("quoted"), st.integers(-72, 24)),
)


@given(conversations(), quoted, st.integers(0, STATES - 2), _randoms)
def test_no_text_about_a_thread_outlives_what_it_quotes(
    events: list[Event], quoted: Event, meanwhile: int, random: Random
) -> None:
    """Whether it was recorded, is on its way, or comes after the thread went on; one of two that are on their way may
    have changed it too.
    """
    store, now = ErasableStore(), NOW + 3 * DAY

    async def run() -> None:
        await record(store, [*events, quoted])
        on_their_way = await log_of(store).written(now)
        await arrive(store, random.sample(on_their_way, random.randint(0, len(on_their_way))))
        if quoted.event_type.startswith("conversation"):
            await record(store, [message("a", f"next {number}", 24) for number in range(meanwhile)])
        tried = await eraser(store).event(SOMEBODY, quoted.ref, asked_by=WHO, dry_run=True)
        done = await eraser(store).event(SOMEBODY, quoted.ref, asked_by=WHO, dry_run=False)
        assert tried.removed == done.removed
        assert CANARY not in everywhere(store)
        await arrive(store, on_their_way)
        assert CANARY not in everywhere(store)
        for _ in range(ROUNDS):
            written = await log_of(store).written(now)
            assert CANARY not in str(written)
            await arrive(store, written)
        # And what is to be said of what stayed was said.
        assert log_of(store).due(now) == []

    asyncio.run(run())
    assert canonical_bytes(store.memories) == canonical_bytes(folded(log_of(store).events))


async def test_a_summary_that_comes_after_its_message_was_erased_stays_out_and_another_is_written() -> None:
    store, now = ErasableStore(), START + 2 * DAY
    await record(store, said(4))
    summary, reminder = await log_of(store).written(now)
    await erase(store, "test/m2")
    results = await Recorder(store, no_pause).record([delivered(each, NOW) for each in (summary, reminder)])
    assert [type(result) for result in results] == [Erased, Erased]
    assert "I need 2 plans" in summary.detail
    again, _ = await log_of(store).written(now)
    assert delivered(again, NOW).event_id != delivered(summary, NOW).event_id
    assert "I need 2 plans" not in again.detail
    assert "I need 3 plans" in again.detail


async def test_the_receipt_counts_the_summaries_that_went_and_those_from_before_stay() -> None:
    store = ErasableStore()
    await record(store, said(10))
    await arrive(store, await log_of(store).written(START + HOUR))
    await record(store, said(10, first=70))
    await arrive(store, await log_of(store).written(START + 2 * DAY))
    receipt = await eraser(store).event(SOMEBODY, "test/m75", asked_by=WHO, dry_run=False)
    assert receipt.removed["events"] == 3
    left = [event for event in log_of(store).events if event.source == "cleanup"]
    assert [canonical.decode(event.data_json)["message_count"] for event in left] == [10]


async def test_a_note_on_a_thread_leaves_its_summaries_alone() -> None:
    store = ErasableStore()
    note = {"note_id": "n", "thread_id": "a", "author": "Carla", "category": "context", "content": "Be kind."}
    await record(store, [message("a", "m", 0), event("note.pinned", note, event_id="n", at=NOW), summarized("a", 1)])
    await erase(store, "operator/n")
    assert "All is well." in everywhere(store)


async def test_a_models_summary_goes_with_what_it_quotes_though_its_clock_is_behind() -> None:
    store = ErasableStore()
    await record(store, [message("a", "m", 0), summarized("a", -1)])
    await erase(store, "test/m")
    assert "All is well." not in everywhere(store)


def summarized(thread_id: str, hours: int) -> Event:
    said = {"thread_id": thread_id, "summary": "All is well.", "message_count": 1, "written_by": "model"}
    return event("thread.summarized", said, event_id="s", at=NOW + hours * HOUR)
