"""How much of what a model makes up is dropped, and how much of what is said is kept.

What is said is what a person labelled in short conversations; labels that do not tell their message are left out. As
many statements are made up: with another number where there is one, else as if another conversation said so. Each
quotes the whole of a message.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lead_memory.domain.intelligence import answers
from lead_memory.domain.intelligence.answers import EntitiesAnswer, FactsAnswer, Stated, StatedEntity
from lead_memory.domain.intelligence.evidence import taken_facts
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.records import taken_entities
from tests.unit.intelligence.conversations import conversation
from tests.unit.intelligence.offline_labels import TELLING

type Lines = Sequence[Line]

_FIELDS: dict[type[Stated], str] = {
    answers.StatedPreference: "preferences",
    answers.StatedPainPoint: "pain_points",
    answers.StatedObjection: "objections",
    answers.StatedProduct: "products",
    answers.StatedStage: "stage",
    answers.StatedNextStep: "next_step",
    answers.StatedAccount: "accounts",
    answers.StatedContact: "contacts",
    answers.StatedOpportunity: "opportunities",
    answers.StatedCase: "cases",
    answers.StatedTask: "tasks",
}
"""What an answer calls them."""
_SINGLE = ("stage", "next_step")
_RECORDS: dict[str, tuple[type[StatedEntity], str]] = {
    "account": (answers.StatedAccount, "name"),
    "contact": (answers.StatedContact, "name"),
    "opportunity": (answers.StatedOpportunity, "name"),
    "case": (answers.StatedCase, "subject"),
    "task": (answers.StatedTask, "subject"),
}
"""By the kind in a label, the statement and what the record is named by."""
_OTHER_DIGITS = str.maketrans("0123456789", "5678901234")


class Judged(NamedTuple):
    said: int
    kept: int
    made_up: int
    dropped: int


def judged() -> Judged:
    conversations = [conversation(*labelled.said) for labelled in TELLING]
    said = [
        (statement, number)
        for number, labelled in enumerate(TELLING)
        for label in sorted(labelled.labels)
        if (statement := _stated(label, conversations[number]))
    ]
    made_up = [_made_up(statement, conversations, number) for statement, number in said]
    kept = sum(_is_taken(statement, conversations[number]) for statement, number in said)
    dropped = sum(not _is_taken(statement, lines) for statement, lines in made_up)
    return Judged(len(said), kept, len(made_up), dropped)


def _stated(label: str, lines: Lines) -> Stated | None:
    """None where the label does not tell which message says so."""
    kind, _, said = label.partition(": ")
    theirs = [line for line in lines if line.from_lead]
    only = theirs[0] if len(theirs) == 1 else None
    match kind:
        case "decision_maker" | "preferred_contact_method":
            return _quoting(only, answers.StatedPreference, field=kind, value=said)
        case "stage":
            return _quoting(only, answers.StatedStage, stage=said)
        case "pain_points":
            line = lines[int(said) - 1]
            return _quoting(line, answers.StatedPainPoint, text=line.text)
        case "objections":
            line, is_resolved = lines[int(said.split()[0]) - 1], said.endswith("resolved")
            objection = theirs[0].text if is_resolved else line.text
            return _quoting(line, answers.StatedObjection, objection=objection, resolved=is_resolved)
        case "products":
            name, interest = said.rsplit(", ", 1)
            return _quoting(_saying(name, lines), answers.StatedProduct, name=name, interest=interest)
        case "next_step":
            action, _, rest = said.partition(", 2026")
            due = {"due_date": f"2026{rest}"} if rest else {}
            return _quoting(_saying(action, lines), answers.StatedNextStep, action=action, **due)
        case _ if kind in _RECORDS:
            return _record(kind, said.split(), lines)
        case _:
            return _quoting(_saying(said, theirs), answers.StatedPreference, field=kind, value=said)


def _record(kind: str, words: Sequence[str], lines: Lines) -> Stated | None:
    """After its name, the label goes on with what else is said of the record."""
    statement, named_by = _RECORDS[kind]
    beginnings = (" ".join(words[:count]) for count in range(len(words), 0, -1))
    name = next((name for name in beginnings if _saying(name, lines)), "")
    is_id = " " not in name and any(map(str.isdigit, name))
    return _quoting(_saying(name, lines), statement, **{"id" if is_id else named_by: name})


def _saying(text: str, lines: Lines) -> Line | None:
    return next((line for line in reversed(lines) if text in line.text), None)


def _quoting(line: Line | None, statement: type[Stated], **said: object) -> Stated | None:
    return line and statement.model_validate({"message": line.number, "quote": line.text, **said})


def _made_up(statement: Stated, conversations: Sequence[Lines], number: int) -> tuple[Stated, Lines]:
    said = statement.model_dump(exclude={"message", "quote"})
    other = {name: what.translate(_OTHER_DIGITS) if isinstance(what, str) else what for name, what in said.items()}
    if other != said:
        return statement.model_copy(update=other), conversations[number]
    lines = conversations[(number + 1) % len(conversations)]
    from_lead = conversations[number][statement.message - 1].from_lead
    line = next((line for line in reversed(lines) if line.from_lead is from_lead), lines[-1])
    return statement.model_copy(update={"message": line.number, "quote": line.text}), lines


def _is_taken(statement: Stated, lines: Lines) -> bool:
    field = _FIELDS[type(statement)]
    answer = {field: statement if field in _SINGLE else [statement]}
    if isinstance(statement, StatedEntity):
        return taken_entities(EntitiesAnswer.model_validate(answer), lines).kept == 1
    return taken_facts(FactsAnswer.model_validate(answer), lines).kept == 1
