"""What an organization chose, as people see and change it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import tombstone
from lead_memory.adapters.organization_items import CONVERSATIONS
from lead_memory.domain.conversation.settings import CohortShares, ConversationSettings, CrossChannel
from lead_memory_client import LeadMemory, NotDone
from privacy.requests import ConfigureConversations, read
from tests.events import NOW, ORGANIZATION
from tests.unit.client.conftest import DeployedStage, Ran, lambda_of

type Command = Callable[..., Ran]

SHOWN = ("organization", "conversations", "--organization", ORGANIZATION)
SPLIT = {"full": 80, "no_notes": 10, "single_summary": 10}
DEFAULTS = {
    "cross_channel": "link",
    "cohorts": {"full": 100, "no_notes": 0, "single_summary": 0},
    "daily_budget_micros": 5_000_000,
}


def store(stage: DeployedStage, choice: Any) -> None:
    stage.keyring(ORGANIZATION)
    stage.table.update_item(
        Key=keys.organization_key(ORGANIZATION)._asdict(),
        UpdateExpression=f"SET {CONVERSATIONS} = :choice",
        ExpressionAttributeValues={":choice": choice},
    )


@pytest.fixture
def asked(stage: DeployedStage, environment: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What the privacy function was asked, which reads it as it does and knows one organization."""
    requests: list[Any] = []

    def handler(event: Any) -> Any:
        requests.append(event)
        request = read(event)
        assert isinstance(request, ConfigureConversations)
        if request.organization_id != ORGANIZATION:
            return {"error": {"code": "conflict", "message": "the organization is not known"}}
        store(stage, {name: event[name] for name in DEFAULTS})
        return {}

    with lambda_of(handler) as endpoint:
        environment.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
        yield requests


def test_what_nobody_chose_is_shown_as_it_is_without_a_choice(
    command: Command, stage: DeployedStage, asked: list[Any]
) -> None:
    assert command(*SHOWN, "--json").json == DEFAULTS
    stage.keyring(ORGANIZATION)
    assert command(*SHOWN, "--json").json == DEFAULTS
    shown = command(*SHOWN)
    assert (shown.code, shown.err) == (0, "")
    assert "cross_channel  link: a message on another channel stands in a thread of its own" in shown.out
    assert "cohorts        full 100%, no_notes 0%, single_summary 0%" in shown.out
    assert "daily_budget   $5.00 for models, a day in UTC" in shown.out
    assert asked == []


def test_what_is_given_is_changed_and_the_rest_stays(command: Command, asked: list[Any]) -> None:
    split = "full=80,no_notes=10,single_summary=10"
    joined = command(*SHOWN, "--cross-channel", "join", "--json")
    assert (joined.code, joined.json) == (0, {**DEFAULTS, "cross_channel": "join"})
    assert joined.err == "Within a minute it is followed.\n"
    told = command(*SHOWN, "--cohorts", split, "--json").json
    assert (
        told
        == command(*SHOWN, "--json").json
        == {
            **DEFAULTS,
            "cross_channel": "join",
            "cohorts": SPLIT,
        }
    )
    assert command(*SHOWN, "--daily-budget", "0.25", "--json").json == {**told, "daily_budget_micros": 250_000}
    shown = command(*SHOWN, "--cross-channel", "link", "--cohorts", "no_notes=30,full=70")
    assert "full 70%, no_notes 30%, single_summary 0%" in shown.out
    assert asked[1] == {"operation": "configure_conversations", "organization_id": ORGANIZATION, **told}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--cohorts", "full=80,no_notes=10"), "the cohorts' shares add up to 90 percent, not to 100"),
        (("--cohorts", "full=101"), "the cohorts' shares add up to 101 percent, not to 100"),
        (("--cohorts", "full=110,no_notes=-10"), "that is no split such as full=80,no_notes=10,single_summary=10"),
        (("--cohorts", "full=99.5,no_notes=0.5"), "that is no split"),
        (("--cohorts", "full=50,full=50"), "that is no split"),
        (("--cohorts", "whole=100"), "that is no split"),
        (("--cohorts", "full"), "that is no split"),
        (("--cohorts", ""), "that is no split"),
        (("--cross-channel", "merge"), "merge"),
        (("--daily-budget", "-1"), "that is no amount of dollars and cents"),
        (("--daily-budget", "much"), "that is no amount of dollars and cents"),
        (("--daily-budget", "nan"), "that is no amount of dollars and cents"),
        (("--daily-budget", "0.001"), "that is no amount of dollars and cents"),
        (("--daily-budget", "1000000.01"), "that is no amount of dollars and cents"),
    ],
)
def test_what_is_no_choice_ends_with_2_and_asks_nothing(
    command: Command, asked: list[Any], arguments: tuple[str, ...], complaint: str
) -> None:
    ran = command(*SHOWN, *arguments)
    assert (ran.code, ran.out, asked) == (2, "", [])
    assert complaint in ran.err
    assert "See `lead-memory organization conversations --help`." in ran.err


def test_an_unknown_organization_is_refused(command: Command, client: LeadMemory, asked: list[Any]) -> None:
    unknown = "99999999-7a55-4d0c-9a8e-1f6a1b9f7c01"
    ran = command("organization", "conversations", "--organization", unknown, "--cross-channel", "join")
    assert (ran.code, ran.err) == (1, "This was not done, because the organization is not known (conflict).\n")
    with pytest.raises(NotDone):
        client.configure_conversations(unknown, ConversationSettings())


def test_an_erased_organization_says_so(command: Command, stage: DeployedStage, asked: list[Any]) -> None:
    stage.table.put_item(Item=tombstone(keys.organization_key(ORGANIZATION), ORGANIZATION, NOW))
    for ran in (command(*SHOWN), command(*SHOWN, "--cross-channel", "join")):
        assert (ran.code, ran.err) == (1, f"The organization was erased at {NOW:%Y-%m-%d %H:%M:%S} UTC.\n")
    assert asked == []


def test_what_cannot_be_read_is_mended_by_choosing_all_again(
    command: Command, stage: DeployedStage, asked: list[Any]
) -> None:
    store(stage, {"cross_channel": "merge"})
    ran = command(*SHOWN, "--cross-channel", "join")
    assert (ran.code, asked) == (1, [])
    assert "cannot be read: choose all of it again" in ran.err
    assert command(*SHOWN, "--cross-channel", "join", "--cohorts", "full=100", "--daily-budget", "5").code == 0
    assert command(*SHOWN, "--json").json == {**DEFAULTS, "cross_channel": "join"}


def test_from_python_settings_are_chosen_as_a_whole(client: LeadMemory, asked: list[Any]) -> None:
    chosen = ConversationSettings(cross_channel=CrossChannel.JOIN, cohorts=CohortShares(**SPLIT))
    client.configure_conversations(ORGANIZATION, chosen)
    assert client.conversation_settings(ORGANIZATION.upper()) == chosen
