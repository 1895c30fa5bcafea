"""How good, how sure and how recent a memory is: functions of what is known of it, and of the time.

Each is from 0 to 1. None of them is stored, and none can be set by who writes a memory.
"""

import math
import re
from datetime import datetime, timedelta

from lead_memory.domain.memories import MemoryType, Source

_WORD = re.compile(r"[^\W_]+")
_ENOUGH_WORDS = 6
"""Different ones that make a text say something: a short sentence."""

PRIOR_MEANS = {
    Source.USER_DECLARED: 0.95,
    Source.EVENT_DERIVED: 0.9,
    Source.SYSTEM_COMPUTED: 0.7,
}
"""How often such a source is right. An inference has said itself how sure it is."""
PRIOR_STRENGTH = 4
"""How many observations the prior counts as."""
CONTRADICTED = 0.5
"""A consistency under it: contradictions outnumber the evidence."""

HALF_LIFE_DAYS_OF_CONTENT = {
    "message": 14,
    "status": 14,
    "task": 30,
    "event": 30,
    "meeting": 60,
    "plan": 90,
    "opinion": 180,
    "decision": 365,
    "document": 365,
    "preference": 730,
    "fact": 1_095,
    "identity": 3_650,
}
"""What is said of a memory as its `content_type` -> days after which it is half as fresh."""
HALF_LIFE_DAYS_OF_TYPE = {
    MemoryType.BEHAVIORAL: 30,
    MemoryType.INTEREST: 60,
    MemoryType.CAMPAIGN: 90,
    MemoryType.SUPPORT: 180,
    MemoryType.PURCHASE: 365,
    MemoryType.FORM: 365,
    MemoryType.PREFERENCE: 730,
    MemoryType.FACT: 1_095,
}
"""Of one without a content type, or with one that is not known here."""
DECAY_HALF_LIFE_DAYS = 90
_DAY = timedelta(days=1)


def quality(text: str) -> float:
    """How much a text says: the geometric mean of three shares. Ours; nothing is asked of a model.

    - words enough: different words / 6, at most 1;
    - not repeated: different words / words, the type-token ratio;
    - words at all: letters and digits / characters that are no spaces.
    """
    words = _WORD.findall(text.casefold())
    if not words:
        return 0.0
    different = len(set(words))
    enough = min(different / _ENOUGH_WORDS, 1.0)
    legible = sum(map(len, words)) / len("".join(text.casefold().split()))
    return float(math.cbrt(enough * different / len(words) * min(legible, 1.0)))


def confidence_score(source: Source, confidence: float, evidence_count: int, contradiction_count: int) -> float:
    """The mean of a Beta posterior, (n m + e) / (n + e + c): n, the prior's strength, is 4 observations, m is the
    source's mean, or what an inference said of itself; e is the evidence after the first, c the contradictions.

    Gelman et al., Bayesian Data Analysis, 3rd edition, section 2.4.
    """
    mean = PRIOR_MEANS.get(source, confidence)
    more = max(evidence_count - 1, 0)
    return (PRIOR_STRENGTH * mean + more) / (PRIOR_STRENGTH + more + contradiction_count)


def consistency(evidence_count: int, contradiction_count: int) -> float:
    """The share of the evidence in all that was said of it, e / (e + c): 1 until it is contradicted."""
    evidence = max(evidence_count, 1)
    return evidence / (evidence + contradiction_count)


def contradicted(source: Source, evidence_count: int, contradiction_count: int) -> bool:
    """Not what a person declared: only weaker sources contradict that."""
    return source is not Source.USER_DECLARED and consistency(evidence_count, contradiction_count) < CONTRADICTED


def freshness(memory_type: MemoryType, content_type: str | None, updated_at: datetime, now: datetime) -> float:
    """2 ** (-age / half-life): 1 at its last change, 0.5 after the half-life of its content."""
    return _halved(updated_at, now, freshness_half_life_days(memory_type, content_type))


def freshness_half_life_days(memory_type: MemoryType, content_type: str | None) -> int:
    of_type = HALF_LIFE_DAYS_OF_TYPE.get(memory_type, DECAY_HALF_LIFE_DAYS)
    return HALF_LIFE_DAYS_OF_CONTENT.get(content_type, of_type) if content_type else of_type


def decay(updated_at: datetime, last_accessed_at: datetime | None, now: datetime) -> float:
    """2 ** (-time without use / 90 days), since its last use or its last change, whichever is later.

    A use after `now` does not count: of the past it is not known.
    """
    return _halved(in_use_at(updated_at, last_accessed_at, now), now, DECAY_HALF_LIFE_DAYS)


def in_use_at(updated_at: datetime, last_accessed_at: datetime | None, now: datetime) -> datetime:
    return max(updated_at, last_accessed_at) if last_accessed_at and last_accessed_at <= now else updated_at


def _halved(since: datetime, now: datetime, half_life_days: float) -> float:
    """The clocks of two machines differ: what is yet to come is new."""
    return float(0.5 ** (max(now - since, timedelta()) / _DAY / half_life_days))
