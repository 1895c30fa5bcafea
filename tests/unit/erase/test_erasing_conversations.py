"""What models made of a conversation goes with what it rests on: also where it was on its way, or made of another."""

import asyncio
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation import names
from lead_memory.domain.errors import Erased
from lead_memory.domain.events import Event
from lead_memory.domain.intelligence import cluster
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.services.record import Outcome
from tests.events import SOMEBODY, START, event
from tests.fakes import canonical_bytes
from tests.unit.erase.fakes import ErasableStore, eraser
from tests.unit.erase.test_erasing_laws import WHO, deliver, erase
from tests.unit.intelligence.fakes import ScriptedModel, World, request_of
from tests.unit.intelligence.said import DAY, HOUR, MINUTE, lead, of_thread
from tests.unit.record.test_recorder_laws import folded

CANARY = "zqxcanary"
SAID = f"Our budget for the account {CANARY} is R$ 500."
ROUNDS = 4
ACCOUNT = MemoryKey(MemoryType.FACT, f"account:{CANARY}")
_randoms = st.integers(0, 2**32 - 1).map(Random)
_threads = st.sampled_from(["a", "b"])
_times = st.integers(-72, -1).map(lambda hours: START + hours * HOUR)


def world(random: Random | None = None) -> World:
    of = World(ScriptedModel(), ErasableStore(random))
    of.now = START
    return of


def store_of(of: World) -> ErasableStore:
    assert isinstance(of.store, ErasableStore)
    return of.store


def everywhere(of: World) -> str:
    return str([of.store.rows, of.store.events]).lower()


def at(event_type: str, at: object, number: int, **data: object) -> Event:
    return event(event_type, data, event_id=f"e{number}", at=at)


_happenings = st.one_of(
    st.fixed_dictionaries(
        {
            "thread_id": _threads,
            "channel": st.just("sms"),
            "text": st.sampled_from(["Oi!", "The account Acme", SAID[:9]]),
        }
    ).map(lambda said: ("conversation.message_received", said)),
    _threads.map(lambda thread: ("thread.extraction_requested", {"thread_id": thread})),
    _threads.map(lambda thread: ("thread.summary_requested", {"thread_id": thread})),
    _threads.map(lambda thread: ("conversation.thread_resolved", {"thread_id": thread})),
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Event]:
    drawn = draw(st.lists(st.tuples(_happenings, _times), min_size=1, max_size=15))
    return [at(event_type, when, number, **data) for number, ((event_type, data), when) in enumerate(drawn)]


def learned(value: dict[str, object], when: object) -> Event:
    profile = {"memory_type": "fact", "key": "contact_profile", "value": value, "confidence": 0.9}
    return event("memory.inferred", profile, event_id="quoted", at=when)


quoted = st.one_of(
    st.builds(lambda when: lead(SAID, when, thread_id="a"), _times),
    st.builds(learned, st.just({"painPoints": [CANARY]}), _times),
)


async def ask_for_all(of: World) -> list[Event]:
    """What models say when everything is asked of both threads, and of what is silent: it is not recorded here."""
    of.records, before = False, len(of.published)
    asks = [
        of_thread(event_type, of.now, thread_id=thread)
        for thread in "ab"
        for event_type in ("thread.extraction_requested", "thread.summary_requested")
    ]
    await of.record(*asks)
    await of.extract(*map(request_of, asks))
    of.now += DAY
    await of.sweep()
    return of.published[before:]


async def settle(of: World) -> None:
    """Until models have no more to say."""
    of.records = True
    for _ in range(ROUNDS):
        of.now += DAY
        await of.sweep()
        await of.wait()


