"""The beginning of a text that is too long: it ends where a reader would pause."""

import re

from lead_memory.domain.conversation.tokens import estimate, fits, fitting_length
from lead_memory.domain.drawn import whole_length

CUT = " … [cut]"

# The first part of each takes all and gives back from the end, so that the last end is found first. What follows an
# end is looked at too: "3.14" and "shop.com" are no ends.
_CLOSING = "[\"'”’»›)\\]}」』）】]*"  # noqa: RUF001 - they are meant
_SENTENCES = re.compile(rf".*(?:[.!?…؟।]{_CLOSING}(?=\s)|[。！？]{_CLOSING}(?=.)|\S(?=\s*\n))", re.DOTALL)  # noqa: RUF001
_WORDS = re.compile(r".*\S(?=\s)", re.DOTALL)


def cut(text: str, budget_tokens: int, mark: str = CUT) -> str | None:
    """The text, or as many of its sentences as fit with the mark after them; None where nothing fits but the mark.

    Where not one sentence fits it ends with a word; where not one word fits, with a whole character as it is drawn.
    The mark begins with a space or a new line.
    """
    if fits(text, budget_tokens):
        return text
    beginning = first_characters(text, fitting_length(text, budget_tokens - estimate(mark)))
    return beginning + mark if beginning.strip() else None


def first_characters(text: str, characters: int) -> str:
    """The text, or its beginning of at most so many characters, which ends as that of `cut` does."""
    if len(text) <= characters:
        return text
    # One more is seen, to know that a sentence or a word ends before it.
    pause = _SENTENCES.match(text, 0, characters + 1) or _WORDS.match(text, 0, characters + 1)
    return text[: whole_length(text, pause.end() if pause else characters)]
