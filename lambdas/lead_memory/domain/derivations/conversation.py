"""Threads: what is short-term of each, the thread itself, and what they come to across threads."""

from collections.abc import Iterable
from datetime import datetime

from lead_memory.domain.conversation import names, threads
from lead_memory.domain.conversation.cutting import first_characters
from lead_memory.domain.derivations.values import present
from lead_memory.domain.events import Event
from lead_memory.domain.limits import MESSAGE_CHARACTERS
from lead_memory.domain.memories import Change, Derivation, MemoryKey, Reducer, Tier, Value
from lead_memory.domain.payloads.conversation import (
    ConversationMessage,
    IntentClassified,
    ThreadReactivationPrepared,
    ThreadResolved,
    ThreadSummarized,
    ThreadSummaryRequested,
)
from lead_memory.domain.times import iso


def message(event: Event, said: ConversationMessage) -> Iterable[Change]:
    from_lead = event.event_type == "conversation.message_received"
    whole, kept = len(said.text), first_characters(said.text, MESSAGE_CHARACTERS)
    sent = present(
        at=iso(event.occurred_at),
        from_lead=from_lead,
        channel=said.channel,
        text=kept or None,
        whole_characters=whole if len(kept) < whole else None,
        attachments=list(said.attachments) or None,
    )
    about = present(thread_id=said.thread_id, channel=said.channel, subject=said.subject)
    news = {**about, "at": sent["at"], "from_lead": from_lead}
    yield _recent(event, said.thread_id, {"message": sent, "about": about}, threads.add_message)
    yield _thread(said.thread_id, news, threads.message_sent)
    yield _interactions(event, news, threads.interacted)


def intent(event: Event, said: IntentClassified) -> Iterable[Change]:
    about = present(
        thread_id=said.thread_id,
        intent=said.intent,
        topic=said.topic,
        sentiment=said.sentiment,
        active_context=said.active_context,
    )
    yield _recent(event, said.thread_id, {"about": about}, threads.add_message)
    if said.topic:
        yield _thread(said.thread_id, {"thread_id": said.thread_id, "topic": said.topic}, threads.spoken_of)
    yield _interactions(event, {**about, "at": iso(event.occurred_at)}, threads.interacted)


def resolved(event: Event, said: ThreadResolved) -> Iterable[Change]:
    how = present(
        thread_id=said.thread_id,
        topic=said.topic,
        resolution=said.resolution,
        sentiment=said.sentiment,
        at=iso(event.occurred_at),
    )
    yield _recent(event, said.thread_id, {}, threads.ended, ends_at=event.occurred_at)
    yield _thread(said.thread_id, how, threads.resolved)
    yield _interactions(event, how, threads.settled)


def summary_requested(event: Event, said: ThreadSummaryRequested) -> Iterable[Change]:
    asked = {"thread_id": said.thread_id, "full": said.full, "at": iso(event.occurred_at)}
    yield _thread(said.thread_id, asked, threads.summary_requested)


def summarized(event: Event, said: ThreadSummarized) -> Iterable[Change]:
    news = _written(event, said, said.summary)
    if said.newest_message_at:
        news["written"]["newest_message_at"] = iso(said.newest_message_at)
    yield _thread(said.thread_id, news, threads.summarized)


def reactivation_prepared(event: Event, said: ThreadReactivationPrepared) -> Iterable[Change]:
    yield _thread(said.thread_id, _written(event, said, said.text), threads.reactivation_prepared)


def _written(event: Event, said: ThreadSummarized | ThreadReactivationPrepared, text: str) -> Value:
    written = {
        "text": text,
        "at": iso(event.occurred_at),
        "written_by": said.written_by,
        "message_count": said.message_count,
        "ref": event.ref,
    }
    return {"thread_id": said.thread_id, "written": written}


def _recent(event: Event, thread_id: str, said: Value, reduce: Reducer, ends_at: datetime | None = None) -> Change:
    ends_at = ends_at or event.occurred_at + threads.IDLE_AFTER
    return _change(names.recent(thread_id), said, reduce, Tier.SHORT_TERM, ends_at)


def _thread(thread_id: str, said: Value, reduce: Reducer) -> Change:
    return _change(names.thread(thread_id), said, reduce, Tier.LONG_TERM)


def _interactions(event: Event, said: Value, reduce: Reducer) -> Change:
    return _change(names.INTERACTIONS, said, reduce, Tier.MEDIUM_TERM, event.occurred_at + threads.MEDIUM_TERM)


def _change(name: MemoryKey, said: Value, reduce: Reducer, tier: Tier, expires_at: datetime | None = None) -> Change:
    return Change(
        memory_type=name.memory_type,
        key=name.key,
        said=said,
        reduce=reduce,
        aggregates=True,
        tier=tier,
        expires_at=expires_at,
    )


DERIVATIONS: dict[str, Derivation] = {
    "conversation.message_received": message,
    "conversation.reply_sent": message,
    "conversation.intent_classified": intent,
    "conversation.thread_resolved": resolved,
    "thread.summary_requested": summary_requested,
    "thread.summarized": summarized,
    "thread.reactivation_prepared": reactivation_prepared,
}
