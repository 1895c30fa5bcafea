"""How long memories are kept, as people see it and change it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import tombstone
from lead_memory.adapters.large_payloads import LARGE_CONTENT
from lead_memory.adapters.memory_items import CONTENT, LAST_ACCESSED_AT, ORGANIZATION, memory_item
from lead_memory.adapters.organization_items import MEMORIES
from lead_memory.adapters.vector_items import EMBEDDING_VERSION, USAGE_COUNT, VECTOR_ID
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Annotations, Memory, MemoryKey, MemoryType, StorageTier
from lead_memory.domain.memory_settings import MemorySettings
from lead_memory.domain.recall.weights import DEFAULT, Weights
from lead_memory.domain.retention import Policy, Retention, RetentionStatus
from lead_memory_client import LeadMemory, recording
from lead_memory_client.entries import Entry
from lead_memory_client.kept import Kept
from lead_memory_client.terminal import time_of
from privacy.requests import ConfigureMemories, read
from tests.events import LEAD, NOW, SOMEBODY, START, event
from tests.events import ORGANIZATION as OURS
from tests.unit.client.conftest import BUCKET, DeployedStage, Ran, lambda_of
from tests.unit.resolve.fakes import memory

type Command = Callable[..., Ran]

OF = ("--lead", LEAD, "--organization", OURS)
ACTIVE, ARCHIVED, DELETED, PENDING, PURGED = RetentionStatus
DAY = timedelta(days=1)
FAMILY = event(
    "memory.declared",
    {"memory_type": "fact", "key": "family", "value": {"children": 2}, "project_id": "p", "tags": ["vip"]},
    event_id="said",
)


def moved(event_type: str, day: int, key: str = "family", source: str = "operator") -> Event:
    said = {"memory_type": "fact", "key": key}
    return event(event_type, said, event_id=f"{event_type}-{day}", at=START + day * DAY, source=source)


FAMILY_NAME = MemoryKey(MemoryType.FACT, "family")
DELETING = (moved("memory.archived", 1), moved("memory.soft_deleted", 2))
PURGING = (*DELETING, moved("memory.hard_delete_queued", 3), moved("memory.purged", 11, source="cleanup"))


def choose(stage: DeployedStage, settings: MemorySettings) -> None:
    """As the privacy function does."""
    stage.keyring(OURS)
    stage.table.update_item(
        Key=keys.organization_key(OURS)._asdict(),
        UpdateExpression=f"SET {MEMORIES} = :chosen",
        ExpressionAttributeValues={":chosen": msgspec.json.encode(settings).decode()},
    )


@pytest.fixture
def updater(stage: DeployedStage, environment: pytest.MonkeyPatch) -> list[Event]:
    """Records what is published at once, with the events of the list."""
    recorded: list[Event] = [FAMILY]
    stage.take_in(FAMILY)

    def record(_: LeadMemory, entry: Entry, __: object) -> None:
        recorded.append(recording.checked(entry))
        stage.take_in(*recorded)

    environment.setattr(recording, "record", record)
    return recorded


def beside(each: Memory, **fields: Any) -> Memory:
    return msgspec.structs.replace(each, **fields)


# What is shown


def test_what_is_deleted_is_in_no_reading_and_what_is_archived_says_so(
    command: Command, client: LeadMemory, stage: DeployedStage
) -> None:
    archived = beside(
        memory(LEAD, "fact", "a", {"is": "a"}),
        retention=Retention(status=ARCHIVED, archived_at=START),
        storage_tier=StorageTier.WARM,
        annotations=Annotations(tags=("vip", "tall"), importance=0.9),
    )
    hidden = [
        beside(memory(LEAD, "fact", status, {"is": "hidden"}), retention=Retention(status=status))
        for status in (DELETED, PENDING)
    ]
    stage.remember(archived, *hidden)
    assert client.memories(LEAD, OURS) == [archived]
    assert {each.key for each in client.stored(LEAD, OURS)} == {"a", DELETED, PENDING}
    shown = command("memories", *OF)
    assert "archived  warm  importance 0.9  #vip  #tall" in shown.out
    assert "hidden" not in shown.out


def test_a_record_has_what_was_said_beside_the_value_what_follows_from_it_and_how_it_was_used(
    command: Command, stage: DeployedStage
) -> None:
    stage.take_in(FAMILY)
    choose(stage, MemorySettings(policies={MemoryType.FACT: Policy(archive_after_days=3_650)}))
    row = stage.keyring(OURS).memory_key(LEAD, FAMILY_NAME)
    used: dict[str, Any] = {USAGE_COUNT: 3, LAST_ACCESSED_AT: NOW.isoformat(), VECTOR_ID: "v", EMBEDDING_VERSION: "m"}
    stage.table.put_item(Item={**keys.vector_key(row)._asdict(), ORGANIZATION: OURS, **used})
    [found] = command("memories", *OF, "--json").json["memories"]
    assert (found["value"], found["tags"], found["project_id"], found["parent"]) == (
        {"children": 2},
        ["vip"],
        "p",
        None,
    )
    assert (found["retention_status"], found["environment"], found["importance"]) == ("active", "production", 0.5)
    assert time_of(found["archive_at"]) == START + 3_650 * DAY
    assert (found["usage_count"], found["vector_id"], found["embedding_version"]) == (3, "v", "m")
    assert time_of(found["last_accessed_at"]) == NOW
    assert found["confidence_score"] == 0.95
    assert 0 < found["freshness_score"] < found["decay_score"] <= 1
    assert (found["consistency_score"], found["is_summary"], found["summary_of"]) == (1, False, [])
    assert 0 < found["quality_score"] <= 1
    [then] = command("memories", *OF, "--as-of", "2100-01-01", "--json").json["memories"]
    assert found.keys() == then.keys()
    assert (then["usage_count"], then["archive_at"]) == (0, None)


def test_the_lifecycle_says_what_will_become_of_each_memory_soonest_first(
    command: Command, client: LeadMemory, stage: DeployedStage
) -> None:
    ending = beside(memory(LEAD, "fact", "trip", {"is": 1}), expires_at=NOW + DAY)
    queued = Retention(
        status=PENDING, soft_deleted_at=NOW - 9 * DAY, hard_delete_queued_at=NOW - 5 * DAY, refused_count=2
    )
    stage.remember(
        beside(memory(LEAD, "interest", "a", {"is": 1})),
        ending,
        beside(memory(LEAD, "fact", "old", {"is": 1}), retention=msgspec.structs.replace(queued, refused_ref="shop/1")),
        beside(memory(LEAD, "fact", "gone", {}), retention=Retention(status=PURGED, purged_at=START)),
        beside(memory(LEAD, "fact", "over", {})),
        memory(LEAD, "conversation", "interactions", {"is": 1}),
    )
    choose(stage, MemorySettings(policies={MemoryType.FACT: Policy(delete_after_days=36_500, warm_after_days=36_000)}))
    found = {each.key: each for each in client.lifecycle(LEAD, OURS)}
    assert list(found) == ["trip", "old", "gone", "over", "a"]
    assert [step.event_type for step in found["trip"].coming] == [
        "memory.expired",
        "memory.tiered",
        "memory.soft_deleted",
    ]
    assert found["old"].purge_at == NOW + 2 * DAY
    assert found["a"].coming == ()
    shown = command("lifecycle", *OF).out
    for line in (
        f"{NOW + DAY:%Y-%m-%d %H:%M}  its time is over",
        "stored warm",
        "queued for the purge",
        f"{NOW + 2 * DAY:%Y-%m-%d %H:%M}  purged",
        "2 refused, the last shop/1",
        "only its name is left",
        "kept for ever",
    ):
        assert line in shown
    assert "interactions" not in shown
    told = command("lifecycle", *OF, "--json").json["memories"]
    assert msgspec.convert(told, list[Kept]) == list(found.values())
    assert command(
        "lifecycle", "--lead", SOMEBODY.lead_id, "--organization", "99999999-7a55-4d0c-9a8e-1f6a1b9f7c01"
    ).out == ("Nothing is remembered.\n")


def test_of_a_memory_that_is_cold_the_value_comes_from_where_it_is(client: LeadMemory, stage: DeployedStage) -> None:
    cold = beside(memory(LEAD, "fact", "a", {"is": "a"}), storage_tier=StorageTier.COLD)
    item = memory_item(cold, 1, stage.keyring(OURS))
    stage.s3.put_object(Bucket=BUCKET, Key="cold", Body=item.pop(CONTENT))
    stage.table.put_item(Item=item | {LARGE_CONTENT: "cold"})
    assert client.memories(LEAD, OURS) == [cold] == [client.memory(LEAD, MemoryType.FACT, "a", OURS)]


def test_an_explanation_tells_what_was_refused_and_where_a_memory_went(command: Command, stage: DeployedStage) -> None:
    again = msgspec.structs.replace(FAMILY, event_id="again", occurred_at=START + DAY + DAY / 2)
    annotated = event("memory.annotated", {"memory_type": "fact", "key": "family", "importance": 1}, event_id="a")
    annotated = msgspec.structs.replace(annotated, occurred_at=START + DAY / 2)
    stage.take_in(FAMILY, annotated, DELETING[0], again, *PURGING[1:])
    found = command("explain", "fact", "family", *OF, "--json").json["contributions"]
    assert [each["effect"] for each in found] == [
        *("made", "annotated", "moved", "refused", "moved", "moved", "moved"),
    ]
    assert found[1]["beside"] == [{"field": "importance", "after": 1.0}]
    assert found[3]["retention_status"] == "archived"
    shown = command("explain", "fact", "family", *OF).out
    assert "refused: the memory was archived" in shown
    assert "retention_status: archived → soft_deleted" in shown


def test_an_erased_lead_has_no_lifecycle(command: Command, stage: DeployedStage) -> None:
    stage.keyring(OURS)
    stage.table.put_item(Item=tombstone(keys.head_key(LEAD), OURS, NOW))
    for arguments in (("lifecycle",), ("memory", "delete", "fact", "family")):
        ran = command(*arguments, *OF)
        assert (ran.code, ran.err) == (1, f"The lead was erased at {NOW:%Y-%m-%d %H:%M:%S} UTC.\n")


# One memory


def test_a_memory_goes_the_way_that_is_asked_of_it_and_comes_back(
    command: Command, client: LeadMemory, updater: list[Event]
) -> None:
    said = command("memory", "archive", "fact", "family", "--reason", "audit", "--author", "Carla", *OF, "--json")
    assert said.json == {"memory_type": "fact", "key": "family", "retention_status": "archived"}
    [_, recorded] = updater
    assert (recorded.source, recorded.event_type) == ("operator", "memory.archived")
    assert msgspec.json.decode(recorded.data_json)["asked_by"] == "Carla"
    refused = command("memory", "annotate", "fact", "family", "--tag", "x", *OF)
    assert (refused.code, refused.err.partition(" What")[0]) == (1, "fact.family is archived.")
    deleted = command("memory", "delete", "fact", "family", *OF)
    assert f"To bring it back: lead-memory memory restore fact family --lead {LEAD}" in deleted.out
    assert client.memories(LEAD, OURS) == []
    queued = command("memory", "purge", "fact", "family", *OF, "--json").json
    assert time_of(queued["purge_at"]) == updater[-1].occurred_at + 7 * DAY
    assert command("memory", "restore", "fact", "family", *OF).out == "fact.family is active.\n"
    [back] = client.memories(LEAD, OURS)
    assert (back.value, back.annotations.tags) == ({"children": 2}, ("vip",))


@pytest.mark.parametrize(
    ("events", "does", "sentence", "instead"),
    [
        ((), "restore", "is active", "archive|delete|annotate"),
        ((), "purge", "is active", "archive|delete|annotate"),
        (DELETING[:1], "archive", "is archived", "delete|restore"),
        (DELETING[:1], "purge", "is archived", "delete|restore"),
        (DELETING, "archive", "is deleted", "restore|purge"),
        (DELETING, "delete", "is deleted", "restore|purge"),
        (PURGING[:3], "delete", "is queued for the purge", "restore"),
        (PURGING, "restore", "is purged", None),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_can_and_nothing_is_published(
    command: Command, stage: DeployedStage, events: tuple[Event, ...], does: str, sentence: str, instead: str | None
) -> None:
    stage.take_in(FAMILY, *events)
    ran = command("memory", does, "fact", "family", *OF)
    assert (ran.code, ran.out, stage.published()) == (1, "", [])
    assert ran.err.startswith(f"fact.family {sentence}. ")
    assert f"lead-memory memory {instead} fact family --lead {LEAD}" in ran.err if instead else "begins anew" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("archive", "fact", "nothing"), 1, "There is no memory fact.nothing: `lead-memory lifecycle` shows those"),
        (("archive", "fact", "over"), 1, "The time of fact.over is over"),
        (("archive", "note", "contact"), 2, "they have their own ends"),
        (("annotate", "fact", "family"), 2, "Nothing was said of the memory"),
        (("annotate", "fact", "family", "--tag", "x", "--clear", "tags"), 2, "both given and cleared"),
        (("annotate", "fact", "family", "--importance", "2"), 2, "--importance"),
        (("annotate", "fact", "family", "--metadata", "[1]"), 2, "that is no JSON object"),
        (("annotate", "fact", "family", "--parent", "family"), 2, "that is no memory such as fact.family"),
        (("annotate", "fact", "family", "--parent", "fact.family"), 2, "not a fragment of itself"),
        (("annotate", "fact", "family", "--parent", "fact.nothing"), 1, "There is no memory fact.nothing"),
    ],
)
def test_what_makes_no_sense_is_not_published(
    command: Command, stage: DeployedStage, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    stage.take_in(FAMILY)
    stage.remember(memory(LEAD, "fact", "over", {}))
    ran = command("memory", *arguments, *OF)
    assert (ran.code, ran.out, stage.published()) == (code, "", [])
    assert complaint in ran.err


def test_annotations_replace_what_is_given_and_clear_what_is_named(
    command: Command, client: LeadMemory, updater: list[Event]
) -> None:
    options = (
        "--metadata",
        '{"room": 1.50}',
        "--importance",
        "0.9",
        "--content-type",
        "identity",
        "--event-type",
        "call",
    )
    more = ("--environment", "staging", "--text", "Two children", "--clear", "tags", "--clear", "project")
    assert command("memory", "annotate", "fact", "family", *options, *more, *OF).out == "fact.family is annotated.\n"
    found = client.memory(LEAD, MemoryType.FACT, "family", OURS)
    assert found is not None
    said = msgspec.to_builtins(found.annotations)
    assert float(said["metadata"].pop("room")) == 1.5
    assert said == {
        "text": "Two children",
        "metadata": {},
        "importance": 0.9,
        "content_type": "identity",
        "event_type": "call",
        "environment": "staging",
    }


# An organization


@pytest.fixture
def asked(stage: DeployedStage, environment: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What the privacy function was asked, which reads it as it does."""
    requests: list[Any] = []

    def handler(event: Any) -> Any:
        requests.append(event)
        request = read(event)
        assert isinstance(request, ConfigureMemories)
        choose(stage, request.settings)
        return {}

    with lambda_of(handler) as endpoint:
        environment.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
        yield requests


