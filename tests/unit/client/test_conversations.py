"""A context as the client and the command have it, and what the commands of conversations publish."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from context.messages import Request, refused
from lead_memory.domain.conversation.layers import BudgetTooSmall as NotesAreLarger
from lead_memory.domain.conversation.layers import Layer, Why
from lead_memory.domain.conversation.settings import Cohort, ConversationSettings, CrossChannel
from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead
from lead_memory_client import AwsRefused, BudgetTooSmall, LeadMemory, RequestRefused, recording
from lead_memory_client.context_text import WORDS
from lead_memory_client.conversation_commands import EVENT_TYPES
from lead_memory_client.terminal import UsageError
from tests.events import LEAD, ORGANIZATION, START
from tests.unit.client.conftest import DeployedStage, Ran, lambda_of
from tests.unit.context.fakes import FakeReader, ask, message, note
from tests.unit.record.test_recorder_laws import folded

type Command = Callable[..., Ran]

OF = ("--lead", LEAD, "--thread", "t", "--organization", ORGANIZATION)
NOBODY = "00000000-0000-4000-8000-000000000009"
STORY: list[Event] = [
    note("Never offer more than 10 %"),
    message(0, "Do you ship to Recife?"),
    message(0.001, "We do.", from_lead=False),
    message(0.002, "[red]And[/red] colours?\x1b[2J", thread_id="mail", channel="email"),
]


class Functions:
    """The context function over what a lead's events come to, shortly after the last of them."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.reader = FakeReader(folded(STORY))
        self.settings = ConversationSettings()

    def __call__(self, event: Any) -> Any:
        self.asked.append(event)
        try:
            request = Request.read(event)
            of = request.question()
            answer = ask(
                self.reader,
                START + timedelta(hours=1),
                settings=self.settings,
                lead=of.lead,
                thread_id=of.thread_id,
                max_tokens=of.max_tokens,
                layers=of.layers,
                cohort=of.cohort,
                form=of.form,
            )
        except (msgspec.ValidationError, NotesAreLarger, Erased, Unavailable) as refusal:
            return refused(refusal)
        return request.answered(answer, requests=1, milliseconds=12.3)


@pytest.fixture
def functions(environment: pytest.MonkeyPatch) -> Iterator[Functions]:
    function = Functions()
    with lambda_of(function) as endpoint:
        environment.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
        yield function


# From Python


def test_a_context_has_the_functions_whole_answer(client: LeadMemory, functions: Functions) -> None:
    found = client.context(LEAD, "t", ORGANIZATION)
    assert found.text is not None
    assert found.text.endswith("Customer: Do you ship to Recife?\nAssistant: We do.")
    assert (found.lead_known, found.thread_known, found.cohort) == (True, True, Cohort.FULL)
    assert (found.max_tokens, found.requests, found.milliseconds) == (3_500, 1, 12.3)
    assert 0 < found.total_tokens < sum(report.tokens for report in found.layers.values()) + 10
    assert found.layers[Layer.SUMMARY].why is Why.NOTHING_KNOWN
    assert found.freshness.last_message_at == STORY[2].occurred_at
    assert functions.asked == [
        {
            "organization_id": ORGANIZATION,
            "lead_id": LEAD,
            "thread_id": "t",
            "max_tokens": 3_500,
            "format": "text",
        }
    ]


def test_what_is_asked_for_is_what_is_answered(client: LeadMemory, functions: Functions) -> None:
    functions.settings = ConversationSettings(cross_channel=CrossChannel.JOIN)
    found = client.context(
        UUID(LEAD), "t", UUID(ORGANIZATION), max_tokens=900, layers={"L1"}, cohort="no_notes", format="messages"
    )
    assert found.text is None
    assert [each.role for each in found.messages] == ["user", "assistant", "user"]
    assert (found.max_tokens, found.cohort, found.joined_threads) == (900, Cohort.NO_NOTES, ("mail",))
    assert {layer: report.why for layer, report in found.layers.items() if not report.included} == {
        Layer.SUMMARY: Why.NOT_ASKED_FOR,
        Layer.NOTES: Why.COHORT,
        Layer.PROFILE: Why.NOT_ASKED_FOR,
        Layer.REACTIVATION: Why.NOT_ASKED_FOR,
    }


def test_a_budget_that_is_too_small_says_the_smallest_that_works(client: LeadMemory, functions: Functions) -> None:
    with pytest.raises(BudgetTooSmall) as refusal:
        client.context(LEAD, "t", ORGANIZATION, max_tokens=10)
    smallest = refusal.value.smallest
    assert client.context(LEAD, "t", ORGANIZATION, max_tokens=smallest).total_tokens == smallest
    with pytest.raises(BudgetTooSmall, match=f"give a budget of {smallest} or more"):
        client.context(LEAD, "t", ORGANIZATION, max_tokens=smallest - 1)


