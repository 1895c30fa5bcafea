"""Forms, tickets and campaigns."""

from typing import Annotated

from pydantic import (
    Field,
)

from lead_memory.domain.fields import (
    Channel,
    Currency,
    Id,
    Money,
    Shallow,
    Short,
    Text,
    at_most,
)
from lead_memory.domain.limits import (
    ANSWERS,
)
from lead_memory.domain.payloads.base import Payload


class FormAnswer(Payload):
    question: Id
    """The question's readable name; it is part of the memory's key."""
    title: Short | None = None
    type: Short | None = None
    answer: Shallow


class FormResponseSubmitted(Payload):
    form_id: Id
    title: Short | None = None
    response_id: Id | None = None
    answers: Annotated[tuple[FormAnswer, ...], at_most(ANSWERS)]


class TicketCreated(Payload):
    ticket_id: Id
    subject: Short | None = None
    status: Text = "open"
    priority: Short | None = None
    channel: Channel | None = None


class TicketUpdated(Payload):
    ticket_id: Id
    status: Text | None = None
    subject: Short | None = None
    priority: Short | None = None


class TicketResolved(Payload):
    ticket_id: Id
    subject: Short | None = None
    resolution: Short | None = None


class TicketReopened(Payload):
    ticket_id: Id
    subject: Short | None = None


class TicketRated(Payload):
    ticket_id: Id
    csat: Annotated[int, Field(ge=1, le=5)]
    comment: Short | None = None


class CampaignMessage(Payload):
    """Every `campaign.message_*` event."""

    campaign_id: Id
    message_id: Id | None = None
    channel: Channel | None = None
    campaign_name: Short | None = None
    reason: Short | None = None
    """Why it bounced or was unsubscribed from."""


class CampaignConverted(Payload):
    campaign_id: Id
    order_id: Id | None = None
    value: Money | None = None
    currency: Currency | None = None
