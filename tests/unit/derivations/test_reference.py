"""The reference names every memory and every field that the samples give."""

import re
from pathlib import Path

from lead_memory.domain.derivations import touched
from lead_memory.domain.fold import refold
from lead_memory.domain.memories import Memory
from tests.events import all_samples

REFERENCE = (Path(__file__).parents[3] / "docs/reference/memories.md").read_text()
FREE = ("family", "training_goal", "on_holiday", "contact_time", "diet", "outreach")
"""Keys of the samples that were declared, inferred or expressed, with fields of their own."""


def sections() -> dict[str, str]:
    parts = re.split(r"^## (\w+)$", REFERENCE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def samples() -> list[Memory]:
    events = all_samples()
    leads = {event.lead_organization_id for event in events}
    memories: list[Memory] = []
    for lead in leads:
        of_lead = [event for event in events if event.lead_organization_id == lead]
        memories += refold(of_lead, {name for event in of_lead for name in touched(event)}).values()
    return memories


def test_every_field_of_every_sample_memory_is_in_its_section() -> None:
    undocumented = {
        f"{memory.memory_type}.{memory.key}: {field}"
        for memory in samples()
        for field in memory.value
        if memory.key not in FREE and f"`{field}`" not in sections()[memory.memory_type]
    }
    assert undocumented == set()


def test_every_key_of_every_sample_memory_is_in_its_section() -> None:
    undocumented = {
        str(memory.name)
        for memory in samples()
        if memory.key not in FREE
        and memory.memory_type != "form"
        and not re.search(rf"`{memory.key.partition(':')[0]}[:`]", sections()[memory.memory_type])
    }
    assert undocumented == set()
