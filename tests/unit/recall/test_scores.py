"""Scores are shares, and move the way that their names say."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain import scores
from lead_memory.domain.memories import MemoryType, Source
from tests.unit.recall.entries import NOW, shares, times

counts = st.integers(0, 1_000)
content_types = st.sampled_from([None, *scores.HALF_LIFE_DAYS_OF_CONTENT, "unheard of"])
types = st.sampled_from(MemoryType)
sources = st.sampled_from(Source)


@given(st.text(max_size=50))
def test_quality_is_a_share(text: str) -> None:
    assert 0 <= scores.quality(text) <= 1


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("Prefers to be called after lunch, never on Mondays", "call"),
        ("Prefers to be called after lunch, never on Mondays", "call call call call call call call call"),
        ("Prefers to be called after lunch, never on Mondays", "{{}} ;; -- == prefers ## called !! after // lunch"),
        ("x", "?!"),
    ],
)
def test_a_text_is_better_that_says_more_does_not_repeat_itself_and_is_made_of_words(better: str, worse: str) -> None:
    assert scores.quality(better) > scores.quality(worse)


@given(sources, shares, counts, counts)
def test_confidence_is_a_share_that_evidence_raises_and_contradictions_lower(
    source: Source, said: float, evidence: int, contradictions: int
) -> None:
    score = scores.confidence_score(source, said, evidence, contradictions)
    assert 0 <= score <= 1
    assert scores.confidence_score(source, said, evidence + 1, contradictions) >= score
    assert scores.confidence_score(source, said, evidence, contradictions + 1) <= score


@given(sources.filter(lambda source: source is not Source.AGENT_INFERRED), shares, shares, counts, counts)
def test_who_declares_a_memory_has_no_say_in_its_confidence(
    source: Source, said: float, other: float, evidence: int, contradictions: int
) -> None:
    assert scores.confidence_score(source, said, evidence, contradictions) == scores.confidence_score(
        source, other, evidence, contradictions
    )


def test_an_inference_begins_with_its_own_confidence() -> None:
    assert scores.confidence_score(Source.AGENT_INFERRED, 0.3, 1, 0) == pytest.approx(0.3)


@given(counts, counts)
def test_consistency_is_whole_until_it_is_contradicted_and_falls_with_each_contradiction(
    evidence: int, contradictions: int
) -> None:
    assert scores.consistency(evidence, 0) == 1
    assert 0 < scores.consistency(evidence, contradictions + 1) < scores.consistency(evidence, contradictions)


@given(sources, counts.filter(bool), counts)
def test_a_memory_is_contradicted_where_contradictions_outnumber_the_evidence_unless_a_person_declared_it(
    source: Source, evidence: int, contradictions: int
) -> None:
    declared = source is Source.USER_DECLARED
    assert scores.contradicted(source, evidence, contradictions) == (contradictions > evidence and not declared)


@given(types, content_types)
def test_freshness_is_whole_at_the_change_and_half_after_the_half_life(
    memory_type: MemoryType, content_type: str | None
) -> None:
    half_life = timedelta(days=scores.freshness_half_life_days(memory_type, content_type))
    assert scores.freshness(memory_type, content_type, NOW, NOW) == 1
    assert scores.freshness(memory_type, content_type, NOW - half_life, NOW) == pytest.approx(0.5)
    assert scores.freshness(memory_type, content_type, NOW + half_life, NOW) == 1


def test_what_a_memory_is_called_says_how_fast_it_ages_and_where_nobody_says_it_its_type_does() -> None:
    month_old = NOW - timedelta(days=30)
    of = scores.freshness
    assert of(MemoryType.FACT, "message", month_old, NOW) < of(MemoryType.FACT, "decision", month_old, NOW)
    assert of(MemoryType.FACT, "unheard of", month_old, NOW) == of(MemoryType.FACT, None, month_old, NOW)
    assert of(MemoryType.BEHAVIORAL, None, month_old, NOW) < of(MemoryType.FACT, None, month_old, NOW)


@given(times, times, st.integers(0, 1_000))
def test_decay_is_a_share_that_falls_with_time_and_rises_with_use(
    updated_at: datetime, used_at: datetime, days: int
) -> None:
    later = NOW + timedelta(days=days)
    unused = scores.decay(updated_at, None, NOW)
    assert 0 <= scores.decay(updated_at, None, later) <= unused <= 1
    assert scores.decay(updated_at, used_at, NOW) >= unused


def test_decay_is_whole_at_use_and_half_after_its_half_life() -> None:
    long_ago, half_life = NOW - timedelta(days=900), timedelta(days=scores.DECAY_HALF_LIFE_DAYS)
    assert scores.decay(long_ago, NOW, NOW) == 1
    assert scores.decay(long_ago, NOW - half_life, NOW) == pytest.approx(0.5)


def test_a_use_after_the_time_that_is_asked_about_does_not_count() -> None:
    then = NOW - timedelta(days=10)
    assert scores.decay(NOW - timedelta(days=100), NOW, then) == scores.decay(NOW - timedelta(days=100), None, then)
