"""Which leads the embedder is to look at again, how far it is, and what a check counts."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import head_item
from lead_memory.adapters.keys import vector_key
from lead_memory.adapters.memory_items import ORGANIZATION as OF_ORGANIZATION
from lead_memory.adapters.use_queue import message_of
from lead_memory.domain.memories import Lead, Memory
from lead_memory.services.index_queue import Request
from lead_memory_client.reembed import Depth, Indexed, Progress, Reembeds, Run
from lead_memory_client.stage import find_stage
from tests.events import LEAD, NOW, ORGANIZATION
from tests.unit.client.conftest import DeployedStage, Ran
from tests.unit.resolve.fakes import memory

type Command = Callable[..., Ran]

OTHER = "99999999-0000-4000-8000-000000000000"
OF = ("--organization", ORGANIZATION)


@pytest.fixture
def leads(stage: DeployedStage) -> list[Lead]:
    """12 leads of one organization and 2 of another, in the registry."""
    leads = [Lead(ORGANIZATION, f"lead-{number}") for number in range(12)]
    leads += [Lead(OTHER, f"other-{number}") for number in range(2)]
    for lead in leads:
        stage.keyring(lead.organization_id)
        stage.table.put_item(Item=head_item(lead, NOW))
    return leads


@pytest.fixture
def reembeds(stage: DeployedStage) -> Reembeds:
    return Reembeds(find_stage("dev", profile=None, region="us-east-1"))


@pytest.fixture
def embedder(stage: DeployedStage, environment: pytest.MonkeyPatch) -> list[Request | Any]:
    """Takes all that is in its queue whenever the command would wait."""
    taken: list[Any] = []

    def work(_: float) -> None:
        url = stage.url("vectors")
        for message in stage.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ()):
            taken.append(message_of(message["Body"]))
            stage.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    environment.setattr("time.sleep", work)
    return taken


def remember(stage: DeployedStage, lead: Lead, key: str, version: str | None = None, *, in_index: bool = True) -> None:
    named = memory(lead.lead_id, "fact", key, {"value": key})
    own: Memory = msgspec.structs.replace(named, organization_id=lead.organization_id)
    stage.remember(own)
    if in_index:
        row = vector_key(stage.keyring(lead.organization_id).memory_key(lead.lead_id, own.name))
        versions = {"embedding_version": version} if version else {}
        stage.table.put_item(Item={**row._asdict(), OF_ORGANIZATION: lead.organization_id, **versions})


def test_each_lead_is_one_request_that_the_embedder_understands(
    reembeds: Reembeds, leads: list[Lead], stage: DeployedStage
) -> None:
    counts: list[int] = []
    run = reembeds.start([ORGANIZATION], counts.append)
    sent = [message_of(body) for body in stage.bodies("vectors")]
    assert run.leads == sum(counts) == len(sent) == 12
    assert {(each.lead, each.ref) for each in sent if isinstance(each, Request)} == {
        (lead, None) for lead in leads if lead.organization_id == ORGANIZATION
    }


def test_progress_leaves_out_what_was_put_off_or_given_up_before(
    reembeds: Reembeds, leads: list[Lead], stage: DeployedStage
) -> None:
    vectors, dead_letters = stage.url("vectors"), stage.url("vectors-dead-letters")
    stage.sqs.send_message(QueueUrl=dead_letters, MessageBody="from before")
    stage.sqs.send_message(QueueUrl=vectors, MessageBody="from before", DelaySeconds=900)
    run = reembeds.start([OTHER])
    assert run == Run(2, Depth(queued=0, put_off=1, dead_letters=1))
    assert reembeds.progress(run) == Progress(queued=2, failed=0)
    stage.sqs.send_message(QueueUrl=vectors, MessageBody="the next page", DelaySeconds=900)
    stage.sqs.send_message(QueueUrl=dead_letters, MessageBody="{}")
    assert reembeds.progress(run) == Progress(queued=3, failed=1)


def test_the_command_waits_until_the_queue_is_empty(
    command: Command, leads: list[Lead], embedder: list[Request]
) -> None:
    ran = command("reembed", "--all")
    assert (ran.code, ran.out) == (0, "Leads looked at: 14; failed: 0.\n")
    assert sorted(each.lead for each in embedder) == sorted(leads)
    assert command("reembed", "--lead", LEAD, *OF, "--json").json == {"leads": 1, "failed": 0}
    assert embedder[-1].lead == Lead(ORGANIZATION, LEAD)


def test_what_ends_as_a_dead_letter_fails_the_command(
    command: Command, leads: list[Lead], stage: DeployedStage, environment: pytest.MonkeyPatch
) -> None:
    def fail(_: float) -> None:
        for body in stage.bodies("vectors"):
            stage.sqs.purge_queue(QueueUrl=stage.url("vectors"))
            stage.sqs.send_message(QueueUrl=stage.url("vectors-dead-letters"), MessageBody=body)

    environment.setattr("time.sleep", fail)
    ran = command("reembed", "--lead", LEAD, *OF)
    assert (ran.code, ran.out) == (1, "Leads looked at: 1; failed: 1.\n")


def test_a_check_counts_by_model_and_what_is_missing_and_changes_nothing(
    command: Command, reembeds: Reembeds, leads: list[Lead], stage: DeployedStage
) -> None:
    one, other = leads[:2]
    for key, version in {"a": "model/2", "b": "model/2", "c": "model/1", "d": None}.items():
        remember(stage, one, key, version)
    remember(stage, other, "e", in_index=False)
    assert list(reembeds.check([one, other])) == [
        Indexed(embedding_versions={"model/2": 2, "model/1": 1}, without_vector=1),
        Indexed(missing=1),
    ]
    ran = command("reembed", "--check", *OF)
    assert ran.code == 1
    assert "Leads checked: 12; failed: 0." in ran.out
    assert "Memories by model/1: 1, by model/2: 2, without a vector: 1, missing: 1." in ran.out
    assert command("reembed", "--check", "--lead", other.lead_id, *OF).code == 2  # no UUID
    assert stage.bodies("vectors") == []


def test_a_check_of_what_is_right_ends_well(command: Command, stage: DeployedStage) -> None:
    remember(stage, Lead(ORGANIZATION, LEAD), "a", "model/2")
    ran = command("reembed", "--check", "--lead", LEAD, *OF, "--json")
    assert ran.code == 0
    assert json.loads(ran.out) == {
        "leads": 1,
        "failed": 0,
        "embedding_versions": {"model/2": 1},
        "without_vector": 0,
        "missing": 0,
    }


def test_a_lead_that_does_not_open_is_counted_and_the_others_are_checked(
    command: Command, leads: list[Lead], stage: DeployedStage
) -> None:
    remember(stage, leads[0], "a", "model/2")
    remember(stage, leads[1], "b", "model/2")
    stage.table.update_item(
        Key={keys.PK: leads[1].lead_id, keys.SK: "fact#b"},
        UpdateExpression="SET content = :other",
        ExpressionAttributeValues={":other": b"\x01\x00\x00\x00\x01not sealed here"},
    )
    ran = command("reembed", "--check", *OF, "--json")
    assert (ran.code, ran.json["failed"], ran.json["embedding_versions"]) == (1, 1, {"model/2": 1})


@pytest.mark.parametrize("arguments", [(), ("--all", *OF)])
def test_whose_memories_must_be_said_once(command: Command, arguments: tuple[str, ...]) -> None:
    ran = command("reembed", *arguments)
    assert ran.code == 2
    assert "give --lead, --organization, or --all" in ran.err
