"""The day that a sentence names, counted from the day on which it was said."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

from lead_memory.domain.intelligence.offline.sentences import pattern

_MONTHS = [
    "january|janeiro",
    "february|fevereiro",
    "march|marco",
    "april|abril",
    "may|maio",
    "june|junho",
    "july|julho",
    "august|agosto",
    "september|setembro",
    "october|outubro",
    "november|novembro",
    "december|dezembro",
]
MONTH = f"(?:{'|'.join(_MONTHS)})"
# In Portuguese, all but the weekend's are ordinary numbers too: "segunda opção".
_ON = r"(?:(?:ate|proxima|pra|para) (?:a )?|n?a )"
_WEEKDAYS = [
    rf"monday|{_ON}segunda|segunda-feira",
    rf"tuesday|{_ON}terca|terca-feira",
    rf"wednesday|{_ON}quarta|quarta-feira",
    rf"thursday|{_ON}quinta|quinta-feira",
    rf"friday|{_ON}sexta|sexta-feira",
    "saturday|sabado",
    "sunday|domingo",
]


WEEKDAY = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:segunda|terca|quarta|quinta|sexta)(?:-feira)?|sabado|domingo)"
)

_OF_TIMES = re.compile(
    rf"{MONTH}|{WEEKDAY}|\d[\d-]*(?:st|nd|rd|th|am|pm|h)?|today|tonight|tomorrow|hoje|amanha|depois|after|the|an?|o|os?"
    r"|on|by|before|in|within|at|of|this|next|or|ou|ate|antes|em|n[ao]|d[aeo]|para|pra|dentro|daqui|dia|dias|days?"
    r"|mornings?|afternoons?|evenings?|manha|tarde|noite|please|maybe|latest|i'm|i|am|estou|free|available|livre"
    r"|disponivel|yes|ok|sim",
    re.I,
)


def names_only_a_time(clause: str) -> bool:
    """Or that somebody is free then; an empty one does too."""
    return all(_OF_TIMES.fullmatch(word) for word in re.findall(r"[\w'-]+", clause))


def _in_month(day: int, month: int, said: date) -> date:
    """The next one, a date without its year being ahead."""
    named = date(said.year, month, day)
    return named if named >= said else date(said.year + 1, month, day)


def _of_month(day: int, said: date) -> date:
    after = said.replace(day=1) + timedelta(days=31)
    return said.replace(day=day) if day >= said.day else after.replace(day=day)


def _index(words: list[str], word: str) -> int:
    return next(n for n, spelled in enumerate(words) if pattern(spelled).fullmatch(word))


_DAYS: list[tuple[re.Pattern[str], Callable[[re.Match[str], date], date]]] = [
    (pattern(r"\d{4}-\d\d-\d\d"), lambda named, _: date.fromisoformat(named[0])),
    (pattern("day after tomorrow", "depois de amanha"), lambda _, said: said + timedelta(days=2)),
    (pattern("tomorrow", "amanha"), lambda _, said: said + timedelta(days=1)),
    (pattern("today", "tonight", "hoje"), lambda _, said: said),
    (
        pattern(r"(?:in|within|em|daqui a|dentro de) (\d{1,3}) (?:days|dias)"),
        lambda named, said: said + timedelta(days=int(named[1])),
    ),
    (
        pattern(rf"({MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?"),
        lambda named, said: _in_month(int(named[2]), _index(_MONTHS, named[1]) + 1, said),
    ),
    (
        pattern(rf"(\d{{1,2}})(?:st|nd|rd|th)? (?:de|of) ({MONTH})"),
        lambda named, said: _in_month(int(named[1]), _index(_MONTHS, named[2]) + 1, said),
    ),
    (pattern(r"dia (\d{1,2})"), lambda named, said: _of_month(int(named[1]), said)),
    (
        pattern("|".join(_WEEKDAYS)),
        lambda named, said: said + timedelta(days=(_index(_WEEKDAYS, named[0]) - said.weekday() - 1) % 7 + 1),
    ),
]


def day(words: str, at: datetime) -> str | None:
    """ISO 8601, in the zone of `at`, of words in plain letters; a weekday is the next one, never the day itself."""
    for named, of in _DAYS:
        if match := named.search(words):
            try:
                return of(match, at.date()).isoformat()
            except (ValueError, OverflowError):  # The 31st of February, or beyond the calendar
                return None
    return None
