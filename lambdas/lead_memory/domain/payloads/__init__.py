"""The canonical `data` of each event type, validated. Fields that a model does not name are kept with the event and not
looked at.
"""

from lead_memory.domain.payloads.base import Payload
from lead_memory.domain.payloads.commerce import (
    CheckoutStarted,
    OrderCancelled,
    OrderPaid,
    OrderRefunded,
    Product,
    ProductListViewed,
    ProductSeen,
)
from lead_memory.domain.payloads.contact import (
    Address,
    ChannelConsent,
    LeadIdentified,
    PreferenceExpressed,
)
from lead_memory.domain.payloads.conversation import (
    ConversationMessage,
    IntentClassified,
    NoteEdited,
    NotePinned,
    NoteRemoved,
    ThreadReactivationPrepared,
    ThreadResolved,
    ThreadSummarized,
    ThreadSummaryRequested,
)
from lead_memory.domain.payloads.crm import EntitiesMerged, EntityExtracted, EntitySplit, KeptRecord, Related
from lead_memory.domain.payloads.engagement import (
    CampaignConverted,
    CampaignMessage,
    FormAnswer,
    FormResponseSubmitted,
    TicketCreated,
    TicketRated,
    TicketReopened,
    TicketResolved,
    TicketUpdated,
)
from lead_memory.domain.payloads.intelligence import (
    IntelligenceEvaluated,
    MemoriesSummaryRequested,
    ThreadExtractionRequested,
)
from lead_memory.domain.payloads.keeping import MemoryAnnotated, MemoryMoved, MemoryTiered
from lead_memory.domain.payloads.said import MemoryDeclared, MemoryExpired, MemoryInferred

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
    "crm.entities_merged": EntitiesMerged,
    "crm.entity_extracted": EntityExtracted,
    "crm.entity_split": EntitySplit,
    "form.response_submitted": FormResponseSubmitted,
    "intelligence.evaluated": IntelligenceEvaluated,
    "lead.identified": LeadIdentified,
    "memories.summary_requested": MemoriesSummaryRequested,
    "memory.annotated": MemoryAnnotated,
    "memory.archived": MemoryMoved,
    "memory.declared": MemoryDeclared,
    "memory.expired": MemoryExpired,
    "memory.hard_delete_queued": MemoryMoved,
    "memory.inferred": MemoryInferred,
    "memory.purged": MemoryMoved,
    "memory.restored": MemoryMoved,
    "memory.soft_deleted": MemoryMoved,
    "memory.tiered": MemoryTiered,
    "note.edited": NoteEdited,
    "note.pinned": NotePinned,
    "note.removed": NoteRemoved,
    "order.cancelled": OrderCancelled,
    "order.paid": OrderPaid,
    "order.refunded": OrderRefunded,
    "preference.expressed": PreferenceExpressed,
    "product.added": ProductSeen,
    "product.removed": ProductSeen,
    "product.viewed": ProductSeen,
    "product_list.viewed": ProductListViewed,
    "thread.extraction_requested": ThreadExtractionRequested,
    "thread.reactivation_prepared": ThreadReactivationPrepared,
    "thread.summarized": ThreadSummarized,
    "thread.summary_requested": ThreadSummaryRequested,
    "ticket.created": TicketCreated,
    "ticket.rated": TicketRated,
    "ticket.reopened": TicketReopened,
    "ticket.resolved": TicketResolved,
    "ticket.updated": TicketUpdated,
}
"""Every event type there is. A type that is not here is rejected."""

_MODELS: tuple[type[Payload], ...] = (*PAYLOADS.values(), Product, FormAnswer, Address, KeptRecord, Related)
FIELD_NAMES = frozenset(name for model in _MODELS for name in model.model_fields)
"""What an error may name: any other name in a payload is content."""
