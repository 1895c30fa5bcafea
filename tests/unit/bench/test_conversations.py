"""The conversations that contexts are measured on."""

import pytest

from bench.conversations import THREAD, conversation
from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.messages import messages_of
from lead_memory.domain.fold import refold
from lead_memory.domain.limits import RECENT_MESSAGES
from tests.events import NOW, SOMEBODY


@pytest.mark.parametrize("messages", [15, 20, 100])
def test_a_thread_of_any_length_ends_with_the_same_messages_of_which_the_last_is_the_leads(messages: int) -> None:
    recent = names.recent(THREAD)
    said, said_in_few = (
        messages_of(refold(conversation(SOMEBODY, number, NOW), [recent])[recent].value) for number in (messages, 15)
    )
    assert [(message.text, message.from_lead) for message in said] == [
        (message.text, message.from_lead) for message in said_in_few
    ]
    assert len(said) == RECENT_MESSAGES[1]
    assert said[-1].from_lead
