"""Characters as they are drawn: one may be several of a text's."""

import unicodedata

from lead_memory.domain.limits import DRAWN_AS_ONE

_ZERO_WIDTH_JOINER = "\u200d"
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))


def whole_length(text: str, length: int) -> int:
    """The longest beginning of at most `length` characters that cuts none in two as it is drawn.

    It is `length` itself where more than `DRAWN_AS_ONE` are drawn as one: nobody can read them.
    """
    if length >= len(text):
        return len(text)
    shortest = max(length - DRAWN_AS_ONE, 0)
    return next((cut for cut in range(length, shortest, -1) if not _joined(text, cut)), 0 if shortest == 0 else length)


def _joined(text: str, cut: int) -> bool:
    """Whether the characters around the cut are drawn as one: accents, emoji sequences, flags."""
    before, after = text[cut - 1], text[cut]
    if _ZERO_WIDTH_JOINER in (before, after) or unicodedata.category(after) in ("Mn", "Mc", "Me"):
        return True
    # A skin tone; the letters in the flag of a country's part.
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return True
    flag_letters = text[:cut][len(text[:cut].rstrip(_FLAG_LETTERS)) :]
    return after in _FLAG_LETTERS and len(flag_letters) % 2 == 1