@given(conversations(), quoted, _randoms)
def test_nothing_that_models_said_outlives_what_it_rests_on(events: list[Event], quoted: Event, random: Random) -> None:
    """Whether it was recorded, is on its way, or is made later; in any order, and again."""
    of = world()

    async def run() -> None:
        await of.record(*events, quoted)
        on_their_way: list[Event] = []
        for _ in range(2):
            on_their_way += await ask_for_all(of)
            await of.record(*random.sample(on_their_way, random.randint(0, len(on_their_way))))
            of.now += HOUR
        tried = await eraser(store_of(of)).event(SOMEBODY, quoted.ref, asked_by=WHO, dry_run=True)
        done = await eraser(store_of(of)).event(SOMEBODY, quoted.ref, asked_by=WHO, dry_run=False)
        assert tried.removed == done.removed
        assert CANARY not in everywhere(of)
        await of.record(*on_their_way)
        assert CANARY not in everywhere(of)
        before = len(of.published)
        await settle(of)
        assert CANARY not in str(of.published[before:]).lower()
        # And what is to be said of what stayed was said.
        published = len(of.published)
        await of.sweep()
        assert len(of.published) == published

    asyncio.run(run())
    assert canonical_bytes(of.store.memories) == canonical_bytes(folded([each for each, _ in of.store.events.values()]))


@given(conversations(), quoted, _randoms, st.integers(1, 3), st.sampled_from([0.0, 0.05, 0.2]))
def test_what_models_said_comes_while_what_it_rests_on_is_erased(
    events: list[Event], quoted: Event, random: Random, writers: int, fault_rate: float
) -> None:
    of = world(random)
    store = store_of(of)

    async def run() -> None:
        await of.record(*events, quoted)
        on_their_way = await ask_for_all(of)
        store.fail(fault_rate)
        queues = [random.sample(on_their_way, len(on_their_way)) for _ in range(writers)]
        await asyncio.gather(erase(store, quoted.ref), *(deliver(store, queue) for queue in queues))
        store.fail(0.0)

    asyncio.run(run())
    assert CANARY not in everywhere(of)
    assert canonical_bytes(store.memories) == canonical_bytes(folded([each for each, _ in store.events.values()]))


async def test_a_fact_an_entity_a_summary_and_a_reminder_go_with_their_message_and_the_others_stay() -> None:
    of = world()
    first, second = lead("My budget for the account Acme is R$ 9.", START - DAY), lead(SAID, START - DAY + MINUTE)
    other = lead("My deadline is Friday, and the account is account Initech.", START - DAY, thread_id="other")
    asks = [of_thread("thread.extraction_requested", START, thread_id=thread) for thread in ("t", "other")]
    await of.record(first, second, lead(at=START - DAY), other)
    await of.said(*asks)
    await of.sweep(START + 2 * DAY)
    assert everywhere(of).count(CANARY) > 4
    assert ACCOUNT in of.store.memories
    receipt = await eraser(store_of(of)).event(SOMEBODY, second.ref, asked_by=WHO, dry_run=False)
    # The message, what was learned of it, the account, the summary and the reminder.
    assert receipt.removed["events"] == 5
    assert CANARY not in everywhere(of)
    assert ACCOUNT not in of.store.memories
    points = of.value(names.CONTACT_PROFILE)["painPoints"]
    assert {first.data.text, other.data.text} <= {*points}  # type: ignore[attr-defined]
    assert {MemoryKey(MemoryType.FACT, f"account:{name}") for name in ("acme", "initech")} <= of.store.memories.keys()
    assert [said["thread_id"] for said in of.log("thread.summarized")] == ["other"]
    await of.sweep(START + 3 * DAY)
    assert sorted(said["thread_id"] for said in of.log("thread.summarized")) == ["other", "t"]
    assert CANARY not in everywhere(of)


@pytest.mark.parametrize("on_its_way", [False, True])
async def test_a_summary_of_memories_goes_with_a_message_that_one_of_them_was_learned_from(on_its_way: bool) -> None:
    of = world()
    said = lead(SAID, START - HOUR)
    declared = [
        event("memory.declared", {"memory_type": "fact", "key": key, "value": {"is": key}}, event_id=key)
        for key in ("pet", "family")
    ]
    await of.record(*declared)
    await of.said(said, of_thread("thread.extraction_requested", START))
    of.now += HOUR
    of.records = not on_its_way
    members = [names.CONTACT_PROFILE, *(MemoryKey(MemoryType.FACT, key) for key in ("pet", "family"))]
    listed = [member._asdict() for member in members]
    await of.said(event("memories.summary_requested", {"memories": listed}, event_id="ask", at=of.now))
    [summary] = [each for each in of.published if cluster.name(members).key in str(each.data)]
    assert CANARY in str(summary.data).lower()
    await erase(store_of(of), said.ref)
    assert CANARY not in everywhere(of)
    assert [type(result) for result in await of.record(summary)] == [Erased]
    assert cluster.name(members) not in of.store.memories
    assert MemoryKey(MemoryType.FACT, "pet") in of.store.memories


