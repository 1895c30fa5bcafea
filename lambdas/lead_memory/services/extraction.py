"""Ask models about conversations: what is due, what it may cost, and what of it becomes events. Nobody waits for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from lead_memory.domain.conversation.evaluations import batched_until, unseen
from lead_memory.domain.conversation.tokens import estimate
from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.intelligence.importance import importance
from lead_memory.domain.intelligence.jobs import Job, Status
from lead_memory.domain.memories import Lead, Memory
from lead_memory.domain.payloads.conversation import ThreadSummaryRequested
from lead_memory.domain.payloads.intelligence import MemoriesSummaryRequested, ThreadExtractionRequested
from lead_memory.domain.times import iso
from lead_memory.services import clusters
from lead_memory.services.attempts import Done, Outcome, Worth, attempt, entries
from lead_memory.services.extraction_ports import Ports, Standing, Times
from lead_memory.services.extraction_queue import DELAY_SECONDS, Request
from lead_memory.services.gate import EXTRACTED
from lead_memory.services.sweep import through
from lead_memory.services.thread_jobs import ASKING, EXTRACTED_AT_ONCE, READ_AT_ONCE, Conversation
from lead_memory.services.wanted import Wanted, jobs_of, together, triggered

RETRIES = 3
PAUSES_GROW = 4
WAITS = 5
"""How often a request is put off, because its event is not recorded yet or somebody else is at its thread."""
HELD_FOR = timedelta(minutes=5)
"""A thread, while models are asked about it: as long as the function may take."""
PUBLISHED_AT_MOST = 3
"""Times; what the bus takes twice is recorded once."""
BUSY_SECONDS = 60
"""Before a thread that somebody else holds is looked at again."""

_logger = logging.getLogger(__name__)


PROFILE_REFS = 40
"""The newest of the profile's events that a reminder rests on; beside those of the thread, `REFS` are taken."""


