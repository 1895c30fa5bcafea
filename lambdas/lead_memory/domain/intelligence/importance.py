"""How much a conversation has to say, before a model is paid to read it."""

import re
from collections.abc import Sequence

from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.triggers import Topic, crm_mentioned, topics
from lead_memory.domain.intelligence.words import folded

WORTH_ASKING = 20
MOST = 100

_TOPIC, _BUDGET, _CRM = 20, 5, 30
_AMOUNT, _DATE = 10, 10
_DUE = 5
_OF_MESSAGE, _MESSAGES = 1, 5
_WORDS_OF_POINT, _WORDS = 15, 8

_AMOUNTS = re.compile(r"(?:r\$|[$€£])\s?\d|\d\s?(?:k|mil|reais|dollars|euros|usd|brl|eur)\b")
_DATES = re.compile(
    r"(?<!\w)(?:\d{1,2}/\d{1,2}\b|\d{4}-\d\d-\d\d\b|q[1-4]\b|(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|(?:january|february|april|june|july|august|september|october|november|december)\b"
    r"|(?:segunda|terca|quarta|quinta|sexta)-feira\b|dia \d|\d{1,2} de \w|tomorrow\b|amanha\b"
    r"|(?:janeiro|fevereiro|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro)\b)"
)


def importance(lines: Sequence[Line], requested: bool, due: bool) -> int:
    """0 to 100. One that was asked for is 100; else the sum, at most 100, of

    - 20 for each of the seven topics that the lead's new messages have, and 5 more for the budget;
    - 30 where a new message of either side names a CRM's record, or gives its id;
    - 10 where the lead names an amount of money, 10 for a day or a month;
    - 1 for each new message of the lead, at most 5, and 1 for every 15 words of them, at most 8;
    - 5 where the number of messages, or their silence, made it `due`.

    The weights are a choice: one topic is worth asking, whatever else was said; what has none, no date and no
    amount stays below 20 however long it is.
    """
    if requested:
        return MOST
    new = [line for line in lines if line.new]
    plain = [folded(line.text) for line in new if line.from_lead]
    spoken_of = frozenset[Topic]().union(*map(topics, plain))
    words = sum(len(text.split()) for text in plain)
    points = (
        _TOPIC * len(spoken_of)
        + _BUDGET * (Topic.BUDGET in spoken_of)
        + _CRM * any(crm_mentioned(line.text) for line in new)
        + _AMOUNT * any(map(_AMOUNTS.search, plain))
        + _DATE * any(map(_DATES.search, plain))
        + min(_MESSAGES, _OF_MESSAGE * len(plain))
        + min(_WORDS, words // _WORDS_OF_POINT)
        + _DUE * due
    )
    return min(MOST, points)
