"""The canonical `data` of each event type, validated. Commerce uses the names of Segment's e-commerce specification.

Fields that a model does not name are kept with the event and not looked at.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from lead_memory.domain.memories import MemoryType


def _identifier(value: object) -> object:
    """Ids are strings from end to end; integrations also send integers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _not_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number is expected, not a boolean")
    return value


type Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
type Id = Annotated[Text, BeforeValidator(_identifier)]
type Money = Annotated[
    Decimal, BeforeValidator(_not_boolean), Field(allow_inf_nan=False, max_digits=24, decimal_places=9)
]
type Currency = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$", to_upper=True)]
type Channel = Annotated[Text, AfterValidator(str.lower)]


class Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Product(Payload):
    product_id: Id | None = None
    sku: Id | None = None
    name: Text | None = None
    category: Text | None = None
    brand: str | None = None
    variant: str | None = None
    price: Money | None = None
    """The price of one, in the currency of the event."""
    quantity: Annotated[Decimal, BeforeValidator(_not_boolean), Field(ge=0, max_digits=15)] = Decimal(1)


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
    products: tuple[Product, ...] = ()


class OrderPaid(Payload):
    order_id: Id
    total: Money
    """What was paid: after discounts, with tax and shipping."""
    currency: Currency
    discount: Money = Decimal(0)
    coupon: str | None = None
    payment_method: Text | None = None
    products: tuple[Product, ...] = ()


class OrderRefunded(Payload):
    """Without `total` and `products` the whole order is refunded."""

    order_id: Id
    refund_id: Id | None = None
    total: Money | None = None
    """What went back, positive."""
    currency: Currency | None = None
    products: tuple[Product, ...] = ()
    reason: str | None = None


class OrderCancelled(Payload):
    order_id: Id
    reason: str | None = None


class FormAnswer(Payload):
    question: Id
    """The question's readable name; it is part of the memory's key."""
    title: str | None = None
    type: str | None = None
    answer: Any


class FormResponseSubmitted(Payload):
    form_id: Id
    title: str | None = None
    response_id: Id | None = None
    answers: tuple[FormAnswer, ...]


class TicketCreated(Payload):
    ticket_id: Id
    subject: str | None = None
    status: Text = "open"
    priority: str | None = None
    channel: Channel | None = None


class TicketUpdated(Payload):
    ticket_id: Id
    status: Text | None = None
    subject: str | None = None
    priority: str | None = None


class TicketResolved(Payload):
    ticket_id: Id
    subject: str | None = None
    resolution: str | None = None


class TicketReopened(Payload):
    ticket_id: Id
    subject: str | None = None


class TicketRated(Payload):
    ticket_id: Id
    csat: Annotated[int, Field(ge=1, le=5)]
    comment: str | None = None


class ConversationMessage(Payload):
    """`conversation.message_received` (from the lead) and `conversation.reply_sent` (to the lead)."""

    thread_id: Id
    message_id: Id | None = None
    channel: Channel
    text: str = ""
    subject: str | None = None
    author: str | None = None


class IntentClassified(Payload):
    thread_id: Id
    channel: Channel | None = None
    intent: Text
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0
    sentiment: str | None = None


class ThreadResolved(Payload):
    thread_id: Id
    channel: Channel | None = None
    topic: str | None = None
    resolution: str | None = None
    sentiment: str | None = None


class CampaignMessage(Payload):
    """Every `campaign.message_*` event."""

    campaign_id: Id
    message_id: Id | None = None
    channel: Channel | None = None
    campaign_name: str | None = None
    reason: str | None = None
    """Why it bounced or was unsubscribed from."""


class CampaignConverted(Payload):
    campaign_id: Id
    order_id: Id | None = None
    value: Money | None = None
    currency: Currency | None = None


class PreferenceExpressed(Payload):
    name: Text
    value: Any
    expires_at: AwareDatetime | None = None


class ChannelConsent(Payload):
    """`channel.opted_in` and `channel.opted_out`."""

    channel: Channel
    reason: str | None = None


DECLARABLE = (MemoryType.FACT, MemoryType.PREFERENCE, MemoryType.INTEREST)
"""What can be said outright. The other types are made of what happened."""


class MemoryDeclared(Payload):
    memory_type: MemoryType
    key: Text
    value: dict[str, Any]
    expires_at: AwareDatetime | None = None

    @field_validator("memory_type")
    @classmethod
    def _declarable(cls, memory_type: MemoryType) -> MemoryType:
        if memory_type not in DECLARABLE:
            raise ValueError(f"only {', '.join(DECLARABLE)} memories are declared or inferred; others are derived")
        return memory_type

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
    street: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    postal_code: str | None = None


class LeadIdentified(Payload):
    """What an integration knows of the person. The profile itself (name, addresses) is Aurora's."""

    external_id: Id | None = None
    address: Address | None = None
    company: str | None = None
    job_title: str | None = None
    language: str | None = None
    consents: dict[Channel, bool] = {}
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