class Extractor:
    def __init__(self, ports: Ports, times: Times) -> None:
        self._ports = ports
        self._times = times

    async def extract(self, requests: Sequence[Request]) -> set[int]:
        """The positions of the requests that are to be given back, and tried again."""
        found = await asyncio.gather(*map(self._looked_at, requests), return_exceptions=True)
        failed = {position for position, each in enumerate(found) if _failed(each)}
        # What is tried again is no part of what came meanwhile: that was never tried.
        threads: dict[tuple[Lead, str, int], list[int]] = {}
        for position, (request, wanted) in enumerate(zip(requests, found, strict=True)):
            if isinstance(wanted, Wanted):
                threads.setdefault((request.lead, wanted.row, request.attempt), []).append(position)

        async def work(lead: Lead, positions: Iterable[int]) -> None:
            wanted = [each for position in positions if isinstance(each := found[position], Wanted)]
            await self._work(lead, together(wanted), [requests[position] for position in positions])

        results = await asyncio.gather(
            *(work(lead, positions) for (lead, _, _), positions in threads.items()), return_exceptions=True
        )
        for positions, result in zip(threads.values(), results, strict=True):
            failed |= set(positions) if _failed(result) else set()
        return failed

    async def _looked_at(self, request: Request) -> Wanted | None:
        """None where there is nothing more to do."""
        if request.row is not None:
            return Wanted(request.row, request.jobs, triggers=request.triggers, looks_at_due=True)
        event = await self._ports.threads.event(request.lead, request.ref or "")
        if event is None:
            await self._put_off([request], self._times.recording_seconds)
            return None
        if isinstance(event.data, MemoriesSummaryRequested):
            await self._sum_up(request, event, event.data)
            return None
        thread_id = getattr(event.data, "thread_id", None)
        if thread_id is None:
            return None
        row = await self._ports.threads.row(request.lead, thread_id)
        jobs = frozenset(EXTRACTED if isinstance(event.data, ThreadExtractionRequested) else ())
        # Of a conversation that is imported, each message would find what silence made due, again and again.
        looks_at_due = isinstance(event.data, ThreadSummaryRequested)
        return Wanted(row, jobs, triggered(event), (event.event_type,), looks_at_due)

    async def _work(self, lead: Lead, wanted: Wanted, requests: Sequence[Request]) -> None:
        now = self._ports.clock()
        standing = await self._ports.threads.standing(lead, wanted.row)
        thread = standing.thread
        jobs = jobs_of(thread.value, wanted, now) if thread else set()
        if thread is None or not jobs:
            return
        request = Request(
            organization_id=lead.organization_id,
            lead_id=lead.lead_id,
            row=wanted.row,
            jobs=wanted.jobs,
            triggers=wanted.triggers,
            attempt=requests[0].attempt,
            held_by=next((each.held_by for each in requests if each.held_by), self._ports.new_id()),
        )
        if not await self._hold(request, now, HELD_FOR):
            # What is due comes again by itself.
            await self._put_off([each for each in requests if each.ref or each.jobs], BUSY_SECONDS)
            return
        conversation = await self._conversation(lead, wanted.row, standing, thread, jobs)
        if conversation.lags and any(each.waits < WAITS for each in requests):
            await self._hold(request, now, timedelta(0))
            await self._put_off(requests, self._times.recording_seconds)
            return
        is_last = request.attempt >= RETRIES
        score, outcomes = await self._outcomes(lead, conversation, jobs, requested=wanted.requested, is_last=is_last)
        about = {
            "thread_id": thread.value["thread_id"],
            "triggers": list(wanted.triggers or ("due",)),
            "importance_score": score,
            "message_count": thread.value["message_count"],
            "lead_message_count": thread.value.get("lead_message_count", 0),
            **({"newest_message_at": conversation.newest_message_at} if conversation.messages else {}),
        }
        await self._publish(lead, outcomes, thread.newest.occurred_at, about)
        await self._go_on(request, outcomes)

    async def _conversation(
        self, lead: Lead, row: str, standing: Standing, thread: Memory, jobs: Collection[Job]
    ) -> Conversation:
        new = max((unseen(thread.value, job) for job in jobs if job in EXTRACTED), default=0)
        newest = READ_AT_ONCE if Job.SUMMARY in jobs else min(max(new, EXTRACTED_AT_ONCE), READ_AT_ONCE)
        messages = await self._ports.threads.messages(lead, row, newest)
        now = self._ports.clock()
        profile, entities = (
            memory if memory and not memory.hidden(now) else None for memory in (standing.profile, standing.entities)
        )
        return Conversation(
            thread=thread.value,
            profile=profile.value if profile else None,
            entities=entities.value if entities else {},
            origins=await self._origins(lead, profile) if profile else (),
            # What came meanwhile is for the next time.
            messages=[message for message in messages if message.occurred_at <= thread.newest.occurred_at],
        )

    async def _origins(self, lead: Lead, profile: Memory) -> Sequence[str]:
        """The events that made the profile, as far as they may be named: a reminder has the words of any of them."""
        kept = profile.source_event_ids
        if profile.source_event_count <= len(kept):
            return kept
        return list(dict.fromkeys([*kept, *await self._ports.threads.refs(lead, profile.name, PROFILE_REFS)]))

    async def _outcomes(
        self, lead: Lead, conversation: Conversation, jobs: Set[Job], *, requested: bool, is_last: bool
    ) -> tuple[int, list[Outcome]]:
        """The importance of what is new, and what became of each job; the reminder is written after the summary."""
        lines = {job: conversation.lines(job) for job in jobs}
        is_due = not jobs <= set(EXTRACTED)
        score = max(importance(each, requested=requested, due=is_due) for each in lines.values())
        settings = await self._ports.organizations.of(lead.organization_id)
        batched = {job for job in jobs if batched_until(conversation.thread, job)}

        async def outcome(job: Job, conversation: Conversation) -> Outcome:
            tokens = sum(estimate(line.text) for line in lines[job])
            return await self._attempt(
                lead,
                job,
                partial(ASKING[job], self._ports.model, conversation),
                # What was batched was found worth it then.
                Worth(score, requested or job in batched, tokens, settings.daily_budget_micros),
                is_last=is_last,
            )

        first = [job for job in Job if job in jobs and job is not Job.REACTIVATION]
        outcomes = await through(outcome(job, conversation) for job in first)
        if Job.REACTIVATION in jobs:
            said = [said for each in outcomes for said in each.done.said]
            meanwhile = conversation.after(said, iso(self._ports.clock()))
            outcomes.append(await outcome(Job.REACTIVATION, meanwhile))
        return score, outcomes

    async def _attempt(
        self, lead: Lead, job: Job, ask: Callable[[], Awaitable[Done]], worth: Worth, *, is_last: bool
    ) -> Outcome:
        ports = self._ports
        return await attempt(ports.model, ports.budgets, lead, job, ask, worth, now=ports.clock(), is_last=is_last)

    async def _sum_up(self, request: Request, event: Event, said: MemoriesSummaryRequested) -> None:
        lead, now = request.lead, self._ports.clock()
        memories = await self._ports.threads.memories(lead, clusters.needed(said))
        to_sum_up = clusters.to_sum_up(memories, said, event, now)
        request = msgspec.structs.replace(request, held_by=request.held_by or self._ports.new_id())
        if not to_sum_up:
            return
        if not await self._hold(request, now, HELD_FOR):
            await self._put_off([request], BUSY_SECONDS)
            return
        settings = await self._ports.organizations.of(lead.organization_id)
        tokens = sum(map(estimate, clusters.texts(to_sum_up)))
        worth = Worth(importance=100, requested=True, tokens=tokens, limit_micros=settings.daily_budget_micros)
        ask = partial(clusters.cluster, self._ports.model, to_sum_up, said)
        outcome = await self._attempt(lead, Job.CLUSTER, ask, worth, is_last=request.attempt >= RETRIES)
        newest = max(memory.newest.occurred_at for memory in to_sum_up)
        about = {"triggers": [event.event_type], "importance_score": worth.importance}
        await self._publish(lead, [outcome], newest, about)
        await self._go_on(request, [outcome])

    async def _publish(
        self, lead: Lead, outcomes: Sequence[Outcome], newest: datetime, about: Mapping[str, Any]
    ) -> None:
        """After all that it is made of, by whatever clock. Raises `Unavailable` where the bus does not take all."""
        attempt_id = self._ports.new_id()
        after = max(self._ports.clock(), newest)
        said = entries(self._ports.model, lead, outcomes, attempt_id, after, about)
        for _ in range(PUBLISHED_AT_MOST):
            if not said or await self._ports.bus.publish(said) == len(said):
                break
        else:
            raise Unavailable("the bus did not take all that models said")
        for outcome in outcomes:
            self._ports.report(outcome, attempt_id)

    async def _go_on(self, request: Request, outcomes: Sequence[Outcome]) -> None:
        """With what failed, after a pause or not at all. The thread is held until then, or until all is recorded."""
        for outcome in outcomes:
            if outcome.status is Status.FAILED:
                lost = msgspec.structs.replace(request, jobs=frozenset({outcome.job}), attempt=0, held_by=None)
                await self._ports.queue.give_up(lost, outcome.why or "")
        held_for = timedelta(seconds=self._times.recording_seconds)
        if again := frozenset(outcome.job for outcome in outcomes if outcome.status is Status.PENDING):
            pause = self._times.pause_seconds * PAUSES_GROW**request.attempt
            next_time = msgspec.structs.replace(request, jobs=again, attempt=request.attempt + 1)
            await self._send([next_time], pause)
            held_for = timedelta(seconds=pause) + HELD_FOR
        await self._hold(request, self._ports.clock(), held_for)

    async def _hold(self, request: Request, now: datetime, held_for: timedelta) -> bool:
        """The thread, or what else is asked for."""
        of = request.row or request.ref or ""
        return await self._ports.leases.hold(request.lead, of, request.held_by or "", now, now + held_for)

    async def _put_off(self, requests: Iterable[Request], delay_seconds: int) -> None:
        """Each time for longer: in all, for more than those hold a thread who try again. What was put off too often is
        left: its event was rejected, or the updater is far behind; then a later message of the thread does it.
        """
        for each in requests:
            if each.waits < WAITS:
                again = msgspec.structs.replace(each, waits=each.waits + 1)
                await self._send([again], delay_seconds * PAUSES_GROW**each.waits)
            else:
                _logger.warning("a request was put off %d times, and is left", each.waits)

    async def _send(self, requests: Sequence[Request], delay_seconds: int) -> None:
        delay = min(delay_seconds, DELAY_SECONDS)
        if requests and await self._ports.queue.send(requests, delay) < len(requests):
            raise Unavailable("the extractor's queue did not take all")


def _failed(result: object) -> bool:
    """What was erased meanwhile is no failure. Of others the kind alone is logged: a message may quote."""
    if not isinstance(result, BaseException) or isinstance(result, Erased):
        return False
    _logger.error("a request was not looked at: %s", type(result).__name__)
    return True
