"""What integrations and models say of conversations, in the forms in which they do."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation.extractive import summarize
from lead_memory.domain.conversation.messages import Message
from lead_memory.domain.conversation.names import CONTACT_PROFILE
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import validated
from lead_memory.domain.limits import ATTACHMENTS, SUMMARY_CHARACTERS
from lead_memory.domain.memories import MemoryType
from lead_memory.domain.payloads.said import MemoryDeclared
from tests.events import START, event
from tests.unit.conversation.test_extractive import messages
from tests.unit.record.test_recorder_laws import folded

MESSAGE = {"thread_id": "t", "channel": "sms"}


def attached(given: Any) -> tuple[str, ...]:
    data: Any = event("conversation.message_received", {**MESSAGE, "attachments": given}).data
    return tuple(data.attachments)


def profile(value: Any) -> dict[str, Any]:
    inferred = {"memory_type": "fact", "key": "contact_profile", "value": value, "confidence": 0.9}
    memory = folded([event("memory.inferred", inferred)])[CONTACT_PROFILE]
    return {field: what for field, what in memory.value.items() if field not in ("lastExtractedAt", "extractionCount")}


@given(messages)
def test_whatever_is_summarized_is_a_summary_that_is_taken(messages: list[Message]) -> None:
    said = summarize(messages) or "Nothing."
    event("thread.summarized", {"thread_id": "t", "summary": said, "message_count": 1, "written_by": "extractive"})


@given(st.text(min_size=1, max_size=SUMMARY_CHARACTERS).filter(str.strip))
def test_a_summary_may_have_all_its_characters(text: str) -> None:
    for event_type, field in (("thread.summarized", "summary"), ("thread.reactivation_prepared", "text")):
        event(event_type, {"thread_id": "t", field: text, "message_count": 1, "written_by": "model"})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, ()),
        ([], ()),
        (["photo.jpg"], ("photo.jpg",)),
        ([{"url": "https://a.example/1", "filename": "a.pdf"}, {"mime_type": "image/png"}], ("a.pdf", "image/png")),
        ([{"url": "https://a.example/1"}, 7], ("file", "7")),
        ({"count": 2}, ()),
    ],
)
def test_attachments_are_named_however_a_webhook_describes_them(given: Any, kept: tuple[str, ...]) -> None:
    assert attached(given) == kept


def test_of_many_attachments_the_first_are_named() -> None:
    assert len(attached(["a"] * (ATTACHMENTS + 1))) == ATTACHMENTS


def test_a_message_may_have_no_text_at_all() -> None:
    event("conversation.message_received", {**MESSAGE, "text": None, "attachments": ["a.pdf"]})


def test_a_profile_is_taken_as_a_model_writes_it() -> None:
    written = {
        "preferences": {"budget_range": None, "decision_maker": True, "preferred_contact_method": "WhatsApp"},
        "painPoints": None,
        "productsDiscussed": ["Premium plan", {"productName": "Add-on", "interest_level": "High"}],
        "currentStage": "Decision",
        "nextStep": {"action": "Call", "dueDate": 1779235200000, "assignedTo": None},
    }
    assert profile(written) == {
        "preferences": {"decision_maker": True, "preferred_contact_method": "whatsapp"},
        "productsDiscussed": [
            {"productName": "Premium plan", "interest_level": "medium", "discussedAt": "2026-01-01T00:00:00Z"},
            {"productName": "Add-on", "interest_level": "high", "discussedAt": "2026-01-01T00:00:00Z"},
        ],
        "currentStage": "decision",
        "nextStep": {"action": "Call", "dueDate": "2026-05-20T00:00:00Z"},
    }


@pytest.mark.parametrize("due", ["2026-05-20", "2026-05-20T00:00:00Z", 1779235200000])
def test_a_step_is_due_on_a_day_or_at_a_time(due: object) -> None:
    assert profile({"nextStep": {"action": "Call", "dueDate": due}})["nextStep"]["dueDate"] == "2026-05-20T00:00:00Z"


@pytest.mark.parametrize("value", ["VIP", {}, {"stage": "decision"}, {"painPoints": None}])
def test_a_profile_that_says_nothing_is_refused(value: object) -> None:
    with pytest.raises(Rejected, match="none of these fields"):
        profile(value)


def test_what_the_log_has_from_before_there_were_profiles_is_read_and_says_nothing_of_one() -> None:
    data = validated(
        "memory.declared", b'{"memory_type": "fact", "key": "contact_profile", "value": {"painPoints": 7}}'
    )
    assert isinstance(data, MemoryDeclared)
    assert data.memory_type is MemoryType.FACT
    arrived = event(
        "memory.declared", {"memory_type": "fact", "key": "contact_profile", "value": {"painPoints": ["a"]}}
    )
    recorded = type(arrived)(**{name: getattr(arrived, name) for name in arrived.__struct_fields__} | {"data": data})
    assert set(folded([recorded])[CONTACT_PROFILE].value) == {"lastExtractedAt", "extractionCount"}
    assert recorded.occurred_at == START
