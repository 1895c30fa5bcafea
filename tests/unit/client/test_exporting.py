import base64
import hashlib
import json
import stat
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, NamedTuple, cast
from xml.etree.ElementTree import Element

import boto3
import html5lib
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import head_item, packed_event, tombstone
from lead_memory.adapters.large_payloads import LARGE_CONTENT
from lead_memory.adapters.memory_items import (
    CONTENT,
    ERASED_AT,
    LAST_ACCESSED_AT,
    STORAGE_TIER,
    Item,
    memory_item,
)
from lead_memory.adapters.memory_items import ORGANIZATION as OWNER
from lead_memory.adapters.sealing import Keyring
from lead_memory.adapters.vector_items import MEMORY_VERSION, USAGE_COUNT, VECTOR_ID, sealed_entry
from lead_memory.domain import canonical
from lead_memory.domain.amendments import Cases
from lead_memory.domain.derivations import derive
from lead_memory.domain.errors import Erased
from lead_memory.domain.events import Event
from lead_memory.domain.fold import refold
from lead_memory.domain.memories import Lead, Memory, MemoryType, Source
from lead_memory.domain.recall.making import entry_of
from lead_memory.domain.templates.variables import Reason
from lead_memory.services.resolve import Found, Missing, Reads, Status
from lead_memory_client import export
from lead_memory_client.answers import Exported, ResolvedLead
from lead_memory_client.cli import main
from lead_memory_client.contents import LargeContents
from lead_memory_client.errors import NothingHeld, NotWritten
from lead_memory_client.export import Holdings, export_lead
from lead_memory_client.export_document import Document, Profile, Spool, what_is_not_included, write_json
from lead_memory_client.export_page import SOURCES, TYPES, write_page
from lead_memory_client.export_records import WAITING_MESSAGES, Record, WaitingMessage, record
from lead_memory_client.queues import WaitingQueue
from lead_memory_client.table import LeadTable
from lead_memory_client.terminal import At
from tests.events import LEAD, NOW, ORGANIZATION, SOMEBODY, all_samples, body, entry, event, streams
from tests.unit.client.conftest import BUCKET, REGION, TABLE, DeployedStage
from tests.unit.resolve.fakes import memory

OTHER_ORGANIZATION = "99999999-7a55-4d0c-9a8e-1f6a1b9f7c01"
KEYRINGS = {
    each: Keyring(each, [bytes([number]) * 32]) for number, each in enumerate((ORGANIZATION, OTHER_ORGANIZATION))
}
KEYRING = KEYRINGS[ORGANIZATION]


class Files(NamedTuple):
    json: Any
    page: str


def recorded(events: Sequence[Event]) -> list[Item]:
    """What the updater leaves of one lead's events."""
    cases = Cases(events)
    touches = {each.ref: {change.name for change in derive(each, cases.of(each))} for each in events}
    memories = refold(events, set().union(*touches.values()))
    return [
        head_item(events[0].lead, NOW),
        *(packed_event(each, touches[each.ref], KEYRING, recorded_at=NOW, settled=True).item for each in events),
        *(memory_item(each, 1, KEYRING) for each in memories.values()),
    ]


def written(
    items: Sequence[Item], *, lead: Lead = SOMEBODY, messages: Sequence[str] = (), profile: Profile | None = None
) -> Files:
    with TemporaryDirectory() as folder, Spool(Path(folder), lambda _doing, _records: None) as spool:
        for item in items:
            spool.add(record(item, KEYRING))
        for number, text in enumerate(messages):
            spool.add(Record(WAITING_MESSAGES, (number,), WaitingMessage("rejected", text, text, NOW, text)))
        document = Document(lead, "dev", REGION, NOW, profile, spool, what_is_not_included(0))
        as_json, page = StringIO(), StringIO()
        write_json(as_json, document.written_for_programs())
        write_page(page, document)
        return Files(canonical.decode(as_json.getvalue()), page.getvalue())


