"""Intercom's notifications: https://developers.intercom.com/docs/references/webhooks/webhook-models.

A ticket is known by `ticket_id`, the number that the lead and the desk see, never by `id`. A message's author is
known by Intercom's own contact id: `user_id` and `external_id` are the workspace's and may be absent.
"""

import html
import re
from collections.abc import Callable, Mapping
from typing import Any

from lead_memory.domain.limits import ATTACHMENTS, MARKUP_CHARACTERS

_LEAD_AUTHORS = {"contact", "lead", "user"}
_IN_MESSENGER = {None, "conversation", "conversation_message", "push"}
"""What Intercom calls a message that came through its own window."""
_BLOCKS = {"blockquote", "br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "p", "pre", "tr", "ul"}
# Not `html.parser`, whose time grows with the square of what is never closed. Neither part is given back once matched.
_TAG = re.compile(r"<(?:/?(?P<name>[a-z][a-z0-9]*+)|[!?])[^<>]*+>", re.IGNORECASE)


def _message(of_lead: bool) -> Callable[[Any], dict[str, Any]]:
    """The newest message of the lead's side or of the desk's; `IndexError` when that side said nothing."""

    def mapping(notification: Mapping[str, Any]) -> dict[str, Any]:
        conversation = notification["data"]["item"]
        opening = conversation.get("source") or conversation["conversation_message"]
        parts = (conversation.get("conversation_parts") or {}).get("conversation_parts") or []
        message = [
            message
            for message in (opening, *parts)
            if (message["author"]["type"] in _LEAD_AUTHORS) == of_lead
            and (message.get("body") or message.get("attachments"))
        ][-1]
        return {
            "thread_id": conversation["id"],
            "message_id": message["id"],
            "channel": _channel(opening),
            "text": _plain(message.get("body") or ""),
            "subject": _plain(opening.get("subject") or "") or None,
            "author": message["author"]["id"],
            **_attached(message),
        }

    return mapping


def _attached(message: Mapping[str, Any]) -> dict[str, Any]:
    files = message.get("attachments") or ()
    named = [name for file in files if (name := file.get("name") or file.get("content_type"))]
    return {"attachments": named[:ATTACHMENTS]} if named else {}


def _ticket_created(notification: Mapping[str, Any]) -> dict[str, Any]:
    return {**_ticket_updated(notification), "channel": notification["data"]["item"].get("channel")}


def _ticket_updated(notification: Mapping[str, Any]) -> dict[str, Any]:
    return {**_ticket(notification), "status": _status(notification["data"]["item"]["ticket_state"])}


def _ticket(notification: Mapping[str, Any]) -> dict[str, Any]:
    ticket = notification["data"]["item"]
    return {
        "ticket_id": ticket["ticket_id"],
        "subject": ticket["ticket_attributes"].get("_default_title_"),
    }


def _status(state: Mapping[str, Any]) -> Any:
    """The state's category, which is the same in every workspace, unlike its labels."""
    return "open" if state["category"] == "submitted" else state["category"]


def _channel(opening: Mapping[str, Any]) -> Any:
    medium = opening.get("type")
    return "messenger" if medium in _IN_MESSENGER else medium


def _plain(markup: str) -> str:
    """The words of a piece of HTML, a line for each block."""
    # A line break in the markup is a space; only a block begins a new line.
    marked = _TAG.sub(_line_break, markup[:MARKUP_CHARACTERS].replace("\n", " "))
    lines = (" ".join(html.unescape(line).split()) for line in marked.split("\n"))
    return "\n".join(filter(None, lines))


def _line_break(tag: re.Match[str]) -> str:
    return "\n" if (tag["name"] or "").lower() in _BLOCKS else ""


MAPPINGS = {
    "conversation.message_received": _message(of_lead=True),
    "conversation.reply_sent": _message(of_lead=False),
    "ticket.created": _ticket_created,
    "ticket.updated": _ticket_updated,
    "ticket.resolved": _ticket,
    "ticket.reopened": _ticket,
}
