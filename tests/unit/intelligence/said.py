"""What is said in a thread, for tests of the extractor."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from lead_memory.domain.events import Event
from tests.events import START, event

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
THREAD = "t"
WORTH = "Our budget is R$ 500 and the deadline is Friday."
"""What the gate lets through."""
ASKS = "Is the price within your budget?"
"""A reply after which facts are looked for."""

_numbers = count()


def lead(text: str = "Oi!", at: datetime = START, **metadata: Any) -> Event:
    return _message("conversation.message_received", text, at, **metadata)


def us(text: str = "Olá!", at: datetime = START, **metadata: Any) -> Event:
    return _message("conversation.reply_sent", text, at, **metadata)


def _message(event_type: str, text: str, at: datetime, thread_id: str = THREAD, **metadata: Any) -> Event:
    said = {"thread_id": thread_id, "channel": "whatsapp", "text": text}
    return event(event_type, said, event_id=f"m{next(_numbers):06}", at=at, **metadata)


def in_turn(number: int, *, since: datetime = START, text: str = "I need {} plans.") -> list[Event]:
    """A message a minute, of the lead and of ours in turn."""
    return [(lead, us)[n % 2](text.format(n), since + n * MINUTE) for n in range(number)]


def of_thread(event_type: str, at: datetime, **data: Any) -> Event:
    return event(event_type, {"thread_id": THREAD, **data}, event_id=f"e{next(_numbers):06}", at=at)
