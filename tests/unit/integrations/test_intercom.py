import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.integrations import INTEGRATIONS
from lead_memory.domain.limits import ATTACHMENTS
from tests.unit.integrations.samples import body, canonical_data


def _message(raw: Any, event_type: str = "conversation.message_received") -> Any:
    return canonical_data("intercom", event_type, raw)


def _text_of(html: str | None) -> str:
    raw = body("intercom/conversation.message_received")
    raw["data"]["item"]["conversation_message"] |= {"body": html, "attachments": [{"name": "a.png"}]}
    text = _message(raw).text
    assert isinstance(text, str)
    return text


def test_a_conversations_opening_is_the_leads_first_message() -> None:
    message = _message(body("intercom/conversation.message_received"))
    assert (message.thread_id, message.message_id) == ("21321941764", "331494375")
    assert (message.channel, message.text, message.subject) == ("messenger", "Hello everyone!", None)


def test_a_reply_is_the_desks_message_and_not_the_opening_that_is_sent_with_it() -> None:
    raw = body("intercom/conversation.reply_sent")
    assert raw["data"]["item"]["conversation_message"]["body"] == "<p>Hello</p>"
    reply = _message(raw, "conversation.reply_sent")
    assert (reply.message_id, reply.text, reply.author) == ("2824382500", "Hey! How can I help?", "1957471")


def test_an_assignment_without_words_is_not_a_reply() -> None:
    raw = body("intercom/conversation.reply_sent")
    parts = raw["data"]["item"]["conversation_parts"]["conversation_parts"]
    parts.append({**parts[0], "id": "2824382999", "body": None})
    assert _message(raw, "conversation.reply_sent").message_id == "2824382500"


def test_a_notification_in_which_the_desk_said_nothing_is_no_reply() -> None:
    with pytest.raises(IndexError):
        _message(body("intercom/conversation.message_received"), "conversation.reply_sent")


def test_of_a_persons_several_ids_the_author_is_known_by_intercoms_own() -> None:
    raw = body("intercom/conversation.message_received")
    user = raw["data"]["item"]["user"]
    assert user["id"] != user["user_id"]
    assert _message(raw).author == user["id"]


def test_files_that_came_with_a_message_are_named_or_told_by_their_type() -> None:
    raw = body("intercom/conversation.message_received.email")
    part = raw["data"]["item"]["conversation_parts"]["conversation_parts"][0]
    photo = {"type": "upload", "url": "https://downloads.example.com/i/2207", "filesize": 183_402}
    named, unnamed = {"name": "IMG_2207.jpg", "content_type": "image/jpeg"}, {"name": None, "content_type": "audio/ogg"}
    part |= {"body": None, "attachments": [photo | named, photo | unnamed, photo]}
    message = _message(raw)
    assert (message.message_id, message.text) == (part["id"], "")
    assert message.attachments == ("IMG_2207.jpg", "audio/ogg")


def test_a_message_with_more_files_than_are_named_is_taken_all_the_same() -> None:
    raw = body("intercom/conversation.message_received")
    raw["data"]["item"]["conversation_message"]["attachments"] = [{"name": f"{n}.png"} for n in range(ATTACHMENTS + 1)]
    assert _message(raw).attachments == tuple(f"{n}.png" for n in range(ATTACHMENTS))


def test_a_message_without_files_says_nothing_of_them() -> None:
    mapping = INTEGRATIONS["intercom"]["conversation.message_received"]
    assert "attachments" not in mapping(body("intercom/conversation.message_received"))


def test_a_newer_versions_conversation_tells_its_channel_and_subject_by_its_source() -> None:
    message = _message(body("intercom/conversation.message_received.email"))
    assert (message.channel, message.subject) == ("email", "Delivery & returns")
    assert message.text == "Thanks!\nIt came today:\nall fine & dry."


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello</p>", "Hello"),
        ("<p>Tom &amp; Ana &lt;3 &#128512;</p>", "Tom & Ana <3 😀"),
        ("<div>one<br/>two</div>\n<ul><li>three</li><li>four</li></ul>", "one\ntwo\nthree\nfour"),
        ('<p>see <a href="https://example.com">the\n   page</a></p>', "see the page"),
        ('<p class="no-margin"></p><img src="https://example.com/a.png">', ""),
        ("<p>{{lead.name}}</p>", "{{lead.name}}"),
        ("unclosed <b>bold", "unclosed bold"),
        ("1 < 2 > 1<!-- a comment --><P>both&#10;on one line</P>", "1 < 2 > 1\nboth on one line"),
        (None, ""),
    ],
)
def test_a_body_becomes_plain_text(html: str | None, text: str) -> None:
    assert _text_of(html) == text


@pytest.mark.parametrize("markup", ["<a ", "<![[", "<", "<a", "a", "</", "<!--", "&", "&#", "<p", "<b>", "\n"])
def test_markup_that_never_ends_takes_no_time(markup: str) -> None:
    endless = "<p>Hello</p>" + markup * (300_000 // len(markup))
    began_at = time.process_time()
    assert _text_of(endless).startswith("Hello")
    assert time.process_time() - began_at < 0.5


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="<&"), min_size=1)))
def test_words_without_markup_stay_as_they_are(words: list[str]) -> None:
    assert _text_of(f"<p>{' '.join(words)}</p>") == " ".join(words)


def test_a_redelivered_notification_says_the_same() -> None:
    first = body("intercom/conversation.message_received")
    again = {**first, "delivery_attempts": 2, "delivery_status": "retry", "first_sent_at": 1553290300}
    mapping = INTEGRATIONS["intercom"]["conversation.message_received"]
    assert mapping(again) == mapping(first)


def test_a_ticket_has_the_number_that_people_see_in_every_notification_about_it() -> None:
    numbers = {
        canonical_data("intercom", event_type, body(f"intercom/{event_type}")).ticket_id
        for event_type in INTEGRATIONS["intercom"]
        if event_type.startswith("ticket.")
    }
    assert numbers == {"66040342"}


def test_a_submitted_ticket_is_open_and_any_other_category_is_its_status() -> None:
    created = canonical_data("intercom", "ticket.created", body("intercom/ticket.created"))
    updated = canonical_data("intercom", "ticket.updated", body("intercom/ticket.updated"))
    assert (created.status, created.channel) == ("open", "messenger")
    assert created.subject == "Unclear user message 'erf' with pending email response"
    assert updated.status == "in_progress"
