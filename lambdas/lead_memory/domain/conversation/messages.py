"""A thread's messages, as its short-term memory keeps them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

CUSTOMER, ASSISTANT = "Customer", "Assistant"


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    at: datetime
    from_lead: bool
    channel: str
    text: str = ""
    """Where `whole_characters` says so, its beginning."""
    whole_characters: int | None = None
    """Of the text as it was sent, where only a part of it is here."""
    attachments: tuple[str, ...] = ()
    """Names or media types."""

    @property
    def speaker(self) -> str:
        return CUSTOMER if self.from_lead else ASSISTANT

    @property
    def said(self) -> str:
        """The text, and what is attached; it is never empty."""
        attached = [f"[attachment: {name}]" for name in self.attachments]
        return "\n".join(filter(None, [self.text, *attached])) or "[no text]"


def messages_of(recent: Mapping[str, Any]) -> list[Message]:
    """Of a short-term memory's value, in the order in which they were sent."""
    return [msgspec.convert(message, Message) for message in recent.get("messages", ())]


def in_order(threads: Iterable[Sequence[Message]]) -> list[Message]:
    return sorted((message for messages in threads for message in messages), key=lambda message: message.at)