@pytest.mark.parametrize(
    "wrong", [{"max_tokens": 0}, {"layers": ()}, {"layers": ["L6"]}, {"cohort": "half"}, {"format": "html"}]
)
def test_what_can_never_be_answered_is_refused(client: LeadMemory, functions: Functions, wrong: dict[str, Any]) -> None:
    with pytest.raises(RequestRefused) as refusal:
        client.context(LEAD, "t", ORGANIZATION, **wrong)
    assert refusal.value.mistake.code == "invalid_request"
    [field] = wrong
    assert f"$.{field}" in str(refusal.value)


def test_an_erased_lead_and_notes_that_cannot_be_read_are_told_apart(
    client: LeadMemory, command: Command, functions: Functions
) -> None:
    functions.reader = FakeReader({}, erased=True)
    with pytest.raises(Erased):
        client.context(LEAD, "t", ORGANIZATION)
    assert command("context", *OF).err == "The lead was erased.\n"
    notes = next(name for name in folded(STORY) if name.memory_type == "note")
    functions.reader = FakeReader(folded(STORY), failing={notes: Unavailable("the table did not answer")})
    with pytest.raises(AwsRefused, match=r"could not be read; ask again\."):
        client.context(LEAD, "t", ORGANIZATION)


# The command `context`


def test_a_context_is_shown_with_what_each_layer_took(command: Command, functions: Functions) -> None:
    ran = command("context", *OF, "--max-tokens", "200")
    assert (ran.code, ran.err) == (0, "")
    assert "Never offer more than 10 %" in ran.out
    told = command("context", *OF, "--max-tokens", "200", "--json").json
    bars = {line.split()[0]: line for line in ran.out.splitlines() if line[:2] in set(Layer)}
    for layer, report in told["layers"].items():
        assert f" {report['tokens']} " in f"{bars[layer]} "
        assert ("█" in bars[layer]) == (report["tokens"] > 10)
    assert "L2 summary" in bars["L2"]
    assert "nothing is known" in bars["L2"]
    assert f"{told['total_tokens']} of 200 tokens, cohort full, 1 request, 12 ms" in ran.out


def test_options_of_the_command_reach_the_function(command: Command, functions: Functions) -> None:
    options = ("--layer", "L1", "L4", "--cohort", "no_notes", "--format", "messages")
    shown = command("context", *OF, *options).out
    assert "user:\nDo you ship to Recife?\n\nassistant:\nWe do." in shown
    assert "left out for the lead's cohort" in shown
    [asked] = functions.asked
    assert (asked["layers"], asked["cohort"], asked["format"]) == (["L1", "L4"], "no_notes", "messages")


def test_what_a_lead_wrote_is_shown_and_never_obeyed(command: Command, functions: Functions) -> None:
    shown = command("context", "--lead", LEAD, "--thread", "mail", "--organization", ORGANIZATION).out
    assert "[red]And[/red] colours?\ufffd[2J" in shown


def test_an_unknown_thread_and_an_unknown_lead_are_said_to_be_so(command: Command, functions: Functions) -> None:
    of_thread = command("context", "--lead", LEAD, "--thread", "sms-9", "--organization", ORGANIZATION)
    assert of_thread.code == 0
    assert "Never offer more than 10 %" in of_thread.out
    assert of_thread.err.startswith("The thread is not known")
    of_lead = command("context", "--lead", NOBODY, "--thread", "t", "--organization", ORGANIZATION)
    assert of_lead.code == 0
    assert "The context is empty." in of_lead.out
    assert of_lead.err.startswith("Nothing is remembered of this lead")