async def test_a_summary_that_comes_after_its_message_was_erased_stays_out_and_another_is_written() -> None:
    of = world()
    said = [lead(f"I need {n} plans.", START - HOUR + n * MINUTE) for n in range(4)]
    await of.record(*said)
    of.records = False
    await of.sweep(START + DAY)
    summary, reminder, *_ = [each for each in of.published if each.event_type.startswith("thread.")]
    await erase(store_of(of), said[2].ref)
    assert [type(result) for result in await of.record(summary, reminder)] == [Erased, Erased]
    of.records = True
    await of.sweep(START + 2 * DAY)
    [again] = of.log("thread.summarized")
    assert again["summary"] == "I need 0 plans. I need 1 plans. I need 3 plans."


async def test_what_rests_on_what_is_not_recorded_yet_is_recorded_and_goes_when_that_is_erased() -> None:
    of = world()
    said = lead(SAID, START - HOUR)
    made = inferred(said.ref)
    assert await of.record(made) == [Outcome.RECORDED]
    await erase(store_of(of), said.ref)
    assert CANARY not in everywhere(of)
    assert [type(result) for result in await of.record(said, made)] == [Erased, Erased]


@pytest.mark.parametrize("event_id", ["cafe\u0301", "ends with a space ", "7" * 255])
async def test_what_rests_on_an_event_goes_with_it_however_its_id_is_written(event_id: str) -> None:
    of = world()
    text = {"thread_id": "a", "channel": "sms", "text": SAID}
    said = event("conversation.message_received", text, event_id=event_id, at=START - HOUR)
    assert await of.record(said, inferred(said.ref)) == [Outcome.RECORDED] * 2
    await erase(store_of(of), said.ref)
    assert (of.store.rows, of.store.events) == ({}, {})


async def test_of_events_of_one_batch_one_may_rest_on_another() -> None:
    of = world()
    said = lead(SAID, START - HOUR)
    assert await of.record(said, inferred(said.ref)) == [Outcome.RECORDED] * 2
    await erase(store_of(of), said.ref)
    assert (of.store.rows, of.store.events) == ({}, {})


def inferred(*refs: str) -> Event:
    origin = {"attempt_id": "a", "model": "m", "prompt_version": "1", "rests_on": list(refs)}
    value = {"memory_type": "fact", "key": "pet", "value": {"is": CANARY}, "confidence": 0.9}
    return event("memory.inferred", value | {"extraction": origin}, event_id="made", at=START)


async def test_a_note_on_a_thread_leaves_its_summaries_alone() -> None:
    of = world()
    note = {"note_id": "n", "thread_id": "a", "author": "Carla", "category": "context", "content": "Be kind."}
    await of.record(
        lead("Oi!", START, thread_id="a"), event("note.pinned", note, event_id="n", at=START), summarized("a", 1)
    )
    await erase(store_of(of), "operator/n")
    assert "all is well." in everywhere(of)


async def test_an_agents_summary_goes_with_what_it_quotes_though_its_clock_is_behind() -> None:
    of = world()
    said = lead("Oi!", START, thread_id="a")
    await of.record(said, summarized("a", -1))
    await erase(store_of(of), said.ref)
    assert "all is well." not in everywhere(of)


async def test_what_a_reminder_has_of_the_profile_takes_no_summary_of_another_thread_with_it() -> None:
    of = world()
    fact = learned({"painPoints": [CANARY]}, START - 2 * DAY)
    await of.record(fact, *(lead("Oi!", START - DAY + n * MINUTE, thread_id="other") for n in range(3)))
    await of.sweep(START + 2 * DAY)
    assert (len(of.log("thread.summarized")), len(of.log("thread.reactivation_prepared"))) == (1, 1)
    await erase(store_of(of), fact.ref)
    assert (len(of.log("thread.summarized")), len(of.log("thread.reactivation_prepared"))) == (1, 0)


def summarized(thread_id: str, hours: int) -> Event:
    said = {"thread_id": thread_id, "summary": "All is well.", "message_count": 1, "written_by": "model"}
    return event("thread.summarized", said, event_id="s", at=START + timedelta(hours=hours))
