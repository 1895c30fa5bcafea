"""L5: what an agent is reminded of when a lead returns, said from what is known."""

from collections.abc import Mapping
from typing import Any

from lead_memory.domain.conversation.extractive import points_of, shortened
from lead_memory.domain.conversation.profile import Interest

MAX_WORDS = 100

_SENTENCES = 4
_CHARACTERS = 220
_ENTRIES = 3
"""Of a list: the newest, of the products those of high interest first."""


def reactivation(thread: Mapping[str, Any], profile: Mapping[str, Any] | None) -> str:
    """At most `MAX_WORDS` words in one line, empty where nothing is known.

    The summary's last sentences stand in for what the profile does not say.
    """
    known = profile or {}
    told = [
        *_stage(known),
        *(_interests(known) or _topic(thread)),
        *_concerns(known),
        *_next_step(known),
    ]
    summary = (thread.get("summary") or {}).get("text") or known.get("lastInteractionSummary") or ""
    sentences = [str(point) for point in points_of(summary)]
    told += sentences[max(0, len(sentences) + len(told) - _SENTENCES) :]
    return " ".join(map(_sentence, told))


def interval(days: float) -> str:
    """In whole days: "14 days"."""
    return f"{int(days)} day{'' if int(days) == 1 else 's'}"


def _stage(profile: Mapping[str, Any]) -> list[str]:
    stage = profile.get("currentStage")
    return [f"They were in the {stage} stage"] if stage else []


def _interests(profile: Mapping[str, Any]) -> list[str]:
    discussed = reversed(profile.get("productsDiscussed", ()))
    products = [entry for entry in discussed if entry.get("interest_level") != Interest.LOW]
    most = sorted(products, key=lambda entry: entry.get("interest_level") != Interest.HIGH)[:_ENTRIES]
    return [f"They were interested in {', '.join(entry['productName'] for entry in most)}"] if most else []


def _topic(thread: Mapping[str, Any]) -> list[str]:
    return [f"The conversation was about {thread['topic']}"] if thread.get("topic") else []


def _concerns(profile: Mapping[str, Any]) -> list[str]:
    objections = [entry["objection"] for entry in profile.get("objectionsAddressed", ()) if not entry.get("resolved")]
    concerns = (objections or list(profile.get("painPoints", ())))[: -_ENTRIES - 1 : -1]
    return [f"They had unresolved concerns: {'; '.join(concerns)}"] if concerns else []


def _next_step(profile: Mapping[str, Any]) -> list[str]:
    step = profile.get("nextStep")
    if not step:
        return []
    due = f"due {step['dueDate'][:10]}" if step.get("dueDate") else None
    whose_and_when = ", ".join(filter(None, [step.get("assignedTo"), due]))
    # The date first: a long action is cut at its end.
    return [f"The next step agreed{f' ({whose_and_when})' if whose_and_when else ''}: {step['action']}"]


def _sentence(text: str) -> str:
    words = shortened(text, _CHARACTERS).split()
    most = MAX_WORDS // _SENTENCES
    sentence = " ".join(words[:most]) + ("…" if len(words) > most else "")
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."
