"""What is known of the person."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from lead_memory.domain.conversation.profile import Interest, Stage
from lead_memory.domain.fields import (
    BLANK,
    Channel,
    Ending,
    Id,
    Shallow,
    Short,
    Text,
    Time,
    at_most,
)
from lead_memory.domain.limits import CONSENTS, EARLIEST, FACTS
from lead_memory.domain.payloads.base import Payload


class PreferenceExpressed(Payload):
    """`channel` is the one that they want to be reached on."""

    name: Text
    value: Shallow
    expires_at: Ending = None

    @field_validator("name")
    @classmethod
    def _not_computed(cls, name: str) -> str:
        if name == "price_sensitivity":
            raise ValueError("price_sensitivity is computed from orders and cannot be expressed")
        return name


class ChannelConsent(Payload):
    """`channel.opted_in` and `channel.opted_out`."""

    channel: Channel
    reason: Short | None = None


class Address(Payload):
    street: Short | None = None
    city: Short | None = None
    region: Short | None = None
    country: Short | None = None
    postal_code: Short | None = None


class LeadIdentified(Payload):
    """What an integration knows of the person. The profile itself (name, addresses) is Aurora's."""

    external_id: Id | None = None
    address: Address | None = None
    company: Short | None = None
    job_title: Short | None = None
    language: Short | None = None
    consents: Annotated[dict[Channel, bool], at_most(CONSENTS)] = Field({})
    """Marketing consent by channel: true opted in, false opted out."""


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _time(value: object) -> object:
    """A date is its beginning in UTC; a number is in milliseconds since 1970, as the specification's are."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MILLISECONDS:
        return (EARLIEST + timedelta(milliseconds=value)).isoformat()
    return f"{value}T00:00:00Z" if isinstance(value, str) and _DATE.fullmatch(value) else value


_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MILLISECONDS = 10**14
LOWER = BeforeValidator(_lower)


class _Facts(Payload):
    """As a model writes them: null is what it does not know."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, facts: object) -> object:
        if not isinstance(facts, dict):
            return facts
        return {field: what for field, what in facts.items() if what is not None}


class Preferences(_Facts):
    budget_range: Short | None = None
    timeline: Short | None = None
    decision_maker: bool | None = None
    preferred_contact_method: Annotated[Literal["sms", "email", "whatsapp", "phone"] | None, BLANK, LOWER] = None
    preferred_contact_time: Short | None = None
    company_size: Short | None = None


class Objection(_Facts):
    objection: Short
    resolved: bool = False
    resolution: Short | None = None


class ProductDiscussed(_Facts):
    product_name: Short = Field(alias="productName")
    interest_level: Annotated[Interest, LOWER] = Interest.MEDIUM

    @model_validator(mode="before")
    @classmethod
    def _named_only(cls, product: object) -> object:
        return {"productName": product} if isinstance(product, str) else product


class NextStep(_Facts):
    action: Short
    due_date: Annotated[Time, BeforeValidator(_time)] | None = Field(None, alias="dueDate")
    assigned_to: Short | None = Field(None, alias="assignedTo")


class ContactFacts(_Facts):
    """The value of `fact.contact_profile`, as it is declared or inferred: what is new alone. In JSON the names are the
    specification's.
    """

    preferences: Preferences = Preferences()
    pain_points: Annotated[tuple[Short, ...], at_most(FACTS)] = Field((), alias="painPoints")
    objections: Annotated[tuple[Objection, ...], at_most(FACTS)] = Field((), alias="objectionsAddressed")
    products: Annotated[tuple[ProductDiscussed, ...], at_most(FACTS)] = Field((), alias="productsDiscussed")
    current_stage: Annotated[Stage, LOWER] | None = Field(None, alias="currentStage")
    next_step: NextStep | None = Field(None, alias="nextStep")
    last_interaction_summary: Short | None = Field(None, alias="lastInteractionSummary")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("the contact's profile has none of these fields; docs/reference/memories.md lists them")
        return self


def facts_of(value: object) -> dict[str, Any]:
    """As JSON; none of a value from before there were such facts."""
    try:
        return contact_facts(value).model_dump(mode="json", by_alias=True, exclude_none=True)
    except PydanticCustomError:
        return {}


def contact_facts(value: object) -> ContactFacts:
    try:
        return ContactFacts.model_validate(value)
    except ValidationError as error:
        # As an error of its own: a nested one's text would quote what was given.
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PydanticCustomError("contact_profile", "value." + place + ": " + first["msg"]) from None
