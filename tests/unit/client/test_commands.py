import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from lead_memory_client.cli import main
from tests.events import LEAD, ORGANIZATION, SAMPLES, event, sample
from tests.unit.client.conftest import DeployedStage, Ran, lambda_of
from tests.unit.resolve.fakes import ANA, BRUNO, memory

type Command = Callable[..., Ran]

SURVEY = str(SAMPLES / "survey")
OF = ("--organization", ORGANIZATION)


def test_status_shows_where_the_stage_is_and_what_waits_in_its_queues(command: Command, stage: DeployedStage) -> None:
    stage.reject("{", reason="not_json")
    told = command("status", "--json").json
    assert (told["stage"], told["region"], told["stack_status"]) == ("dev", "us-east-1", "CREATE_COMPLETE")
    assert told["profile_fields"] == ["name", "email"]
    assert told["queues"]["rejected"] == {"waiting": 1, "in_flight": 0, "delayed": 0}
    assert "1 waiting, 0 in flight" in command("status").out


def test_publish_puts_a_folders_events_on_the_bus(command: Command, stage: DeployedStage) -> None:
    ran = command("publish", SURVEY, "--json")
    assert (ran.code, ran.json) == (0, {"published": 1})
    assert [body["detail-type"] for body in stage.published()] == ["form.response_submitted"]


def test_nothing_is_published_when_one_of_the_files_is_wrong(
    command: Command, stage: DeployedStage, tmp_path: Path
) -> None:
    (tmp_path / "torn.json").write_text("{")
    ran = command("publish", SURVEY, str(tmp_path))
    assert ran.code == 1
    assert ran.err.startswith(f"{tmp_path}/torn.json cannot be read as JSON")
    assert stage.published() == []


def test_publish_and_wait_says_what_was_there_before(command: Command, stage: DeployedStage) -> None:
    stage.record(sample("survey/form.response_submitted.json"))
    ran = command("publish", SURVEY, "--wait", "--json")
    assert (ran.code, ran.json["known"], ran.json["waiting"]) == (0, 1, [])


def test_publish_and_wait_ends_with_the_reason_of_a_rejection(command: Command, stage: DeployedStage) -> None:
    [file] = Path(SURVEY).glob("*.json")
    entry = json.loads(file.read_text())
    stage.reject("what is not JSON is no event that was published now", reason="not_json")
    stage.reject(json.dumps({"source": entry["Source"], "detail": entry["Detail"]}), reason="invalid_data")
    ran = command("publish", SURVEY, "--wait", "--json")
    ref = f"survey/{entry['Detail']['metadata']['event_id']}"
    assert ran.code == 1
    assert ran.json["rejected"] == [{"event": ref, "reason": "invalid_data", "detail": "why"}]
    assert f"{ref} was rejected, invalid_data: why" in ran.err


def test_publish_and_wait_gives_up_when_its_patience_ends(command: Command) -> None:
    ran = command("publish", SURVEY, "--wait", "--patience", "0.1", "--json")
    assert (ran.code, ran.json["visible"], len(ran.json["waiting"])) == (1, 0, 1)
    assert "lead-memory status --stage dev" in ran.err


def test_memories_show_their_value_and_provenance(command: Command, stage: DeployedStage) -> None:
    stage.remember(memory(ANA, "purchase", "summary", {"order_count": 2, "repeat": True}))
    shown = command("memories", "--lead", ANA, *OF).out
    assert "purchase" in shown
    assert "0.90 event derived" in shown
    assert "shopify/1001" in shown
    assert "order_count: 2, repeat: true" in shown
    [told] = command("memories", "--lead", ANA, *OF, "--json").json["memories"]
    assert (told["memory_type"], told["key"], told["confidence"]) == ("purchase", "summary", 0.9)
    assert told["source_event_ids"] == ["shopify/1001"]


def test_what_a_lead_wrote_is_shown_as_it_is_and_never_obeyed(command: Command, stage: DeployedStage) -> None:
    stage.remember(memory(ANA, "form", "survey:name", {"answer": "[red]Ana[/red] :smile: \x1b[2J"}))
    shown = command("memories", "--lead", ANA, *OF).out
    assert "answer: [red]Ana[/red] :smile: \ufffd[2J" in shown
    assert "\x1b" not in shown


def test_events_show_what_occurred(command: Command, stage: DeployedStage) -> None:
    stage.record(event("product.viewed", {"sku": "a"}))
    assert "2026-01-01 00:00  product.viewed  test/e1" in command("events", "--lead", LEAD, *OF).out
    [told] = command("events", "--lead", LEAD, *OF, "--json").json["events"]
    assert (told["event_type"], told["data"]) == ("product.viewed", {"sku": "a"})


def test_a_lead_without_memories_or_events_is_no_error(command: Command) -> None:
    memories, events = command("memories", "--lead", ANA, *OF), command("events", "--lead", ANA, *OF)
    assert (memories.code, memories.out) == (0, "Nothing is remembered.\n")
    assert (events.code, events.out) == (0, "No event is recorded.\n")


