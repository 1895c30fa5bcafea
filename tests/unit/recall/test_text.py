"""What is searched of a memory, and which memories are searched at all."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.intelligence import cluster
from lead_memory.domain.limits import RECALL_TEXT_CHARACTERS
from lead_memory.domain.memories import Annotations, Memory, MemoryKey, MemoryType, Position, Source, Tier
from lead_memory.domain.recall.making import entry_of
from lead_memory.domain.recall.terms import terms
from lead_memory.domain.recall.text import recall_text, recallable
from lead_memory.domain.recall.vectors import cosines, matrix, quantized
from lead_memory.domain.retention import Retention, RetentionStatus

NOW = datetime(2026, 11, 22, tzinfo=UTC)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


def memory(key: str, value: dict[str, Any], memory_type: MemoryType = MemoryType.FACT, **fields: Any) -> Memory:
    given = {"expires_at": None, "source": Source.USER_DECLARED, "annotations": Annotations(), **fields}
    return Memory(
        lead_organization_id="lead",
        organization_id="org",
        memory_type=memory_type,
        key=key,
        value=value,
        confidence=1.0,
        source_event_ids=("crm/1",),
        source_event_count=1,
        evidence_count=1,
        contradiction_count=0,
        created_at=NOW,
        updated_at=NOW,
        tier=Tier.LONG_TERM,
        newest=Position(NOW, 0, "crm", "1"),
        fold_version=1,
        **given,
    )


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (memory("dog", {"value": "An old beagle"}), "dog: An old beagle"),
        (
            memory(
                "channel",
                {"value": "whatsapp", "opted_out": {"email": "2026-06-15T12:00:00Z"}},
                MemoryType.PREFERENCE,
            ),
            "preferred contact channel: whatsapp, opted out email 2026-06-15T12:00:00Z",
        ),
        (
            memory("product:cof_dec", {"name": "Decaf", "quantity": 2, "total_spent": {"BRL": Decimal("1.50")}}),
            "product cof dec: name Decaf, quantity 2, total spent BRL 1.50",
        ),
        (
            memory("campaign:june", {"bounced": False, "unsubscribed_at": "2026-06-15", "message_counts": {"sent": 1}}),
            "campaign june: bounced no, unsubscribed",
        ),
        (memory("notes", {"value": ["a", "b\n c"]}), "notes: a, b c"),
        (memory("x", {"value": 1}, annotations=Annotations(text="As the caller says")), "As the caller says"),
    ],
)
def test_a_memory_is_told_by_its_name_and_its_value_in_words(told: Memory, text: str) -> None:
    assert recall_text(told) == text


def test_of_a_summary_what_it_says_is_searched_and_its_sources_are_known() -> None:
    sources = [MemoryKey(MemoryType.FACT, key) for key in "abc"]
    name = cluster.name(sources)
    summary = memory(name.key, cluster.value("They love coffee", sources), source=Source.AGENT_INFERRED)
    entry = entry_of(summary, None)
    assert recall_text(summary).endswith(": They love coffee")
    assert (entry.is_summary, entry.summary_of) == (True, tuple(sources))


@given(st.dictionaries(st.text(max_size=9), json_values, max_size=4))
def test_whatever_the_value_its_text_is_one_line_within_the_bound(value: dict[str, Any]) -> None:
    text = recall_text(memory("key", {**value, "long": "palavra " * 999}))
    assert len(text) <= RECALL_TEXT_CHARACTERS
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    "left_out",
    [
        memory("recent:1", {"text": "x"}, MemoryType.CONVERSATION),
        memory("contact", {"notes": {}}, MemoryType.NOTE),
        memory("empty", {}),
        memory("over", {"value": 1}, expires_at=NOW - timedelta(seconds=1)),
        memory("deleted", {"value": 1}, retention=Retention(status=RetentionStatus.SOFT_DELETED)),
        memory("account:acme", {"name": "Acme", "merged_into": "acme_inc"}),
    ],
    ids=lambda memory: memory.key,
)
def test_what_is_not_for_a_recall_is_left_out(left_out: Memory) -> None:
    assert not recallable(left_out, NOW)


@pytest.mark.parametrize("memory_type", [each for each in MemoryType if each not in ("conversation", "note")])
def test_every_other_memory_that_lives_is_recalled(memory_type: MemoryType) -> None:
    assert recallable(memory("key", {"value": 1}, memory_type), NOW)
    archived = memory("key", {"value": 1}, memory_type, retention=Retention(status=RetentionStatus.ARCHIVED))
    assert recallable(archived, NOW)


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Prefere reunião", "PREFERE REUNIAO"),
        ("roasts coffee", "the coffee that they roast"),
        ("integração", "integration"),
    ],
)
def test_case_accents_inflections_and_words_that_say_nothing_do_not_matter(said: str, asked: str) -> None:
    assert set(_hashes(said)) == set(_hashes(asked))


def test_names_with_digits_are_whole() -> None:
    assert set(_hashes("PS-10402")) & set(_hashes("PS-10403")) == set(_hashes("PS"))


def test_a_word_that_stands_twice_is_there_twice() -> None:
    assert len(_hashes("leite, leite")) == 2


def _hashes(text: str) -> list[int]:
    return np.frombuffer(terms(text), "<u4").tolist()


@given(st.integers(0, 2**32 - 1))
def test_one_byte_a_component_keeps_the_angle(seed: int) -> None:
    vector = np.random.default_rng(seed).normal(size=384)
    packed = quantized(vector / np.linalg.norm(vector))
    row = matrix([packed])[0] * packed.scale
    assert len(packed.components) == 384
    assert row @ vector / np.linalg.norm(vector) == pytest.approx(1, abs=0.01)
    [cosine] = cosines(matrix([packed]), np.array([packed.scale], "f4"), packed)
    assert cosine == pytest.approx(1, abs=0.01)


def test_an_entry_has_what_filters_and_ranks_a_memory_and_not_what_is_only_kept_with_it() -> None:
    said = Annotations(text="secret words", metadata={"m": "kept"}, tags=("vip",), importance=0.9, project_id="p1")
    entry = entry_of(memory("key", {"value": "v"}, annotations=said), None)
    assert (entry.tags, entry.importance, entry.project_id) == (("vip",), 0.9, "p1")
    packed = msgspec.msgpack.encode(entry)
    assert b"secret" not in packed
    assert b"kept" not in packed
