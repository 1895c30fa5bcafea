"""The laws of ranking."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain import scores
from lead_memory.domain.memories import Environment, MemoryKey, MemoryType
from lead_memory.domain.recall.entry import Indexed, Use, decode_entry, encode_entry
from lead_memory.domain.recall.ranking import NO_FILTERS, Filters, Query, Ranked, rank
from lead_memory.domain.recall.terms import terms
from lead_memory.domain.recall.weights import DEFAULT, Weights
from tests.unit.recall.entries import NOW, TAGS, VERSION, indexed, indexes, queries, times

EVERYWHERE = Filters(environments=())
ALL = 100
NOTHING = Query(terms=b"")
PARTS = Weights.__struct_fields__
filters = st.builds(
    Filters,
    tags=st.lists(st.sampled_from(TAGS), max_size=2).map(tuple),
    types=st.lists(st.sampled_from([MemoryType.FACT, MemoryType.PREFERENCE]), max_size=1).map(tuple),
    event_types=st.sampled_from([(), ("meeting",)]),
    environments=st.lists(st.sampled_from(Environment), max_size=2).map(tuple),
    project_id=st.sampled_from([None, "p1"]),
    min_score=st.floats(0, 0.8),
    as_of=st.none() | times,
)


def keys(ranked: list[Ranked]) -> list[str]:
    return [each.indexed.entry.name.key for each in ranked]


def fact(key: str) -> MemoryKey:
    return MemoryKey(MemoryType.FACT, key)


@given(indexes, queries, filters, st.integers(1, 9))
def test_at_most_k_are_answered_best_first_and_a_score_is_the_sum_of_its_parts(
    index: list[Indexed], query: Query, filters: Filters, k: int
) -> None:
    ranked = rank(index, query, now=NOW, k=k, filters=filters)
    assert len(ranked) <= k
    assert [each.score for each in ranked] == sorted((each.score for each in ranked), reverse=True)
    for each in ranked:
        assert each.score == pytest.approx(sum(msgspec.structs.astuple(each.parts)))
        for part in PARTS:
            assert -1e-9 <= getattr(each.parts, part) <= getattr(DEFAULT, part) + 1e-6


@given(indexes, queries, filters)
def test_filters_hold(index: list[Indexed], query: Query, filters: Filters) -> None:
    for each in rank(index, query, now=NOW, k=ALL, filters=filters):
        entry = each.indexed.entry
        assert not filters.tags or set(filters.tags) & set(entry.tags)
        assert not filters.types or entry.name.memory_type in filters.types
        assert not filters.event_types or entry.event_type in filters.event_types
        assert not filters.environments or entry.environment in filters.environments
        assert filters.project_id in (None, entry.project_id)
        assert each.score >= filters.min_score
        assert filters.as_of is None or entry.updated_at <= filters.as_of.timestamp()
        assert entry.expires_at is None or entry.expires_at > NOW.timestamp()
        assert not scores.contradicted(entry.source, entry.evidence_count, entry.contradiction_count)


@given(indexes, queries)
def test_the_order_of_the_entries_does_not_matter(index: list[Indexed], query: Query) -> None:
    assert rank(index, query, now=NOW, k=ALL) == rank(index[::-1], query, now=NOW, k=ALL)


@given(indexes, queries)
def test_nothing_is_told_twice(index: list[Indexed], query: Query) -> None:
    answered = [each.indexed.entry for each in rank(index, query, now=NOW, k=ALL, filters=EVERYWHERE)]
    names = {entry.name for entry in answered}
    assert not any(set(entry.summary_of) - {entry.name} & names for entry in answered)
    parents = [entry.parent for entry in answered if entry.parent]
    assert len(parents) == len(set(parents))


@given(indexes, queries, st.sampled_from(PARTS))
def test_a_weight_of_0_takes_its_part_out(index: list[Indexed], query: Query, part: str) -> None:
    others = [other for other in PARTS if other != part]
    weights = Weights(**{part: 0.0, **dict.fromkeys(others, 1 / len(others))})
    assert all(getattr(each.parts, part) == 0 for each in rank(index, query, now=NOW, k=ALL, weights=weights))


@given(indexes, queries)
def test_age_and_confidence_are_ranked_as_they_are_shown(index: list[Indexed], query: Query) -> None:
    weights = Weights(similarity=0, keywords=0, importance=0.25, freshness=0.25, decay=0.25, confidence=0.25)
    for each in rank(index, query, now=NOW, k=ALL, weights=weights):
        entry, use = each.indexed.entry, each.indexed.use
        updated_at = NOW - timedelta(seconds=NOW.timestamp() - entry.updated_at)
        of_type = scores.freshness(entry.name.memory_type, entry.content_type, updated_at, NOW)
        assert each.parts.freshness == pytest.approx(of_type / 4)
        assert each.parts.decay == pytest.approx(scores.decay(updated_at, use.last_accessed_at, NOW) / 4)


@given(indexes)
def test_an_entry_is_read_as_it_was_written(index: list[Indexed]) -> None:
    assert all(decode_entry(encode_entry(each.entry)) == each.entry for each in index)


def test_meaning_and_words_rank_above_what_has_neither() -> None:
    index = [
        indexed("neither", "opening hours", (0.0, 1.0)),
        indexed("words", "grinder is loud", (0.0, 1.0)),
        indexed("meaning", "noise of the mill", (1.0, 0.1)),
    ]
    query = Query(
        terms=terms("loud grinder?"), vector=indexed("", "", (1.0, 0.0)).entry.vector, embedding_version=VERSION
    )
    assert keys(rank(index, query, now=NOW, k=ALL)) == ["meaning", "words", "neither"]


def test_a_vector_of_another_model_is_not_compared() -> None:
    old = msgspec.structs.replace(indexed("old", "", (1.0, 0.0)), embedding_version="other/1")
    query = Query(terms=b"", vector=old.entry.vector, embedding_version=VERSION)
    [ranked] = rank([old], query, now=NOW, k=ALL)
    assert ranked.parts.similarity == 0


def test_a_rare_word_counts_more_than_one_that_all_have() -> None:
    index = [indexed("both", "invoice PS-10402"), *(indexed(key, "invoice") for key in "abc")]
    [first, second, *_] = rank(index, Query(terms=terms("invoice ps-10402")), now=NOW, k=ALL)
    assert first.indexed.entry.name == fact("both")
    assert first.parts.keywords > 4 * second.parts.keywords


def test_between_a_summary_and_its_sources_the_higher_one_stays_and_a_source_names_its_summary() -> None:
    sources = (fact("a"), fact("b"))
    summary = indexed("summary", "coffee", is_summary=True, summary_of=sources, importance=0.0)
    a, b = indexed("a", "coffee grinder"), indexed("b", "coffee", importance=0.1)
    below = rank([summary, a, b], NOTHING, now=NOW, k=ALL)
    assert keys(below) == ["a", "b"]
    assert [each.summarized_in for each in below] == [fact("summary")] * 2
    raised = msgspec.structs.replace(summary, entry=msgspec.structs.replace(summary.entry, importance=1.0))
    above = rank([raised, a, b], NOTHING, now=NOW, k=ALL)
    assert keys(above) == ["summary"]


def test_a_summary_of_what_changed_since_is_left_out_and_what_changed_is_told() -> None:
    sources = (fact("a"), fact("b"))
    summary = indexed("summary", "coffee", is_summary=True, summary_of=sources, importance=1.0)
    a, b = indexed("a", "coffee grinder"), indexed("b", "coffee")
    later = msgspec.structs.replace(a.entry, updated_at=summary.entry.updated_at + 1)
    changed = rank([summary, msgspec.structs.replace(a, entry=later), b], NOTHING, now=NOW, k=ALL)
    assert sorted(keys(changed)) == ["a", "b"]


def test_of_two_fragments_of_a_memory_the_better_one_stays() -> None:
    whole = fact("whole")
    index = [indexed("a", parent=whole, importance=0.2), indexed("b", parent=whole, importance=0.9), indexed("whole")]
    assert keys(rank(index, NOTHING, now=NOW, k=ALL)) == ["b", "whole"]


def test_at_equal_scores_the_text_that_says_more_comes_first() -> None:
    index = [indexed("a", quality=0.2), indexed("b", quality=0.9)]
    assert keys(rank(index, NOTHING, now=NOW, k=ALL)) == ["b", "a"]


def test_as_of_a_time_a_later_use_does_not_count() -> None:
    then = NOW - timedelta(days=90)
    unused = indexed("a", updated_at=(NOW - timedelta(days=180)).timestamp())
    used = msgspec.structs.replace(unused, use=Use(1, NOW))
    [ours], [theirs] = (rank([each], NOTHING, now=NOW, k=ALL, filters=Filters(as_of=then)) for each in (unused, used))
    assert ours.parts == theirs.parts
    assert ours.parts.decay == pytest.approx(DEFAULT.decay / 2)


@pytest.mark.parametrize("wrong", [{"similarity": 0.7}, {"similarity": -0.1, "keywords": 0.85}, {"importance": 0.0}])
def test_weights_that_are_not_shares_of_a_whole_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="together 1"):
        Weights(**wrong)


def test_a_lead_without_memories_is_answered_with_none() -> None:
    assert rank([], NOTHING, now=NOW, k=1, filters=NO_FILTERS) == []
