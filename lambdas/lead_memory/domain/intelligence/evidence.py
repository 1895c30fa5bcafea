"""What of a model's answer about the contact is taken: only what the messages state.

Each statement quotes the message that it rests on. What does not stand the check is dropped, and counted by its reason.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import PydanticCustomError

from lead_memory.domain.conversation.profile import Interest, one_line
from lead_memory.domain.intelligence import stated as told
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
from lead_memory.domain.intelligence.checking import Conversation, Dropped, NotTakenError, is_dated, require, supports
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.stated import Quoted
from lead_memory.domain.intelligence.words import content, folded, numbers, words
from lead_memory.domain.payloads.contact import contact_facts


class Group(NamedTuple):
    """What rests on the same messages."""

    refs: tuple[str, ...]
    value: dict[str, Any]
    """Of `fact.contact_profile`."""
    confidence: float


class TakenFacts(NamedTuple):
    groups: tuple[Group, ...]
    kept: int
    dropped: dict[str, int]


OF_LEAD, OF_US, _LESS = 0.9, 0.7, 0.1
_YES_OR_NO = {"yes": True, "no": False}
_ROLES = {"customer", "client", "cliente", "lead", "assistant", "agent", "us", "we", "sales rep"}
"""Who a next step can be assigned to without being named."""


class _Fact(NamedTuple):
    value: dict[str, Any]
    literal: bool
    """Whether the quote has all of its words."""
    others: tuple[Line, ...] = ()
    """Further messages that it rests on."""


def taken_facts(answer: FactsAnswer, lines: Sequence[Line], profile: Mapping[str, Any] | None = None) -> TakenFacts:
    """In groups, so that what rests on a message can be erased with it. `profile` is what is known already."""
    check = _Check(lines, profile or {})
    single = [statement for statement in (answer.stage, answer.next_step) if statement]
    statements = [*answer.preferences, *answer.pain_points, *answer.objections, *answer.products, *single]
    groups: dict[tuple[Line, ...], Group] = {}
    dropped: Counter[str] = Counter()
    for statement in statements:
        try:
            quoted = check.quoted(statement)
            fact = check.fact(statement, quoted)
            resting_on = tuple(sorted({quoted.line, *fact.others}))
            before = groups.get(resting_on, Group(tuple(line.ref for line in resting_on), {}, 1.0))
            confidence = min(before.confidence, _confidence(quoted, fact.literal))
            groups[resting_on] = Group(before.refs, _joined(before.value, fact.value), confidence)
        except NotTakenError as not_taken:
            dropped[not_taken.reason] += 1
    return TakenFacts(
        tuple(groups[resting_on] for resting_on in sorted(groups)), len(statements) - dropped.total(), dict(dropped)
    )


class _Check(Conversation):
    def __init__(self, lines: Sequence[Line], profile: Mapping[str, Any]) -> None:
        super().__init__(lines)
        self._profile = profile

    def fact(self, statement: Stated, quoted: Quoted) -> _Fact:
        match statement:
            case StatedProduct():
                fact = self._product(statement, quoted)
            case StatedNextStep():
                fact = self._next_step(statement, quoted)
            case _:
                require(quoted.line.from_lead, Dropped.NOT_THEIRS)
                fact = self._of_lead(statement, quoted)
        try:
            contact_facts(fact.value)
        except PydanticCustomError:
            raise NotTakenError(Dropped.MALFORMED) from None
        return fact

    def _of_lead(self, statement: Stated, quoted: Quoted) -> _Fact:
        match statement:
            case StatedPreference():
                return self._preference(statement, quoted)
            case StatedPainPoint(text=text):
                require(supports(quoted, text))
                return _Fact({"painPoints": [one_line(text)]}, _is_literal(quoted, text))
            case StatedObjection():
                return self._objection(statement, quoted)
            case StatedStage(stage=stage):
                require(told.is_at(stage, quoted))
                return _Fact({"currentStage": str(stage)}, literal=False)
        raise TypeError(type(statement).__name__)

    def _preference(self, statement: StatedPreference, quoted: Quoted) -> _Fact:
        field, value = statement.field, one_line(statement.value)
        known: bool | str = value
        literal = _is_literal(quoted, value)
        match field:
            case "decision_maker":
                require(value.lower() in _YES_OR_NO, Dropped.MALFORMED)
                known, literal = _YES_OR_NO[value.lower()], False
                decides = told.affirmed(told.DECIDES, quoted)
                require(decides if known else not decides and told.OTHERS_DECIDE.search(quoted.quote))
            case "preferred_contact_method":
                known = value.lower()
                require(known in told.METHODS, Dropped.MALFORMED)
                require(told.affirmed(told.METHODS[known], quoted))
            case "budget_range":
                require(numbers(folded(value)), Dropped.MALFORMED)
                require(told.is_about_money(quoted, self.before(quoted.line)))
                require(supports(quoted, value))
            case _:
                require(supports(quoted, value))
        return _Fact({"preferences": {field: known}}, literal)

    def _objection(self, statement: StatedObjection, quoted: Quoted) -> _Fact:
        """One that is resolved quotes how the lead accepts; what it was, and the answer, may have been said before."""
        objection, resolution = statement.objection, statement.resolution
        entry: dict[str, Any] = {"objection": one_line(objection), "resolved": statement.resolved}
        if not statement.resolved:
            require(resolution is None and supports(quoted, objection))
            return _Fact({"objectionsAddressed": [entry]}, _is_literal(quoted, objection))
        require(told.affirmed(told.ACCEPTED, quoted))
        until = [line for line in self.lines if line.number <= quoted.line.number]
        theirs = [line for line in until if line.from_lead]
        others = [
            self.nearest(theirs, quoted, lambda line: told.supports(folded(line.text), folded(line.text), objection))
        ]
        if resolution is not None:
            entry["resolution"] = one_line(resolution)
            others.append(
                self.nearest(
                    until, quoted, lambda line: told.supports(folded(line.text), folded(line.text), resolution)
                )
            )
        return _Fact({"objectionsAddressed": [entry]}, literal=False, others=tuple(others))

    def _product(self, statement: StatedProduct, quoted: Quoted) -> _Fact:
        name = one_line(statement.name)
        if not quoted.line.from_lead:
            require(statement.interest is not Interest.HIGH, Dropped.NOT_THEIRS)
            discussed = [entry["productName"] for entry in self._profile.get("productsDiscussed", ())]
            require(words(folded(name)) not in [words(folded(known)) for known in discussed], Dropped.RECALLED)
        require(told.has_name(name, quoted.quote))
        return _Fact(
            {"productsDiscussed": [{"productName": name, "interest_level": str(statement.interest)}]}, literal=True
        )

    def _next_step(self, statement: StatedNextStep, quoted: Quoted) -> _Fact:
        action, assigned_to = one_line(statement.action), statement.assigned_to
        known = self._profile.get("nextStep", {}).get("action", "")
        require(quoted.line.from_lead or folded(action) != folded(known), Dropped.RECALLED)
        require(supports(quoted, action))
        step = {"action": action}
        others = []
        if statement.due_date is not None:
            require(is_dated(statement.due_date, quoted), Dropped.MALFORMED)
            step["dueDate"] = statement.due_date
        if assigned_to is not None:
            step["assignedTo"] = one_line(assigned_to)
            if folded(assigned_to) not in _ROLES:
                others.append(
                    self.nearest(self.lines, quoted, lambda line: told.has_name(assigned_to, folded(line.text)))
                )
        return _Fact({"nextStep": step}, _is_literal(quoted, action), tuple(others))


def _is_literal(quoted: Quoted, value: str) -> bool:
    return content(folded(value)) <= content(quoted.quote)


def _confidence(quoted: Quoted, literal: bool) -> float:
    return round((OF_LEAD if quoted.line.from_lead else OF_US) - (0 if literal else _LESS), 1)


def _joined(known: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(known)
    for field, what in said.items():
        match what:
            case [entry]:
                before = joined.get(field, [])
                require(_name_of(entry) not in map(_name_of, before), Dropped.REPEATED)
                joined[field] = [*before, entry]
            case {}:
                before = joined.get(field, {})
                require(not before.keys() & what.keys(), Dropped.REPEATED)
                joined[field] = {**before, **what}
            case _:
                joined[field] = what
    return joined


def _name_of(entry: str | Mapping[str, Any]) -> str:
    name: str = entry if isinstance(entry, str) else next(iter(entry.values()))
    return folded(name)
