"""What is written of a thread that is due: its summary, and after a silence what an agent is to be reminded of."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from lead_memory.domain.conversation import extractive, reactivation
from lead_memory.domain.conversation.messages import Message
from lead_memory.domain.conversation.threads import due_at, is_closed, lacks_reactivation, unsummarized
from lead_memory.domain.memories import Lead, Memory, MemoryKey
from lead_memory.domain.times import time
from lead_memory.services.sweep import REACTIVATION_PREPARED, SUMMARIZED, DueMemory, Entry, entry, written_id

SUMMARIZED_AT_ONCE = 50
"""Messages, the newest."""
THREADS_AT_ONCE = 4
"""Each may hold so many messages of 350 KB."""
THREAD_SECONDS = 30
"""What a thread may take; what is throttled for longer is tried again by a later run."""
NOTHING_SAID = "Nothing was said."

_logger = logging.getLogger(__name__)


class Standing(NamedTuple):
    thread: Memory | None
    """None for one that is not there."""
    profile: Memory | None


class Threads(Protocol):
    async def standing(self, lead: Lead, thread: MemoryKey) -> Standing:
        """Strongly consistent."""

    async def messages(self, lead: Lead, thread: MemoryKey, newest: int) -> Sequence[Message]:
        """The newest of the thread's messages as they were sent, in their order; of the log, through its index."""


class Summarizer:
    """Writes by the extractive rules: until a model is connected, and where none may be."""

    def __init__(self, threads: Threads, now: datetime, has_time: Callable[[], bool]) -> None:
        """`has_time` says whether there are `THREAD_SECONDS` for one more thread."""
        self._threads = threads
        self._now = now
        self._has_time = has_time
        self._turns = asyncio.Semaphore(THREADS_AT_ONCE)
        self.summaries: list[int] = []
        """The characters of each that was written."""
        self.finished = True
        """False when there was no time for a thread."""

    async def entries(self, due: DueMemory) -> list[Entry]:
        """None for a thread that cannot be read, or has no time; it stays due, and keeps no other waiting."""
        try:
            async with self._turns:
                if not self._has_time():
                    self.finished = False
                    return []
                async with asyncio.timeout(THREAD_SECONDS):
                    return await self._entries(due)
        except Exception as error:
            _logger.error("a thread was not summarized: %s", type(error).__name__)
            return []

    async def _entries(self, due: DueMemory) -> list[Entry]:
        memory, profile = await self._threads.standing(due.lead, due.name)
        thread = memory.value if memory else {}
        due_since = due_at(thread) if thread else None
        if memory is None or due_since is None or due_since > self._now:
            return []  # it changed since it was found

        def written(event_type: str, said: Mapping[str, Any], *made_of: Memory) -> Entry:
            # After all that it is made of: it would else be late, and a request for it would seem to come after it.
            at = max(due_since, *(each.newest.occurred_at + timedelta(microseconds=1) for each in made_of))
            about = {"thread_id": thread["thread_id"], "message_count": thread["message_count"]}
            data = {**about, "written_by": extractive.WRITTEN_BY, **said}
            return entry(event_type, due.lead, written_id(event_type, due.row, *made_of), at, data)

        summary = thread.get("summary", {}).get("text", "")
        entries = []
        if "summary_due_at" in thread or unsummarized(thread):
            summary = await self._summary(memory) or summary or NOTHING_SAID
            full = thread.get("summarize_in_full", False)
            self.summaries.append(len(summary))
            entries.append(written(SUMMARIZED, {"summary": summary, "full": full}, memory))
        if is_closed(thread, self._now) and lacks_reactivation(thread):
            known = profile.value if profile else None
            text = reactivation.reactivation({**thread, "summary": {"text": summary}}, known) or summary
            entries.append(written(REACTIVATION_PREPARED, {"text": text}, *filter(None, (memory, profile))))
        return entries

    async def _summary(self, memory: Memory) -> str:
        thread = memory.value
        full = thread.get("summarize_in_full", False)
        before = {} if full else thread.get("summary", {})
        messages = await self._messages(memory, SUMMARIZED_AT_ONCE if full else unsummarized(thread))
        if before and any(message.at <= time(before["at"]) for message in messages):
            # One came late: it stands somewhere among those that the summary covers.
            messages = await self._messages(memory, SUMMARIZED_AT_ONCE)
        return extractive.summarize(messages, before.get("text"))

    async def _messages(self, memory: Memory, newest: int) -> Sequence[Message]:
        if not newest:
            return []
        found = await self._threads.messages(memory.lead, memory.name, min(newest, SUMMARIZED_AT_ONCE))
        # What came meanwhile is of the next summary.
        return [message for message in found if message.at <= memory.newest.occurred_at]
