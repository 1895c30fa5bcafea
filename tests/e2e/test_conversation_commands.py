"""A conversation on the deployed local stage, by the commands alone."""

import json
import shlex
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from lead_memory.domain.limits import NOTES_TOKENS
from lead_memory_client import LeadMemory
from lead_memory_client.cli import main
from lead_memory_client.stage import Stage

PATIENCE_SECONDS = 60

type Command = Callable[[str], Any]


@pytest.fixture
def lead(stage: Stage) -> str:
    return str(uuid4())


@pytest.fixture
def command(lead: str, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a line of `lead-memory` for the lead; its answer, or where it failed what it said."""

    def run(line: str) -> Any:
        code = main([*shlex.split(line), "--lead", lead, "--json"])
        printed = capsys.readouterr()
        return printed.err if code else json.loads(printed.out)

    return run


def layers(context: Any) -> set[str]:
    return {layer for layer, report in context["layers"].items() if report["included"]}


def test_what_is_said_is_in_the_context_until_the_thread_is_resolved(command: Command) -> None:
    unknown = command("context --thread wa-1")
    assert (unknown["lead_known"], unknown["thread_known"], unknown["text"]) == (False, False, "")
    assert command("thread resolve --thread wa-1").startswith("There is no thread wa-1 of this lead")
    command("say 'Do you ship to Recife?' --thread wa-1")
    command("say 'We do, within five days.' --from us --thread wa-1")
    open_thread = command("context --thread wa-1")
    said = "Customer: Do you ship to Recife?\nAssistant: We do, within five days."
    assert open_thread["text"] == f"## Recent Conversation\n{said}"
    assert open_thread["total_tokens"] == open_thread["layers"]["L1"]["tokens"] <= open_thread["max_tokens"]
    assert command("context --thread wa-1 --format messages")["messages"] == [
        {"role": "user", "content": "Do you ship to Recife?"},
        {"role": "assistant", "content": "We do, within five days."},
    ]

    command("thread resolve --topic shipping --resolution answered --sentiment glad --thread wa-1")
    resolved = command("context --thread wa-1")
    assert layers(resolved) == {"L4"}
    assert "shipping; answered; glad" in resolved["text"]
    command("say 'And to Natal?' --thread wa-1")
    assert command("context --thread wa-1 --layer L1")["text"] == "## Recent Conversation\nCustomer: And to Natal?"


def test_notes_are_in_every_context_and_one_too_many_is_refused_before_it_is_published(
    command: Command, memory: LeadMemory, lead: str
) -> None:
    note = command("note add 'Never offer more than 10 %' --category strategy --author Carla")
    refused = command(f"note add '{'x1 ' * 600}' --category warning")
    assert f", and {NOTES_TOKENS - note['tokens']} are left of the {NOTES_TOKENS} " in refused
    assert not [rejection for rejection in memory.rejections(limit=1_000) if lead in rejection.body]

    command("note add 'Prefers voice messages' --category context --thread wa-1")
    command(f"note edit {note['note_id']} --priority high --content 'Never offer more than 5 %'")
    context = command("context --thread wa-1 --layer L1")
    first, second = "**[STRATEGY]** Never offer more than 5 %", "**[CONTEXT]** Prefers voice messages"
    assert context["text"].index(first) < context["text"].index(second)
    assert command("context --thread other")["text"].count("**[") == 1
    [listed] = command("note list")["notes"]
    assert (listed["note_id"], listed["author"], listed["priority"]) == (note["note_id"], "Carla", "high")

    command(f"note remove {note['note_id']}")
    assert command("note list")["notes"] == []
    assert f"There is no note {note['note_id']} on the contact" in command(f"note remove {note['note_id']}")
    assert first not in command("context --thread wa-1")["text"]


def test_a_summary_that_is_asked_for_is_written_without_waiting_for_the_cleanup(command: Command) -> None:
    command("say 'Do you ship to Recife?' --thread wa-1")
    command("say 'We do, within five days.' --from us --thread wa-1")
    command("thread summarize --thread wa-1")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "L2" not in layers(context := command("context --thread wa-1")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "## Conversation Summary" in context["text"]
    assert context["freshness"]["messages_since_summary"] == 0