def test_what_goes_to_a_file_has_the_lines_that_it_has(
    command: Command, functions: Functions, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("COLUMNS", "40")
    text = "One line, however long it is, with a family 👩\u200d👩\u200d👧 and می\u200cشود in it. " * 4
    functions.reader = FakeReader(folded([message(0, text)]))
    told = command("context", *OF, "--json").json
    assert command("context", *OF).out.startswith(f"{told['text']}\n\nL1 recent")


def test_a_budget_that_is_too_small_fails_the_command(command: Command, functions: Functions) -> None:
    ran = command("context", *OF, "--max-tokens", "10")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("The operators' notes alone take ")


def test_there_are_words_for_every_reason() -> None:
    assert set(WORDS) == set(Why)


# What the commands publish


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("context", "--thread", "t", "--max-tokens", "0"), "--max-tokens. Must be >= 1. See `lead-memory context --h"),
        (("context", "--thread", "t", "--max-tokens", "200001"), "--max-tokens. Must be <= 200000."),
        (("context", "--thread", "t", "--cohort", "no-notes"), 'Did you mean "no_notes"? See `lead-memory context'),
        (("context", "--thread", ""), "--thread. Must have 1 to 1,000 characters."),
        (("thread", "resolve", "--thread", " "), "--thread. Must have 1 to 1,000 characters."),
        (("thread", "summarize", "--thread", "t" * 1_001), "--thread. Must have 1 to 1,000 characters."),
        (("say", "Oi", "--thread", "t", "--channel", "not one"), "--channel. Must be one word, such as whatsapp"),
        (("say", "Oi", "--thread", "t", "--at", "2999-01-01"), "`metadata.occurred_at` is more than a day ahead."),
    ],
)
def test_a_mistake_in_an_option_is_told_and_nothing_is_published(
    command: Command, stage: DeployedStage, arguments: tuple[str, ...], complaint: str
) -> None:
    ran = command(*arguments, "--lead", LEAD, "--organization", ORGANIZATION)
    assert (ran.code, ran.out, stage.published()) == (2, "", [])
    assert complaint in ran.err


@pytest.mark.parametrize("channel", ["whatsapp", " Web.Chat ", "a" * 32, "a" * 33, "not one", "", "sms\n", "canção"])
@pytest.mark.usefixtures("hurry")
def test_a_channel_is_taken_where_the_updater_takes_it(command: Command, stage: DeployedStage, channel: str) -> None:
    said = {"thread_id": "t", "channel": channel, "text": "Oi"}
    try:
        recording.checked(recording.made("cli", EVENT_TYPES["lead"], said, Lead(ORGANIZATION, LEAD)))
    except UsageError:
        taken = False
    else:
        taken = True
    command("say", "Oi", "--channel", channel, *OF)
    assert len(stage.published()) == taken


@pytest.mark.usefixtures("hurry")
class TestPublishing:
    @pytest.mark.parametrize(
        ("arguments", "source", "event_type", "said"),
        [
            (
                ("say", "Oi"),
                "cli",
                "conversation.message_received",
                {"text": "Oi", "channel": "whatsapp"},
            ),
            (
                ("say", "Olá!", "--from", "us", "--channel", "email"),
                "cli",
                "conversation.reply_sent",
                {"text": "Olá!", "channel": "email"},
            ),
            (("thread", "resolve"), "operator", "conversation.thread_resolved", {}),
            (
                ("thread", "resolve", "--topic", "size", "--resolution", "sent", "--sentiment", "glad"),
                "operator",
                "conversation.thread_resolved",
                {"topic": "size", "resolution": "sent", "sentiment": "glad"},
            ),
            (("thread", "summarize"), "operator", "thread.summary_requested", {"full": False}),
            (("thread", "summarize", "--full"), "operator", "thread.summary_requested", {"full": True}),
        ],
    )
    def test_a_command_is_one_event(
        self,
        command: Command,
        stage: DeployedStage,
        arguments: tuple[str, ...],
        source: str,
        event_type: str,
        said: dict[str, Any],
    ) -> None:
        stage.take_in(*STORY)
        command(*arguments, *OF)
        told_type, data, metadata = stage.published_by(source)
        assert (told_type, data) == (event_type, {"thread_id": "t", **said})
        assert (metadata["organization_id"], metadata["lead_organization_id"]) == (ORGANIZATION, LEAD)

    def test_a_message_may_be_of_another_time(self, command: Command, stage: DeployedStage) -> None:
        command("say", "Oi", "--at", "2026-02-03T14:05-03:00", *OF)
        assert stage.published_by("cli")[-1]["occurred_at"] == "2026-02-03T14:05:00-03:00"

    def test_an_event_that_is_not_seen_in_time_fails_the_command(self, command: Command) -> None:
        ran = command("say", "Oi", *OF)
        assert (ran.code, ran.out) == (1, "")
        assert "`lead-memory status --stage dev` shows where it waits." in ran.err

    @pytest.mark.parametrize("asked", ["resolve", "summarize"])
    def test_a_thread_that_is_not_there_is_said_and_nothing_is_published(
        self, command: Command, stage: DeployedStage, asked: str
    ) -> None:
        stage.take_in(*STORY)
        of_lead = ("--lead", LEAD, "--organization", ORGANIZATION)
        ran = command("thread", asked, "--thread", "nope", *of_lead)
        assert (ran.code, ran.out, stage.published()) == (1, "", [])
        assert ran.err == "There is no thread nope of this lead: look at its id.\n"
        command("thread", asked, "--thread", " mail ", *of_lead)
        assert len(stage.published()) == 1
