import base64
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest

from lead_memory_client import AwsRefused, LeadMemory
from lead_memory_client.answers import Rejection
from lead_memory_client.entries import EventName
from lead_memory_client.queues import Letter
from lead_memory_client.redrive import Watch
from tests.events import LEAD, NOW, ORGANIZATION, SOMEBODY, START, body, entry, event
from tests.unit.client.conftest import REGION, DeployedStage, Ran

type Command = Callable[..., Ran]


def viewed(event_id: str, *, day: int = 0, sku: str = "a") -> str:
    return body(entry("product.viewed", {"sku": sku}, event_id=event_id, at=START + timedelta(days=day)))


def event_ids(bodies: list[Any]) -> list[str]:
    return [each["detail"]["metadata"]["event_id"] for each in bodies]


def bury(stage: DeployedStage, *bodies: str, queue: str = "dead-letters") -> None:
    for each in bodies:
        stage.sqs.send_message(QueueUrl=stage.url(queue), MessageBody=each)


def to_rebuild(lead: str) -> str:
    return json.dumps({"lead_id": lead, "organization_id": ORGANIZATION, "derivation": None, "run_id": "r"})


def waiting(client: LeadMemory) -> tuple[int, int]:
    found = client.queues()
    return found["dead_letters"].waiting, found["rejected"].waiting


def test_queues_show_depth_age_and_reasons_with_samples_of_each(client: LeadMemory, stage: DeployedStage) -> None:
    for number in range(12):
        stage.reject(viewed(f"e{number}"), reason="unknown_type")
    stage.reject("{", reason="not_json")
    bury(stage, viewed("dead"))
    found = client.queues()
    rejected, dead = found["rejected"], found["dead_letters"]
    assert (rejected.waiting, rejected.looked_at) == (13, 13)
    assert rejected.reasons == {"unknown_type": 12, "not_json": 1}
    assert {sample.reason for sample in rejected.samples} == {"unknown_type", "not_json"}
    assert rejected.oldest_seconds is not None
    assert 0 <= rejected.oldest_seconds < 60
    assert [(each.reason, each.event, each.lead) for each in dead.samples] == [("not_recorded", "test/dead", LEAD)]


def test_a_look_takes_nothing_and_leaves_the_ingest_queue_alone(client: LeadMemory, stage: DeployedStage) -> None:
    stage.reject("{", reason="not_json")
    for queue in ("ingest", "dead-letters", "rebuild", "rebuild-dead-letters"):
        stage.sqs.send_message(QueueUrl=stage.url(queue), MessageBody=viewed(queue))
    assert client.queues() is not None
    not_looked_at, looked_at = ("ingest", "rebuild"), ("dead-letters", "rejected", "rebuild-dead-letters")
    for queue, deliveries in [*((each, "1") for each in not_looked_at), *((each, "2") for each in looked_at)]:
        [message] = stage.sqs.receive_message(QueueUrl=stage.url(queue), AttributeNames=["All"])["Messages"]
        assert message["Attributes"]["ApproximateReceiveCount"] == deliveries


def test_the_ingest_queues_age_is_what_cloudwatch_measured_last(client: LeadMemory, stage: DeployedStage) -> None:
    assert client.queues()["ingest"].oldest_seconds is None
    for minutes, seconds in ((20, 900.0), (4, 40.0), (2, 120.0)):
        boto3.client("cloudwatch", REGION).put_metric_data(
            Namespace="AWS/SQS",
            MetricData=[
                {
                    "MetricName": "ApproximateAgeOfOldestMessage",
                    "Dimensions": [{"Name": "QueueName", "Value": "ingest"}],
                    "Timestamp": datetime.now(UTC) - timedelta(minutes=minutes),
                    "Value": seconds,
                }
            ],
        )
    assert client.queues()["ingest"].oldest_seconds == 120.0


def test_the_command_shows_why_messages_wait(command: Command, stage: DeployedStage) -> None:
    stage.reject(viewed("e1"), reason="unknown_type")
    assert "test/e1: unknown_type, why" in command("queues").out
    assert command("queues", "--json").json["queues"]["rejected"]["reasons"] == {"unknown_type": 1}


def test_what_is_redriven_goes_back_in_the_order_in_which_it_occurred(client: LeadMemory, stage: DeployedStage) -> None:
    days = [7, 1, 22, 3, 15, 0, 30, 9, 4, 28, 11, 2]
    bury(stage, *(viewed(str(day), day=day) for day in days))
    steps: list[tuple[int, int]] = []
    found = client.redrive("dead_letters", patience_seconds=0, progress=lambda *step: steps.append(step))
    assert (found.found, found.sent, found.unseen) == ({"not_recorded": 12}, 12, 12)
    assert event_ids(stage.published()) == [str(day) for day in sorted(days)]
    assert steps == [(10, 12), (12, 12)]
    assert waiting(client) == (0, 0)


