"""How the lead converses: the last conversation, and when and how fast they answer."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from statistics import median
from typing import Any

from lead_memory.domain.derivations.values import added, mapping, number, present
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, MemoryType, Value
from lead_memory.domain.payloads.conversation import ConversationMessage, IntentClassified, ThreadResolved
from lead_memory.domain.times import iso, newest

REPLIES_KEPT = 20
"""Newest reply times that the median is taken over, by channel."""

CHANNELS_KEPT = 10
USUAL_HOURS = 3


def message(event: Event, said: ConversationMessage) -> Iterable[Change]:
    at, from_lead = iso(event.occurred_at), event.event_type == "conversation.message_received"
    yield _conversation(
        present(
            thread_id=said.thread_id,
            channel=said.channel,
            subject=said.subject,
            last_message_at=at,
            last_message_from="lead" if from_lead else "us",
        )
    )
    yield Change(
        memory_type=MemoryType.BEHAVIORAL,
        key="response_pattern",
        said={"channel": said.channel, "at": at, "from_lead": from_lead},
        reduce=_add_message,
        aggregates=True,
    )


def intent(_: Event, said: IntentClassified) -> Iterable[Change]:
    yield _conversation(
        present(thread_id=said.thread_id, channel=said.channel, intent=said.intent, sentiment=said.sentiment)
    )


def resolved(event: Event, said: ThreadResolved) -> Iterable[Change]:
    yield _conversation(
        present(
            thread_id=said.thread_id,
            channel=said.channel,
            topic=said.topic,
            resolution=said.resolution,
            sentiment=said.sentiment,
            resolved_at=iso(event.occurred_at),
        )
    )


def _conversation(said: Value) -> Change:
    return Change(memory_type=MemoryType.BEHAVIORAL, key="last_conversation", said=said, reduce=_latest)


def _latest(value: Value | None, said: Value) -> Value:
    """Another thread replaces the last one; the same thread's news is added to what is known of it."""
    return {**value, **said} if value and value.get("thread_id") == said["thread_id"] else said


def _add_message(value: Value | None, said: Value) -> Value:
    channels = mapping(value, "channels")
    channels[said["channel"]] = _add_to_channel(channels.pop(said["channel"], {}), said)
    channels = newest(channels, CHANNELS_KEPT, _last_message_at)
    replies = [minutes for channel in channels.values() for minutes in channel.get("recent_reply_minutes", ())]
    hours: dict[str, Any] = {}
    for channel in channels.values():
        hours = added(hours, channel["messages_by_hour_utc"])
    return {**_pattern(replies, hours), "channels": channels}


def _last_message_at(channel: Value) -> str:
    at: str = channel.get("last_message_at", "")  # a memory of an earlier fold has none
    return at


def _add_to_channel(channel: Value, said: Value) -> Value:
    replies = list(channel.get("recent_reply_minutes", ()))
    hours = mapping(channel, "messages_by_hour_utc")
    waiting_since = channel.get("waiting_since")
    if said["from_lead"]:
        at = datetime.fromisoformat(said["at"])
        hours = added(hours, {f"{at:%H}": 1})
        if waiting_since:
            replies.append(round((at - datetime.fromisoformat(waiting_since)).total_seconds() / 60))
    return present(
        **_pattern(replies[-REPLIES_KEPT:], hours),
        reply_count=number(channel, "reply_count") + bool(said["from_lead"] and waiting_since),
        recent_reply_minutes=replies[-REPLIES_KEPT:],
        messages_by_hour_utc=hours,
        last_message_at=said["at"],
        waiting_since=None if said["from_lead"] else said["at"],
    )


def _pattern(replies: list[int], hours: dict[str, int]) -> Value:
    usual = sorted(Counter(hours).items(), key=lambda hour: (-hour[1], hour[0]))[:USUAL_HOURS]
    return present(
        median_reply_minutes=Decimal(str(median(replies))) if replies else None,
        usual_hours_utc=[hour for hour, _ in usual],
    )


DERIVATIONS: dict[str, Derivation] = {
    "conversation.message_received": message,
    "conversation.reply_sent": message,
    "conversation.intent_classified": intent,
    "conversation.thread_resolved": resolved,
}
