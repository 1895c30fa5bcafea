"""What becomes of a conversation while the model's server fails, and once it is back."""

from typing import Any

import pytest

from lead_memory.domain.conversation import names
from lead_memory.domain.intelligence.jobs import Job, Status
from lead_memory.services.models import Failure
from tests.events import SOMEBODY, START, entry
from tests.integration import scripted
from tests.integration.extraction_stage import HOUR, PAUSE_SECONDS, ExtractionStage
from tests.openai_server import SILENT, OpenAiServer, Script, calls, fails, says

THREAD = "t"
ANSWERS = 4
"""That a job may have: one, and three more."""
BUDGET, TIMELINE = "R$ 1,500 to 2,000 a month", "before the summer season"


def said(hour: int, text: str, reply: str) -> list[dict[str, Any]]:
    return [
        entry(
            event_type,
            {"thread_id": THREAD, "channel": "sms", "text": spoken},
            event_id=f"m{hour}{event_type[-4:]}",
            at=START + hour * HOUR,
        )
        for event_type, spoken in (("conversation.message_received", text), ("conversation.reply_sent", reply))
    ]


@pytest.mark.parametrize(
    ("script", "reason", "requests", "seconds"),
    [
        pytest.param(fails(500), Failure.AWAY, 1, 20, id="away"),
        pytest.param(fails(429), Failure.THROTTLED, 1, 20, id="throttled"),
        pytest.param(SILENT, Failure.SLOW, 1, 1, id="slow"),
        pytest.param(says(None, refusal="I cannot help."), Failure.REFUSED, 1, 20, id="refusing"),
        pytest.param(calls("no JSON"), Failure.INVALID, 3, 20, id="answering something else"),
    ],
)
def test_what_was_known_stays_while_a_job_fails_and_the_job_is_done_once_it_is_given_back(
    script: Script,
    reason: Failure,
    requests: int,
    seconds: int,
    extraction: ExtractionStage,
    model_server: OpenAiServer,
) -> None:
    prices = scripted.TOKEN_PRICES
    extraction.start(model="openai:small", model_base_url=model_server.url, model_seconds=seconds, **prices)
    model_server.script(scripted.reply)
    extraction.say(*said(1, f"Our budget is {BUDGET}.", "Is the price within it?"))
    asked_before = len(model_server.requests)

    model_server.script(script)
    extraction.say(*said(2, f"We would like to start {TIMELINE}", "Shall I send you the contract?"))
    assert len(model_server.requests) == asked_before + ANSWERS * requests
    assert extraction.pauses == [PAUSE_SECONDS, 4 * PAUSE_SECONDS, 16 * PAUSE_SECONDS]
    [letter] = extraction.dead_letters()
    assert letter["MessageAttributes"]["reason"]["StringValue"] == reason
    failed = extraction.evaluated(SOMEBODY)[-1]
    assert (failed["job"], failed["status"], failed["why"]) == (Job.FACTS, Status.FAILED, reason)
    ledger = extraction.value(SOMEBODY, names.INTELLIGENCE)
    assert ledger["totals"]["facts"][Status.FAILED] == 1
    assert (ledger["jobs"][-1]["status"], ledger["jobs"][-1]["why"]) == (Status.FAILED, reason)
    assert extraction.value(SOMEBODY, names.thread(THREAD))["evaluation"]["intelligence_status"] == Status.FAILED
    told = extraction.context(SOMEBODY, THREAD).context.text
    assert f"Budget: {BUDGET}" in told
    assert f"Timeline: {TIMELINE}" not in told
    assert told.endswith("Assistant: Shall I send you the contract?")

    model_server.script(scripted.reply)
    extraction.extract(letter["Body"])
    extraction.settle()
    preferences = extraction.value(SOMEBODY, names.CONTACT_PROFILE)["preferences"]
    assert preferences == {"budget_range": BUDGET, "timeline": TIMELINE}
    assert extraction.evaluated(SOMEBODY)[-1]["status"] == Status.PROCESSED
    assert extraction.value(SOMEBODY, names.thread(THREAD))["evaluation"]["intelligence_status"] == Status.PROCESSED
    assert extraction.dead_letters() == []