RETENTION = ("organization", "retention")
HERE = ("--organization", OURS)


def test_what_is_given_of_a_policy_is_changed_and_the_rest_stays(
    command: Command, client: LeadMemory, stage: DeployedStage, asked: list[Any]
) -> None:
    weights = Weights(similarity=DEFAULT.keywords, keywords=DEFAULT.similarity)
    choose(stage, MemorySettings(policies={MemoryType.FORM: Policy(cold_after_days=9)}, weights=weights))
    first = command(*RETENTION, "fact", "--archive-after", "30", "--warm-after", "10", *HERE)
    assert f"lead-memory rebuild --organization {OURS} --stage dev" in first.err
    assert "fact  archived after 30 days without a change, warm after 10 days without use" in first.out
    told = command(*RETENTION, "fact", "--delete-after", "60", *HERE, "--json").json
    assert told == {
        "policies": {"fact": {"archive_after_days": 30, "delete_after_days": 60, "warm_after_days": 10}},
    }
    settings = client.memory_settings(OURS)
    assert (settings.policy(MemoryType.FORM), settings.weights) == (Policy(cold_after_days=9), weights)
    command(*RETENTION, "fact", "--for-ever", "--purge-after", "5", *HERE)
    assert client.memory_settings(OURS).policy(MemoryType.FACT) == Policy(purge_after_days=5)
    command(*RETENTION, "fact", "--for-ever", *HERE)
    assert client.memory_settings(OURS).policies.keys() == {MemoryType.FORM}
    assert len(asked) == 4
    shown = command(*RETENTION, *HERE)
    assert (shown.err, len(asked)) == ("", 4)
    assert "fact        kept for ever" in shown.out
    assert "form        cold after 9 days without use" in shown.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--archive-after", "30"), "Name the type"),
        (("note", "--archive-after", "30"), "has an end of its own"),
        (("fact", "--archive-after", "30", "--delete-after", "30"), "30 days are not fewer than 30"),
        (("fact", "--cold-after", "3", "--warm-after", "4"), "4 days are not fewer than 3"),
        (("fact", "--archive-after", "0"), "--archive-after"),
        (("fact", "--archive-after", "36501"), "--archive-after"),
    ],
)
def test_what_is_no_policy_ends_with_2_and_asks_nothing(
    command: Command, asked: list[Any], arguments: tuple[str, ...], complaint: str
) -> None:
    ran = command(*RETENTION, *arguments, *HERE)
    assert (ran.code, ran.out, asked) == (2, "", [])
    assert complaint in ran.err


