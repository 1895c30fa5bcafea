"""L1: what was said last, word for word as far as there is room."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from lead_memory.domain.conversation.cutting import CUT, cut
from lead_memory.domain.conversation.messages import Message
from lead_memory.domain.conversation.tokens import estimate
from lead_memory.domain.limits import RECENT_MESSAGES

TOKENS = 2_000
"""What it aims at, in a context of `OF_TOKENS`; in a smaller one as large a part."""
OF_TOKENS = 3_500

_FEWEST_TOKENS = 12
"""With less room than that, a message would be little more than who said it."""


class Said(NamedTuple):
    message: Message
    text: str
    """As it is written, cut where it must be."""


type Written = tuple[str, str]
"""What stands before a message, which is never cut and ends with a colon or is empty, and its text."""


class Recent(NamedTuple):
    said: Sequence[Said]
    tokens: int
    truncated: bool
    """Whether a message was cut, or one was left out that there was no room for."""


def newest(
    messages: Sequence[Message], budget_tokens: int, written: Callable[[Message], Written], around_tokens: int
) -> Recent:
    """As many of the newest as their length allows, in the order in which they were sent.

    The number is the specification's: the tokens aimed at by those of the average message, from 5 to 15. Where the
    budget has no room for all of them, a message gets what a fifth for each older one leaves, and the oldest are left
    out. `around_tokens` is what stands between messages.
    """
    fewest, most = RECENT_MESSAGES
    newest_first = messages[: -most - 1 : -1]
    entries = [written(_marked(message)) for message in newest_first]
    costs = [estimate(before) + estimate(text) + around_tokens for before, text in entries]
    average = max(1, sum(costs) // max(1, len(costs)))
    chosen = max(fewest, min(most, TOKENS // average))
    share = max(budget_tokens // fewest, 2 * _FEWEST_TOKENS)
    said: list[Said] = []
    left = budget_tokens
    of_chosen = list(zip(newest_first, entries, costs, strict=True))[:chosen]
    for place, (message, (before, text), cost) in enumerate(of_chosen, start=1):
        for_older = sum(min(older, share) for older in costs[place:chosen])
        room = max(left - for_older, min(left, share))
        if cost <= room:
            left -= cost
            said.append(Said(message, before + text))
        elif beginning := _beginning(text, room - around_tokens - estimate(before)):
            left -= estimate(before) + estimate(beginning) + around_tokens
            said.append(Said(message, before + beginning))
        else:
            break
    cut_short = any(entry.text != "".join(written(entry.message)) for entry in said)
    return Recent(said[::-1], budget_tokens - left, truncated=cut_short or len(said) < len(entries[:chosen]))


def _marked(message: Message) -> Message:
    """Where only a part of it was kept, it says so."""
    return message if message.whole_characters is None else replace(message, text=message.text + CUT)


def _beginning(text: str, room: int) -> str | None:
    return cut(text, room) if room >= _FEWEST_TOKENS else None