def test_what_was_redriven_is_not_redriven_again(client: LeadMemory, stage: DeployedStage) -> None:
    bury(stage, viewed("e1"))
    client.redrive("dead_letters", patience_seconds=0)
    assert client.redrive("dead_letters", patience_seconds=0).sent == 0
    assert event_ids(stage.published()) == ["e1"]


def test_only_what_waits_for_the_reason_is_redriven(client: LeadMemory, stage: DeployedStage) -> None:
    stage.reject(viewed("typed"), reason="unknown_type")
    stage.reject(viewed("mapped"), reason="no_mapping")
    assert client.redrive("rejected", reason="no_mapping", patience_seconds=0).found == {"no_mapping": 1}
    assert event_ids(stage.published()) == ["mapped"]
    assert [rejection.reason for rejection in client.rejections()] == ["unknown_type"]


def test_what_was_erased_is_redriven_only_where_it_is_asked_for(client: LeadMemory, stage: DeployedStage) -> None:
    stage.reject(viewed("gone"), reason="erased")
    assert client.redrive("rejected", patience_seconds=0).sent == 0
    assert client.redrive("rejected", reason="erased", patience_seconds=0).sent == 1
    assert event_ids(stage.published()) == ["gone"]


def test_a_dry_run_counts_and_sends_nothing(command: Command, client: LeadMemory, stage: DeployedStage) -> None:
    stage.reject(viewed("e1"), reason="unknown_type")
    ran = command("redrive", "rejected", "--dry-run")
    assert (ran.code, ran.out) == (0, "1 unknown_type would be sent back.\n")
    assert stage.published() == []
    assert waiting(client) == (0, 1)


def test_a_body_that_was_packed_goes_back_as_it_came(client: LeadMemory, stage: DeployedStage) -> None:
    packed = base64.b64encode(gzip.compress(viewed("large").encode())).decode()
    stage.reject(packed, reason="too_large", encoding="gzip+base64")
    client.redrive("rejected", patience_seconds=0)
    assert stage.published() == [json.loads(viewed("large"))]


def test_what_cannot_be_read_is_sent_back_as_well(client: LeadMemory, stage: DeployedStage) -> None:
    bury(stage, "{", viewed("naive").replace("+00:00", ""))
    assert client.redrive("dead_letters", patience_seconds=0).sent == 2


