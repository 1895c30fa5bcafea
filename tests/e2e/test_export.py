"""What is held of the leads of the samples, exported from the deployed local stage."""

import time
from itertools import count
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from lead_memory.domain import canonical
from lead_memory_client import Entry, LeadMemory
from lead_memory_client.cli import main
from lead_memory_client.delivery import deliver
from lead_memory_client.entries import read_entries
from local.stack import LocalStack
from tests.events import ORGANIZATION, SAMPLES, entry
from tests.unit.resolve.fakes import ANA

PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def entries(stack: LocalStack) -> list[Entry]:
    """Of a lead with a profile, as recorded, and one that is rejected."""
    of_ana = [each for each in read_entries([SAMPLES]) if each.name.lead.lead_id == ANA]
    delivery = deliver(LeadMemory.connect(), of_ana, patience_seconds=PATIENCE_SECONDS)
    assert not delivery.waiting
    assert not delivery.rejected
    return of_ana


def test_everything_of_a_lead_is_in_the_export(entries: list[Entry], stack: LocalStack, tmp_path: Path) -> None:
    unknown = msgspec.convert(
        entry("order.paid", {"order_id": 1}, event_id=str(uuid4()), lead_organization_id=ANA, note="a rejected canary"),
        Entry,
    )
    memory = LeadMemory.connect()
    delivery = deliver(memory, [unknown], patience_seconds=PATIENCE_SECONDS)
    assert len(delivery.rejected) == 1
    # What the extractor says of these events may come in between.
    deadline = time.monotonic() + PATIENCE_SECONDS
    for folder in (tmp_path / f"export-{number}" for number in count()):
        assert main(["export", "lead", "--lead", ANA, "--out", str(folder)]) == 0
        found = canonical.decode((folder / "lead.json").read_bytes())
        remembered = {
            str(each.name): canonical.decode(canonical.encode(each.value))
            for each in memory.memories(ANA, ORGANIZATION)
        }
        exported = {f"{each['memory_type']}.{each['key']}": each["value"] for each in found["memories"]}
        if exported.items() >= remembered.items():
            break
        assert time.monotonic() < deadline
    page = (folder / "lead.html").read_text()

    held = {f"{each['source']}/{each['event_id']}": each for each in found["events"]}
    published = {each.ref: canonical.decode(each.detail_json()) for each in entries}
    assert held.keys() >= published.keys()
    for ref, detail in published.items():
        assert held[ref]["raw_payload"] == detail.get("raw_payload")
        assert detail.get("data") in (None, held[ref]["data"])
        assert ref in page
    assert found["profile"]["fields"]["name"] in page
    assert any("a rejected canary" in each["body"] for each in found["waiting_messages"])
    assert found["other_items"].keys() - {"vector"} == {"lead"}


def test_a_lead_of_another_organization_has_no_export(
    entries: list[Entry], stack: LocalStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "export"
    assert main(["export", "lead", "--lead", ANA, "--organization", str(uuid4()), "--out", str(folder)]) == 1
    assert "holds nothing of a lead" in capsys.readouterr().err
    assert not folder.exists()
