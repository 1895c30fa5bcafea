"""What holds for every context, whatever is known and whatever is asked."""

import re
import unicodedata
from collections.abc import Collection
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation.context import assemble
from lead_memory.domain.conversation.cutting import CUT
from lead_memory.domain.conversation.layers import (
    BUDGET_TOKENS,
    LAYERS,
    MESSAGE_TOKENS,
    BudgetTooSmall,
    Context,
    Format,
    Known,
    Layer,
    Why,
)
from lead_memory.domain.conversation.messages import Message
from lead_memory.domain.conversation.settings import Cohort
from lead_memory.domain.conversation.tokens import estimate
from lead_memory.domain.drawn import whole_length
from tests.unit.conversation.states import budgets, cohorts, formats, layers, states
from tests.unit.resolve.fakes import NOW

HEADINGS = {
    Layer.RECENT: "## Recent Conversation",
    Layer.SUMMARY: "## Conversation Summary",
    Layer.NOTES: "## Operator Notes (STRATEGIC CONTEXT)",
    Layer.PROFILE: "## Contact Profile",
    Layer.REACTIVATION: "⚠️ **REACTIVATION ALERT**",
}
SPEAKER = re.compile(r"(Customer|Assistant): ")


class Asked(NamedTuple):
    known: Known
    layers: Collection[Layer]
    cohort: Cohort
    form: Format

    def context(self, max_tokens: int) -> Context:
        return assemble(*self[:3], max_tokens, self.form, NOW)

    def accepted(self, max_tokens: int) -> tuple[Context, int]:
        """With the smallest budget that holds the notes, where they need more than that."""
        try:
            return self.context(max_tokens), max_tokens
        except BudgetTooSmall as refusal:
            return self.context(refusal.smallest), refusal.smallest


asked = st.builds(Asked, states, layers, cohorts, formats)


def told(context: Context) -> str:
    """All but what was said, where that stands in messages of its own."""
    system = [message.content for message in context.messages if message.role == "system"]
    return "".join(system) or context.text


def said(context: Context) -> list[tuple[str, str]]:
    """Who said what, as an agent reads it."""
    if context.messages:
        names = {"user": "Customer", "assistant": "Assistant"}
        return [(names[each.role], each.content) for each in context.messages if each.role != "system"]
    found: list[tuple[str, str]] = []
    _, _, section = f"\n\n{context.text}".partition(f"\n\n{HEADINGS[Layer.RECENT]}\n")
    for line in filter(None, section.split("\n")):
        if named := SPEAKER.match(line):
            found.append((named[1], line[named.end() :]))
        else:
            # Whatever else was said is set in.
            assert line.startswith("  ")
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line[2:]}")
    return found


def whole(message: Message, form: Format) -> str:
    kept = message.text + (CUT if message.whole_characters else "")
    attached = [f"[attachment: {name}]" for name in message.attachments]
    text = "\n".join(filter(None, [kept, *attached])) or "[no text]"
    return "\n".join(text.splitlines()) if form is Format.TEXT else text


@given(asked, budgets)
def test_the_final_text_is_within_the_budget_and_the_total_is_its_estimate(asked: Asked, max_tokens: int) -> None:
    context, max_tokens = asked.accepted(max_tokens)
    if asked.form is Format.MESSAGES:
        assert context.text == ""
        tokens = sum(estimate(message.content) + MESSAGE_TOKENS for message in context.messages)
    else:
        assert context.messages == []
        tokens = estimate(context.text)
    assert tokens == context.total_tokens <= max_tokens
    assert sum(report.tokens for report in context.layers.values()) == tokens


@given(asked, budgets)
def test_every_note_is_in_the_text_unless_the_leads_contexts_are_without_notes(asked: Asked, max_tokens: int) -> None:
    context, _ = asked.accepted(max_tokens)
    for note in asked.known.notes:
        content = "\n  ".join(note.content.splitlines())
        assert (content in told(context)) or Layer.NOTES not in LAYERS[asked.cohort]
    if Layer.NOTES not in LAYERS[asked.cohort]:
        assert HEADINGS[Layer.NOTES] not in told(context).split("\n")


@given(asked)
def test_a_budget_too_small_is_refused_with_the_smallest_that_works(asked: Asked) -> None:
    if Layer.NOTES not in LAYERS[asked.cohort] or not asked.known.notes:
        asked.context(1)
        return
    with pytest.raises(BudgetTooSmall) as refused:
        asked.context(1)
    asked.context(refused.value.smallest)
    with pytest.raises(BudgetTooSmall, match=f"of {refused.value.smallest} or more"):
        asked.context(refused.value.smallest - 1)


