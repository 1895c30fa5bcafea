"""What a model answers. Each statement names the message it rests on and quotes it.

The descriptions are part of what the model is told.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from lead_memory.domain.conversation.profile import Interest, Stage
from lead_memory.domain.limits import FACTS, NAME_CHARACTERS, SHORT_TEXT_CHARACTERS

type _Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=SHORT_TEXT_CHARACTERS)]
type _Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_CHARACTERS)]


class Stated(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    message: int = Field(description="The number of the message that states it.")
    quote: _Phrase = Field(description="The words of that message that state it, letter for letter.")


class StatedPreference(Stated):
    field: Literal[
        "budget_range",
        "timeline",
        "decision_maker",
        "preferred_contact_method",
        "preferred_contact_time",
        "company_size",
    ]
    value: _Phrase = Field(
        description="In the words and the language of the message. For decision_maker `yes` or `no`; for "
        "preferred_contact_method `sms`, `email`, `whatsapp` or `phone`."
    )


class StatedPainPoint(Stated):
    text: _Phrase


class StatedObjection(Stated):
    objection: _Phrase
    resolved: bool = Field(False, description="Whether the lead accepted an answer to it; then quote where they do.")
    resolution: _Phrase | None = None


class StatedProduct(Stated):
    name: _Name
    interest: Interest


class StatedStage(Stated):
    stage: Stage


class StatedNextStep(Stated):
    action: _Phrase
    due_date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    assigned_to: _Name | None = None


class FactsAnswer(BaseModel):
    """What the messages say of the contact; empty where they say nothing new."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preferences: list[StatedPreference] = Field([], max_length=FACTS)
    pain_points: list[StatedPainPoint] = Field([], max_length=FACTS)
    objections: list[StatedObjection] = Field([], max_length=FACTS)
    products: list[StatedProduct] = Field([], max_length=FACTS)
    stage: StatedStage | None = None
    next_step: StatedNextStep | None = None


class StatedEntity(Stated):
    id: _Name | None = Field(None, description="The CRM's own id, exactly as it is written; never made up.")


class StatedAccount(StatedEntity):
    name: _Name | None = None


class StatedContact(StatedEntity):
    name: _Name | None = Field(None, description="The full name.")
    email: _Name | None = None
    phone: _Name | None = None
    account_id: _Name | None = None
    account_name: _Name | None = None


class StatedOpportunity(StatedEntity):
    name: _Name | None = None
    stage: _Name | None = None
    amount: Annotated[str, StringConstraints(pattern=r"^\d{1,15}(\.\d{1,9})?$")] | None = Field(
        None, description="Digits, and a point before decimals."
    )
    close_date: _Name | None = None
    account_id: _Name | None = None
    account_name: _Name | None = None


class StatedCase(StatedEntity):
    subject: _Phrase | None = None
    status: _Name | None = None
    priority: _Name | None = None
    account_id: _Name | None = None
    account_name: _Name | None = None
    contact_id: _Name | None = None
    contact_name: _Name | None = None


class StatedTask(StatedEntity):
    subject: _Phrase | None = None
    status: _Name | None = None
    due_date: _Name | None = None
    related_to_type: Literal["account", "contact", "opportunity", "case", "lead"] | None = None
    related_to_id: _Name | None = None
    related_to_name: _Name | None = None


class StatedLead(StatedEntity):
    name: _Name | None = None
    company: _Name | None = None
    status: _Name | None = None
    email: _Name | None = None


class EntitiesAnswer(BaseModel):
    """The CRM records that the messages name outright; empty where they name none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accounts: list[StatedAccount] = Field([], max_length=FACTS)
    contacts: list[StatedContact] = Field([], max_length=FACTS)
    opportunities: list[StatedOpportunity] = Field([], max_length=FACTS)
    cases: list[StatedCase] = Field([], max_length=FACTS)
    tasks: list[StatedTask] = Field([], max_length=FACTS)
    leads: list[StatedLead] = Field([], max_length=FACTS)
