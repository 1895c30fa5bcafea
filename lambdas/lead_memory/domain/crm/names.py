"""Names as they are compared, free of what is only spelling."""

import re

from lead_memory.domain.slugs import unaccented

_LEGAL_FORM = re.compile(
    "inc|incorporated|corp|corporation|company|co|cia|ltd|limited|llc|llp|lp|plc|pllc|pty|pte|pvt|bhd|sdn|"
    "gmbh|ag|kg|kgaa|ohg|ug|mbh|se|bv|nv|vof|cv|sa|sas|sasu|sarl|srl|spa|sl|slu|sau|scs|sca|"
    "ltda|limitada|me|epp|eireli|mei|oy|oyj|ab|as|asa|aps|sro|doo|zrt|kft|kk"
)
"""Of the Americas, Europe and Asia, without the points: `S.A.` and `S/A` are `sa`."""
_AND = frozenset({"and", "e", "et", "und", "y"})
_COMPANY = frozenset({"co", "company", "cia"})
"""Which an `and` goes before: `Silva e Cia`."""
_TITLE = re.compile("mr|mrs|ms|miss|mx|dr|dra|prof|profa|sr|sra|srta|dona")
_LETTER = r"[^\W\d_]"
_POINT_BETWEEN_LETTERS = re.compile(rf"(?<=\b{_LETTER})[./](?={_LETTER}\b)")
_SPACE_BETWEEN_LETTERS = re.compile(rf"(?<=\b{_LETTER}) (?={_LETTER}\b)")
_APOSTROPHE = re.compile("['`\u2019\u00b4]")


def plain(name: str) -> str:
    """`O'Néil, ANA` -> `oneil ana`: lower case, without accents or apostrophes, other marks one space."""
    return " ".join(re.findall(r"[^\W_]+", unaccented(_APOSTROPHE.sub("", name))))


def folded(name: str) -> str:
    """`The S. & P. Company, Ltd.` -> `the sp`: plain, without a legal form at the end or an `and` within.

    A name that is a legal form alone stays. Only for companies and what is called after them: `Ana Sá` is no `S.A.`.
    """
    kept = plain(_POINT_BETWEEN_LETTERS.sub("", name)) or name.casefold().strip()
    while (shorter := _without_form(kept)) != kept:
        kept = shorter
    return kept


def person_words(name: str) -> list[str]:
    """The given name first, without a title: `Dr. Smith, John` is `john smith`."""
    surname, _, given = name.partition(",")
    words = plain(f"{given} {surname}").split()
    return words[1:] if len(words) > 1 and _TITLE.fullmatch(words[0]) else words


def _without_form(name: str) -> str:
    words = name.split(" ")
    while len(words) > 1 and _LEGAL_FORM.fullmatch(words[-1]):
        form = words.pop()
        if len(words) > 1 and form in _COMPANY and words[-1] in _AND:
            words.pop()
    first, *others = words
    spoken = [first, *(word for word in others[:-1] if word not in _AND), *others[-1:]]
    # `J. P. Morgan` is `JP Morgan`.
    return _SPACE_BETWEEN_LETTERS.sub("", " ".join(spoken))
