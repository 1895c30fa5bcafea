"""What the lead says of themselves, and what either side promises."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypedDict

from lead_memory.domain.conversation.extractive import shortened
from lead_memory.domain.conversation.profile import Interest, Stage
from lead_memory.domain.intelligence.answers import (
    FactsAnswer,
    Stated,
    StatedNextStep,
    StatedObjection,
    StatedPainPoint,
    StatedPreference,
    StatedProduct,
    StatedStage,
)
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.offline.dates import day, names_only_a_time
from lead_memory.domain.intelligence.offline.preferences import ANSWERS, ONE_OFF, PREFERENCES
from lead_memory.domain.intelligence.offline.sentences import Sentence, clauses, sentences, stated
from lead_memory.domain.intelligence.offline.wording import (
    ACCEPTED,
    APPOINTMENTS,
    INTERESTS,
    OBJECTIONS,
    PAINS,
    PRIVATE,
    PRODUCTS,
    PROMISES,
    REQUESTS,
    STAGES,
)
from lead_memory.domain.limits import FACTS

_TEXT_CHARACTERS = 200
_LEAD = "customer"
"""Whose a next step is, as the specification has it."""
_STAGE_ORDER = list(Stage)
_STEPS = [
    *((False, False, said) for said in PROMISES),
    *((False, True, said) for said in REQUESTS),
    *((True, True, said) for said in APPOINTMENTS),
]
"""Whether it needs a day, whether only the lead says it, and the words."""


class _RestsOn(TypedDict):
    message: int
    quote: str


def facts(lines: Sequence[Line]) -> FactsAnswer:
    """Of messages in their order; those that are not new are read to understand the others by."""
    said = list(sentences(lines))
    of_lead = [sentence for sentence in said if sentence.line.new and sentence.line.from_lead]
    told = [sentence for sentence in of_lead if not sentence.asks]
    stages = sorted(_each(told, _stage), key=lambda said: _STAGE_ORDER.index(said.stage))
    steps = list(_each((sentence for sentence in said if sentence.line.new and not sentence.asks), _next_step))
    return FactsAnswer(
        preferences=_newest([*_each(told, _preferences), *_answers(said)], lambda each: each.field),
        pain_points=_newest(_each(told, _pains), lambda each: each.text),
        objections=_newest(_objections(said), lambda each: each.objection),
        products=_newest(_each(of_lead, _products), lambda each: each.name),
        stage=stages[-1] if stages else None,
        next_step=steps[-1] if steps else None,
    )


def _each[Said](said: Iterable[Sentence], of: Callable[[Sentence], Iterable[Said]]) -> Iterator[Said]:
    return (statement for sentence in said for statement in of(sentence))


def _newest[Said: Stated](statements: Iterable[Said], name: Callable[[Said], str]) -> list[Said]:
    """One of each name, in the order of the messages."""
    by_name: dict[str, Said] = {}
    for statement in sorted(statements, key=lambda statement: statement.message):
        by_name.pop(name(statement).casefold(), None)
        by_name[name(statement).casefold()] = statement
    return list(by_name.values())[-FACTS:]


def _preferences(sentence: Sentence) -> Iterator[StatedPreference]:
    found = set()
    for field, value, said in PREFERENCES:
        if field in found or (field == "preferred_contact_time" and ONE_OFF.search(sentence.plain)):
            continue
        for match in stated(sentence, said):
            found.add(field)
            yield _preference(sentence, field, value or sentence.words(match, "value"))
            break


def _answers(said: Sequence[Sentence]) -> Iterator[StatedPreference]:
    """What says something only after the question that it answers."""
    for before, sentence in pairwise(said):
        if before.line.from_lead or not (sentence.line.from_lead and sentence.line.new):
            continue
        for field, asked, answer in ANSWERS:
            if (question := asked.search(before.plain)) and before.asks and (match := answer.fullmatch(sentence.plain)):
                value = [
                    sentence.words(match, "value"),
                    *(before.words(question, group) for group in question.groupdict()),
                ]
                yield _preference(sentence, field, " ".join(value))


def _preference(sentence: Sentence, field: str, value: str) -> StatedPreference:
    return StatedPreference.model_validate({**_rests_on(sentence), "field": field, "value": value})


def _pains(sentence: Sentence) -> Iterator[StatedPainPoint]:
    # "Let me tell you what went wrong:" only announces them.
    announces = sentence.text.endswith(":")
    if not announces and not PRIVATE.search(sentence.plain) and any(stated(sentence, PAINS)):
        yield StatedPainPoint(text=_as_text(sentence), **_rests_on(sentence))


class _Raised(NamedTuple):
    name: str
    text: str
    answer: Sentence | None = None


def _objections(said: Sequence[Sentence]) -> Iterator[StatedObjection]:
    """In the lead's own words. An answer that the next message accepts resolves it."""
    open_: dict[str, _Raised] = {}
    for sentence in said:
        if not sentence.line.from_lead:
            open_ |= {
                name: raised._replace(answer=sentence)
                for name, raised in open_.items()
                if (raised.answer is None or raised.answer.line != sentence.line)
                and OBJECTIONS[name][1].search(sentence.plain)
            }
        elif not sentence.asks:
            if any(stated(sentence, ACCEPTED)):
                yield from _resolved(open_, sentence)
            for name, (objects, _) in OBJECTIONS.items():
                if any(stated(sentence, objects)):
                    open_[name] = _Raised(name, _as_text(sentence))
                    if sentence.line.new:
                        yield StatedObjection(objection=_as_text(sentence), resolved=False, **_rests_on(sentence))


