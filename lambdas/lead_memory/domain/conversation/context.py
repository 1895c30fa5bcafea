"""An agent's context: five layers under one budget, which is the final text's, headings and joints included."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, takewhile
from typing import Any

from lead_memory.domain.conversation import long_term, notes, profile, reactivation, recent, threads
from lead_memory.domain.conversation.cutting import cut
from lead_memory.domain.conversation.layers import (
    LAYERS,
    MESSAGE_TOKENS,
    BudgetTooSmall,
    ChatMessage,
    Context,
    Format,
    Known,
    Layer,
    LayerReport,
    Why,
)
from lead_memory.domain.conversation.messages import Message
from lead_memory.domain.conversation.settings import Cohort
from lead_memory.domain.conversation.tokens import estimate
from lead_memory.domain.crm import index
from lead_memory.domain.times import time

SUMMARY_TOKENS = 500
PROFILE_TOKENS = 600
ALERT_TOKENS = 250


_ROOM = {Layer.PROFILE: 0.7, Layer.SUMMARY: 0.85, Layer.REACTIVATION: 0.95}
"""The part of the budget up to which the layers before leave room for one; in the order of the lazy builder of the
specification, after the notes and what was said last, which always come first."""
_ORDER = (Layer.REACTIVATION, Layer.NOTES, Layer.PROFILE, Layer.SUMMARY, Layer.RECENT)
"""Of the text: the alert first, and the conversation last, where the answer goes on from it."""
_HEADINGS = {
    Layer.PROFILE: "## Contact Profile",
    Layer.SUMMARY: "## Conversation Summary",
    Layer.RECENT: "## Recent Conversation",
}
_ALERT, _ALERT_ENDS = "---\n⚠️ **REACTIVATION ALERT**\n", "\n---"


def assemble(
    known: Known, asked: Collection[Layer], cohort: Cohort, max_tokens: int, form: Format, now: datetime
) -> Context:
    """Notes whole, then what was said last, then the other layers while there is room. Raises `BudgetTooSmall`."""
    building = _Building(known, max_tokens, form, now)
    for layer in (Layer.NOTES, Layer.RECENT, *_ROOM):
        if layer not in LAYERS[cohort]:
            building.leave_out(layer, Why.COHORT)
        elif layer not in asked and layer is not Layer.NOTES:
            building.leave_out(layer, Why.NOT_ASKED_FOR)
        elif layer in known.unavailable:
            building.leave_out(layer, Why.UNAVAILABLE)
        elif layer in _ROOM and building.used >= _ROOM[layer] * max_tokens:
            building.leave_out(layer, Why.NO_ROOM)
        else:
            building.add(layer)
    return building.context()


class _Building:
    def __init__(self, known: Known, max_tokens: int, form: Format, now: datetime) -> None:
        self._known = known
        self._max_tokens = max_tokens
        self._form = form
        self._now = now
        self._sections: dict[Layer, str] = {}
        self._said: Sequence[recent.Said] = ()
        self._reports: dict[Layer, LayerReport] = {}
        self._silence: timedelta | None = None
        self.used = 0

    def leave_out(self, layer: Layer, why: Why) -> None:
        self._reports[layer] = LayerReport(why=why)

    def add(self, layer: Layer) -> None:
        adding = {
            Layer.NOTES: self._notes,
            Layer.RECENT: self._recent,
            Layer.PROFILE: self._profile,
            Layer.SUMMARY: self._summary,
            Layer.REACTIVATION: self._reactivation,
        }
        adding[layer]()

    def context(self) -> Context:
        sections = [self._sections[layer] for layer in _ORDER if layer in self._sections]
        messages = []
        if self._form is Format.MESSAGES:
            known = "\n\n".join(sections)
            messages = [ChatMessage("system", known)] if known else []
            messages += [ChatMessage(_role(said.message), said.text) for said in self._said]
        return Context(
            text="" if messages else "\n\n".join(sections),
            messages=messages,
            layers={layer: self._reports[layer] for layer in Layer},
            total_tokens=self.used,
            silence=self._silence,
        )

    @property
    def _room(self) -> int:
        """For a section: what is left, less what joins it to the others."""
        return self._max_tokens - self.used - self._joint

    @property
    def _joint(self) -> int:
        if self._sections:
            return estimate("\n\n")
        return MESSAGE_TOKENS if self._form is Format.MESSAGES else 0

    def _put(self, layer: Layer, section: str, tokens: int, *, truncated: bool = False) -> None:
        """The tokens are the section's own."""
        tokens += self._joint
        self.used += tokens
        self._sections[layer] = section
        self._reports[layer] = _included(tokens, truncated)

    def _notes(self) -> None:
        section = notes.section(self._known.notes)
        if not section:
            return self.leave_out(Layer.NOTES, Why.NOTHING_KNOWN)
        tokens = estimate(section)
        if tokens > self._room:
            raise BudgetTooSmall(tokens + self._joint)
        return self._put(Layer.NOTES, section, tokens)

    def _recent(self) -> None:
        messages = self._known.messages
        aim = min(recent.TOKENS, self._max_tokens * recent.TOKENS // recent.OF_TOKENS)
        room = min(aim, self._max_tokens - self.used)
        if self._form is Format.MESSAGES:
            found = recent.newest(messages, room, _said, MESSAGE_TOKENS)
            self._said = found.said
            self.used += found.tokens
            self._reports[Layer.RECENT] = _included(found.tokens, found.truncated)
        else:
            heading = _HEADINGS[Layer.RECENT]
            found = recent.newest(messages, room - estimate(heading) - self._joint, _line, estimate("\n"))
            lines = [heading, *(said.text for said in found.said)]
            if found.said:
                tokens = estimate(heading) + found.tokens
                self._put(Layer.RECENT, "\n".join(lines), tokens, truncated=found.truncated)
        if not found.said:
            self.leave_out(Layer.RECENT, Why.NO_ROOM if messages else Why.NOTHING_KNOWN)

    def _profile(self) -> None:
        known = [*profile.parts(self._known.profile or {}), index.lines(self._known.entities)]
        lines = profile.joined(
            known + long_term.parts(self._known.about, self._known.interactions, self._known.memories)
        )
        if not lines:
            return self.leave_out(Layer.PROFILE, Why.NOTHING_KNOWN)
        heading = _HEADINGS[Layer.PROFILE]
        kept = _fitting(lines, min(PROFILE_TOKENS, self._room) - estimate(heading))
        if not kept:
            return self.leave_out(Layer.PROFILE, Why.NO_ROOM)
        section = "\n".join([heading, *kept])
        truncated = self._known.more or len(kept) < len(lines)
        return self._put(Layer.PROFILE, section, estimate(section), truncated=truncated)

    def _summary(self) -> None:
        begun = (thread for thread in self._known.threads if thread["message_count"])
        summaries = (thread["summary"]["text"] for thread in begun if "summary" in thread)
        # A point each, whoever wrote it: none of its lines can pass for a heading, a note or a message.
        points = [f"- {line}" for summary in summaries for line in summary.splitlines() if line.strip()]
        return self._cut_to(Layer.SUMMARY, f"{_HEADINGS[Layer.SUMMARY]}\n", "\n".join(points), "", SUMMARY_TOKENS)

    def _reactivation(self) -> None:
        silence = threads.silence(self._known.threads, self._now)
        if silence is None:
            return self.leave_out(Layer.REACTIVATION, Why.NOT_RETURNING)
        self._silence = silence.length
        told = f"CONTEXT: This lead went quiet for {reactivation.interval(silence.length / timedelta(days=1))}."
        reminder = profile.one_line(_reminder(silence.thread, self._known.profile))
        return self._cut_to(Layer.REACTIVATION, _ALERT, f"{told} {reminder}".rstrip(), _ALERT_ENDS, ALERT_TOKENS)

    def _cut_to(self, layer: Layer, before: str, text: str, after: str, most: int) -> None:
        if not text:
            return self.leave_out(layer, Why.NOTHING_KNOWN)
        kept = cut(text, min(most, self._room) - estimate(before) - estimate(after))
        if kept is None:
            return self.leave_out(layer, Why.NO_ROOM)
        section = f"{before}{kept}{after}"
        return self._put(layer, section, estimate(section), truncated=kept != text)


def _included(tokens: int, truncated: bool) -> LayerReport:
    why = Why.SHORTENED if truncated else None
    return LayerReport(tokens=tokens, included=True, truncated=truncated, why=why)


def _fitting(lines: list[str], budget_tokens: int) -> list[str]:
    """The first ones, and no title of a part that nothing of is there."""
    costs = accumulate(estimate(line) + 1 for line in lines)
    fitting = sum(1 for _ in takewhile(lambda cost: cost <= budget_tokens, costs))
    while 0 < fitting < len(lines) and (not lines[fitting - 1] or profile.is_title(lines[fitting - 1])):
        fitting -= 1
    return lines[:fitting]


def _reminder(thread: Mapping[str, Any], contact: Mapping[str, Any] | None) -> str:
    """Of the thread that fell silent: as it was prepared, or made now where it is stale."""
    prepared = thread.get("reactivation")
    changes = (thread.get("summary", {}).get("at"), (contact or {}).get("lastExtractedAt"))
    if (
        prepared
        and prepared["message_count"] >= thread["message_count"] - 1
        and all(time(prepared["at"]) >= time(changed_at) for changed_at in changes if changed_at)
    ):
        text: str = prepared["text"]
        return text
    return reactivation.reactivation(thread, contact)


def _line(message: Message) -> recent.Written:
    """Further lines are set in: none of them can pass for another speaker's, or for a part of the context."""
    return f"{message.speaker}:", " " + "\n  ".join(message.said.splitlines())


def _said(message: Message) -> recent.Written:
    return "", message.said


def _role(message: Message) -> str:
    return "user" if message.from_lead else "assistant"
