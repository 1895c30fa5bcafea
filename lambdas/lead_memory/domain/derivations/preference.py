"""How the lead wants to be spoken to and sold to. Every preference's answer is in `value`."""

from collections.abc import Iterable
from decimal import Decimal

from lead_memory.domain.derivations.values import mapping, number, present
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, MemoryType, Source, Value
from lead_memory.domain.payloads.commerce import OrderPaid
from lead_memory.domain.payloads.contact import ChannelConsent, LeadIdentified, PreferenceExpressed
from lead_memory.domain.payloads.engagement import CampaignMessage
from lead_memory.domain.times import iso, newest

CHANNELS_KEPT = 20

HIGH_SHARE = Decimal("0.5")
MEDIUM_SHARE = Decimal("0.2")
"""Shares of orders with a discount from which a lead counts as highly and as somewhat sensitive to price."""


def order_paid(event: Event, order: OrderPaid) -> Iterable[Change]:
    if order.payment_method:
        yield Change(
            memory_type=MemoryType.PREFERENCE,
            key="payment_method",
            said={"value": order.payment_method, "used_at": iso(event.occurred_at)},
        )
    yield Change(
        memory_type=MemoryType.PREFERENCE,
        key="price_sensitivity",
        said={"discounted": order.discount > 0},
        reduce=_add_order,
        aggregates=True,
        source=Source.SYSTEM_COMPUTED,
        confidence=_confidence,
    )


def _add_order(value: Value | None, said: Value) -> Value:
    orders = number(value, "order_count") + 1
    discounted = number(value, "discounted_order_count") + said["discounted"]
    share = (Decimal(discounted) / orders).quantize(Decimal("0.01"))
    return {
        "value": "high" if share >= HIGH_SHARE else "medium" if share >= MEDIUM_SHARE else "low",
        "discounted_share": share,
        "discounted_order_count": discounted,
        "order_count": orders,
    }


def _confidence(value: Value) -> float:
    """n / (n + 2): one order says little, ten say much."""
    orders = int(value["order_count"])
    return round(orders / (orders + 2), 3)


def expressed(event: Event, preference: PreferenceExpressed) -> Iterable[Change]:
    if preference.name == "channel":
        yield _channel(event, {"value": preference.value}, Source.USER_DECLARED)
        return
    yield Change(
        memory_type=MemoryType.PREFERENCE,
        key=preference.name,
        said={"value": preference.value},
        source=Source.USER_DECLARED,
        expires_at=preference.expires_at,
    )


def opted(event: Event, consent: ChannelConsent) -> Iterable[Change]:
    way = "opted_in" if event.event_type == "channel.opted_in" else "opted_out"
    yield _channel(event, {way: [consent.channel]}, Source.USER_DECLARED)


def unsubscribed(event: Event, message: CampaignMessage) -> Iterable[Change]:
    if message.channel:
        yield _channel(event, {"opted_out": [message.channel]}, Source.USER_DECLARED)


def identified(event: Event, lead: LeadIdentified) -> Iterable[Change]:
    if consents := lead.consents:
        said = {
            "opted_in": sorted(channel for channel, given in consents.items() if given),
            "opted_out": sorted(channel for channel, given in consents.items() if not given),
        }
        yield _channel(event, {**said, "is_snapshot": True}, Source.EVENT_DERIVED)


def _channel(event: Event, said: Value, source: Source) -> Change:
    return Change(
        memory_type=MemoryType.PREFERENCE,
        key="channel",
        said={"at": iso(event.occurred_at), **said},
        reduce=_with_channel,
        aggregates=True,
        source=source,
    )


def _with_channel(value: Value | None, said: Value) -> Value:
    """`opted_out` and `opted_in` say since when, by channel; a channel stands in one of them.

    A shop's picture of the person, which may be older than the person's word, never opts them in again.
    """
    opted_in, opted_out = mapping(value, "opted_in"), mapping(value, "opted_out")
    for channel in said.get("opted_out", ()):
        opted_out[channel] = said["at"]
        opted_in.pop(channel, None)
    for channel in said.get("opted_in", ()):
        if channel in opted_out and "is_snapshot" in said:
            continue
        opted_in[channel] = said["at"]
        opted_out.pop(channel, None)
    return present(
        value=said.get("value", (value or {}).get("value")),
        opted_in=newest(opted_in, CHANNELS_KEPT, str) or None,
        opted_out=newest(opted_out, CHANNELS_KEPT, str) or None,
    )


DERIVATIONS: dict[str, Derivation] = {
    "order.paid": order_paid,
    "preference.expressed": expressed,
    "channel.opted_in": opted,
    "channel.opted_out": opted,
    "campaign.message_unsubscribed": unsubscribed,
    "lead.identified": identified,
}
