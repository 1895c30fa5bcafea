"""The canonical `data` of each event type, validated. Commerce uses the names of Segment's e-commerce specification.

Fields that a model does not name are kept with the event and not looked at.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lead_memory.domain.fields import (
    BLANK,
    SHALLOW,
    Channel,
    Currency,
    Ending,
    Id,
    Money,
    Quantity,
    Shallow,
    Short,
    Text,
    at_most,
)
from lead_memory.domain.limits import ANSWERS, CONSENTS, PRODUCTS
from lead_memory.domain.memories import MemoryType


class Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Product(Payload):
    product_id: Annotated[Id | None, BLANK] = None
    sku: Annotated[Id | None, BLANK] = None
    name: Annotated[Text | None, BLANK] = None
    category: Annotated[Text | None, BLANK] = None
    brand: Short | None = None
    variant: Short | None = None
    price: Money | None = None
    """The price of one, in the currency of the event."""
    quantity: Quantity = Decimal(1)


type Products = Annotated[tuple[Product, ...], at_most(PRODUCTS)]


class ProductSeen(Product):
    """`product.viewed`, `product.added`, `product.removed`."""

    currency: Currency | None = None


class ProductListViewed(Payload):
    category: Text
    list_id: Id | None = None


class CheckoutStarted(Payload):
    checkout_id: Id | None = None
    value: Money | None = None
    currency: Currency | None = None
    products: Products = ()


class OrderPaid(Payload):
    order_id: Id
    total: Money
    """What was paid: after discounts, with tax and shipping."""
    currency: Currency
    discount: Money = Decimal(0)
    coupon: Short | None = None
    payment_method: Annotated[Text | None, BLANK] = None
    products: Products = ()


class OrderRefunded(Payload):
    """Without `total` and `products` the whole order is refunded."""

    order_id: Id
    refund_id: Id | None = None
    total: Money | None = None
    """What went back, positive."""
    currency: Currency | None = None
    products: Products = ()
    reason: Short | None = None


class OrderCancelled(Payload):
    order_id: Id
    reason: Short | None = None


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


class ConversationMessage(Payload):
    """`conversation.message_received` (from the lead) and `conversation.reply_sent` (to the lead)."""

    thread_id: Id
    message_id: Id | None = None
    channel: Channel
    text: str = ""
    subject: Short | None = None
    author: Short | None = None


class IntentClassified(Payload):
    thread_id: Id
    channel: Channel | None = None
    intent: Text
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0
    sentiment: Short | None = None


class ThreadResolved(Payload):
    thread_id: Id
    channel: Channel | None = None
    topic: Short | None = None
    resolution: Short | None = None
    sentiment: Short | None = None


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


DECLARABLE = (MemoryType.FACT, MemoryType.PREFERENCE, MemoryType.INTEREST)
"""What can be said outright. The other types are made of what happened."""


_DERIVED = re.compile(r"interest\.(product|category):.*|preference\.(channel|price_sensitivity)", re.DOTALL)
"""Memories that count; what is said outright beside the counts would stop them."""


class MemoryDeclared(Payload):
    memory_type: MemoryType
    key: Text
    value: Annotated[dict[str, Any], SHALLOW]
    expires_at: Ending = None

    @field_validator("memory_type")
    @classmethod
    def _declarable(cls, memory_type: MemoryType) -> MemoryType:
        if memory_type not in DECLARABLE:
            raise ValueError(f"only {', '.join(DECLARABLE)} memories are declared or inferred; others are derived")
        return memory_type

    @model_validator(mode="after")
    def _not_derived(self) -> Self:
        if _DERIVED.fullmatch(f"{self.memory_type}.{self.key}"):
            raise ValueError("this memory is derived from events and cannot be declared")
        return self

    @field_validator("value", mode="before")
    @classmethod
    def _as_object(cls, value: object) -> object:
        return value if isinstance(value, dict) else {"value": value}


class MemoryInferred(MemoryDeclared):
    confidence: Annotated[float, Field(ge=0, le=1)]


class MemoryExpired(Payload):
    memory_type: MemoryType
    key: Text


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
    consents: Annotated[dict[Channel, bool], at_most(CONSENTS)] = {}
    """Marketing consent by channel: true opted in, false opted out."""


PAYLOADS: dict[str, type[Payload]] = {
    "campaign.converted": CampaignConverted,
    "campaign.message_bounced": CampaignMessage,
    "campaign.message_clicked": CampaignMessage,
    "campaign.message_delivered": CampaignMessage,
    "campaign.message_opened": CampaignMessage,
    "campaign.message_replied": CampaignMessage,
    "campaign.message_sent": CampaignMessage,
    "campaign.message_unsubscribed": CampaignMessage,
    "channel.opted_in": ChannelConsent,
    "channel.opted_out": ChannelConsent,
    "checkout.started": CheckoutStarted,
    "conversation.intent_classified": IntentClassified,
    "conversation.message_received": ConversationMessage,
    "conversation.reply_sent": ConversationMessage,
    "conversation.thread_resolved": ThreadResolved,
    "form.response_submitted": FormResponseSubmitted,
    "lead.identified": LeadIdentified,
    "memory.declared": MemoryDeclared,
    "memory.expired": MemoryExpired,
    "memory.inferred": MemoryInferred,
    "order.cancelled": OrderCancelled,
    "order.paid": OrderPaid,
    "order.refunded": OrderRefunded,
    "preference.expressed": PreferenceExpressed,
    "product.added": ProductSeen,
    "product.removed": ProductSeen,
    "product.viewed": ProductSeen,
    "product_list.viewed": ProductListViewed,
    "ticket.created": TicketCreated,
    "ticket.rated": TicketRated,
    "ticket.reopened": TicketReopened,
    "ticket.resolved": TicketResolved,
    "ticket.updated": TicketUpdated,
}
"""Every event type there is. A type that is not here is rejected."""

_MODELS: tuple[type[Payload], ...] = (*PAYLOADS.values(), Product, FormAnswer, Address)
FIELD_NAMES = frozenset(name for model in _MODELS for name in model.model_fields)
"""What an error may name: any other name in a payload is content."""
