"""What is known of the person."""

from typing import Annotated, Literal

from pydantic import (
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
from lead_memory.domain.limits import (
    CONSENTS,
    FACTS,
)
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


class Preferences(Payload):
    budget_range: Short | None = None
    timeline: Short | None = None
    decision_maker: bool | None = None
    preferred_contact_method: Annotated[Literal["sms", "email", "whatsapp", "phone"] | None, BLANK] = None
    preferred_contact_time: Short | None = None
    company_size: Short | None = None


class Objection(Payload):
    objection: Short
    resolved: bool = False
    resolution: Short | None = None


class ProductDiscussed(Payload):
    product_name: Short = Field(alias="productName")
    interest_level: Interest = Interest.MEDIUM

    @model_validator(mode="before")
    @classmethod
    def _named_only(cls, product: object) -> object:
        return {"productName": product} if isinstance(product, str) else product


class NextStep(Payload):
    action: Short
    due_date: Time | None = Field(None, alias="dueDate")
    assigned_to: Short | None = Field(None, alias="assignedTo")


class ContactFacts(Payload):
    """The value of `fact.contact_profile`, as it is declared or inferred: what is new alone. In JSON the names are the
    specification's.
    """

    preferences: Preferences = Preferences()
    pain_points: Annotated[tuple[Short, ...], at_most(FACTS)] = Field((), alias="painPoints")
    objections: Annotated[tuple[Objection, ...], at_most(FACTS)] = Field((), alias="objectionsAddressed")
    products: Annotated[tuple[ProductDiscussed, ...], at_most(FACTS)] = Field((), alias="productsDiscussed")
    current_stage: Stage | None = Field(None, alias="currentStage")
    next_step: NextStep | None = Field(None, alias="nextStep")
    last_interaction_summary: Short | None = Field(None, alias="lastInteractionSummary")


def contact_facts(value: object) -> ContactFacts:
    try:
        return ContactFacts.model_validate(value)
    except ValidationError as error:
        # As an error of its own: a nested one's text would quote what was given.
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PydanticCustomError("contact_profile", "value." + place + ": " + first["msg"]) from None
