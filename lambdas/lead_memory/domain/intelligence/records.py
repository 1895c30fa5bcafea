"""What of a model's answer about a CRM's records is taken: only what the messages state."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import NamedTuple

from lead_memory.domain.intelligence import stated as told
from lead_memory.domain.intelligence.answers import EntitiesAnswer, StatedEntity
from lead_memory.domain.intelligence.checking import (
    Conversation,
    Dropped,
    NotTakenError,
    is_dated,
    require,
    supports,
    texts,
)
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.stated import Quoted
from lead_memory.domain.intelligence.words import folded, numbers


class TakenEntities(NamedTuple):
    answer: EntitiesAnswer
    refs: dict[str, list[tuple[str, ...]]]
    """By the answer's field, of each of its statements in turn: the messages that it rests on."""
    kept: int
    dropped: dict[str, int]


_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def taken_entities(answer: EntitiesAnswer, lines: Sequence[Line], known: Collection[str] = ()) -> TakenEntities:
    """`known` are the ids and names that the lead's context tells us."""
    check = _Check(lines, known)
    kept: dict[str, list[StatedEntity]] = {field: [] for field in EntitiesAnswer.model_fields}
    refs: dict[str, list[tuple[str, ...]]] = {field: [] for field in kept}
    dropped: Counter[str] = Counter()
    for field, of_kind in kept.items():
        for statement in getattr(answer, field):
            try:
                resting_on = check.entity(statement)
                if statement in of_kind:
                    raise NotTakenError(Dropped.REPEATED)
                of_kind.append(statement)
                refs[field].append(tuple(line.ref for line in resting_on))
            except NotTakenError as not_taken:
                dropped[not_taken.reason] += 1
    return TakenEntities(answer.model_copy(update=kept), refs, sum(map(len, kept.values())), dict(dropped))


class _Check(Conversation):
    def __init__(self, lines: Sequence[Line], known: Collection[str]) -> None:
        super().__init__(lines)
        self._known = set(map(folded, known))

    def entity(self, statement: StatedEntity) -> list[Line]:
        """The messages that it rests on."""
        quoted = self.quoted(statement)
        said = texts(statement)
        named = {text for field, text in said.items() if field.endswith(("id", "name"))}
        require({"id", "name", "subject", "email"} & said.keys(), Dropped.MALFORMED)
        is_known = bool(named) and set(map(folded, named)) <= self._known
        require(quoted.line.from_lead or not is_known, Dropped.RECALLED)
        others = {quoted.line}
        for of in ("", "account_", "contact_", "related_to_"):
            others |= self._named(said.pop(f"{of}id", None), said.pop(f"{of}name", None), quoted)
        for field, text in said.items():
            _require_field(field, text, quoted)
        return sorted(others)

    def _named(self, id_: str | None, name: str | None, quoted: Quoted) -> set[Line]:
        """The quote has the name or the id; the other may stand in another message, an id beside the name."""
        if id_ is None and name is None:
            return set()
        has_name = name is not None and told.has_name(name, quoted.quote)
        has_id = id_ is not None and told.has_id(id_, quoted)
        require(has_name or has_id)
        if id_ is None or name is None or (has_name and has_id):
            return set()
        return {
            self.nearest(
                self.lines,
                quoted,
                lambda line: told.has_name(name, folded(line.text)) and (has_id or told.writes_id(id_, line)),
            )
        }


def _require_field(field: str, text: str, quoted: Quoted) -> None:
    match field:
        case "company":
            require(told.has_name(text, quoted.quote))
        case "email":
            require(told.is_token(folded(text), quoted.quote))
        case "phone":
            require(told.has_phone(text, quoted.quote))
        case "amount":
            require(Decimal(text) in numbers(quoted.quote), Dropped.MALFORMED)
        case "close_date" | "due_date" if _ISO_DATE.fullmatch(text):
            require(is_dated(text, quoted), Dropped.MALFORMED)
        case _:
            require(supports(quoted, text))
