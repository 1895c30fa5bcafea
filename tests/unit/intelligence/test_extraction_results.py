"""What of a model's answers lands in the log, whose it is, and what it comes to."""

import json
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation import names
from lead_memory.domain.intelligence import cluster
from lead_memory.domain.intelligence.answers import EntitiesAnswer
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.services.models import Answer, Failure
from lead_memory.services.offline_model import OfflineModel
from lead_memory.services.rebuild import Rebuilder
from tests.events import SCRIPTS, START, event
from tests.fakes import canonical_bytes, no_pause
from tests.unit.erase.fakes import ErasableStore
from tests.unit.intelligence.fakes import LONG, ScriptedModel, World, request_for, request_of, world
from tests.unit.intelligence.said import ASKS, DAY, HOUR, MINUTE, WORTH, in_turn, lead, of_thread, us
from tests.unit.record.test_recorder_laws import folded

PROFILE, ACME = names.CONTACT_PROFILE, MemoryKey(MemoryType.FACT, "account:acme")
NAMED = [PROFILE, MemoryKey(MemoryType.FACT, "family"), MemoryKey(MemoryType.FACT, "pet")]


def texts(given: Iterable[Line]) -> list[str]:
    return [line.text for line in given]


# What lands


async def test_what_a_model_said_is_recorded_with_what_it_rests_on_and_what_it_cost() -> None:
    of, model = world()
    model.cost = 7
    first, second, asks = lead("The account Acme"), lead(WORTH, START + MINUTE), us(ASKS, START + 2 * MINUTE)
    await of.said(first, second, asks)
    assert of.value(PROFILE)["painPoints"] == ["The account Acme", WORTH]
    assert of.value(ACME)["name"] == "Acme"
    [account] = of.log("crm.entity_extracted")
    assert account["extraction"]["rests_on"] == [first.ref]
    facts = of.log("memory.inferred")
    assert [each["extraction"]["rests_on"] for each in facts] == [[first.ref], [second.ref]]
    assert facts[0]["extraction"] | {"rests_on": []} == {
        "attempt_id": "id000002",
        "model": "scripted",
        "prompt_version": "facts-1",
        "input_tokens": 10,
        "output_tokens": 5,
        "cost_micros": 7,
        "rests_on": [],
    }
    ids = [event.ref for event in of.published]
    assert ids == [f"extractor/id000002-{n}" for n in range(1, len(ids) + 1)]
    assert [event.position for event in of.published] == sorted(event.position for event in of.published)
    thread = of.value(names.thread("t"))["evaluation"]
    assert {job: each["status"] for job, each in thread["jobs"].items()} == dict.fromkeys(
        ["facts", "entities"], "processed"
    )
    assert of.value(names.INTELLIGENCE)["totals"]["facts"] | {"duration_ms": 0} == {
        "processed": 1,
        "dropped": 0,
        "cost_micros": 7,
        "input_tokens": 10,
        "output_tokens": 5,
        "kept": 2,
        "duration_ms": 0,
    }


async def test_the_reminder_is_written_of_the_summary_of_the_same_attempt_and_rests_on_what_it_rests_on() -> None:
    of, _ = world()
    said = [lead(f"I need {n} plans.", START + n * MINUTE) for n in range(3)]
    inferred = {"memory_type": "fact", "key": "contact_profile", "value": {"painPoints": ["Too slow"]}, "confidence": 1}
    learned = event("memory.inferred", inferred, event_id="p", at=START + HOUR)
    await of.said(*said, learned)
    await of.sweep(START + DAY)
    [summary], [reminder] = of.log("thread.summarized"), of.log("thread.reactivation_prepared")
    assert summary["summary"] == "I need 0 plans. I need 1 plans. I need 2 plans."
    assert reminder["text"] == f"{summary['summary']} Too slow"
    refs = {each.ref for each in said}
    assert set(summary["extraction"]["rests_on"]) == refs
    assert set(reminder["extraction"]["rests_on"]) == refs | {learned.ref}


async def test_what_comes_while_a_model_is_asked_is_for_the_next_time() -> None:
    class Arriving(ScriptedModel):
        async def summary(self, lines: Sequence[Line], before: str | None) -> Answer[str]:
            if not self.befores:
                await of.record(lead("Meanwhile!", START + HOUR + MINUTE))
            return await super().summary(lines, before)

    model = Arriving()
    of = World(model)
    await of.said(*in_turn(10))
    await of.sweep(START + HOUR)
    assert [each["message_count"] for each in of.log("thread.summarized")] == [10]
    await of.sweep(START + 2 * DAY)
    assert [texts(given) for job, given in model.asked if job is Job.SUMMARY][1:] == [["Meanwhile!"]]


