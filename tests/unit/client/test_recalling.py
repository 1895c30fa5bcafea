"""A recall as the client and the command have it, and what counts how much in one, as people see and change it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.organization_items import MEMORIES
from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.memories import Environment, MemoryType
from lead_memory.domain.recall.weights import DEFAULT
from lead_memory_client import AwsRefused, LeadMemory, Recall, RequestRefused
from lead_memory_client.recall_text import left_out
from privacy.requests import ConfigureMemories, read
from recall.messages import Request, refused
from tests.events import LEAD, ORGANIZATION
from tests.unit.client.conftest import DeployedStage, Ran, lambda_of

type Command = Callable[..., Ran]

OF = ("--lead", LEAD, "--organization", ORGANIZATION)
WEIGHTS = ("organization", "weights", "--organization", ORGANIZATION)
QUESTION = "How do they want to be contacted?"
OUTREACH = {
    "name": "preference.outreach",
    "memory_type": "preference",
    "key": "outreach",
    "text": "WhatsApp before noon\x1b[2J",
    "value": {"channel": "whatsapp"},
    "score": 0.49,
    "parts": {"similarity": 0.4, "keywords": 0.0, "importance": 0.09},
    "scores": {"quality": 0.9},
    "tags": ["service"],
    "metadata": {"asked": True},
    "importance": 0.6,
    "content_type": None,
    "event_type": None,
    "environment": "production",
    "project_id": None,
    "parent": None,
    "is_summary": False,
    "summary_of": [],
    "summarized_in": "fact.cluster:1f",
    "retention_status": "active",
    "storage_tier": "hot",
    "vector_id": "v",
    "embedding_version": "model/1",
    "usage_count": 2,
    "last_accessed_at": None,
    "updated_at": (datetime.now(UTC) - timedelta(days=40)).isoformat(),
    "source": "user_declared",
    "evidence_count": 1,
    "contradiction_count": 0,
    "source_event_ids": ["operator/e-1"],
}
ANSWER = {
    "memories": [OUTREACH],
    "lead_known": True,
    "similarity": "included",
    "entries": 3,
    "waiting": 0,
    "cold": 0,
    "changed_since": 0,
    "newest_at": "2026-02-03T14:05:00Z",
    "uses_counted": True,
    "requests": 3,
    "milliseconds": 12.3,
}


class Function:
    """The recall function, which reads a request as it does, and answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.answer: dict[str, Any] = dict(ANSWER)
        self.refusal: Erased | Unavailable | None = None

    def __call__(self, event: Any) -> Any:
        try:
            self.asked.append(Request.read(event))
        except msgspec.ValidationError as error:
            return refused(error)
        return refused(self.refusal) if self.refusal else self.answer


@pytest.fixture
def function(environment: pytest.MonkeyPatch) -> Iterator[Function]:
    function = Function()
    with lambda_of(function) as endpoint:
        environment.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
        yield function


def test_a_recall_has_the_functions_whole_answer(client: LeadMemory, function: Function) -> None:
    found = client.recall(LEAD, ORGANIZATION, QUESTION)
    told = msgspec.to_builtins(found)
    assert told | {"memories": None, "newest_at": None} == ANSWER | {"memories": None, "newest_at": None}
    [memory] = told["memories"]
    assert memory | {"updated_at": None} == OUTREACH | {"updated_at": None, "tags": ("service",)} | {
        "summary_of": (),
        "source_event_ids": ("operator/e-1",),
    }


def test_the_command_asks_what_python_asks(client: LeadMemory, command: Command, function: Function) -> None:
    as_of = datetime(2026, 2, 3, 14, 5, tzinfo=UTC)
    client.recall(LEAD, ORGANIZATION, QUESTION)
    assert command("recall", QUESTION, *OF).code == 0
    client.recall(
        LEAD,
        ORGANIZATION,
        QUESTION,
        k=3,
        tags=["a", "b"],
        types=[MemoryType.FACT, MemoryType.PREFERENCE],
        event_types=["meeting"],
        environments=[Environment.STAGING],
        project_id="p",
        min_score=0.25,
        as_of=as_of,
        include_cold=True,
    )
    filters = "--tag a --tag b --type fact --type preference --event-type meeting --environment staging --project p"
    others = "-k 3 --min-score 0.25 --as-of 2026-02-03T14:05Z --cold"
    assert command("recall", QUESTION, *filters.split(), *others.split(), *OF).code == 0
    plain, plain_command, full, full_command = function.asked
    assert plain == plain_command
    assert full == full_command
    assert (full.k, full.as_of, full.environments, full.include_cold) == (3, as_of, (Environment.STAGING,), True)


