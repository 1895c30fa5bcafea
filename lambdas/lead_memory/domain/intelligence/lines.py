"""A conversation as a model is given it: numbered, so that an answer can say what it rests on."""

from datetime import datetime
from typing import NamedTuple


class Line(NamedTuple):
    number: int
    """From 1, in the order in which they were said."""
    ref: str
    """`<source>/<event_id>` of the message's event."""
    at: datetime
    from_lead: bool
    text: str
    """Without what it quotes of earlier messages."""
    new: bool
    """False for one that was looked at before; it is there to understand the others by."""
