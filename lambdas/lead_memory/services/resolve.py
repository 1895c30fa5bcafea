"""Resolves templates for leads: one GetItem for each memory, one statement for all profiles, all at once."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import msgspec

from lead_memory.domain.errors import Erased, LeadMemoryError, Unavailable
from lead_memory.domain.memories import Lead, Memory, MemoryKey
from lead_memory.domain.templates.render import Escape, OnMissing, render
from lead_memory.domain.templates.syntax import Template
from lead_memory.domain.templates.variables import Plan, Reason, Variable, plan, spell

_READS_AT_ONCE = 100
_EVENT_IDS_TOLD = 5

_logger = logging.getLogger(__name__)


type Profile = Mapping[str, Any] | Reason


class ProfilesRefused(LeadMemoryError):
    """The profile database will refuse this read until an operator mends the stage; the text is for its log."""


class ProfilesTooLarge(LeadMemoryError):
    """The profiles of this many leads are more than one statement can bring; ask for fewer leads at a time."""


class MemoryReader(Protocol):
    async def get(self, lead: Lead, name: MemoryKey) -> Memory | None:
        """One GetItem; None for a memory of another organization's lead.

        Raises `Unavailable`, and `Erased` for an organization that was erased.
        """

    async def erased(self, lead: Lead) -> bool:
        """Whether the lead was erased; one GetItem. Raises `Unavailable`."""


class ProfileReader(Protocol):
    async def profiles(
        self, organization_id: str, lead_ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Profile]:
        """All the fields, or why there are none, by lead, of the leads that have a profile; one statement.

        Raises `Unavailable`, `ProfilesRefused` or `ProfilesTooLarge`.
        """


class Question(NamedTuple):
    organization_id: str
    lead_ids: tuple[str, ...]
    templates: Mapping[str, Template]
    variables: tuple[Variable, ...]
    """Read whether or not a template uses them."""
    on_missing: OnMissing
    escape: Escape

    def plan(self) -> Plan:
        used = [variable for template in self.templates.values() for variable in template.variables]
        return plan([*used, *self.variables])


class Status(StrEnum):
    OK = "ok"
    """Every variable has a value or a default."""
    MISSING = "missing"
    """A variable has no value, and asking again will not bring it."""
    UNAVAILABLE = "unavailable"
    """A variable could not be read this time; ask again later."""


class Found(msgspec.Struct, frozen=True):
    value: Any
    memory: str | None = None
    """The name in `memories` of the one that holds it; a profile is read as it is now, and has none."""


class Provenance(msgspec.Struct, frozen=True):
    age_seconds: int
    updated_at: datetime
    confidence: float
    source_event_ids: tuple[str, ...]
    """The newest of `source_event_count`."""
    source_event_count: int


class Missing(msgspec.Struct, frozen=True):
    variable: str
    reason: Reason
    defaulted: bool
    """Whether a `default` stood in for it everywhere, so that it left no gap."""


class Reads(msgspec.Struct, frozen=True):
    get_item: int
    sql: int
    """0 or 1: all leads share the statement."""


class LeadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    lead: str
    status: Status
    texts: dict[str, str] | None
    """By template; none at all where `fail` was asked for and one of them has a gap."""
    values: dict[str, Found]
    memories: dict[str, Provenance]
    """By name, those that hold the values."""
    missing: tuple[Missing, ...]
    reads: Reads


type _Memories = Mapping[MemoryKey, Memory | Reason]


class Resolver:
    """`profiles` is None on a stage without a profile database: there every profile field is `no_profile`.

    What a store has not answered after `patience_seconds` is unavailable, so that what others answered is not lost.
    """

    def __init__(self, memories: MemoryReader, profiles: ProfileReader | None, *, patience_seconds: float) -> None:
        self._memories = memories
        self._profiles = profiles
        self._patience_seconds = patience_seconds

    async def resolve(self, question: Question, now: datetime) -> tuple[LeadAnswer, ...]:
        """One answer for each lead, in order; what fails for one lead is in its own answer.

        Raises `ProfilesTooLarge`.
        """
        reading = question.plan()
        profiles, (memories, sent) = await asyncio.gather(
            self._read_profiles(question, reading.profile_fields),
            self._read_memories(question, reading.memories, now),
        )
        if isinstance(profiles, ProfilesTooLarge):
            raise profiles  # not before the other reads have ended
        sql = int(bool(reading.profile_fields and self._profiles))
        return tuple(
            _answer(question, reading, lead_id, profiles[lead_id], memories[lead_id], Reads(sent[lead_id], sql), now)
            for lead_id in question.lead_ids
        )

    async def _read_profiles(
        self, question: Question, fields: Sequence[str]
    ) -> Mapping[str, Profile] | ProfilesTooLarge:
        if not fields or self._profiles is None:
            return dict.fromkeys(question.lead_ids, Reason.NO_PROFILE)
        try:
            async with asyncio.timeout(self._patience_seconds):
                profiles = await self._profiles.profiles(question.organization_id, question.lead_ids, fields)
        except ProfilesTooLarge as failure:
            return failure
        except ProfilesRefused as refusal:
            _logger.error("profiles refused", extra={"reason": str(refusal)})
            return dict.fromkeys(question.lead_ids, Reason.PROFILE_REFUSED)
        except Exception as failure:  # the memories are still an answer
            _log_failures("profiles", [failure])
            return dict.fromkeys(question.lead_ids, Reason.PROFILE_UNAVAILABLE)
        return {lead_id: profiles.get(lead_id, Reason.NO_PROFILE) for lead_id in question.lead_ids}

    async def _read_memories(
        self, question: Question, names: Sequence[MemoryKey], now: datetime
    ) -> tuple[Mapping[str, _Memories], Counter[str]]:
        """By lead: the memories, and how many reads were sent."""
        deadline = asyncio.get_running_loop().time() + self._patience_seconds
        slots = asyncio.Semaphore(_READS_AT_ONCE)
        sent: Counter[str] = Counter()
        failures: list[Exception] = []

        async def ask[T](lead_id: str, reading: Callable[[Lead], Awaitable[T]]) -> T | Reason:
            try:
                async with asyncio.timeout_at(deadline), slots:
                    sent[lead_id] += 1
                    return await reading(Lead(question.organization_id, lead_id))
            except Erased:
                return Reason.ERASED
            except Exception as failure:  # one lead's trouble never fails another's
                failures.append(failure)
                return Reason.MEMORY_UNAVAILABLE

        async def read(lead_id: str, name: MemoryKey) -> Memory | Reason:
            memory = await ask(lead_id, lambda lead: self._memories.get(lead, name))
            if memory is None:
                return Reason.NEVER_SEEN
            return Reason.EXPIRED if isinstance(memory, Memory) and memory.expired(now) else memory

        async def of_lead(lead_id: str) -> _Memories:
            memories = await asyncio.gather(*(read(lead_id, name) for name in names))
            # Nothing was found of a lead that was erased, so only of whom nothing was found is asked why.
            if memories and all(memory is Reason.NEVER_SEEN for memory in memories):
                erased = await ask(lead_id, self._memories.erased)
                memories = [Reason.ERASED if erased is True else Reason.NEVER_SEEN] * len(names)
            return dict(zip(names, memories, strict=True))

        answers = await asyncio.gather(*map(of_lead, question.lead_ids))
        _log_failures("memories", failures)
        return dict(zip(question.lead_ids, answers, strict=True)), sent


def _answer(
    question: Question,
    reading: Plan,
    lead_id: str,
    profile: Profile,
    memories: _Memories,
    reads: Reads,
    now: datetime,
) -> LeadAnswer:
    values = {v.name: _find(v, memories[v.memory] if v.memory else profile) for v in reading.variables}
    gaps = {v.name: values[v.name] for v in question.variables if isinstance(values[v.name], Reason)}
    defaulted: dict[str, Reason] = {}
    texts: dict[str, str] = {}
    for name, template in question.templates.items():
        rendering = render(template, values, on_missing=question.on_missing, escape=question.escape)
        gaps |= rendering.missing
        defaulted |= rendering.defaulted
        if rendering.text is not None:
            texts[name] = rendering.text
    found = [variable for variable in reading.variables if not isinstance(values[variable.name], Reason)]
    return LeadAnswer(
        lead=lead_id,
        status=_status(gaps),
        texts=texts if len(texts) == len(question.templates) else None,
        values={v.name: Found(values[v.name], spell(v.memory) if v.memory else None) for v in found},
        memories={
            spell(memory.name): _provenance(memory, now)
            for memory in (memories[v.memory] for v in found if v.memory)
            if isinstance(memory, Memory)
        },
        missing=tuple(Missing(name, reason, defaulted=name not in gaps) for name, reason in (defaulted | gaps).items()),
        reads=reads,
    )


def _find(variable: Variable, record: Memory | Mapping[str, Any] | Reason) -> Any:
    if isinstance(record, Reason):
        return record
    return variable.find(record.value if isinstance(record, Memory) else record)


def _provenance(memory: Memory, now: datetime) -> Provenance:
    return Provenance(
        age_seconds=max(0, int((now - memory.updated_at).total_seconds())),
        updated_at=memory.updated_at,
        confidence=memory.confidence,
        source_event_ids=memory.source_event_ids[:_EVENT_IDS_TOLD],
        source_event_count=memory.source_event_count,
    )


def _status(gaps: Mapping[str, Reason]) -> Status:
    if not gaps:
        return Status.OK
    return Status.UNAVAILABLE if any(reason.passing for reason in gaps.values()) else Status.MISSING


def _log_failures(store: str, failures: Sequence[Exception]) -> None:
    """Only our own errors are known to be without content; of others the type must do."""
    counts = Counter(str(f) if isinstance(f, Unavailable) else type(f).__name__ for f in failures)
    if counts:
        _logger.warning("not read", extra={"store": store, "failures": dict(counts)})