def test_people_see_the_score_the_memory_its_text_and_its_age(command: Command, function: Function) -> None:
    shown = command("recall", QUESTION, *OF)
    assert shown.err == ""
    assert shown.out.splitlines()[1].split() == [
        "0.49",
        "preference.outreach",
        "WhatsApp",
        "before",
        "noon\ufffd[2J",
        "1",
        "mo",
    ]
    assert "summed up in fact.cluster:1f" in shown.out
    assert "similarity" not in shown.out
    parts = command("recall", QUESTION, "--parts", *OF)
    assert "0.400 similarity + 0.000 keywords + 0.090 importance" in parts.out


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"lead_known": False}, "Nothing is remembered of this lead"),
        ({"similarity": "unavailable"}, "ranked by all but their meaning: ask again"),
        ({"waiting": 2}, "2 memories are not compared by meaning yet: ask again in a minute"),
        ({"cold": 1}, "1 memory is cold and not looked at: ask with --cold"),
        ({"changed_since": 3}, "3 memories are left out because of a change after that time"),
        ({"uses_counted": False}, "was not counted"),
    ],
)
def test_what_may_be_missing_is_said_with_what_to_try(
    command: Command, function: Function, told: dict[str, Any], said: str
) -> None:
    function.answer |= told | {"memories": []}
    ran = command("recall", QUESTION, *OF)
    assert (ran.code, ran.out) == (0, "Nothing answers.\n")
    [sentence] = ran.err.splitlines()
    assert said in sentence
    assert command("recall", QUESTION, "--json", *OF).json == function.answer | {"newest_at": ANSWER["newest_at"]}


def test_an_answer_that_leaves_nothing_out_says_nothing() -> None:
    assert list(left_out(msgspec.convert(ANSWER, Recall))) == []


@pytest.mark.parametrize(
    ("refusal", "error", "said"),
    [
        (Erased("the lead was erased on 2026-01-01"), Erased, "The lead was erased on 2026-01-01"),
        (Unavailable("the table did not answer"), AwsRefused, "The table did not answer; ask again."),
    ],
)
def test_what_the_function_refuses_is_said_as_it_says_it(
    client: LeadMemory, command: Command, function: Function, refusal: Any, error: type[Exception], said: str
) -> None:
    function.refusal = refusal
    with pytest.raises(error, match=said.rstrip(".")):
        client.recall(LEAD, ORGANIZATION, QUESTION)
    ran = command("recall", QUESTION, *OF)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


def test_more_memories_than_an_answer_holds_are_refused(client: LeadMemory, function: Function) -> None:
    with pytest.raises(RequestRefused, match="<= 40"):
        client.recall(LEAD, ORGANIZATION, QUESTION, k=41)
    assert function.asked == []


# What counts how much


@pytest.fixture
def chosen(stage: DeployedStage, environment: pytest.MonkeyPatch) -> Iterator[list[ConfigureMemories]]:
    """What the privacy function was asked to choose, for an organization that has chosen a policy."""
    stage.keyring(ORGANIZATION)
    _store(stage, {"policies": {"fact": {"archive_after_days": 30}}})
    requests: list[ConfigureMemories] = []

    def handler(event: Any) -> Any:
        request = read(event)
        assert isinstance(request, ConfigureMemories)
        requests.append(request)
        _store(stage, request.settings)
        return {}

    with lambda_of(handler) as endpoint:
        environment.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
        yield requests


def test_weights_that_nobody_chose_are_shown_with_what_they_are_of(
    command: Command, chosen: list[ConfigureMemories]
) -> None:
    shown = command(*WEIGHTS)
    assert (shown.code, shown.err, chosen) == (0, "", [])
    assert "similarity       0.6      how close the question and the memory are in meaning" in shown.out
    assert command(*WEIGHTS, "--json").json == {"weights": msgspec.structs.asdict(DEFAULT)}


def test_weights_that_are_given_are_changed_and_all_else_stays(
    command: Command, chosen: list[ConfigureMemories]
) -> None:
    changed = command(*WEIGHTS, "--similarity", "0.5", "--keywords", "0.25", "--json")
    assert changed.err == "Within a minute it is followed.\n"
    assert changed.json["weights"] == msgspec.structs.asdict(DEFAULT) | {"similarity": 0.5, "keywords": 0.25}
    [request] = chosen
    assert request.policies[MemoryType.FACT].archive_after_days == 30
    assert (request.weights.similarity, request.weights.importance) == (0.5, DEFAULT.importance)


def test_weights_that_are_not_1_together_are_refused_before_anything_is_changed(
    command: Command, chosen: list[ConfigureMemories]
) -> None:
    ran = command(*WEIGHTS, "--similarity", "0.7")
    assert ran.code == 2
    assert ran.err.startswith("Together the weights are 1, and these are 1.1: similarity 0.7, keywords 0.15,")
    assert chosen == []


def _store(stage: DeployedStage, choice: Any) -> None:
    stage.table.update_item(
        Key=keys.organization_key(ORGANIZATION)._asdict(),
        UpdateExpression=f"SET {MEMORIES} = :choice",
        ExpressionAttributeValues={":choice": msgspec.json.encode(choice).decode()},
    )
