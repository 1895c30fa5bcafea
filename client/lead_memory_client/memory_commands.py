"""The commands for one memory: how long it is kept, and what is said of it beside its value."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import msgspec
from cyclopts import App, Parameter, Token
from cyclopts.validators import Number

from lead_memory.domain import canonical
from lead_memory.domain.memories import Environment, Lead, Memory, MemoryKey, MemoryType
from lead_memory.domain.retention import GRACE, RetentionStatus
from lead_memory_client import recording
from lead_memory_client.errors import MemoryRefused
from lead_memory_client.lifecycle_commands import STATUSES, minute
from lead_memory_client.note_commands import SOURCE, By
from lead_memory_client.terminal import OK, Filled, Of, UsageError, answer

if TYPE_CHECKING:
    from lead_memory_client.client import LeadMemory

type Field = Literal[
    "text",
    "metadata",
    "tags",
    "importance",
    "content-type",
    "event-type",
    "environment",
    "project",
    "parent",
]
type Name = Annotated[str, Parameter(validator=Filled())]
type Reason = Annotated[str | None, Parameter(validator=Filled(), help="Why.")]


def _json(_: type, tokens: Sequence[Token]) -> dict[str, Any]:
    with suppress(msgspec.DecodeError):
        if isinstance(found := canonical.decode(tokens[0].value.encode()), dict):
            return found
    raise ValueError("that is no JSON object such as '{\"room\": 12}'")


def _memory_name(_: type, tokens: Sequence[Token]) -> MemoryKey:
    of_type, _dot, key = tokens[0].value.partition(".")
    if of_type not in set(MemoryType) or not key:
        raise ValueError("that is no memory such as fact.family")
    return MemoryKey(MemoryType(of_type), key)


type Metadata = Annotated[dict[str, Any] | None, Parameter(converter=_json, accepts_keys=False)]
type Parent = Annotated[MemoryKey | None, Parameter(converter=_memory_name, accepts_keys=False, n_tokens=1)]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class OfLead(Of):
    lead: Annotated[UUID, Parameter(help="The lead's id.")]

    def known(self, memory: "LeadMemory", name: MemoryKey) -> Memory:
        """Raises `MemoryRefused` where there is none, or its time is over."""
        found = memory.memory(self.lead, *name, self.organization_id())
        if found is None:
            raise MemoryRefused(f"There is no memory {name}: `lead-memory lifecycle` shows those that there are.")
        now, purged = datetime.now(UTC), found.retention.status is RetentionStatus.PURGED
        if not purged and (found.expired(now) or not found.value):
            raise MemoryRefused(f"The time of {name} is over: there is nothing left to look after.")
        return found

    def event(self, event_type: str, name: MemoryKey, said: dict[str, Any], nulls: Sequence[str] = ()) -> Any:
        """Checked as the updater will, before anybody looks."""
        lead = Lead(str(self.organization_id()), str(self.lead))
        entry = recording.made(SOURCE, event_type, name._asdict() | said, lead, nulls=nulls)
        recording.checked(entry)
        return entry


memory = App(name="memory", help="One memory: how long it is kept, and what is said of it beside its value.")


@memory.command
def archive(memory_type: MemoryType, key: str, /, *, reason: Reason = None, of: OfLead, by: By = By()) -> int:
    """Make a memory read-only: a change is refused from then on, and counted.

    Args:
        memory_type: For example fact.
        key: For example family.
    """
    name = MemoryKey(memory_type, key)
    _move(of, by, name, "memory.archived", RetentionStatus.ARCHIVED, reason)
    answer(of, _moved(name, RetentionStatus.ARCHIVED), lambda: f"{name} is archived: it is read, and no more changed.")
    return OK


@memory.command
def delete(memory_type: MemoryType, key: str, /, *, reason: Reason = None, of: OfLead, by: By = By()) -> int:
    """Hide a memory from everyone but `lead-memory lifecycle`. It can be restored.

    Args:
        memory_type: For example fact.
        key: For example family.
    """
    name = MemoryKey(memory_type, key)
    _move(of, by, name, "memory.soft_deleted", RetentionStatus.SOFT_DELETED, reason)
    back = f"lead-memory memory restore {memory_type} {key} --lead {of.lead}{of.options()}"
    answer(of, _moved(name, RetentionStatus.SOFT_DELETED), lambda: f"{name} is deleted. To bring it back: {back}")
    return OK


@memory.command
def restore(memory_type: MemoryType, key: str, /, *, reason: Reason = None, of: OfLead, by: By = By()) -> int:
    """Make a memory active again that was archived, deleted, or queued for the purge.

    Args:
        memory_type: For example fact.
        key: For example family.
    """
    name = MemoryKey(memory_type, key)
    _move(of, by, name, "memory.restored", RetentionStatus.ACTIVE, reason)
    answer(of, _moved(name, RetentionStatus.ACTIVE), lambda: f"{name} is active.")
    return OK


@memory.command
def purge(memory_type: MemoryType, key: str, /, *, reason: Reason = None, of: OfLead, by: By = By()) -> int:
    """Queue a deleted memory for the purge, which takes its content away after a grace of seven days.

    Args:
        memory_type: For example fact.
        key: For example family.
    """
    name, to = MemoryKey(memory_type, key), RetentionStatus.HARD_DELETE_PENDING
    found = _move(of, by, name, "memory.hard_delete_queued", to, reason, only_from=RetentionStatus.SOFT_DELETED)
    queued_at = found.retention.hard_delete_queued_at
    assert queued_at is not None  # noqa: S101 - it has moved there
    ends_at = queued_at + GRACE
    answer(
        of,
        _moved(name, to) | {"purge_at": ends_at},
        lambda: f"{name} is purged after {minute(ends_at)} UTC; until then it can be restored.",
    )
    return OK


@memory.command
def annotate(
    memory_type: MemoryType,
    key: str,
    /,
    *,
    text: str | None = None,
    metadata: Metadata = None,
    tag: Annotated[list[str] | None, Parameter(negative="")] = None,
    importance: Annotated[float | None, Parameter(validator=Number(gte=0, lte=1))] = None,
    content_type: Name | None = None,
    event_type: Name | None = None,
    environment: Environment | None = None,
    project: Name | None = None,
    parent: Parent = None,
    clear: Annotated[list[Field] | None, Parameter(negative="")] = None,
    of: OfLead,
) -> int:
    """Say something of a memory beside its value: what is given replaces what was there, and the rest stays.

    Args:
        memory_type: For example fact.
        key: For example family.
        text: What a recall searches and shows instead of the value.
        metadata: A JSON object of your own.
        tag: A label that a recall can ask for; give it again for each.
        importance: From 0 to 1.
        content_type: Says how fast it ages, such as message or decision.
        event_type: What it came from, such as meeting.
        environment: Which one it belongs to.
        project: The id of the project that it belongs to.
        parent: The memory that it is a fragment of, such as fact.family.
        clear: What is to have its default again.
    """
    said = {
        "text": text,
        "metadata": metadata,
        "tags": tag,
        "importance": importance,
        "content_type": content_type,
        "event_type": event_type,
        "environment": environment,
        "project_id": project,
        "parent": parent and parent._asdict(),
    }
    nulls = [_FIELDS.get(field, field) for field in clear or ()]
    _refuse_nothing_or_both({field for field, value in said.items() if value is not None}, nulls)
    name = MemoryKey(memory_type, key)
    entry = of.event("memory.annotated", name, said, nulls)
    client = of.connect()
    here = of.known(client, name).retention.status
    if here is not RetentionStatus.ACTIVE:
        raise MemoryRefused(_standing(name, here) + _instead(name, here, of))
    if parent:
        of.known(client, parent)
    recording.record(client, entry, of)
    answer(of, entry.detail["data"], lambda: f"{name} is annotated.")
    return OK


_FIELDS = {"content-type": "content_type", "event-type": "event_type", "project": "project_id"}


def _refuse_nothing_or_both(given: set[str], nulls: Sequence[str]) -> None:
    if both := sorted(given.intersection(nulls)):
        raise UsageError(f"What {' and '.join(both)} is to be was both given and cleared: do one of the two.")
    if not given and not nulls:
        raise UsageError("Nothing was said of the memory: give --tag, --importance, another option, or --clear.")


def _move(
    of: OfLead,
    by: By,
    name: MemoryKey,
    event_type: str,
    to: RetentionStatus,
    reason: str | None,
    only_from: RetentionStatus | None = None,
) -> Memory:
    """The memory once it has moved. Raises `MemoryRefused` where it cannot."""
    entry = of.event(event_type, name, {"asked_by": by.name(), "reason": reason})
    client = of.connect()
    found = of.known(client, name)
    here = found.retention.status
    if found.retention.moved(to, datetime.now(UTC)) is None or here is not (only_from or here):
        raise MemoryRefused(_standing(name, here) + _instead(name, here, of))
    recording.record(client, entry, of)
    moved = of.known(client, name)
    if moved.retention.status is not to:
        raise MemoryRefused(f"It was recorded, and somebody was faster: {_standing(name, moved.retention.status)}")
    return moved


def _standing(name: MemoryKey, here: RetentionStatus) -> str:
    return f"{name} is {STATUSES[here]}."


def _instead(name: MemoryKey, here: RetentionStatus, of: OfLead) -> str:
    """What can be done."""
    possible = {
        RetentionStatus.ACTIVE: ("archive", "delete", "annotate"),
        RetentionStatus.ARCHIVED: ("delete", "restore"),
        RetentionStatus.SOFT_DELETED: ("restore", "purge"),
        RetentionStatus.HARD_DELETE_PENDING: ("restore",),
        RetentionStatus.PURGED: (),
    }[here]
    if not possible:
        return " Only its name is left; what is said of it from now on begins anew."
    does = "|".join(possible)
    return f" What can be done: lead-memory memory {does} {name.memory_type} {name.key} --lead {of.lead}{of.options()}"


def _moved(name: MemoryKey, to: RetentionStatus) -> dict[str, Any]:
    return {**name._asdict(), "retention_status": to}