@pytest.mark.usefixtures("resolver")
class TestResolving:
    TEMPLATE = "Hi {{lead.name}}, how is your {{purchase.last_transaction.product_name}}?"
    TEXT = "Hi Ana Souza, how is your Whey Protein 1kg?"

    def test_a_lead_with_all_it_needs_gets_its_message(self, command: Command) -> None:
        shown = command("resolve", "--lead", ANA, self.TEMPLATE, *OF)
        assert shown.code == 0
        assert self.TEXT in shown.out
        [told] = command("resolve", "--lead", ANA, self.TEMPLATE, *OF, "--json").json["leads"]
        assert (told["status"], told["text"]) == ("ok", self.TEXT)
        assert told["reads"] == {"get_item": 1, "sql": 1}

    def test_a_lead_with_a_gap_fails_the_command_and_says_why(self, command: Command) -> None:
        ran = command("resolve", "--lead", ANA, "--lead", BRUNO, self.TEMPLATE, *OF)
        assert ran.code == 1
        assert self.TEXT in ran.out
        assert "purchase.last_transaction.product_name: never_seen" in ran.out

    def test_a_gap_may_be_left_blank(self, command: Command) -> None:
        ran = command("resolve", "--lead", BRUNO, self.TEMPLATE, "--on-missing", "blank", "--json", *OF)
        assert (ran.code, ran.json["leads"][0]["text"]) == (0, "Hi , how is your ?")

    def test_a_mistake_in_a_template_has_a_caret_under_it(self, command: Command) -> None:
        ran = command("plan", "Olá\n日本 {{led.name}}")
        assert ran.code == 1
        sentence, line, caret = ran.err.splitlines()
        assert sentence.startswith(
            'Line 2, column 6: there is no namespace "led"; did you mean "lead"? Expected one of '
        )
        assert line == "  日本 {{led.name}}"
        # Each of the two wide characters takes two places.
        assert caret == "  " + " " * 7 + "^"

    def test_a_plan_says_what_is_read(self, command: Command) -> None:
        told = command("plan", self.TEMPLATE, "--json").json
        assert told["memories"] == [{"memory_type": "purchase", "key": "last_transaction"}]
        assert told["profile_fields"] == ["name"]
        shown = command("plan", self.TEMPLATE).out
        assert "purchase.last_transaction" in shown
        assert "lead.name" in shown


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["memories", "--lead", "abc"], 'unable to convert "abc" into UUID'),
        (["memories"], "--lead"),
        (["erase", "lead"], "See `lead-memory erase lead --help`."),
        (["memories", "--lead", ANA, "--as-of", "now"], "no time such as 2026-02-03T14:05Z. See `lead-memory memories"),
        (["keys", "rotat"], "See `lead-memory keys --help`."),
        (["events", "--lead", ANA, "--limit", "0"], "--limit"),
        (["memries"], 'Did you mean "memories"? '),
        (["--json", "status"], ", memories, events. See `lead-memory --help`."),
        (["resolve", "--lead", ANA, "Hi", "--on-missing", "explode"], "fail"),
        (["memories", "--lead", ANA, "--stage", "dev"], "give --organization or set LEAD_MEMORY_ORGANIZATION"),
    ],
)
@pytest.mark.usefixtures("environment")
def test_what_is_not_understood_ends_with_2_and_says_what_to_type(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert complaint in printed.err
    assert printed.out == ""


def test_an_event_s_name_stands_in_one_line_to_be_copied(
    command: Command, stage: DeployedStage, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("COLUMNS", "80")
    event_id = "0103cb7e-f538-496f-bc7b-b7d850723902"
    stage.take_in(event("conversation.thread_resolved", {"thread_id": "t"}, event_id=event_id))
    assert f"test/{event_id}" in command("events", "--lead", LEAD, "--organization", ORGANIZATION).out


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--version"])
    assert capsys.readouterr().out == f"{version('lead-memory')}\n"


def test_a_stage_that_is_not_there_is_named(command: Command) -> None:
    ran = command("status", stage="prod")
    assert ran.code == 1
    assert ran.err.startswith("There is no stack LeadMemory-prod in us-east-1: check the stage's name")


def test_without_credentials_the_command_says_so(command: Command, environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AWS_ACCESS_KEY_ID")
    environment.delenv("AWS_SECRET_ACCESS_KEY")
    for nowhere in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        environment.setenv(nowhere, "/dev/null")
    environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
    ran = command("status")
    assert ran.code == 1
    assert "there are no AWS credentials: set AWS_PROFILE" in ran.err


def test_a_local_stack_that_is_not_up_is_told_how_to_start(
    command: Command, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("LEAD_MEMORY_LOCAL_DIR", str(tmp_path / "none"))
    ran = command("status", stage="local")
    assert (ran.code, ran.err) == (1, "The local stack is not up: start it with `lead-memory up`.\n")
    assert main(["down"]) == 0


def test_where_the_client_was_installed_alone_the_local_stack_is_told_to_be_elsewhere(
    command: Command, environment: pytest.MonkeyPatch
) -> None:
    environment.setitem(sys.modules, "local", None)
    ran = command("status", stage="local")
    assert ran.code == 1
    assert "run this in the project's checkout, or name another stage with --stage" in ran.err


def test_a_resolver_that_fails_is_told_apart_from_a_template_that_is_wrong(
    command: Command, environment: pytest.MonkeyPatch
) -> None:
    with lambda_of(lambda _: {"errorType": "MemoryError"}, failing=True) as endpoint:
        environment.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
        ran = command("plan", "Hi")
    assert (ran.code, ran.err) == (
        1,
        "The resolver failed with MemoryError, and its log says why: do the same again.\n",
    )


def test_the_command_starts_without_what_only_some_commands_need() -> None:
    code = "import sys, lead_memory_client.cli; print(sorted({'boto3', 'pydantic', 'rich.table'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