@given(asked, budgets)
def test_what_is_reported_of_a_layer_is_so(asked: Asked, max_tokens: int) -> None:
    context, max_tokens = asked.accepted(max_tokens)
    lines = told(context).split("\n")
    for layer, report in context.layers.items():
        is_there = bool(said(context)) if layer is Layer.RECENT else HEADINGS[layer] in lines
        assert report.included == is_there == (report.tokens > 0)
        assert report.truncated == (report.why is Why.SHORTENED)
        assert report.included or report.why not in (None, Why.SHORTENED)
        assert (report.why is Why.COHORT) == (layer not in LAYERS[asked.cohort])
        if report.why is Why.NOT_ASKED_FOR:
            assert layer not in asked.layers
            assert layer is not Layer.NOTES
        if report.why is Why.UNAVAILABLE:
            assert layer in asked.known.unavailable
        if report.included:
            assert layer in asked.layers or layer is Layer.NOTES
            assert layer not in asked.known.unavailable
    assert context.silence is not None or not context.layers[Layer.REACTIVATION].included
    assert not context.layers[Layer.NOTES].truncated


@given(asked, budgets)
def test_a_layer_that_is_not_said_to_be_shortened_is_whole(asked: Asked, max_tokens: int) -> None:
    context, _ = asked.accepted(max_tokens)
    is_whole = {layer for layer, report in context.layers.items() if report.included and not report.truncated}
    if Layer.SUMMARY in is_whole:
        summaries = [thread["summary"]["text"] for thread in asked.known.threads if "summary" in thread]
        points = [f"- {line}" for text in summaries for line in text.splitlines() if line.strip()]
        assert "\n".join(points) in told(context)
    if Layer.PROFILE in is_whole:
        lines = told(context).split("\n")
        assert all(
            f"- {' '.join(point.split())}" in lines for point in (asked.known.profile or {}).get("painPoints", ())
        )
    if Layer.RECENT in is_whole:
        entries = said(context)
        assert len(entries) >= min(5, len(asked.known.messages))
        newest = asked.known.messages[-len(entries) :]
        assert [text for _, text in entries] == [whole(message, asked.form) for message in newest]
        assert not any(message.whole_characters for message in newest)


@given(asked, budgets)
def test_what_was_said_last_is_in_order_with_none_missing_and_nobody_speaks_for_another(
    asked: Asked, max_tokens: int
) -> None:
    context, _ = asked.accepted(max_tokens)
    entries = said(context)
    assert len(entries) <= 15
    newest = asked.known.messages[len(asked.known.messages) - len(entries) :]
    for (speaker, text), message in zip(entries, newest, strict=True):
        assert speaker == message.speaker
        everything = whole(message, asked.form)
        if text != everything:
            assert text.endswith(CUT)
            _ends_where_a_reader_would_pause(text.removesuffix(CUT), everything)


def _ends_where_a_reader_would_pause(kept: str, everything: str) -> None:
    assert everything.startswith(kept)
    assert kept.strip()
    assert whole_length(everything, len(kept)) == len(kept)
    is_between_words = everything[len(kept)].isspace() or unicodedata.category(kept[-1]) in ("Po", "Pf")
    assert is_between_words or len(kept.split()) == 1


@given(asked, budgets)
def test_only_the_context_itself_begins_a_line_as_one_of_its_parts(asked: Asked, max_tokens: int) -> None:
    context, _ = asked.accepted(max_tokens)
    lines = told(context).split("\n")
    for layer, heading in HEADINGS.items():
        assert lines.count(heading) <= context.layers[layer].included
    if asked.form is Format.TEXT:
        assert len([line for line in lines if SPEAKER.match(line)]) == len(said(context))


@pytest.mark.parametrize(
    "text", ["x" * 200_000, "价" * 70_000, "👩\u200d👧" * 20_000, "a\n" * 100_000, "\u0301" * 100_000]
)
@pytest.mark.parametrize("form", Format)
def test_messages_of_200_kilobytes_leave_a_part_of_each_that_fits(text: str, form: Format) -> None:
    messages = [Message(at=NOW, from_lead=True, channel="sms", text=text)] * 3
    context = Asked(Known(messages=messages), frozenset(Layer), Cohort.FULL, form).context(3_500)
    assert len(said(context)) == 3
    assert all(len(entry) > 100 for _, entry in said(context))
    for _, entry in said(context):
        _ends_where_a_reader_would_pause(entry.removesuffix(CUT), whole(messages[0], form))
    assert context.layers[Layer.RECENT].why is Why.SHORTENED
    assert context.total_tokens <= BUDGET_TOKENS
