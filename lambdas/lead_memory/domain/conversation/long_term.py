"""What is known of the contact beside the profile: what was resolved before, what they bought and prefer, key facts."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from lead_memory.domain.conversation.cutting import CUT, first_characters
from lead_memory.domain.conversation.names import CONTACT_PROFILE
from lead_memory.domain.conversation.profile import listed, one_line
from lead_memory.domain.crm.entities import kind_and_key
from lead_memory.domain.intelligence.cluster import is_cluster
from lead_memory.domain.memories import Memory, MemoryKey, MemoryType

RESOLUTIONS = 5
LAST_TRANSACTION = MemoryKey(MemoryType.PURCHASE, "last_transaction")
PURCHASES = MemoryKey(MemoryType.PURCHASE, "summary")
PURCHASE_MEMORIES = (LAST_TRANSACTION, PURCHASES)
QUERIED = (MemoryType.PREFERENCE, MemoryType.FACT)
"""Types of which all memories are read, rather than named ones."""
_LINE_CHARACTERS = 160
_NAMED = 3
"""Topics, intents and channels."""
_ABOUT = {"topic": "Topic", "intent": "Intent", "active_context": "About", "sentiment": "Sentiment"}
_RESOLVED = ("topic", "resolution", "sentiment")
_COUNTED = {"topics": "Topics", "intents": "Intents", "channels": "Channels"}


def parts(about: Mapping[str, Any], interactions: Mapping[str, Any], memories: Iterable[Memory]) -> list[list[str]]:
    """The lines of each part; what was said last comes first. `about` is the thread's short-term memory."""
    by_age = sorted(memories, key=lambda memory: memory.updated_at, reverse=True)
    bought = {memory.name: memory.value for memory in by_age if memory.memory_type is MemoryType.PURCHASE}
    return [
        listed("This Conversation", [f"{name}: {about[field]}" for field, name in _ABOUT.items() if about.get(field)]),
        listed("Recent Interactions", _interactions(interactions)),
        listed("Resolved Before", _resolutions(interactions.get("resolutions", ()))),
        listed("Purchases", _purchases(bought)),
        listed("Preferences Expressed", _known(by_age, MemoryType.PREFERENCE)),
        listed("Key Facts", _known(by_age, MemoryType.FACT)),
    ]


def _interactions(interactions: Mapping[str, Any]) -> list[str]:
    """What it was about lately, the most frequent first, and how it went, the latest last."""
    counted = {
        name: sorted(interactions[field], key=lambda each: (-interactions[field][each]["count"], each))[:_NAMED]
        for field, name in _COUNTED.items()
        if interactions.get(field) and (field != "channels" or len(interactions[field]) > 1)
    }
    counted |= {"Sentiment": [entry["sentiment"] for entry in interactions.get("sentiments", ())]}
    return [f"{name}: {', '.join(entries)}" for name, entries in counted.items() if entries]


def _resolutions(resolutions: Iterable[Mapping[str, Any]]) -> list[str]:
    """The newest of which it was said what it was about, or how it ended."""
    told = [each for each in resolutions if each.get("topic") or each.get("resolution")]
    return [
        f"{'; '.join(each[field] for field in _RESOLVED if each.get(field))} ({each['resolved_at'][:10]})"
        for each in told[: -RESOLUTIONS - 1 : -1]
    ]


def _purchases(bought: Mapping[MemoryKey, Mapping[str, Any]]) -> list[str]:
    last, all_of_them = bought.get(LAST_TRANSACTION), bought.get(PURCHASES)
    found = []
    if last:
        price = f", {last['amount']:f} {last['currency']}" if "amount" in last and "currency" in last else ""
        found.append(f"Last: {last.get('product_name', 'an order')}{price} ({last['purchased_at'][:10]})")
    if all_of_them:
        found.append(f"Orders: {all_of_them['order_count']}")
    return found


def _known(memories: Iterable[Memory], memory_type: MemoryType) -> list[str]:
    return [
        told(memory)
        for memory in memories
        if memory.memory_type is memory_type and memory.value and not _is_told_elsewhere(memory.name)
    ]


def _is_told_elsewhere(name: MemoryKey) -> bool:
    """In the profile, among the records of a CRM, or by the memories themselves that a summary is of."""
    return name == CONTACT_PROFILE or kind_and_key(name) is not None or is_cluster(name)


def told(memory: Memory) -> str:
    """In one line, which is cut."""
    return f"{memory.key}: {_beginning(memory.value.get('value', memory.value))}"


def _beginning(value: Any) -> str:
    """No more of it is written out than is shown: a value may be 380 KB."""
    text = ""
    for piece in _pieces(value):
        text += piece[: _LINE_CHARACTERS + 1]
        if len(text) > _LINE_CHARACTERS:
            break
    text = one_line(text)
    beginning = first_characters(text, _LINE_CHARACTERS)
    return beginning if beginning == text else beginning + CUT


def _pieces(value: Any) -> Iterator[str]:
    match value:
        case Mapping():
            for number, (name, field) in enumerate(value.items()):
                yield f"{', ' if number else ''}{name}: "
                yield from _pieces(field)
        case list():
            for number, entry in enumerate(value):
                yield ", " if number else ""
                yield from _pieces(entry)
        case bool():
            yield "yes" if value else "no"
        case Decimal():
            yield f"{value:f}"
        case _:
            yield str(value)
