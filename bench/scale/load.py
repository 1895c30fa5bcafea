"""The load, and what was measured or assumed: the inputs of the page."""

from typing import NamedTuple

from bench.function import PROCESSOR_MIB
from infra.recall import NEVER_RECALLED


class Load(NamedTuple):
    organizations: int = 1_000
    leads: int = 100_000_000
    events_a_second: int = 20_000
    resolves_a_second: int = 50_000
    memories_a_resolve: int = 3
    """Five variables of three memories."""
    leads_a_call: int = 500
    """Of the resolver: a campaign asks for many leads at once."""
    new_leads: float = 0.01
    """Of the events, the share that is a lead's first."""
    given_back: float = 0.05
    """Of the events, the share that is given back to the queue while a store is slow."""
    events_kept_a_lead: int = 40
    memories_a_lead: int = 12
    recalls_a_second: int = 500


LOAD = Load()

MIX = {
    "segment/product.viewed.json": 0.26,
    "segment/product.added.json": 0.04,
    "shopify/order.paid.json": 0.03,
    "campaigns/campaign.message_delivered.json": 0.12,
    "campaigns/campaign.message_opened.json": 0.10,
    "campaigns/campaign.message_clicked.json": 0.04,
    "whatsapp/conversation.message_received.json": 0.12,
    "whatsapp/conversation.reply_sent.json": 0.08,
    "helpdesk/ticket.created.json": 0.01,
    "helpdesk/ticket.resolved.json": 0.01,
    "preferences/preference.expressed.contact_time.json": 0.01,
    "operator/memory.declared.on_holiday.json": 0.02,
    "cleanup/memory.expired.json": 0.02,
    "agent/memory.inferred.contact_profile.json": 0.03,
    "extractor/crm.entity_extracted.json": 0.02,
    "extractor/intelligence.evaluated.json": 0.06,
    "extractor/thread.summarized.json": 0.03,
}
"""Samples of `events/`, and their shares of all events."""
MESSAGES = sum(share for name, share in MIX.items() if "/conversation." in name)
INDEXED = sum(share for name, share in MIX.items() if not name.partition("/")[2].startswith(NEVER_RECALLED))
"""The share of events that go to the vectors' queue."""
ANSWERED = MIX["extractor/intelligence.evaluated.json"] / MESSAGES
"""Of the messages, the share after which the extractor asks for something and publishes what became of it."""


class Skew(NamedTuple):
    """Exponents of Zipf's law: how uneven organizations are in size and traffic, and each one's leads in traffic."""

    organizations: float
    leads: float


MILD, USUAL, HARD = "mild", "usual", "hard"
SKEWS = {MILD: Skew(0.8, 0.5), USUAL: Skew(1.0, 0.8), HARD: Skew(1.2, 1.0)}
SECONDS = 120
SEED = 1


class Speed(NamedTuple):
    """What the functions do, each with one process."""

    processors: float = 1_024 / PROCESSOR_MIB
    """Of an updater and of a resolver."""
    events_a_processor_second: float = 950
    """The updater, each event of another lead: client CPU, measured on the local stack."""
    leads_a_processor_second: float = 5_000
    """The resolver, three memories and the profile each, a hundred in a call: `make bench`."""
    commit_seconds: float = 0.015
    """One read and one transaction in a region, during which another writer of the memory loses: assumed."""
    hot_lead_events_a_second: float = 280
    """Three updaters, and nothing but the lead in their batches: `python -m tests.prove --only hot-lead`."""
    message_seconds: float = 0.033
    """The extractor, in a batch of ten: `python -m bench.cost`."""
    model_seconds: float = 4
    """Until a model has answered: assumed."""
    embedded_seconds: float = 0.07
    """The embedder, an event of its queue: `python -m bench.cost`."""
    recall_seconds: float = 0.06
    """Among 50 memories: `python -m bench.cost`."""
    entry_bytes: int = 870
    """Of a memory, for recalls: `python -m bench.cost`."""
    ended_a_processor_second: float = 8_500
    """Memories that the cleanup announces: client CPU, `python -m bench.scale.sweeping`."""
    event_bytes: int = 3_000
    """In the queue."""
    profile_bytes: int = 300
    """What a call's profile fields take, each lead."""
    answer_bytes: int = 2_500
    """A lead's text, values and provenance."""


SPEED = Speed()