def _resolved(open_: dict[str, _Raised], sentence: Sentence) -> Iterator[StatedObjection]:
    for name, raised in list(open_.items()):
        if raised.answer and raised.answer.line.number == sentence.line.number - 1:
            del open_[name]
            if sentence.line.new:
                yield StatedObjection(
                    objection=raised.text, resolved=True, resolution=_as_text(raised.answer), **_rests_on(sentence)
                )


def _products(sentence: Sentence) -> Iterator[StatedProduct]:
    interest = next((level for level, said in INTERESTS if said.search(sentence.plain)), Interest.MEDIUM)
    if interest is Interest.HIGH and sentence.asks:
        interest = Interest.MEDIUM
    for match in PRODUCTS.finditer(sentence.plain):
        yield StatedProduct(name=sentence.words(match), interest=interest, **_rests_on(sentence))


def _stage(sentence: Sentence) -> Iterator[StatedStage]:
    for stage, said in STAGES:
        if any(stated(sentence, said)):
            yield StatedStage(stage=stage, **_rests_on(sentence))
            return


def _next_step(sentence: Sentence) -> Iterator[StatedNextStep]:
    for needs_a_day, theirs, said in _STEPS:
        for match in stated(sentence, said):
            action = sentence.words(match, "value")
            due = _due(sentence, match)
            if (theirs and not sentence.line.from_lead) or (needs_a_day and due is None):
                continue
            promised = sentence.line.from_lead and not theirs
            yield StatedNextStep(
                action=action, due_date=due, assigned_to=_LEAD if promised else None, **_rests_on(sentence)
            )


def _due(sentence: Sentence, action: re.Match[str]) -> str | None:
    """Its own day, or one that its clause begins with, or that stands alone: not that of another clause's doings."""
    *others, before = clauses(sentence.plain[: action.start("value")])
    _, *after = clauses(sentence.plain[action.start("value") :])
    alone = [clause for clause in (*others, *after) if names_only_a_time(clause)]
    found = (day(words, sentence.line.at) for words in (action["value"], before, *alone))
    return next(filter(None, found), None)


def _as_text(sentence: Sentence) -> str:
    return shortened(sentence.text, _TEXT_CHARACTERS).rstrip(".! ") or sentence.text


def _rests_on(sentence: Sentence) -> _RestsOn:
    return {"message": sentence.line.number, "quote": sentence.text}
