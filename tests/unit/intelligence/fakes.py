"""The extractor's world in memory: a log into which it is recorded what models said, a queue, and a clock."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

from lead_memory.adapters import keys
from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.settings import ConversationSettings
from lead_memory.domain.derivations import touched
from lead_memory.domain.events import Event, parse
from lead_memory.domain.intelligence.answers import EntitiesAnswer, FactsAnswer, StatedAccount, StatedPainPoint
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.lifecycle import due_at
from lead_memory.domain.limits import FACTS
from lead_memory.domain.memories import Lead, Memory, MemoryKey
from lead_memory.domain.payloads.conversation import ConversationMessage
from lead_memory.services.attempts import Outcome
from lead_memory.services.bus import Entry
from lead_memory.services.extraction import PAUSES_GROW, RETRIES, Extractor
from lead_memory.services.extraction_ports import Ports, Standing, Times
from lead_memory.services.extraction_queue import Request
from lead_memory.services.models import Answer, Failure, Model, ModelFailed, Usage
from lead_memory.services.record import Recorder, Result
from tests.events import SOMEBODY, START, body
from tests.fakes import MemoryStore, no_pause
from tests.unit.intelligence.said import WORTH, lead, of_thread

ACCOUNT = re.compile(r"account (\w+)")
TIMES = Times(pause_seconds=30, recording_seconds=20)
PAUSES = [TIMES.pause_seconds * PAUSES_GROW**n for n in range(RETRIES)]
LIMIT_MICROS = 100
"""Of a day."""
LONG = timedelta(hours=1)
"""Within which whatever waits in the queue has come back."""


class ScriptedModel:
    """Says what the messages say: each new one of the lead as a pain point, the accounts they name, and all of them
    as the summary. `fails` has, by job, the failures that come first.
    """

    name = "scripted"

    def __init__(self, *, estimate: int = 0, cost: int = 0) -> None:
        self.estimate, self.cost = estimate, cost
        self.fails: defaultdict[Job, list[Failure]] = defaultdict(list)
        self.asked: list[tuple[Job, Any]] = []
        self.befores: list[str | None] = []
        """The summaries that were to be continued."""

    def jobs(self) -> Counter[Job]:
        return Counter(job for job, _ in self.asked)

    def prompt_version(self, job: Job) -> str:
        return f"{job}-1"

    def estimated_cost_micros(self, job: Job, input_tokens: int) -> int:
        return self.estimate

    async def facts(self, lines: Sequence[Line]) -> Answer[FactsAnswer]:
        points = [
            StatedPainPoint(message=line.number, quote=line.text, text=line.text)
            for line in lines
            if line.new and line.from_lead and line.text
        ]
        return self._answer(Job.FACTS, lines, FactsAnswer(pain_points=points[-FACTS:]))

    async def entities(self, lines: Sequence[Line]) -> Answer[EntitiesAnswer]:
        accounts = [
            StatedAccount(message=line.number, quote=found[0], name=found[1])
            for line in lines
            if line.new
            for found in ACCOUNT.finditer(line.text)
        ]
        return self._answer(Job.ENTITIES, lines, EntitiesAnswer(accounts=accounts))

    async def summary(self, lines: Sequence[Line], before: str | None) -> Answer[str]:
        self.befores.append(before)
        return self._answer(Job.SUMMARY, lines, " ".join(filter(None, [before, *(line.text for line in lines)])))

    async def reactivation(self, thread: Mapping[str, Any], profile: Mapping[str, Any] | None) -> Answer[str]:
        said = [thread.get("summary", {}).get("text", ""), *(profile or {}).get("painPoints", ())]
        return self._answer(Job.REACTIVATION, thread, " ".join(said))

    async def cluster(self, texts: Sequence[str]) -> Answer[str]:
        return self._answer(Job.CLUSTER, texts, " ".join(texts))

    def _answer[Output](self, job: Job, given: Any, output: Output) -> Answer[Output]:
        self.asked.append((job, given))
        usage = Usage(input_tokens=10, output_tokens=5, cost_micros=self.cost)
        if self.fails[job]:
            raise ModelFailed(self.fails[job].pop(0), usage)
        return Answer(output, usage)


class Sent(NamedTuple):
    request: Request
    delay_seconds: int
    at: datetime
    """When it comes."""


class World:
    """All ports but the model; as a table and queues are, nothing of another organization is there."""

    def __init__(self, model: Model, store: MemoryStore | None = None, *, limit_micros: int = 10**6) -> None:
        self.store = store or MemoryStore()
        self.model = model
        self.now = START
        self.limit_micros = limit_micros
        self.sent: list[Sent] = []
        self.given_up: list[tuple[Request, str]] = []
        self.reported: list[Outcome] = []
        self.published: list[Event] = []
        self.records = True
        """Whether what is published is recorded at once; else it is on its way."""
        self.takes = 10**6
        """How many entries of a call the bus takes."""
        self.held: dict[tuple[Lead, str], tuple[str, datetime]] = {}
        self.spent: Counter[str] = Counter()
        self._ids = count(1)

    def extractor(self) -> Extractor:
        return Extractor(
            Ports(
                threads=self,
                organizations=self,
                leases=self,
                budgets=self,
                model=self.model,
                bus=self,
                queue=self,
                clock=lambda: self.now,
                new_id=lambda: f"id{next(self._ids):06}",
                report=lambda outcome, _: self.reported.append(outcome),
            ),
            TIMES,
        )

    async def record(self, *events: Event) -> list[Result]:
        return await Recorder(self.store, no_pause).record(events)

    async def extract(self, *requests: Request) -> set[int]:
        return await self.extractor().extract(requests)

    async def said(self, *events: Event) -> set[int]:
        """Recorded, and sent to the extractor in one batch by the bus's rule."""
        await self.record(*events)
        self.now = max(self.now, *(event.occurred_at for event in events))
        return await self.extract(*map(request_of, events))

    async def sweep(self, now: datetime | None = None) -> set[int]:
        """What the cleanup finds due, in one batch."""
        self.now = max(self.now, now or self.now)
        due = [memory for memory in self.store.memories.values() if names.is_thread(memory.name)]
        found = [memory for memory in due if (at := due_at(memory)) and at <= self.now]
        return await self.extract(*(_of_row(memory) for memory in found))

    async def wait(self, time: timedelta = LONG) -> None:
        """What comes back through the queue until then, each alone and at its time."""
        until = self.now + time
        while coming := sorted((sent for sent in self.sent if sent.at <= until), key=lambda sent: sent.at):
            self.sent.remove(coming[0])
            self.now = max(self.now, coming[0].at)
            assert await self.extract(coming[0].request) == set()
        self.now = until

    def value(self, name: MemoryKey) -> dict[str, Any]:
        memory = self.store.memories.get(name)
        return dict(memory.value) if memory else {}

    def log(self, event_type: str) -> list[dict[str, Any]]:
        """What events of the type say, in their order."""
        found = [event for event, _ in self.store.events.values() if event.event_type == event_type]
        return [json.loads(event.data_json) for event in sorted(found, key=lambda event: event.position)]

    def outcomes(self, job: Job) -> list[dict[str, Any]]:
        """What events say of a job."""
        return [each for said in self.log("intelligence.evaluated") for each in said["jobs"] if each["job"] == job]

    def is_of(self, lead: Lead) -> bool:
        return lead.organization_id == self.store.organization_id and not self.store.lead_erased

    # Threads

    async def event(self, lead: Lead, ref: str) -> Event | None:
        found = self.store.events.get(ref)
        return found[0] if found and self.is_of(lead) else None

    async def row(self, lead: Lead, thread_id: str) -> str:
        return _row(names.thread(thread_id))

    async def standing(self, lead: Lead, row: str) -> Standing:
        memories = self.store.memories if self.is_of(lead) else {}
        thread = next((memory for name, memory in memories.items() if _row(name) == row), None)
        return Standing(thread, memories.get(names.CONTACT_PROFILE), memories.get(names.ENTITIES))

    async def messages(self, lead: Lead, row: str, newest: int) -> list[Event]:
        events = [event for event, _ in self.store.events.values()] if self.is_of(lead) else []
        found = [
            event
            for event in sorted(events, key=lambda event: event.position)
            if isinstance(event.data, ConversationMessage) and _row(names.thread(event.data.thread_id)) == row
        ]
        return found[-newest:]

    async def refs(self, lead: Lead, name: MemoryKey, newest: int) -> list[str]:
        log = sorted((event for event, _ in self.store.events.values()), key=lambda event: event.position, reverse=True)
        return [event.ref for event in log if self.is_of(lead) and name in touched(event)][:newest]

    async def memories(self, lead: Lead, wanted: Collection[MemoryKey]) -> list[Memory]:
        return [memory for name, memory in self.store.memories.items() if name in wanted and self.is_of(lead)]

    # What is the organization's

    async def of(self, organization_id: str) -> ConversationSettings:
        return ConversationSettings(daily_budget_micros=self.limit_micros)

    async def hold(self, lead: Lead, row: str, owner: str, now: datetime, until: datetime) -> bool:
        held_by, held_until = self.held.get((lead, row), (owner, now))
        if held_by != owner and held_until > now:
            return False
        self.held[lead, row] = (owner, until)
        return True

    async def reserve(self, organization_id: str, now: datetime, micros: int, limit_micros: int) -> bool:
        day = f"{organization_id} {now.date()}"
        if self.spent[day] + micros > limit_micros:
            return False
        self.spent[day] += micros
        return True

    async def correct(self, organization_id: str, now: datetime, micros: int) -> None:
        self.spent[f"{organization_id} {now.date()}"] += micros

    # The bus and the queue

    async def publish(self, entries: Sequence[Entry]) -> int:
        taken = [delivered(entry, self.now) for entry in entries[: self.takes]]
        self.published += taken
        if self.records:
            await self.record(*taken)
        return len(taken)

    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        at = self.now + timedelta(seconds=delay_seconds)
        self.sent += [Sent(request, delay_seconds, at) for request in requests]
        return len(requests)

    async def give_up(self, request: Request, reason: str) -> None:
        self.given_up.append((request, reason))


