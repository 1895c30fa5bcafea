"""How many tokens a language model's tokenizer makes of a text, without a tokenizer.

A tokenizer splits a text into pieces that it has often seen. Here the pieces have the form of those, are shorter, and
are counted. A word's vowels tell more than its length: a piece has one or two, then consonants, and an E once more.
That is the form with the smallest error found against tokenizers of byte pairs on English and Portuguese text.
"""

import re
from itertools import islice
from string import ascii_lowercase, ascii_uppercase, punctuation

_KIND = (
    dict.fromkeys(ascii_lowercase, "c")
    | {"e": "e"}
    | dict.fromkeys("ai", "a")
    | dict.fromkeys("ou", "o")
    | dict.fromkeys(ascii_uppercase, "A")
    | dict.fromkeys(punctuation, ".")
)
_KINDS = bytes.maketrans("".join(_KIND).encode(), "".join(_KIND.values()).encode())
_TAIL = "c{0,2}(?:ec{0,2})?"
_VOWELS = "|".join(vowel + _TAIL for vowel in ("ea?", "a", "oo?", r"\xc3[\xa0-\xbf]"))  # the last: à to ÿ
_WORD = f"cc?(?:{_VOWELS})?|{_VOWELS}"
# What counts one though it is more than one byte, in UTF-8. The beginning of such a piece counts one too, so that what
# is appended never lowers the count. An alternative that begins with a plain letter is passed over fast.
_PIECE = re.compile(
    "|".join(
        [
            rf" (?:{_WORD}|A(?:{_WORD}|A)?|\.| {{1,15}})",
            _WORD,
            f"A(?:{_WORD}|A)",
            r"\xe2\x80[\x80-\xbf]",  # dashes and quotation marks
            r"[\xd0\xd1\xd7-\xd9\xe3-\xed][\x80-\xbf]",  # of Cyrillic, Hebrew, Arabic, Chinese, Japanese, Korean
            r"\xe0[\xa4\xa5\xb8\xb9]",  # of Devanagari, Thai
        ]
    ).encode()
)
_PIECE_OR_BYTE = re.compile(_PIECE.pattern + rb"|.", re.DOTALL)
_LONGEST_PIECE = 16
_CONTINUATIONS = bytes(range(0x80, 0xC0))


def estimate(text: str) -> int:
    """Rather too many than too few, and never more than the text's UTF-8 bytes.

    A new line counts one and nothing is counted across it, so the lines of a text may be counted one by one.
    """
    return len(_PIECE.sub(b".", _kinds(text)))


def fits(text: str, budget_tokens: int) -> bool:
    """Whether the estimate is within the budget. A text that is far too long for it is not read."""
    return len(text) <= _LONGEST_PIECE * budget_tokens and estimate(text) <= budget_tokens


def fitting_length(text: str, budget_tokens: int) -> int:
    """The characters of the longest beginning whose estimate is within the budget."""
    if budget_tokens <= 0:
        return 0
    kinds = _kinds(text[: _LONGEST_PIECE * budget_tokens])
    last = next(islice(_PIECE_OR_BYTE.finditer(kinds), budget_tokens - 1, None), None)
    end = last.end() if last else len(kinds)
    cuts_the_last = kinds[end : end + 1] in _CONTINUATIONS and end < len(kinds)
    return len(kinds[:end].translate(None, _CONTINUATIONS)) - cuts_the_last


def _kinds(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").translate(_KINDS)
