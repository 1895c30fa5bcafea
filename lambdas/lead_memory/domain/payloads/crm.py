"""What is said of a CRM's entities, and which of them are one."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from lead_memory.domain.crm.entities import Kind
from lead_memory.domain.fields import BLANK, TOO_LARGE, Id, Money, Text, Time, at_most, normal
from lead_memory.domain.limits import ENTITY_CHARACTERS, RECORDS_KEPT
from lead_memory.domain.payloads.base import Payload
from lead_memory.domain.payloads.intelligence import Extraction


def _not_cut(text: str) -> str:
    if len(text) > ENTITY_CHARACTERS:
        raise PydanticCustomError(TOO_LARGE, f"an entity's id has at most {ENTITY_CHARACTERS} characters")
    return text


type _EntityId = Annotated[Annotated[Id, AfterValidator(_not_cut)] | None, BLANK]
type _Kept = Annotated[
    Annotated[
        str,
        StringConstraints(strip_whitespace=True),
        AfterValidator(normal),
        AfterValidator(lambda text: text[:ENTITY_CHARACTERS].rstrip()),
    ]
    | None,
    BLANK,
]
type _Kind = Annotated[Kind | None, BLANK]
type Relation = Literal["account", "contact", "related_to"]


class Record(Payload):
    """As it was said once: what is blank was not said. An id is a text, with its zeros."""

    id: _EntityId = None
    name: _Kept = None
    subject: _Kept = None
    email: _Kept = None
    phone: _Kept = None
    company: _Kept = None
    stage: _Kept = None
    amount: Annotated[Money | None, BLANK] = None
    close_date: _Kept = None
    status: _Kept = None
    priority: _Kept = None
    due_date: _Kept = None
    account_id: _EntityId = None
    account_name: _Kept = None
    contact_id: _EntityId = None
    contact_name: _Kept = None
    related_to_type: _Kind = None
    related_to_id: _EntityId = None
    related_to_name: _Kept = None

    def said(self) -> dict[str, Any]:
        """As a memory has it."""
        fields = self.model_dump(exclude_none=True)
        return {field: str(what) if isinstance(what, Kind) else what for field, what in fields.items()}


class RelatedRecord(Record):
    """With the keys of the entities that it is related to."""

    account_key: _Kept = None
    contact_key: _Kept = None
    related_to_key: _Kept = None


class KeptRecord(RelatedRecord):
    """As an entity's memory keeps it."""

    name_key: Text
    at: Time
    by_person: Literal[True] | None = None


type _Records = Annotated[tuple[KeptRecord, ...], at_most(2 * RECORDS_KEPT)]


class Related(Payload):
    kind: Kind
    key: Text


class EntityExtracted(Payload):
    kind: Kind
    key: Text
    """Of the entity that the record is folded into; whoever publishes it decides."""
    record: Record
    relations: dict[Relation, Related] = Field({})
    matched_by: Literal["new", "id", "name", "close_name"] = "new"
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0
    extraction: Extraction | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.record.said():
            raise ValueError("the record has none of these fields; docs/reference/events.md lists them")
        return self


class EntitiesMerged(Payload):
    kind: Kind
    key: Text
    merged_key: Text
    """Of the entity that is no longer one of its own."""
    records: _Records = ()
    """Its own, and those merged into it before."""
    author: Text | None = None
    extraction: Extraction | None = None

    @model_validator(mode="after")
    def _of_two(self) -> Self:
        if self.key == self.merged_key:
            raise ValueError("an entity is not merged into itself")
        return self


class EntitySplit(Payload):
    kind: Kind
    key: Text
    name_key: Text
    """Of the records, and of the entity that they are from now on."""
    records: _Records = ()
    """Those that were said of the first under this name."""
    author: Text | None = None

    @model_validator(mode="after")
    def _of_two(self) -> Self:
        if self.key == self.name_key:
            raise ValueError("what an entity is itself is not split off")
        return self


def check_fields(value: dict[str, Any]) -> None:
    """Of an entity that is declared or inferred; it may have others beside them."""
    try:
        RelatedRecord.model_validate(value)
    except ValidationError as error:
        # As an error of its own: a nested one's text would quote what was given.
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        raise PydanticCustomError("entity", f"value.{first['loc'][0]}: {first['msg']}") from None


def fields_of(value: dict[str, Any]) -> dict[str, Any]:
    """Without those that are not as they should be, which were taken before there were entities."""
    try:
        return RelatedRecord.model_validate(value).said()
    except ValidationError as error:
        wrong = {each["loc"][0] for each in error.errors(include_input=False, include_context=False)}
        return fields_of({field: what for field, what in value.items() if field not in wrong})
