"""Resolves templates for leads: one read of each memory, one statement for all profiles, all at once."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import batched, product
from typing import Any, NamedTuple, Protocol

import msgspec

from lead_memory.domain.errors import Erased, LeadMemoryError, Unavailable
from lead_memory.domain.memories import Memory, MemoryKey, StorageTier
from lead_memory.domain.templates.render import Escape, OnMissing, render
from lead_memory.domain.templates.syntax import Template
from lead_memory.domain.templates.variables import Plan, Reason, Variable, plan, spell

READ_TOGETHER = 100
"""Items, which a reader takes at once."""
_REQUESTS_AT_ONCE = 16

_logger = logging.getLogger(__name__)


type Profile = Mapping[str, Any] | Reason


class ProfilesRefused(LeadMemoryError):
    """The profile database will refuse this read until an operator mends the stage; the text is for its log."""


class ProfilesTooLarge(LeadMemoryError):
    """The profiles of this many leads are more than one statement can bring; ask for fewer leads at a time."""


type Wanted = tuple[str, MemoryKey]
"""A lead's id, and a memory of it."""
type Read = Memory | Exception | None
"""None for what is not there, and for a memory of another organization's lead."""


class MemoryReader(Protocol):
    """Both take at most `READ_TOGETHER` of one organization, send one request, and raise `Unavailable`.

    What cannot be read of a few is their own answer: one lead's trouble never costs another.
    """

    async def read(self, organization_id: str, wanted: Collection[Wanted]) -> Mapping[Wanted, Read]:
        """Raises `Erased` for an organization that was erased."""

    async def erased(self, organization_id: str, lead_ids: Collection[str]) -> Mapping[str, bool | Exception]:
        """Whether each lead was erased."""


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
    """Items; up to `READ_TOGETHER` of a call share a request."""
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
        """By lead: the memories, and how many items were read."""
        asking = _Asking(question.organization_id, self._patience_seconds)
        found = await asking.ask(product(question.lead_ids, names), self._memories.read)
        memories = {
            lead_id: {name: _standing(found[lead_id, name], now) for name in names} for lead_id in question.lead_ids
        }
        # Nothing was found of a lead that was erased, so only of whom nothing was found is asked why.
        unseen = [
            lead_id
            for lead_id, own in memories.items()
            if own and all(memory is Reason.NEVER_SEEN for memory in own.values())
        ]
        for lead_id, erased in (await asking.ask(unseen, self._memories.erased)).items():
            if erased is True:
                memories[lead_id] = dict.fromkeys(names, Reason.ERASED)
        _log_failures("memories", asking.failures)
        return memories, Counter(dict.fromkeys(question.lead_ids, len(names))) + Counter(unseen)


class _Asking:
    """What is asked of the memories' store for one call, as many at a time as it takes; to be made in the loop."""

    def __init__(self, organization_id: str, patience_seconds: float) -> None:
        self.failures: list[Exception] = []
        self._organization_id = organization_id
        self._deadline = asyncio.get_running_loop().time() + patience_seconds
        self._slots = asyncio.Semaphore(_REQUESTS_AT_ONCE)

    async def ask[Key, Answer](
        self,
        wanted: Iterable[Key],
        reading: Callable[[str, Collection[Key]], Awaitable[Mapping[Key, Answer | Exception]]],
    ) -> dict[Key, Answer | Reason]:
        async def together(keys: Collection[Key]) -> Mapping[Key, Answer | Exception]:
            try:
                async with asyncio.timeout_at(self._deadline), self._slots:
                    return await reading(self._organization_id, keys)
            except Exception as failure:  # what others answered is still an answer
                return dict.fromkeys(keys, failure)

        parts = await asyncio.gather(*map(together, batched(wanted, READ_TOGETHER, strict=False)))
        return {key: self._told(answer) for part in parts for key, answer in part.items()}

    def _told[Answer](self, answer: Answer | Exception) -> Answer | Reason:
        if isinstance(answer, Erased):
            return Reason.ERASED
        if isinstance(answer, Exception):
            self.failures.append(answer)
            return Reason.MEMORY_UNAVAILABLE
        return answer


def _standing(memory: Memory | Reason | None, now: datetime) -> Memory | Reason:
    if memory is None:
        return Reason.NEVER_SEEN
    if not isinstance(memory, Memory):
        return memory
    if memory.expired(now):
        return Reason.EXPIRED
    if memory.retention.deleted:
        return Reason.DELETED
    return Reason.COLD if memory.storage_tier is StorageTier.COLD else memory


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
        source_event_ids=memory.source_event_ids,
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
