"""What is known of the contact beside the profile: what was resolved before, what they bought and prefer, key facts."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from lead_memory.domain.conversation.cutting import CUT, first_characters
from lead_memory.domain.conversation.names import CONTACT_PROFILE
from lead_memory.domain.conversation.profile import listed, one_line
from lead_memory.domain.memories import Memory, MemoryKey, MemoryType

RESOLUTIONS = 5
LAST_TRANSACTION = MemoryKey(MemoryType.PURCHASE, "last_transaction")
PURCHASES = MemoryKey(MemoryType.PURCHASE, "summary")
PURCHASE_MEMORIES = (LAST_TRANSACTION, PURCHASES)
QUERIED = (MemoryType.PREFERENCE, MemoryType.FACT)
"""Types of which all memories are read, rather than named ones."""
_LINE_CHARACTERS = 160


def parts(interactions: Mapping[str, Any], memories: Iterable[Memory]) -> list[list[str]]:
    """The lines of each part; what was said last comes first."""
    by_age = sorted(memories, key=lambda memory: memory.updated_at, reverse=True)
    bought = {memory.name: memory.value for memory in by_age if memory.memory_type is MemoryType.PURCHASE}
    return [
        listed("Resolved Before", map(_resolution, interactions.get("resolutions", [])[: -RESOLUTIONS - 1 : -1])),
        listed("Purchases", _purchases(bought)),
        listed("Preferences Expressed", _known(by_age, MemoryType.PREFERENCE)),
        listed("Key Facts", _known(by_age, MemoryType.FACT)),
    ]


def _resolution(resolution: Mapping[str, Any]) -> str:
    told = [resolution.get(field) for field in ("topic", "resolution", "sentiment")]
    return f"{'; '.join(one_line(each) for each in told if each) or 'a thread'} ({resolution['resolved_at'][:10]})"


def _purchases(bought: Mapping[MemoryKey, Mapping[str, Any]]) -> list[str]:
    last, all_of_them = bought.get(LAST_TRANSACTION), bought.get(PURCHASES)
    found = []
    if last:
        price = f", {_plain(last['amount'])} {last['currency']}" if "amount" in last and "currency" in last else ""
        found.append(f"Last: {last.get('product_name', 'an order')}{price} ({last['purchased_at'][:10]})")
    if all_of_them:
        found.append(f"Orders: {all_of_them['order_count']}")
    return found


def _known(memories: Iterable[Memory], memory_type: MemoryType) -> list[str]:
    return [
        f"{memory.key}: {_beginning(one_line(_plain(memory.value.get('value', memory.value))))}"
        for memory in memories
        if memory.memory_type is memory_type and memory.name != CONTACT_PROFILE and memory.value
    ]


def _beginning(text: str) -> str:
    beginning = first_characters(text, _LINE_CHARACTERS)
    return beginning if beginning == text else beginning + CUT


def _plain(value: Any) -> str:
    match value:
        case Mapping():
            return ", ".join(f"{name}: {_plain(field)}" for name, field in value.items())
        case list():
            return ", ".join(map(_plain, value))
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{value:f}"
    return str(value)