def parsed(page: str) -> Element:
    """As a browser reads it; raises for whatever is not well formed."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return cast(Element, parser.parse(page))


def skeleton(page: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """Every element with its attributes, in order."""
    return [(str(each.tag), tuple(sorted(each.attrib.items()))) for each in parsed(page).iter()]


def text_of(page: str) -> str:
    return "".join(parsed(page).itertext())


@given(streams())
def test_every_event_and_memory_of_any_stream_is_in_the_json_with_all_that_it_holds(events: list[Event]) -> None:
    found = written(recorded(events)).json
    assert {each["event_id"]: each["data"] for each in found["events"]} == {
        each.event_id: canonical.decode(each.data_json) for each in events
    }
    assert [each["occurred_at"] for each in found["events"]] == sorted(each["occurred_at"] for each in found["events"])
    cases = Cases(events)
    names = {change.name for each in events for change in derive(each, cases.of(each))}
    kept = refold(events, names)
    assert {f"{each['memory_type']}.{each['key']}": each["value"] for each in found["memories"]} == {
        str(name): canonical.decode(canonical.encode(each.value)) for name, each in kept.items()
    }
    assert set().union(*(each["memories"] for each in found["events"])) == set(map(str, names))
    assert [each["sk"] for each in found["other_items"]["lead"]] == [keys.HEAD_SK]


def test_every_sample_comes_with_its_raw_payload_and_the_page_reads_well() -> None:
    samples = all_samples()
    leads = {each.lead for each in samples}
    for lead in leads:
        events = [each for each in samples if each.lead == lead]
        files = written(recorded(events), lead=lead)
        assert {each["event_id"]: each["raw_payload"] for each in files.json["events"]} == {
            each.event_id: canonical.decode(each.raw_payload_json or b"null") for each in events
        }
        text = text_of(files.page)
        assert all(each.event_id in text for each in events)


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda within: (
        st.lists(within, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), within, max_size=3)
    ),
    max_leaves=6,
)
_kinds = st.sampled_from(["note", "message", "thread", "vector", "lineage", "a-kind-of-tomorrow"])


@given(_kinds, st.dictionaries(st.sampled_from(["text", "summary", "content"]), _json_values), _json_values)
def test_what_is_unknown_is_exported_under_its_kind_and_opened(kind: str, sealed: dict[str, Any], clear: Any) -> None:
    sk = f"{kind}#x#1"
    item = {
        keys.PK: LEAD,
        keys.SK: sk,
        OWNER: ORGANIZATION,
        "clear": clear,
        **{name: KEYRING.seal(canonical.encode(value), LEAD, sk, name) for name, value in sealed.items()},
    }
    [found] = written([item]).json["other_items"][kind]
    assert found == {keys.PK: LEAD, keys.SK: sk, OWNER: ORGANIZATION, "clear": clear, **sealed}


def test_an_item_that_does_not_open_is_in_the_export_as_it_stands() -> None:
    sealed_elsewhere = KEYRING.seal(b"{}", LEAD, "fact#other", CONTENT)
    item = memory_item(memory(LEAD, "fact", "family", {}), 1, KEYRING) | {CONTENT: sealed_elsewhere}
    assert record(item, KEYRING).unreadable
    [found] = written([item]).json["other_items"]["fact"]
    assert base64.b64decode(found[CONTENT]["base64"]) == sealed_elsewhere
    assert "not sealed for this organization and place" in found[CONTENT]["unreadable"]


def test_what_was_deleted_is_exported_and_marked_with_what_was_said_beside_it_and_how_it_was_used() -> None:
    said = {"memory_type": "fact", "key": "family", "value": {"children": 2}, "tags": ["vip"]}
    events = [
        event("memory.declared", said, event_id="said"),
        event("memory.soft_deleted", {"memory_type": "fact", "key": "family"}, event_id="deleted", at=NOW),
    ]
    items = recorded(events)
    [row] = [item for item in items if item[keys.SK].startswith("fact")]
    key = keys.vector_key(keys.Key(LEAD, row[keys.SK]))
    made = entry_of(memory(LEAD, "fact", "family", {"children": 2}), None)
    entry_item = {
        **key._asdict(),
        OWNER: ORGANIZATION,
        CONTENT: sealed_entry(made, key, KEYRING),
        STORAGE_TIER: "hot",
        MEMORY_VERSION: 1,
        USAGE_COUNT: 3,
        LAST_ACCESSED_AT: NOW.isoformat(),
        VECTOR_ID: "v",
    }
    files = written([*items, entry_item])
    [found] = files.json["memories"]
    assert (found["annotations"], found["retention"]["status"]) == ({"tags": ["vip"]}, "soft_deleted")
    assert files.json["other_items"]["vector"] == [
        {
            "memory": "fact.family",
            "usage_count": 3,
            "last_accessed_at": NOW.isoformat().replace("+00:00", "Z"),
            "vector_id": "v",
            "embedding_version": None,
        }
    ]
    text = text_of(files.page)
    assert "Deleted: nobody reads it, and it can be restored." in text
    assert "vip" in text


HOSTILE = (
    "</details></pre></bdi></dd></main><script>alert(1)</script>",
    "<style>*{display:none}</style><img src=x onerror=alert(1)>",
    "\"' onmouseover='alert(1)' x=\"",
    "<!-- ]]> {{ 7 * 7 }} {% raw %} &lt;b&gt; javascript:alert(1)",
    "\u202egnp.exe\u2066\u200f\u2028 \x00\x07",
    "W" * 5_000,
)
NOTED: dict[str, Any] = {
    "category": "warning",
    "priority": "high",
    "pinned": True,
    "created_at": "2026-01-01T12:00:00Z",
    "updated_at": "2026-01-02T12:00:00Z",
}
SAID: dict[str, Any] = {"at": "2026-01-03T12:00:00Z", "from_lead": True}
_hostile = st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8"), min_size=1)


@given(_hostile)
@example("".join(HOSTILE))
def test_a_hostile_value_changes_no_element_of_the_page(text: str) -> None:
    def page(value: str) -> str:
        name = f"k{hashlib.sha256(value.encode()).hexdigest()[:8]}"
        said = {"memory_type": "fact", "key": name, "value": {"says": value, "list": [value], "within": {"k": value}}}
        events = [event("memory.declared", said, event_id="e1")]
        items = [*recorded(events), {keys.PK: LEAD, keys.SK: "note#1", OWNER: ORGANIZATION, "text": value}]
        named = memory_item(memory(LEAD, "form", "q", {value: value}, source_event_ids=[value]), 1, KEYRING)
        noted: dict[str, Any] = {"notes": {"n": {**NOTED, "content": value, "author": value}}}
        spoken: dict[str, Any] = {"messages": [{**SAID, "text": value, "channel": value, "attachments": [value]}]}
        of_types = [
            memory_item(memory(LEAD, memory_type, "k", content), 1, KEYRING)
            for memory_type, content in {"note": noted, "conversation": spoken}.items()
        ]
        profile = Profile({value: value}, {f"{value}2": value})
        return written([*items, named, *of_types], messages=[value], profile=profile).page

    assert skeleton(page(text)) == skeleton(page("harmless"))


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200f", "\x00", "\x1b", "\x85"])
def test_what_cannot_be_seen_is_spelled_on_the_page_and_kept_in_the_json(character: str) -> None:
    files = written([memory_item(memory(LEAD, "fact", "k", {"says": f"a{character}b"}), 1, KEYRING)])
    assert character not in files.page
    assert f"a[U+{ord(character):04X}]b" in text_of(files.page)
    assert files.json["memories"][0]["value"] == {"says": f"a{character}b"}


def test_the_page_stands_alone_and_its_policy_allows_nothing_but_its_own_style() -> None:
    root = parsed(written(recorded([event("product.viewed", {"sku": "a"})])).page)
    [style] = root.iter("style")
    digest = base64.b64encode(hashlib.sha256((style.text or "").encode()).digest()).decode()
    [policy] = [
        each.get("content") for each in root.iter("meta") if each.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in (style.text or "")
    assert "@import" not in (style.text or "")
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & {str(each.tag) for each in root.iter()}
    attributes = {name for each in root.iter() for name in each.attrib}
    assert not {name for name in attributes if name in ("src", "style", "srcset", "action") or name.startswith("on")}
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    targets = [each.get("href", "") for each in root.iter("a")]
    assert {each.removeprefix("#") for each in targets} <= set(ids)
    labels = [each.get("aria-labelledby") for each in root.iter("section")]
    assert root.get("lang") == "en"
    assert set(labels) <= set(ids)
    assert len(list(root.iter("main"))) == len(list(root.iter("h1"))) == 1


def test_the_page_has_words_for_every_type_and_source_of_memory() -> None:
    assert (set(TYPES), set(SOURCES)) == (set(MemoryType), set(Source))


def test_messages_and_notes_read_as_what_they_are() -> None:
    ends = (NOW - timedelta(days=1)).isoformat()
    note = {"note_id": "n", "category": "warning", "content": "Pays late", "author": "Carla", "expires_at": ends}
    message = {"thread_id": "t", "channel": "sms"}
    text = text_of(
        written(
            recorded(
                [
                    event("note.pinned", note, event_id="n"),
                    event("conversation.message_received", {**message, "text": "Oi\nAna aqui"}, event_id="m1"),
                    event("conversation.reply_sent", {**message, "text": "o" * 2_500}, event_id="m2"),
                ]
            )
        ).page
    )
    # What is over is held all the same.
    assert "Warning, priority medium, by Carla, 1 January 2026, 00:00 UTC, until 19 November 2026" in text
    assert "Pays late" in text
    assert "Written by people of the organization." in text
    assert "You, 1 January 2026, 00:00 UTC, sms" in text
    assert "Oi\nAna aqui" in text
    assert "The organization, 1 January 2026, 00:00 UTC, sms, the beginning of 2500 characters" in text


@pytest.mark.parametrize(
    ("memory_type", "value"),
    [
        ("note", {"notes": {}, "by": "other rules"}),
        ("note", {"notes": {"n": {"content": "by other rules"}}}),
        ("conversation", {"messages": 5, "by": "other rules"}),
        ("conversation", {"messages": [{"by": "other rules"}]}),
    ],
)
def test_messages_and_notes_by_other_rules_are_shown_as_they_are(memory_type: str, value: dict[str, Any]) -> None:
    assert "other rules" in text_of(written([memory_item(memory(LEAD, memory_type, "k", value), 1, KEYRING)]).page)


def test_a_memory_leads_to_its_events_on_the_page() -> None:
    later = event("product.viewed", {"sku": "a"}, event_id="later", at=NOW - timedelta(days=1))
    earlier = event("product.viewed", {"sku": "a"}, event_id="earlier", at=NOW - timedelta(days=2))
    root = parsed(written(recorded([later, earlier])).page)
    links = {"".join(each.itertext()): each.get("href") for each in root.iter("a")}
    assert (links["test/earlier"], links["test/later"]) == ("#event-1", "#event-2")


# On a stage


@pytest.fixture
def holdings(stage: DeployedStage) -> Holdings:
    def open_s3() -> Any:
        return boto3.client("s3", REGION)

    table = LeadTable(boto3.client("dynamodb", REGION), TABLE, LargeContents(open_s3, BUCKET), KEYRINGS.get)
    return Holdings("dev", REGION, table, stage.sqs, queues={}, profile=lambda _: None)


def put(stage: DeployedStage, *items: Item) -> None:
    for item in items:
        stage.table.put_item(Item=item)


def run(holdings: Holdings, folder: Path, lead: Lead = SOMEBODY) -> tuple[Exported, Any]:
    exported = export_lead(holdings, lead, folder, lambda _doing, _records: None)
    return exported, canonical.decode((folder / "lead.json").read_bytes())


def test_both_files_are_for_the_callers_eyes_alone(stage: DeployedStage, holdings: Holdings, tmp_path: Path) -> None:
    put(stage, *recorded([event("product.viewed", {"sku": "a"})]))
    exported, _ = run(holdings, tmp_path / "out")
    assert exported.counts["events"] == 1
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert {each.name: stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "out").iterdir()} == {
        "lead.json": 0o600,
        "lead.html": 0o600,
    }


def test_nothing_is_overwritten(stage: DeployedStage, holdings: Holdings, tmp_path: Path) -> None:
    put(stage, *recorded([event("product.viewed", {"sku": "a"})]))
    (tmp_path / "lead.json").write_text("mine")
    with pytest.raises(NotWritten, match="overwrites nothing"):
        run(holdings, tmp_path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("lead.json", "mine")]


def test_a_folder_that_cannot_be_made_is_said(stage: DeployedStage, holdings: Holdings, tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="could not be made"):
        run(holdings, tmp_path / "absent" / "out")


def test_a_lead_of_another_organization_is_not_there(stage: DeployedStage, holdings: Holdings, tmp_path: Path) -> None:
    put(stage, *recorded([event("product.viewed", {"sku": "a"})]))
    with pytest.raises(NothingHeld) as of_another:
        run(holdings, tmp_path / "out", Lead(OTHER_ORGANIZATION, LEAD))
    nobody = LEAD.replace("1", "9")
    with pytest.raises(NothingHeld) as of_nobody:
        run(holdings, tmp_path / "out", Lead(OTHER_ORGANIZATION, nobody))
    assert str(of_another.value) == str(of_nobody.value).replace(nobody, LEAD)
    assert list(tmp_path.iterdir()) == []


def test_an_erased_lead_says_so(stage: DeployedStage, holdings: Holdings, tmp_path: Path) -> None:
    put(stage, tombstone(keys.head_key(LEAD), ORGANIZATION, NOW))
    with pytest.raises(Erased):
        run(holdings, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_of_a_lead_that_is_erased_meanwhile_nothing_stays(
    stage: DeployedStage, holdings: Holdings, tmp_path: Path
) -> None:
    put(stage, *recorded([event("product.viewed", {"sku": "a"})]))

    def erase(doing: str, _: int) -> None:
        if doing == "Writing the files":
            put(stage, tombstone(keys.head_key(LEAD), ORGANIZATION, NOW))

    with pytest.raises(Erased):
        export_lead(holdings, SOMEBODY, tmp_path / "out", erase)
    assert list(tmp_path.iterdir()) == []


def test_an_erased_event_is_exported_as_such(stage: DeployedStage, holdings: Holdings, tmp_path: Path) -> None:
    key = keys.event_key(LEAD, "test/gone")
    put(stage, *recorded([event("product.viewed", {"sku": "a"})]), tombstone(key, ORGANIZATION, NOW))
    _, found = run(holdings, tmp_path / "out")
    assert found["erased_events"] == [{"key": key.sk, ERASED_AT: NOW.isoformat()}]
    assert len(found["events"]) == 1


def test_a_raw_payload_that_lies_in_s3_is_whole(stage: DeployedStage, holdings: Holdings, tmp_path: Path) -> None:
    noise = base64.b64encode(Random(1).randbytes(600_000)).decode()
    large = msgspec.structs.replace(
        event("product.viewed", {"sku": "a"}), raw_payload_json=json.dumps({"noise": noise}).encode()
    )
    packed = packed_event(large, (), KEYRING, recorded_at=NOW, settled=True)
    assert packed.large_content is not None
    stage.s3.put_object(Bucket=BUCKET, Key=packed.item[LARGE_CONTENT], Body=packed.large_content)
    put(stage, head_item(SOMEBODY, NOW), packed.item)
    _, found = run(holdings, tmp_path / "out")
    assert [each["raw_payload"] for each in found["events"]] == [{"noise": noise}]
    assert noise in text_of((tmp_path / "out" / "lead.html").read_text())


@pytest.fixture
def with_queues(stage: DeployedStage, holdings: Holdings) -> Holdings:
    queues = {name: WaitingQueue(stage.url(name.replace("_", "-")), "") for name in ("rejected", "dead_letters")}
    return holdings._replace(queues=queues)


def test_messages_about_the_lead_are_exported_and_stay_where_they_wait(
    stage: DeployedStage, with_queues: Holdings, tmp_path: Path
) -> None:
    put(stage, head_item(SOMEBODY, NOW))
    about = body(entry("no.such_type", {"says": "mine"}))
    unparsable = f'{{"lead": "{LEAD.upper()}"'
    stage.reject(about, reason="unknown_type")
    stage.reject(body(entry("no.such_type", {}, organization_id=OTHER_ORGANIZATION)), reason="unknown_type")
    stage.reject(body(entry("no.such_type", {}, lead_organization_id=OTHER_ORGANIZATION)), reason="unknown_type")
    stage.reject(unparsable, reason="not_json", encoding="text")
    stage.sqs.send_message(QueueUrl=stage.url("dead-letters"), MessageBody=about)
    _, found = run(with_queues, tmp_path / "out")
    messages = [(each["queue"], each["reason"], each["body"]) for each in found["waiting_messages"]]
    assert sorted(messages) == sorted(
        [
            ("rejected", "unknown_type", about),
            ("rejected", "not_json", unparsable),
            ("dead_letters", "not_recorded", about),
        ]
    )
    assert (len(stage.bodies("rejected")), len(stage.bodies("dead-letters"))) == (4, 1)


def test_a_lead_of_whom_only_a_rejected_message_is_held_has_an_export_for_its_organization_alone(
    stage: DeployedStage, with_queues: Holdings, tmp_path: Path
) -> None:
    stage.reject(f"{LEAD} of {ORGANIZATION}", reason="not_json")
    exported, _ = run(with_queues, tmp_path / "out")
    assert exported.counts == {"waiting_messages": 1}
    with pytest.raises(NothingHeld):
        run(with_queues, tmp_path / "other", Lead(OTHER_ORGANIZATION, LEAD))


def test_messages_beyond_those_looked_at_are_said(
    stage: DeployedStage, with_queues: Holdings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "LOOKED_AT", 10)
    put(stage, head_item(SOMEBODY, NOW))
    for _ in range(15):
        stage.reject(LEAD, reason="not_json")
    exported, found = run(with_queues, tmp_path / "out")
    assert (exported.messages_not_looked_at, exported.counts["waiting_messages"]) == (5, 10)
    assert found["not_included"][0]["what"].startswith("5 messages")
    assert len(stage.bodies("rejected")) == 15


def test_the_profile_comes_with_the_reason_of_each_field_that_has_no_value(
    stage: DeployedStage, holdings: Holdings, tmp_path: Path
) -> None:
    answer = ResolvedLead(
        lead=LEAD,
        status=Status.UNAVAILABLE,
        values={"lead.name": Found("Ana Souza")},
        memories={},
        missing=(Missing("lead.city", Reason.NULL, False), Missing("lead.email", Reason.PROFILE_UNAVAILABLE, False)),
        reads=Reads(0, 1),
    )
    exported, found = run(holdings._replace(profile=lambda _: answer), tmp_path / "out")
    assert found["profile"] == {
        "fields": {"name": "Ana Souza"},
        "without_value": {"city": "null", "email": "profile_unavailable"},
    }
    assert exported.unavailable == ("lead.email",)
    assert "Ana Souza" in text_of((tmp_path / "out" / "lead.html").read_text())


@pytest.mark.parametrize(
    ("lacking", "code", "sentence"),
    [
        ({}, 0, ""),
        ({"unreadable": 2}, 1, "2 items do not open whole"),
        ({"messages_not_looked_at": 3}, 1, "3 messages that wait for a person were not looked at"),
        ({"unavailable": ("lead.name",)}, 1, "The profile could not be read (lead.name)"),
    ],
)
def test_the_command_fails_and_says_so_where_the_export_is_not_whole(
    lacking: dict[str, Any],
    code: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = Exported(files=("a", "b"), counts={"events": 1}, unreadable=0, messages_not_looked_at=0, unavailable=())
    exported = msgspec.structs.replace(whole, **lacking)
    monkeypatch.setattr(At, "connect", lambda _: SimpleNamespace(export_lead=lambda *_, **__: exported))
    assert main(["export", "lead", "--lead", LEAD, "--out", "out", "--json"]) == code
    printed = capsys.readouterr()
    assert json.loads(printed.out) == json.loads(msgspec.json.encode(exported))
    assert sentence in printed.err


class _LargeLead:
    """A table with a lead that is made while it is read."""

    def __init__(self, item: Callable[[int], Item], count: int) -> None:
        self._item = item
        self._count = count

    def has(self, _: Lead) -> bool:
        return True

    def partition(self, _: Lead) -> Iterator[tuple[Item, Keyring]]:
        return ((self._item(number), KEYRING) for number in range(self._count))


def test_a_lead_that_is_larger_than_memory_is_written_in_bounded_memory(holdings: Holdings, tmp_path: Path) -> None:
    noise = json.dumps({"noise": base64.b64encode(Random(2).randbytes(150_000)).decode()}).encode()

    def item(number: int) -> Item:
        made = msgspec.structs.replace(
            event("product.viewed", {"sku": "a"}, event_id=str(number)), raw_payload_json=noise
        )
        return packed_event(made, (), KEYRING, recorded_at=NOW, settled=True).item

    table = cast(LeadTable, _LargeLead(item, 200))
    tracemalloc.start()
    try:
        exported = export_lead(holdings._replace(table=table), SOMEBODY, tmp_path / "out", lambda _d, _r: None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert exported.counts == {"events": 200}
    assert (tmp_path / "out" / "lead.json").stat().st_size > 200 * len(noise)
    assert peak < 100 * len(noise)


def test_money_is_exact_in_the_json() -> None:
    kept: Memory = memory(LEAD, "purchase", "summary", {"total": Decimal("189.90")})
    assert written([memory_item(kept, 1, KEYRING)]).json["memories"][0]["value"] == {"total": Decimal("189.90")}
