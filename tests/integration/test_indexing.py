"""The index that recalls read, kept on a table: of what is recorded, changed, put to rest and taken away."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiodynamo.expressions import F

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import UNSETTLED
from lead_memory.adapters.large_payloads import LARGE_CONTENT, objects_of
from lead_memory.adapters.memory_items import CONTENT, VERSION
from lead_memory.domain.intelligence import cluster
from lead_memory.domain.memories import Lead, StorageTier
from lead_memory.domain.recall.making import entry_of
from lead_memory.services import indexing
from lead_memory.services.forget import forget
from lead_memory.services.indexing import WAITS, Made
from tests.events import LEAD, SOMEBODY, START, event
from tests.fakes import no_pause
from tests.integration.recalling import LATER, RECORDING_SECONDS, Recalling, fact, of_fact, request
from tests.integration.test_erasure import Ground
from tests.raw_items import attributes_with, raw_items
from tests.unit.erase.fakes import row
from tests.unit.recalling.fakes import WordEmbedder

MAIL = fact("contact", "prefers mail in the morning")
PET = fact("pet", "a dog named Rex")
OF_PET, OF_MAIL = "vector#fact#pet", "vector#fact#contact"
SAME = [fact(f"visit {n}", "came to the store in Recife") for n in range(3)]


async def test_what_was_recorded_is_embedded_together_and_recalled(recalling: Recalling) -> None:
    outcome = await recalling.say(MAIL, PET)
    assert (outcome.failed, outcome.counts["written"], outcome.counts["embedded"]) == (set(), 2, 2)
    [texts] = recalling.embedder.batches
    assert ["Rex" in text for text in sorted(texts)] == [False, True]
    answer = await recalling.recall("Which dog do they have?")
    assert [each.memory.key for each in answer.recalled] == ["pet", "contact"]
    assert (answer.similar, answer.entries, answer.waiting, answer.newest_at) == (True, 2, 0, START)


async def test_texts_of_several_leads_are_embedded_at_once(recalling: Recalling) -> None:
    others = [Lead(SOMEBODY.organization_id, str(uuid4())) for _ in range(3)]
    events = [fact("pet", f"a dog named Rex the {n}", lead=lead) for n, lead in enumerate(others)]
    for each in events:
        await recalling.record(each)
    assert (await recalling.look_at(*events)).counts["written"] == 3
    assert [len(batch) for batch in recalling.embedder.batches] == [3]
    assert await recalling.keys("dog", lead=others[0]) == ["pet"]


async def test_an_event_that_is_not_recorded_yet_is_looked_for_again_each_time_later(recalling: Recalling) -> None:
    await recalling.look_at(PET)
    for _ in range(WAITS):
        again, _ = recalling.queue.sent[-1]
        assert again.ref == PET.ref
        await recalling.embed(again)
    delays = [delay for _, delay in recalling.queue.sent]
    assert delays == [min(RECORDING_SECONDS * 4**n, 900) for n in range(WAITS)]
    assert recalling.items() == {}
    await recalling.record(PET)
    assert (await recalling.embed(again)).counts["written"] == 1
    assert await recalling.keys("dog") == ["pet"]


async def test_an_event_of_which_not_all_is_written_yet_is_looked_at_now_and_again(recalling: Recalling) -> None:
    await recalling.record(PET)
    key = keys.event_key(LEAD, PET.ref)
    await recalling.table.update(key, F(UNSETTLED).set(1), F(keys.PK).exists())
    assert (await recalling.look_at(PET)).counts["written"] == 1
    assert [(again.ref, again.waits) for again, _ in recalling.queue.sent] == [(PET.ref, 1)]


async def test_what_changed_has_another_vector_and_what_was_said_beside_it_keeps_its_vector(
    recalling: Recalling,
) -> None:
    await recalling.say(PET)
    before = recalling.items()[OF_PET]
    await recalling.say(of_fact("memory.annotated", "pet", 1, tags=["home"]))
    beside = recalling.items()[OF_PET]
    assert beside["vector_id"] == before["vector_id"]
    assert beside["memory_version"] != before["memory_version"]
    assert len(recalling.embedder.batches) == 1
    assert await recalling.keys("dog", tags=("home",)) == ["pet"]
    await recalling.say(fact("pet", "a cat named Rex", 2))
    assert recalling.items()[OF_PET]["vector_id"] != before["vector_id"]
    [told] = (await recalling.recall("cat")).recalled
    assert told.ranked.parts.similarity > 0


async def test_what_is_hidden_leaves_the_index_and_comes_back_when_it_is_restored(recalling: Recalling) -> None:
    await recalling.say(PET, MAIL)
    assert (await recalling.say(of_fact("memory.soft_deleted", "pet", 1, source="operator"))).counts["removed"] == 1
    assert set(recalling.items()) == {OF_MAIL}
    await recalling.say(of_fact("memory.restored", "pet", 2, source="operator"))
    assert set(recalling.items()) == {OF_MAIL, OF_PET}


async def test_what_expired_leaves_the_index(recalling: Recalling) -> None:
    await recalling.say(fact("pet", "a dog", expires_at=(LATER + timedelta(hours=1)).isoformat()))
    recalling.now = LATER + timedelta(hours=2)
    assert await recalling.keys("dog") == []
    assert (await recalling.make_right()).counts["removed"] == 1
    assert recalling.items() == {}


async def test_a_memory_that_changed_meanwhile_does_not_get_its_old_entry(recalling: Recalling) -> None:
    await recalling.record(PET)
    passages = recalling.embedder.passages

    async def meanwhile(texts: list[str]) -> object:
        await recalling.record(fact("pet", "a cat", 1))
        return await passages(texts)

    recalling.embedder.passages = meanwhile  # type: ignore[assignment, method-assign]
    outcome = await recalling.look_at(PET)
    assert (outcome.failed, outcome.counts["outrun"]) == (set(), 1)
    assert recalling.items() == {}


async def test_of_an_erased_lead_nothing_is_left_and_nothing_comes_back(recalling: Recalling) -> None:
    await recalling.say(MAIL)
    await recalling.record(PET)
    [standing] = await recalling.index.standing(SOMEBODY, ["fact#pet"])
    ground = Ground(recalling.table, recalling.keyrings, recalling.bucket, queue_urls=[])
    receipt = await ground.eraser.lead(SOMEBODY, asked_by="me", dry_run=False)
    assert receipt.removed["vectors"] == 1
    assert standing.memory
    made = Made(entry_of(standing.memory, None), StorageTier.HOT, "id", None)
    assert not await recalling.index.write(SOMEBODY, standing, made)
    assert (await recalling.look_at(PET, MAIL)).failed == set()
    assert recalling.items() == {}


async def test_all_that_a_lead_has_is_made_right_page_by_page(
    recalling: Recalling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "PAGE", 2)
    await recalling.say(PET, MAIL)
    await forget(recalling.store, row, SOMEBODY, MAIL.ref, no_pause)
    await recalling.record(fact("pet", "a cat named Rex", 1), *SAME)
    counts = (await recalling.make_right()).counts
    assert (counts["written"], counts["removed"]) == (4, 1)
    assert set(recalling.items()) == {OF_PET, *(f"vector#fact#visit {n}" for n in range(3))}
    assert await recalling.keys("cat", k=1) == ["pet"]
    assert +(await recalling.make_right()).counts == {}


async def test_what_an_older_model_embedded_is_embedded_anew_and_until_then_found_by_its_words(
    recalling: Recalling,
) -> None:
    await recalling.say(PET, MAIL)
    recalling.embedder = WordEmbedder("words/2")
    answer = await recalling.recall("dog")
    assert answer.waiting == 2
    assert answer.recalled[0].memory.key == "pet"
    assert answer.recalled[0].ranked.parts.similarity == 0
    assert (await recalling.make_right()).counts["embedded"] == 2
    assert (await recalling.recall("dog")).waiting == 0


async def test_while_the_embedder_is_away_memories_are_found_by_their_words_and_asked_for_again(
    recalling: Recalling,
) -> None:
    recalling.embedder.away = True
    outcome = await recalling.say(PET, MAIL)
    assert (outcome.failed, outcome.counts["written"]) == ({0, 1}, 2)
    answer = await recalling.recall("dog")
    assert [each.memory.key for each in answer.recalled] == ["pet", "contact"]
    assert (answer.similar, answer.waiting) == (False, 2)
    recalling.embedder.away = False
    assert (await recalling.look_at(PET, MAIL)).counts["embedded"] == 2
    answer = await recalling.recall("dog")
    assert (answer.similar, answer.waiting) == (True, 0)


async def test_what_is_given_back_asks_for_nothing_more_before_it_is_through(
    recalling: Recalling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "PAGE", 1)
    await recalling.record(PET, MAIL)
    recalling.embedder.away = True
    for _ in range(3):
        assert (await recalling.embed(request(SOMEBODY), request(SOMEBODY, "shop/unknown"))).failed == {0, 1}
    assert recalling.queue.sent == []
    recalling.embedder.away = False
    assert (await recalling.embed(request(SOMEBODY), request(SOMEBODY, "shop/unknown"))).failed == set()
    assert [(again.after is not None, again.waits) for again, _ in recalling.queue.sent] == [(True, 0), (False, 1)]


async def test_an_organization_that_nothing_is_recorded_of_is_given_no_keys(recalling: Recalling) -> None:
    nobody = Lead(str(uuid4()), str(uuid4()))
    assert (await recalling.embed(request(nobody, "shop/e1"), request(nobody))).failed == set()
    assert await recalling.keyrings.of(nobody.organization_id) is None


async def test_what_is_cold_lies_in_the_bucket_until_it_is_asked_for_and_brought_back(recalling: Recalling) -> None:
    await recalling.say(PET, MAIL)
    await recalling.say(of_fact("memory.tiered", "pet", 1, source="cleanup", storage_tier="cold"))
    item = recalling.items()[OF_PET]
    assert CONTENT not in item
    assert item[LARGE_CONTENT] in await recalling.payloads.find(objects_of(LEAD))
    answer = await recalling.recall("dog")
    assert [each.memory.key for each in answer.recalled] == ["contact"]
    assert answer.cold == 1
    told = (await recalling.recall("dog", cold=True)).recalled[0]
    assert (told.memory.key, told.memory.value) == ("pet", {"says": "a dog named Rex"})
    assert told.ranked.parts.similarity > 0
    await recalling.count_uses()
    [back] = await recalling.record_published()
    assert (await recalling.look_at(back)).counts["written"] == 1
    assert len(recalling.embedder.batches) == 1
    assert await recalling.keys("dog", k=1) == ["pet"]
    assert await recalling.payloads.find(objects_of(LEAD)) == []


async def test_an_object_that_is_gone_costs_itself_alone_and_is_made_again(recalling: Recalling) -> None:
    await recalling.say(PET, MAIL, of_fact("memory.tiered", "pet", 1, source="cleanup", storage_tier="cold"))
    await recalling.payloads.delete(await recalling.payloads.find(objects_of(LEAD)))
    assert [each.memory.key for each in (await recalling.recall("dog", cold=True)).recalled] == ["contact"]
    assert (await recalling.make_right()).failed == set()
    await recalling.say(of_fact("memory.annotated", "pet", 2, tags=["home"]))
    told = (await recalling.recall("dog", cold=True)).recalled[0]
    assert (told.memory.key, told.memory.value) == ("pet", {"says": "a dog named Rex"})


async def test_an_entry_that_was_not_written_leaves_no_object(recalling: Recalling) -> None:
    await recalling.say(PET)
    [standing] = await recalling.index.standing(SOMEBODY, ["fact#pet"])
    await recalling.say(fact("pet", "a cat", 1))
    assert standing.memory
    made = Made(entry_of(standing.memory, None), StorageTier.COLD, "id", None)
    assert not await recalling.index.write(SOMEBODY, standing, made)
    assert await recalling.payloads.find(objects_of(LEAD)) == []


async def test_memories_that_say_the_same_are_summed_up_once(recalling: Recalling) -> None:
    await recalling.say(PET, *SAME[:2])
    assert recalling.bus.published == []
    assert (await recalling.say(SAME[2])).counts["clusters"] == 1
    first = recalling.bus.published
    await recalling.say(fact("car", "a red Fiat Uno", 1))
    assert recalling.bus.published == first
    [asked] = await recalling.record_published()
    said: Any = asked.data
    assert (said.asked_by, [each.key for each in said.names]) == ("embedder", ["visit 0", "visit 1", "visit 2"])
    summary = cluster.value("Came to the store in Recife three times.", said.names)
    key = cluster.name(said.names).key
    await recalling.say(of_fact("memory.inferred", key, 2, value=summary, confidence=0.7))
    await recalling.say(fact("visit 2", "came to the store in Recife, in the rain", 3))
    assert recalling.bus.published == []
    told = [each for each in (await recalling.recall("Recife store")).recalled if "Recife" in each.text]
    summaries = [each for each in told if each.ranked.indexed.entry.is_summary]
    assert summaries == told[:1] or {each.ranked.summarized_in for each in told} == {cluster.name(said.names)}


async def test_a_bus_that_does_not_take_all_has_the_request_given_back(recalling: Recalling) -> None:
    recalling.bus.takes = False
    assert (await recalling.say(*SAME)).failed == {0, 1, 2}


async def test_where_names_are_hashed_none_is_in_clear(recalling: Recalling) -> None:
    lead = Lead(str(uuid4()), str(uuid4()))
    await recalling.keyrings.begin(lead.organization_id, hashes_names=True)
    said = [fact("secret pet", "a dog named Rex", lead=lead, tags=["at home"])]
    await recalling.say(*said)
    assert await recalling.keys("dog", lead=lead) == ["secret pet"]
    assert attributes_with({"secret", "Rex", "home"}, raw_items(recalling.table.name)) == set()
    await recalling.count_uses()
    [item] = recalling.items().values()
    assert item["usage_count"] == 1


async def test_nobody_indexes_or_reads_another_organizations_lead(recalling: Recalling) -> None:
    await recalling.say(PET)
    another = Lead(str(uuid4()), LEAD)
    await recalling.say(fact("own", "of another", lead=Lead(another.organization_id, str(uuid4()))))
    before = recalling.items()
    assert (await recalling.embed(request(another), request(another, PET.ref))).counts["written"] == 0
    assert recalling.items() == before
    answer = await recalling.recall("dog", lead=another)
    assert (answer.recalled, answer.entries, answer.lead_known) == ([], 0, False)


async def test_what_is_said_in_a_conversation_is_not_indexed(recalling: Recalling) -> None:
    said = {"thread_id": "t", "channel": "sms", "text": "Oi!"}
    outcome = await recalling.say(event("conversation.message_received", said))
    assert outcome.failed == set()
    assert not [key for key in recalling.items() if "conversation#" in key]


async def test_a_row_that_does_not_open_is_in_no_recall_and_costs_itself_alone(recalling: Recalling) -> None:
    await recalling.say(PET, MAIL)
    await recalling.table.update(keys.Key(LEAD, OF_PET), F(CONTENT).set(b"not sealed"), F(keys.PK).exists())
    assert await recalling.keys("dog") == ["contact"]
    await recalling.table.update(keys.Key(LEAD, "fact#pet"), F(VERSION).set(1), F(keys.PK).exists())
    assert (await recalling.make_right()).counts["written"] == 1
    assert await recalling.keys("dog", k=1) == ["pet"]
