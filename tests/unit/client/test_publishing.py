import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lead_memory_client import Entry, LeadMemory, NotPublished
from lead_memory_client.batching import BYTES_PER_CALL
from lead_memory_client.entries import EntryError, batches, read_entries
from lead_memory_client.stage import Resources, Stage
from tests.events import SAMPLE_FILES, SAMPLES, SCRIPTS, entry
from tests.unit.client.conftest import DeployedStage


class FakeBus:
    """Takes every entry but those whose source is refused, as often as it is refused."""

    def __init__(self, refusals: dict[str, int]) -> None:
        self.refusals = refusals
        self.calls: list[list[str]] = []

    def put_events(self, *, Entries: Sequence[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - the SDK's name
        sources = [each["Source"] for each in Entries]
        self.calls.append(sources)
        return {"Entries": [self._result(source) for source in sources]}

    def _result(self, source: str) -> dict[str, str]:
        if not self.refusals.get(source):
            return {"EventId": "1"}
        self.refusals[source] -= 1
        return {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}


def connected_to(bus: FakeBus) -> LeadMemory:
    resources = Resources(
        table_name="table",
        payload_bucket="payloads",
        content_key="key",
        bus_name="bus",
        ingest_queue_url="",
        dead_letter_queue_url="",
        rejected_queue_url="",
        rebuild_queue_url="",
        rebuild_dead_letter_queue_url="",
        extraction_queue_url="",
        extraction_dead_letter_queue_url="",
        vectors_queue_url="",
        vectors_dead_letter_queue_url="",
        uses_queue_url="",
        uses_dead_letter_queue_url="",
        resolver_function="",
        context_function="",
        recall_function="",
        extractor_function="",
        embedder_function="",
        cleanup_function="",
        rebuilder_function="",
        privacy_function="",
        profile_fields="-",
    )
    return LeadMemory(Stage("dev", "us-east-1", "CREATE_COMPLETE", datetime.now(UTC), resources, lambda _: bus))


def an_entry(source: str = "shop", **detail: Any) -> Entry:
    return Entry(source, "order.paid", {"metadata": {"event_id": "1"}, **detail})


def test_what_is_published_reaches_the_bus_as_it_is(client: LeadMemory, stage: DeployedStage) -> None:
    [sample] = read_entries([SAMPLES / "shopify" / "order.paid.json"])
    client.publish([sample])
    [body] = stage.published()
    assert (body["source"], body["detail-type"]) == ("shopify", "order.paid")
    assert body["detail"] == json.loads((SAMPLES / "shopify" / "order.paid.json").read_text())["Detail"]


def test_a_call_takes_ten_entries_and_no_more_than_a_megabyte() -> None:
    small = [an_entry() for _ in range(23)]
    assert [len(batch) for batch in batches(small)] == [10, 10, 3]
    large = [an_entry(raw_payload="x" * (BYTES_PER_CALL // 3)) for _ in range(5)]
    assert [len(batch) for batch in batches(large)] == [2, 2, 1]


def test_only_what_the_bus_did_not_take_is_sent_again() -> None:
    bus = FakeBus({"form": 2})
    connected_to(bus).publish([an_entry("shop"), an_entry("form"), an_entry("desk")])
    assert bus.calls == [["shop", "form", "desk"], ["form"], ["form"]]


def test_an_entry_that_the_bus_never_takes_is_named_and_the_others_are_sent() -> None:
    bus = FakeBus({"form": 99})
    with pytest.raises(NotPublished, match=r"did not take 1 of 12 events, form/1 \(ThrottlingException\)") as caught:
        connected_to(bus).publish([an_entry("form"), *(an_entry("shop") for _ in range(11))])
    assert [code for _, code in caught.value.failed] == ["ThrottlingException"]
    assert sum(call.count("shop") for call in bus.calls) == 11


def test_entries_are_read_in_the_order_in_which_they_occurred() -> None:
    times = [datetime.fromisoformat(each.detail["metadata"]["occurred_at"]) for each in read_entries([SAMPLES])]
    assert len(times) == len(SAMPLE_FILES) + sum(len(read_entries([script])) for script in SCRIPTS)
    assert times == sorted(times)


def test_a_file_may_hold_the_entries_that_the_aws_cli_takes(tmp_path: Path) -> None:
    given = entry("order.paid", {"order_id": "1", "total": 189.90})
    file = tmp_path / "entries.json"
    file.write_text(json.dumps([given | {"Detail": json.dumps(given["Detail"]), "EventBusName": "ignored"}]))
    [read] = read_entries([file])
    assert json.loads(read.detail_json()) == given["Detail"]


def test_numbers_are_published_digit_for_digit(tmp_path: Path) -> None:
    file = tmp_path / "entry.json"
    text = json.dumps(entry("order.paid", {"total": "TOTAL", "order_id": 123456789012345678901234567890}))
    file.write_text(text.replace('"TOTAL"', "189.90"))
    [read] = read_entries([file])
    assert '"total":189.90' in read.detail_json()
    assert '"order_id":123456789012345678901234567890' in read.detail_json()


def _without(*names: str) -> str:
    given = entry("order.paid", {})
    return json.dumps({name: value for name, value in given.items() if name not in names})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", r"bad\.json cannot be read as JSON"),
        ("\udcff", r"bad\.json cannot be read as JSON"),
        ("[1]", r"bad\.json holds no event .*Expected `object`"),
        (_without("Source"), r"bad\.json holds no event .*`Source`"),
        (_without("Detail"), r"bad\.json holds no event .*`Detail`"),
        (json.dumps(entry("order.paid", {}, organization_id="x")), r"bad\.json .*organization_id"),
        (json.dumps(entry("order.paid", {}, occurred_at="2026-01-01T00:00:00")), r"bad\.json .*occurred_at"),
        (json.dumps(entry("order.paid", {"note": "x" * BYTES_PER_CALL})), r"bad\.json .*the bus takes 1,000,000"),
    ],
)
def test_a_file_that_cannot_be_published_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(EntryError, match=complaint):
        read_entries([SAMPLES, file])


def test_a_path_without_events_is_named(tmp_path: Path) -> None:
    with pytest.raises(EntryError, match=r"no file or folder .*absent"):
        read_entries([tmp_path / "absent"])
    with pytest.raises(EntryError, match=r"no \.json file under"):
        read_entries([tmp_path])
