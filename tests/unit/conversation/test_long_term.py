"""What is known of the contact beside the profile, as an agent reads it."""

import time
from datetime import timedelta
from typing import Any

from lead_memory.domain.conversation.cutting import CUT
from lead_memory.domain.conversation.long_term import parts
from lead_memory.domain.memories import Memory, MemoryKey, MemoryType
from tests.events import START, event
from tests.unit.record.test_recorder_laws import folded


def fact(key: str, value: Any, minutes: int = 0) -> Memory:
    declared = {"memory_type": "fact", "key": key, "value": value}
    at = START + timedelta(minutes=minutes)
    return folded([event("memory.declared", declared, at=at)])[MemoryKey(MemoryType.FACT, key)]


def lines(*memories: Memory, about: Any = None, interactions: Any = None) -> list[str]:
    return [line for part in parts(about or {}, interactions or {}, memories) for line in part]


def test_facts_are_written_out_the_newest_first() -> None:
    family = {"children": ["Bia", "Leo"], "city": {"name": "Recife"}, "married": True}
    assert lines(fact("family", family), fact("vip", True, minutes=1)) == [
        "**Key Facts:**",
        "- vip: yes",
        "- family: children: Bia, Leo, city: name: Recife, married: yes",
    ]


def test_a_long_fact_is_cut_and_no_more_of_it_is_written_out_than_is_shown() -> None:
    long = {f"{number:05}": "word " * 10 for number in range(5_000)}
    memories = [fact(f"f{number}", long) for number in range(3)]
    started = time.process_time()
    for _ in range(100):
        _, *shown = lines(*memories)
    assert time.process_time() - started < 1
    assert all(line.endswith(CUT) and len(line) < 200 for line in shown)


def test_what_the_thread_is_about_and_how_it_went_lately_comes_first() -> None:
    about = {"topic": "delivery", "intent": "order_status", "messages": []}
    interactions = {
        "topics": {"delivery": {"count": 2}, "price": {"count": 3}},
        "channels": {"sms": {"count": 9}},
        "sentiments": [{"sentiment": "negative"}, {"sentiment": "positive"}],
    }
    assert lines(about=about, interactions=interactions) == [
        "**This Conversation:**",
        "- Topic: delivery",
        "- Intent: order_status",
        "**Recent Interactions:**",
        "- Topics: price, delivery",
        "- Sentiment: negative, positive",
    ]


def test_a_resolution_that_says_nothing_is_not_told() -> None:
    resolved = {"thread_id": "t", "resolved_at": "2026-02-03T14:05:11Z"}
    resolutions = [{**resolved, "topic": "delivery", "sentiment": "positive"}, resolved]
    assert lines(interactions={"resolutions": resolutions}) == [
        "**Resolved Before:**",
        "- delivery; positive (2026-02-03)",
    ]
