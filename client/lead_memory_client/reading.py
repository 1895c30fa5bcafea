"""What is remembered of a lead, and where it comes from."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from unicodedata import normalize
from uuid import UUID

import msgspec

from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.layers import BUDGET_TOKENS
from lead_memory.domain.conversation.notes import Note, in_order, live_notes
from lead_memory.domain.crm import index
from lead_memory.domain.crm.entities import Kind, memory_key, name_of, relations_of
from lead_memory.domain.memories import Lead, Memory, MemoryKey, MemoryType
from lead_memory.domain.times import time
from lead_memory_client.answers import AgentContext, Entity, Explanation, Intelligence, Lineage, RecordedEvent, Related
from lead_memory_client.contents import LargeContents
from lead_memory_client.entries import EventName
from lead_memory_client.errors import translated
from lead_memory_client.functions import ask
from lead_memory_client.keyrings import KeyringReader
from lead_memory_client.lineage import read_page
from lead_memory_client.stage import OfStage
from lead_memory_client.table import LeadTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient


class Reading(OfStage):
    """Every method raises `AwsRefused`, and `Erased` for a lead that was erased, or whose organization was."""

    def memories(
        self, lead_id: str | UUID, organization_id: str | UUID, *, as_of: datetime | None = None
    ) -> list[Memory]:
        """What is remembered, by type and key; none for a lead of another organization.

        Now: strongly consistent, one Query for each memory type, so that the log, which is larger, is not read.
        As of a time (with its zone): what the events that were recorded by then give, from the whole log.
        """
        lead = Lead(str(organization_id), str(lead_id))
        with translated("read what is remembered"):
            if as_of is not None:
                from lead_memory_client import history

                return self._of_known(lead, history.known_at(as_of, self._table.log(lead)))
            now = datetime.now(UTC)
            return self._of_known(lead, [memory for memory in self._table.memories(lead) if not memory.hidden(now)])

    def explain(
        self, lead_id: str | UUID, memory_type: MemoryType, key: str, organization_id: str | UUID
    ) -> Explanation:
        """A memory's value, and what each of its events made of it; nothing for a lead of another organization.

        Reads the lead's whole log, strongly consistent.
        """
        from lead_memory_client import history

        with translated("read the lead's log"):
            lead = Lead(str(organization_id), str(lead_id))
            explanation = history.explain(self._table, lead, MemoryKey(memory_type, key))
            self._of_known(lead, explanation.contributions)
            return explanation

    def lineage(
        self,
        lead_id: str | UUID,
        memory_type: MemoryType,
        key: str,
        organization_id: str | UUID,
        *,
        limit: int = 1000,
        after: str | None = None,
    ) -> Lineage:
        """A page of the events that have a part in a memory, newest first; `after` is the `next` of the page before.

        A page costs bounded reads, so it may hold fewer than `limit`, or none, and still have a `next`. None for a
        lead of another organization. The timeline is an index: an event may show there a moment after its memories
        do. Raises `CursorUnknown`.
        """
        with translated("read the lead's timeline"):
            lead = Lead(str(organization_id), str(lead_id))
            if not self._table.has(lead):
                return Lineage((), None)
            return read_page(self._table, lead, MemoryKey(memory_type, key), limit, after)

    def events(self, lead_id: str | UUID, organization_id: str | UUID, *, limit: int = 50) -> list[RecordedEvent]:
        """The last that occurred, newest first; none for a lead of another organization.

        The timeline is an index: an event may show there a moment after its memories do.
        """
        with translated("read the lead's timeline"):
            lead = Lead(str(organization_id), str(lead_id))
            return self._of_known(lead, self._table.last_events(lead, limit))

    def notes(self, lead_id: str | UUID, organization_id: str | UUID, *, thread_id: str | None = None) -> list[Note]:
        """Operators' live notes on the contact, or on a thread, in a context's order; strongly consistent."""
        with translated("read the notes"):
            lead = Lead(str(organization_id), str(lead_id))
            found, _ = self._table.memory(lead, names.notes(thread_id and _as_kept(thread_id)))
            return self._of_known(lead, in_order(live_notes(found.value, datetime.now(UTC))) if found else [])

    def entities(self, lead_id: str | UUID, organization_id: str | UUID) -> list[Entity]:
        """The entities of a CRM that are known at once, by kind, those said last first; strongly consistent."""
        with translated("read the entities"):
            lead = Lead(str(organization_id), str(lead_id))
            found, _ = self._table.memory(lead, names.ENTITIES)
            known = found.value if found else {}
            return self._of_known(
                lead,
                [
                    _entity(kind, key, entity)
                    for kind in Kind
                    for key, entity in index.newest_first(known.get(kind, {}))
                ],
            )

    def entity(self, lead_id: str | UUID, kind: str, key: str, organization_id: str | UUID) -> dict[str, Any] | None:
        """The value of an entity's memory; None where there is none. Strongly consistent."""
        with translated("read the entity"):
            lead = Lead(str(organization_id), str(lead_id))
            found, _ = self._table.memory(lead, memory_key(Kind(kind), _as_kept(key)))
            self._of_known(lead, [found] if found else [])
            return found.value if found and found.value and not found.hidden(datetime.now(UTC)) else None

    def knows_thread(self, lead_id: str | UUID, thread_id: str, organization_id: str | UUID) -> bool:
        """Whether there is such a thread of the lead; strongly consistent."""
        with translated("look for the thread"):
            lead = Lead(str(organization_id), str(lead_id))
            found, _ = self._table.memory(lead, names.thread(_as_kept(thread_id)))
            return bool(self._of_known(lead, [found] if found else []))

    def context(
        self,
        lead_id: str | UUID,
        thread_id: str,
        organization_id: str | UUID,
        *,
        max_tokens: int = BUDGET_TOKENS,
        layers: Collection[str] | None = None,
        cohort: str | None = None,
        format: str = "text",
    ) -> AgentContext:
        """What an agent should know now of a lead and a thread, within a budget of tokens.

        `layers` are some of L1 to L5, all unless given; operators' notes are always among them. `cohort` is `full`,
        `no_notes` or `single_summary`, that of the lead unless given; `format` is `text` or `messages`. Raises
        `BudgetTooSmall` and `RequestRefused`.
        """
        request = {
            "organization_id": str(organization_id),
            "lead_id": str(lead_id),
            "thread_id": thread_id,
            "max_tokens": max_tokens,
            "layers": layers and list(layers),
            "cohort": cohort,
            "format": format,
        }
        name = self._resources.context_function
        return ask(self._functions, name, request, AgentContext, called="context function")

    def intelligence(self, lead_id: str | UUID, organization_id: str | UUID) -> Intelligence:
        """What models were asked about a lead, what became of it and what it cost; strongly consistent."""
        from lead_memory_client import spending

        with translated("read what models were asked"):
            lead = Lead(str(organization_id).lower(), str(lead_id))
            found, _ = self._table.memory(lead, names.INTELLIGENCE)
            self._of_known(lead, [found] if found else [])
            spent = spending.today(self._dynamodb, self._resources.table_name, lead.organization_id)
            return msgspec.convert({**(found.value if found else {}), **spent}, Intelligence)

    def recorded(self, names: Collection[EventName]) -> set[EventName]:
        """Which of the events are in the log, by a strongly consistent read."""
        with translated("read the log"):
            return self._table.recorded(names)

    def content_hashes(self, names: Collection[EventName]) -> dict[EventName, tuple[str, ...]]:
        """Of those events that are in the log, by a strongly consistent read."""
        with translated("read the log"):
            return self._table.content_hashes(names)

    def _of_known[T: Collection[Any]](self, lead: Lead, found: T) -> T:
        """Raises `Erased` where nothing was found because the lead was erased."""
        if not found:
            self._table.has(lead)
        return found

    @cached_property
    def _table(self) -> LeadTable:
        contents = LargeContents(lambda: self._stage.client("s3"), self._resources.payload_bucket)
        keyrings = KeyringReader(
            self._dynamodb,
            self._resources.table_name,
            lambda: self._stage.client("kms"),
            self._resources.content_key,
        )
        return LeadTable(self._dynamodb, self._resources.table_name, contents, keyrings.read)

    @cached_property
    def _functions(self) -> "LambdaClient":
        return self._stage.client("lambda")  # type: ignore[no-any-return]

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return self._stage.client("dynamodb")  # type: ignore[no-any-return]


def _as_kept(name: str) -> str:
    """As the events' ids of threads and keys of entities are."""
    return normalize("NFC", name.strip())


def _entity(kind: Kind, key: str, entity: Mapping[str, Any]) -> Entity:
    return Entity(
        kind=kind,
        key=key,
        name=name_of(entity),
        id=entity.get("id"),
        other_names=tuple(entity.get("other_names", ())),
        relations={relation: Related(*related) for relation, related in relations_of(entity).items()},
        last_said_at=time(entity["last_said_at"]) if "last_said_at" in entity else None,
        merged_into=entity.get("merged_into"),
        separate_from=tuple(entity.get("separate_from", ())),
    )