def world(**settings: int) -> tuple[World, ScriptedModel]:
    model = ScriptedModel(**settings)
    return World(model, limit_micros=LIMIT_MICROS), model


def asked_for() -> list[Event]:
    return [lead("The account Acme"), lead(WORTH), of_thread("thread.extraction_requested", START)]


async def wait_and_count_pauses(of: World) -> list[int]:
    pauses = []
    while of.sent:
        [sent] = of.sent
        pauses.append(sent.delay_seconds)
        await of.wait(sent.at - of.now)
    return pauses


def delivered(entry: Entry, now: datetime) -> Event:
    of_bus = {"Source": entry.source, "DetailType": entry.detail_type, "Detail": json.loads(entry.detail)}
    return parse(body(of_bus), now)


def request_of(event: Event) -> Request:
    return Request(organization_id=event.organization_id, lead_id=event.lead_organization_id, ref=event.ref)


def request_for(thread_id: str, **more: Any) -> Request:
    """As the cleanup sends it."""
    row = _row(names.thread(thread_id))
    return Request(organization_id=SOMEBODY.organization_id, lead_id=SOMEBODY.lead_id, row=row, **more)


def _of_row(memory: Memory) -> Request:
    lead = memory.lead
    return Request(organization_id=lead.organization_id, lead_id=lead.lead_id, row=_row(memory.name))


def _row(name: MemoryKey) -> str:
    return keys.memory_sk(name)
