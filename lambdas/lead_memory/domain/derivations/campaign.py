"""How the lead took each campaign."""

from collections.abc import Iterable
from decimal import Decimal

from lead_memory.domain.derivations.values import added, mapping, present
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, MemoryType, Value
from lead_memory.domain.money import padded
from lead_memory.domain.payloads.engagement import CampaignConverted, CampaignMessage
from lead_memory.domain.times import iso


def message(event: Event, said: CampaignMessage) -> Iterable[Change]:
    happened = event.event_type.removeprefix("campaign.message_")
    yield _change(
        event,
        said.campaign_id,
        happened,
        present(
            name=said.campaign_name,
            channel=said.channel,
            bounced=True if happened == "bounced" else None,
            bounce_reason=said.reason if happened == "bounced" else None,
        ),
    )


def converted(event: Event, said: CampaignConverted) -> Iterable[Change]:
    yield _change(
        event,
        said.campaign_id,
        "converted",
        present(order_id=said.order_id, conversion_value=_in_currency(said), currency=said.currency),
    )


def _in_currency(said: CampaignConverted) -> Decimal | None:
    return padded(said.value, said.currency) if said.value is not None and said.currency else said.value


def _change(event: Event, campaign_id: str, happened: str, said: Value) -> Change:
    return Change(
        memory_type=MemoryType.CAMPAIGN,
        key=f"campaign:{campaign_id}",
        said={**said, f"{happened}_at": iso(event.occurred_at), "message_counts": {happened: 1}},
        reduce=_add,
        aggregates=True,
    )


def _add(value: Value | None, said: Value) -> Value:
    counts = added(mapping(value, "message_counts"), said["message_counts"])
    return {"bounced": False, **(value or {}), **said, "message_counts": counts}


DERIVATIONS: dict[str, Derivation] = {
    **dict.fromkeys(
        (
            "campaign.message_sent",
            "campaign.message_delivered",
            "campaign.message_opened",
            "campaign.message_clicked",
            "campaign.message_replied",
            "campaign.message_bounced",
            "campaign.message_unsubscribed",
        ),
        message,
    ),
    "campaign.converted": converted,
}