async def test_of_what_was_recalled_nothing_is_extracted_again() -> None:
    of, model = world()
    await of.said(lead(f"> {WORTH}\n> The account Acme\nYes."), us(ASKS))
    assert model.asked == []
    assert of.value(PROFILE) == {}


async def test_a_summary_of_memories_is_a_memory_that_says_of_which_and_is_made_once() -> None:
    of, model = world()
    declared = [
        event(
            "memory.declared",
            {"memory_type": "fact", "key": name.key, "value": {"it": f"is {name.key}"}},
            event_id=name.key,
        )
        for name in NAMED[1:]
    ]
    inferred = {"memory_type": "fact", "key": PROFILE.key, "value": {"painPoints": ["Too slow"]}, "confidence": 0.9}
    await of.record(*declared, event("memory.inferred", inferred, event_id="p"))
    asked = event("memories.summary_requested", {"memories": [name._asdict() for name in NAMED]}, event_id="ask")
    assert await of.said(asked) == set()
    made = of.value(cluster.name(NAMED))
    assert made["is_summary"]
    assert {MemoryKey(each["memory_type"], each["key"]) for each in made["summary_of"]} == set(NAMED)
    assert all(part in made["text"] for part in ("is family", "is pet", "Too slow"))
    [said] = [each for each in of.log("memory.inferred") if each["key"] != PROFILE.key]
    assert set(said["extraction"]["rests_on"]) == {"test/family", "test/pet", "test/p"}
    of.now += LONG
    await of.said(asked)
    assert model.jobs() == {Job.CLUSTER: 1}
    of.now += LONG
    await of.said(msgspec.structs.replace(asked, event_id="again", occurred_at=of.now))
    assert model.jobs() == {Job.CLUSTER: 2}


async def test_a_summary_ends_with_the_first_of_what_it_sums_up() -> None:
    of, _ = world()
    for key, ends_at in (("pet", START + 9 * DAY), ("family", START + 5 * DAY), ("contact_profile", None)):
        value = {"painPoints": ["Too slow"]} if ends_at is None else {"it": f"is {key}"}
        said = {"memory_type": "fact", "key": key, "value": value, "expires_at": ends_at and ends_at.isoformat()}
        await of.record(event("memory.declared", said, event_id=key))
    await of.said(event("memories.summary_requested", {"memories": [name._asdict() for name in NAMED]}, event_id="ask"))
    [summary] = of.log("memory.inferred")
    assert datetime.fromisoformat(summary["expires_at"]) == START + 5 * DAY


async def test_a_profile_that_was_deleted_is_in_no_reminder() -> None:
    of, _ = world()
    inferred = {"memory_type": "fact", "key": PROFILE.key, "value": {"painPoints": ["Too slow"]}, "confidence": 1}
    gone = {"memory_type": "fact", "key": PROFILE.key}
    await of.record(event("memory.inferred", inferred, event_id="p", at=START))
    await of.record(event("memory.soft_deleted", gone, event_id="gone", source="operator", at=START + HOUR))
    await of.said(*(lead(f"I need {n} plans.", START + n * MINUTE) for n in range(3)))
    await of.sweep(START + DAY)
    [summary], [reminder] = of.log("thread.summarized"), of.log("thread.reactivation_prepared")
    assert reminder["text"] == summary["summary"]


async def test_fewer_than_three_memories_are_not_summed_up() -> None:
    of, model = world()
    facts = [("pet", START + DAY), ("family", None)]
    for key, ends_at in facts:
        value = {"memory_type": "fact", "key": key, "value": {"x": 1}, "expires_at": ends_at and ends_at.isoformat()}
        await of.record(event("memory.declared", value, event_id=key))
    await of.record(lead())
    of.now += 2 * DAY
    await of.said(
        event("memories.summary_requested", {"memories": [name._asdict() for name in NAMED]}, event_id="ask", at=of.now)
    )
    assert (model.asked, of.published) == ([], [])


# Whose


async def test_of_another_organization_and_of_an_erased_lead_nothing_is_read() -> None:
    model = ScriptedModel()
    of = World(model, ErasableStore())
    said = [lead(WORTH), us(ASKS), of_thread("thread.extraction_requested", START)]
    await of.record(*said)
    other = [msgspec.structs.replace(request_of(each), organization_id=str(uuid4())) for each in said]
    rows = [msgspec.structs.replace(request_for("t"), organization_id=str(uuid4()), jobs=frozenset(Job))]
    assert await of.extract(*other, *rows) == set()
    await of.wait()
    of.store.lead_erased = True
    assert await of.extract(*map(request_of, said), request_for("t", jobs=frozenset(Job))) == set()
    await of.wait()
    assert (model.asked, of.published, of.sent) == ([], [], [])