def test_a_project_goes_out_of_all_memories_whatever_became_of_them_and_they_stay(
    command: Command, client: LeadMemory, stage: DeployedStage, environment: pytest.MonkeyPatch
) -> None:
    recorded = [FAMILY, *DELETING]
    stage.take_in(*recorded)

    def publish(_: LeadMemory, entries: list[Entry]) -> None:
        recorded.extend(map(recording.checked, entries))
        stage.take_in(*recorded)

    environment.setattr(LeadMemory, "publish", publish)
    for memories in (1, 0):
        ran = command("project", "remove", "p", *HERE, "--json")
        assert (ran.code, ran.json) == (0, {"project_id": "p", "leads": 1, "memories": memories, "left": 0})
    [kept] = client.stored(LEAD, OURS)
    assert (kept.annotations.project_id, kept.value, kept.retention.status) == (None, {"children": 2}, DELETED)
    assert kept.retention.refused_count == 0


def test_what_of_a_project_could_not_be_taken_in_is_said(command: Command, stage: DeployedStage, hurry: None) -> None:
    stage.take_in(FAMILY)
    ran = command("project", "remove", "p", *HERE)
    assert (ran.code, ran.out) == (1, "0 memories of 1 leads belong to p no more.\n")
    assert "1 events were rejected, or could not be read in time: run this again." in ran.err