@pytest.mark.parametrize("failing", ["send_message_batch", "delete_message_batch"])
def test_a_redrive_that_breaks_off_loses_nothing_and_hides_nothing(
    client: LeadMemory, stage: DeployedStage, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    bury(stage, *(viewed(str(number)) for number in range(12)))

    def refuse(**_: object) -> None:
        raise stage.sqs.exceptions.ClientError({"Error": {"Code": "Gone", "Message": "away"}}, failing)

    with monkeypatch.context() as patch:
        patch.setattr(client._sqs, failing, refuse)
        with pytest.raises(AwsRefused):
            client.redrive("dead_letters", patience_seconds=0)
    assert waiting(client) == (12, 0)


def test_what_the_ingest_queue_does_not_take_stays(
    command: Command, client: LeadMemory, stage: DeployedStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(stage, viewed("e1"), viewed("e2", day=1))
    send = client._sqs.send_message_batch

    def take_the_first(**arguments: Any) -> Any:
        return send(QueueUrl=arguments["QueueUrl"], Entries=arguments["Entries"][:1])

    monkeypatch.setattr(client._sqs, "send_message_batch", take_the_first)
    assert client.redrive("dead_letters", patience_seconds=0).sent == 1
    assert event_ids(stage.published()) == ["e1"]
    assert waiting(client) == (1, 0)


def test_the_command_fails_when_it_cannot_say_what_became_of_a_message(command: Command, stage: DeployedStage) -> None:
    bury(stage, viewed("e1"))
    ran = command("redrive", "dead-letters", "--patience", "0")
    assert ran.code == 1
    assert "1 sent back (1 not_recorded): 0 recorded." in ran.out
    assert "`lead-memory queues --stage dev` shows where they are" in ran.err
    nothing = command("redrive", "dead-letters")
    assert (nothing.code, nothing.out) == (0, "Nothing waits there to be sent back.\n")


def test_leads_that_were_not_rebuilt_are_shown_and_sent_back_as_they_are(
    command: Command, client: LeadMemory, stage: DeployedStage
) -> None:
    leads = [str(uuid4()) for _ in range(12)]
    bury(stage, *map(to_rebuild, leads), "{", queue="rebuild-dead-letters")
    found = client.queues()["rebuild_dead_letters"]
    assert (found.waiting, found.reasons) == (13, {"not_rebuilt": 13})
    assert {sample.lead for sample in found.samples} < {*leads, None}
    assert f"{leads[0]}: not_rebuilt, " in command("queues").out

    ran = command("redrive", "rebuild-dead-letters")
    assert (ran.code, ran.out) == (0, "13 sent back (13 not_rebuilt).\n")
    assert "`lead-memory queues --stage dev` shows how many still wait, or failed again" in ran.err
    assert sorted(stage.bodies("rebuild")) == sorted([*map(to_rebuild, leads), "{"])
    assert stage.published() == []
    assert client.queues()["rebuild_dead_letters"].waiting == 0


def test_leads_that_the_rebuilders_queue_does_not_take_stay(
    client: LeadMemory, stage: DeployedStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(stage, to_rebuild(LEAD), queue="rebuild-dead-letters")
    monkeypatch.setattr(client._sqs, "send_message_batch", lambda **_: {})
    found = client.redrive("rebuild_dead_letters")
    assert (found.found, found.sent) == ({"not_rebuilt": 1}, 0)
    assert client.queues()["rebuild_dead_letters"].waiting == 1


def test_jobs_that_got_no_answer_are_shown_with_their_reason_and_sent_back_to_be_tried_anew(
    command: Command, client: LeadMemory, stage: DeployedStage
) -> None:
    never_sent = viewed("e1")
    failed = {"organization_id": ORGANIZATION, "lead_id": LEAD, "row": "fact#conversation.thread:t"}
    bury(stage, never_sent, "{", queue="extraction-dead-letters")
    stage.sqs.send_message(
        QueueUrl=stage.url("extraction-dead-letters"),
        MessageBody=json.dumps(failed | {"attempt": 4, "waits": 2}),
        MessageAttributes={"reason": {"DataType": "String", "StringValue": "throttled"}},
    )
    found = client.queues()["extraction_dead_letters"]
    assert (found.waiting, found.reasons) == (3, {"not_extracted": 2, "throttled": 1})
    assert {(sample.event, sample.lead) for sample in found.samples} == {("test/e1", LEAD), (None, LEAD), (None, None)}

    ran = command("redrive", "extraction-dead-letters")
    assert (ran.code, ran.out) == (0, "3 sent back (2 not_extracted, 1 throttled).\n")
    assert "`lead-memory queues --stage dev` shows how many still wait, or failed again" in ran.err
    unreadable, *jobs = sorted(stage.bodies("extraction"), key=lambda body: len(body) > 1)
    assert unreadable == "{"
    assert sorted(map(json.loads, jobs), key=lambda job: "source" in job) == [failed, json.loads(never_sent)]
    assert stage.published() == []
    assert client.queues()["extraction_dead_letters"].waiting == 0


def test_what_the_embedder_gave_up_on_is_shown_and_sent_back(
    command: Command, client: LeadMemory, stage: DeployedStage
) -> None:
    waited = {"organization_id": ORGANIZATION, "lead_id": LEAD, "ref": "test/e1"}
    used = json.dumps({"lead_id": LEAD, "rows": ["fact#family"]})
    bury(stage, json.dumps(waited | {"waits": 5}), queue="vectors-dead-letters")
    bury(stage, used, queue="uses-dead-letters")
    found = client.queues()
    assert found["vectors_dead_letters"].reasons == {"not_embedded": 1}
    assert found["uses_dead_letters"].reasons == {"not_counted": 1}

    ran = command("redrive", "vectors-dead-letters")
    assert (ran.code, ran.out) == (0, "1 sent back (1 not_embedded).\n")
    ran = command("redrive", "uses-dead-letters")
    assert (ran.code, ran.out) == (0, "1 sent back (1 not_counted).\n")
    assert [json.loads(each) for each in stage.bodies("vectors")] == [waited]
    assert stage.bodies("uses") == [used]


def letter(number: int, text: str) -> Letter:
    return Letter(message_id=str(number), receipt_handle="", reason="r", detail="", sent_at=NOW, body=text)


def test_a_watch_tells_recorded_from_rejected_again_from_not_seen() -> None:
    same, conflict, malformed, slow = viewed("same"), viewed("conflict"), "{", viewed("slow")
    recorded = {
        EventName(SOMEBODY, "test/same"): event("product.viewed", {"sku": "a"}, event_id="same").content_hashes,
        EventName(SOMEBODY, "test/conflict"): ("of other content",),
    }
    rejections = [Rejection("conflict", "", NOW, conflict), Rejection("not_json", "", NOW, malformed)]
    watch = Watch([letter(number, each) for number, each in enumerate((same, conflict, malformed, slow))], NOW)
    watch.look(lambda _: recorded, lambda: rejections, patience_seconds=0.5)
    assert (watch.recorded, watch.rejected_again, watch.unseen) == (1, {"conflict": 1, "not_json": 1}, 1)