async def test_nothing_of_what_is_said_is_in_logs_or_in_requests(caplog: pytest.LogCaptureFixture) -> None:
    class Canary(ScriptedModel):
        async def entities(self, lines: Sequence[Line]) -> Answer[EntitiesAnswer]:
            raise RuntimeError(f"zqxcanary in {lines}")

    caplog.set_level(logging.DEBUG)
    model = Canary()
    of = World(model)
    said = [
        lead("My budget is zqxcanary, of the account Zqxcanary", thread_id="zqxcanary"),
        us(ASKS, thread_id="other"),
    ]
    assert await of.said(*said) == set()
    model.fails[Job.FACTS] = [Failure.AWAY] * 9
    await of.said(lead(f"{WORTH} zqxcanary", thread_id="other"), us(ASKS, thread_id="other"))
    await of.wait()
    assert "RuntimeError" in caplog.text
    assert {reason for _, reason in of.given_up} == {"away", "broken"}
    assert "zqxcanary" not in caplog.text.lower()
    sent = [*(request for request, _ in of.given_up), *(each.request for each in of.sent)]
    assert "zqxcanary" not in str([msgspec.structs.replace(request, row=None) for request in sent]).lower()


# And again


async def test_a_rebuild_makes_the_same_bytes_and_asks_no_model() -> None:
    model = ScriptedModel()
    store = ErasableStore()
    of = World(model, store)
    await of.said(lead("The account Acme"), lead(WORTH), us(ASKS), *in_turn(12, since=START + MINUTE))
    await of.sweep(START + 2 * DAY)
    before, asked = canonical_bytes(store.memories), model.jobs()
    assert asked == {Job.FACTS: 1, Job.ENTITIES: 1, Job.SUMMARY: 1, Job.REACTIVATION: 1}
    store.rows.clear()
    await Rebuilder(store, no_pause).rebuild(in_turn(1)[0].lead)
    assert canonical_bytes(store.memories) == before
    assert model.jobs() == asked


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
async def test_the_offline_model_gives_a_conversation_a_profile_a_summary_and_a_reminder(script: Path) -> None:
    of = World(OfflineModel())
    for entry in json.loads(script.read_text()):
        sent = event(
            entry["DetailType"],
            entry["Detail"]["data"],
            event_id=entry["Detail"]["metadata"]["event_id"],
            at=START + (HOUR if of.published else timedelta()),
        )
        of.now += HOUR
        await of.said(msgspec.structs.replace(sent, occurred_at=of.now))
    for days in range(3):
        await of.sweep(of.now + days * DAY)
    assert of.value(PROFILE)
    assert of.log("thread.summarized")
    assert of.log("thread.reactivation_prepared")
    assert {each["status"] for each in of.outcomes(Job.FACTS)} <= {"processed", "skipped"}


_texts = st.sampled_from(["Oi!", WORTH, ASKS, "The account Acme", "Ok", ""])
_moves = st.one_of(
    st.tuples(st.just("lead"), _texts),
    st.tuples(st.just("us"), _texts),
    st.tuples(st.just("thread.extraction_requested"), st.just("")),
    st.tuples(st.just("thread.summary_requested"), st.just("")),
    st.tuples(st.just("conversation.thread_resolved"), st.just("")),
)


@given(st.lists(st.tuples(_moves, st.sampled_from([0, 1, 30, 1_500])), min_size=1, max_size=20))
async def test_whatever_is_said_nothing_is_left_to_do_in_the_end_and_all_of_it_folds(
    said: list[tuple[tuple[str, str], int]],
) -> None:
    of, model = world()
    for (what, text), minutes in said:
        of.now += minutes * MINUTE
        at = of.now
        move = {"lead": lead, "us": us}[what](text, at) if what in ("lead", "us") else of_thread(what, at)
        assert await of.said(move) == set()
    await of.wait()
    for _ in range(3):
        await of.sweep(of.now + DAY)
    asked = model.jobs()
    await of.wait()
    await of.sweep(of.now + 9 * DAY)
    assert model.jobs() == asked
    assert of.given_up == []
    assert canonical_bytes(of.store.memories) == canonical_bytes(folded([each for each, _ in of.store.events.values()]))
