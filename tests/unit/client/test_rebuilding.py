"""Which leads a rebuild is sent for, how far it is, and what the command says of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import head_item
from lead_memory.domain.memories import Lead
from lead_memory_client.rebuild import Progress, Rebuilds
from lead_memory_client.stage import find_stage
from tests.events import LEAD, NOW, ORGANIZATION
from tests.unit.client.conftest import DeployedStage, Ran, lambda_of

type Command = Callable[..., Ran]

OTHER = "99999999-0000-4000-8000-000000000000"
OF = ("--organization", ORGANIZATION)
DRIFT = {"memory_type": "purchase", "key": "summary", "kind": "missing"}


@pytest.fixture
def leads(stage: DeployedStage) -> list[Lead]:
    """25 leads of one organization and 2 of another, in the registry."""
    leads = [Lead(ORGANIZATION, f"lead-{number}") for number in range(25)]
    leads += [Lead(OTHER, f"other-{number}") for number in range(2)]
    for organization_id in (ORGANIZATION, OTHER):
        stage.keyring(organization_id)
    for lead in leads:
        stage.table.put_item(Item=head_item(lead, NOW))
    return leads


@pytest.fixture
def rebuilds(stage: DeployedStage) -> Rebuilds:
    return Rebuilds(find_stage("dev", profile=None, region="us-east-1"))


def received(stage: DeployedStage) -> list[Any]:
    """What the rebuilder would take from its queue."""
    url = stage.sqs.get_queue_url(QueueName="rebuild")["QueueUrl"]
    found: list[Any] = []
    while messages := stage.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(message["Body"]) for message in messages]
        for message in messages:
            stage.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def report(request: Any, *differences: Any) -> Any:
    return {"report": {**lead_of(request), "memories": 3, "differences": list(differences)}}


def lead_of(request: Any) -> dict[str, str]:
    return {name: request[name] for name in ("lead_id", "organization_id")}


def test_every_lead_of_every_organization_is_found(rebuilds: Rebuilds, leads: list[Lead]) -> None:
    assert sorted(rebuilds.leads(rebuilds.organizations())) == sorted(leads)


def test_each_lead_of_an_organization_is_one_message(
    rebuilds: Rebuilds, leads: list[Lead], stage: DeployedStage
) -> None:
    counts: list[int] = []
    run = rebuilds.start([ORGANIZATION], derivation="purchase", sent=counts.append)
    sent = received(stage)
    assert run.leads == sum(counts) == len(sent) == 25
    assert sorted(each["lead_id"] for each in sent) == sorted(lead for of, lead in leads if of == ORGANIZATION)
    assert {(each["organization_id"], each["derivation"], each["run_id"]) for each in sent} == {
        (ORGANIZATION, "purchase", run.run_id)
    }


def test_progress_is_what_the_rebuilder_counted_and_what_became_a_dead_letter(
    rebuilds: Rebuilds, leads: list[Lead], stage: DeployedStage
) -> None:
    dead_letters = stage.sqs.get_queue_url(QueueName="rebuild-dead-letters")["QueueUrl"]
    stage.sqs.send_message(QueueUrl=dead_letters, MessageBody="from an earlier run")
    run = rebuilds.start([OTHER], derivation=None)
    assert rebuilds.progress(run) == Progress(leads=0, memories=0, failed=0, queued=2)
    received(stage)
    stage.table.put_item(Item={**keys.rebuild_key(run.run_id)._asdict(), "leads": 1, "memories": 7})
    stage.sqs.send_message(QueueUrl=dead_letters, MessageBody="{}")
    assert rebuilds.progress(run) == Progress(leads=1, memories=7, failed=1, queued=0)


def test_a_lead_that_differs_is_named_and_fails_the_check(
    command: Command, environment: pytest.MonkeyPatch, stage: DeployedStage
) -> None:
    asked: list[Any] = []

    def rebuilder(request: Any) -> Any:
        asked.append(request)
        return report(request, DRIFT)

    with lambda_of(rebuilder) as endpoint:
        environment.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
        checked = command("rebuild", "--lead", LEAD, "--check", *OF)
        rebuilt = command("rebuild", "--lead", LEAD, "--derivation", "purchase", *OF)
    assert (checked.code, rebuilt.code) == (1, 0)
    assert f"{LEAD}  purchase.summary  missing" in checked.out
    assert "Leads checked: 1; failed: 0. Memories that differ from their events: 1." in checked.out
    assert "Leads rebuilt: 1; failed: 0. Memories rewritten: 1." in rebuilt.out
    assert asked == [
        {"organization_id": ORGANIZATION, "lead_id": LEAD, "derivation": None, "check": True},
        {"organization_id": ORGANIZATION, "lead_id": LEAD, "derivation": "purchase", "check": False},
    ]


def test_a_check_goes_on_after_a_lead_that_could_not_be_checked(
    command: Command, environment: pytest.MonkeyPatch, leads: list[Lead]
) -> None:
    def rebuilder(request: Any) -> Any:
        return {"error": "it keeps changing"} if request["lead_id"] == "lead-7" else report(request)

    with lambda_of(rebuilder) as endpoint:
        environment.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
        ran = command("rebuild", "--all", "--check", "--json")
    assert ran.code == 1
    assert (ran.json["leads"], ran.json["failed"], ran.json["drift"]) == (26, 1, [])
    assert ran.json["not_checked"][0]["lead_id"] == "lead-7"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give --lead, --organization, or --all"),
        (("--all", *OF), "give --lead, --organization, or --all"),
        (("--all", "--derivation", "purchases"), "There is no derivation 'purchases': it is one of purchase, "),
    ],
)
def test_what_cannot_be_rebuilt_is_said_before_anything_is_done(
    command: Command, arguments: tuple[str, ...], said: str
) -> None:
    ran = command("rebuild", *arguments)
    assert ran.code == 2
    assert said in ran.err
