"""The records of a CRM that either side names outright."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from lead_memory.domain.intelligence.answers import EntitiesAnswer
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.offline import naming
from lead_memory.domain.intelligence.offline.dates import day
from lead_memory.domain.intelligence.offline.sentences import Sentence, sentences
from lead_memory.domain.limits import FACTS

_FIELDS = {
    "account": "accounts",
    "contact": "contacts",
    "opportunity": "opportunities",
    "case": "cases",
    "task": "tasks",
    "lead": "leads",
}

type _Entity = dict[str, str]
type _Named = dict[str, list[_Entity]]
"""By kind."""


def entities(lines: Sequence[Line]) -> EntitiesAnswer:
    """Of messages in their order; those that are not new are read to understand the others by."""
    said: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _FIELDS}
    last: dict[str, str] = {}
    for sentence in sentences(lines):
        named = _named(sentence)
        _give_id(sentence, named, last)
        last |= {kind: found[-1]["name"] for kind, found in named.items() if found and "name" in found[-1]}
        if sentence.line.new:
            for kind, found in named.items():
                said[kind] += [{"message": sentence.line.number, "quote": sentence.text, **entity} for entity in found]
    return EntitiesAnswer.model_validate({_FIELDS[kind]: _once(found)[-FACTS:] for kind, found in said.items()})


def _named(sentence: Sentence) -> _Named:
    named: _Named = {kind: [] for kind in _FIELDS}
    for match in _matches(sentence, naming.LEADS):
        if (lead := _name(sentence, match, "lead")) and " " in lead:
            _add(named["lead"], {"name": lead} | _optional("company", _name(sentence, match, "account")))
    if not named["lead"]:
        _name_people(sentence, named)
    for match in _matches(sentence, naming.OPPORTUNITIES):
        _name_opportunity(sentence, match, named)
    for match in _matches(sentence, naming.ACCOUNTS):
        if account := _name(sentence, match, "account"):
            _add(named["account"], {"name": account} | _optional("id", match.groupdict().get("id")))
    for match in naming.CASES.finditer(sentence.plain):
        named["case"].append(
            {"id": match["id"].lstrip("# ")}
            | _about_case(sentence)
            | _optional("account_name", next((each["name"] for each in named["account"]), None))
        )
    for match in naming.TASKS.finditer(sentence.plain):
        _add(named["task"], _task(sentence, match))
    return named


def _name_people(sentence: Sentence, named: _Named) -> None:
    for match in _matches(sentence, naming.CONTACTS):
        account = _name(sentence, match, "account") if "account" in match.re.groupindex and match["account"] else None
        if account:
            _add(named["account"], {"name": account})
        if (person := _name(sentence, match, "contact")) and " " in person:
            _add(named["contact"], {"name": person} | _optional("account_name", account))
    if len(named["contact"]) == 1:
        # Of two people nobody knows whose it is.
        for field, written in (("email", naming.EMAIL), ("phone", naming.PHONE)):
            if found := written.search(sentence.plain):
                named["contact"][0][field] = sentence.words(found)


def _name_opportunity(sentence: Sentence, match: re.Match[str], named: _Named) -> None:
    if not (entity := _opportunity(sentence, match)):
        return
    if amount := naming.AMOUNT.search(sentence.plain):
        entity |= _optional("amount", _decimal(sentence.words(amount, "value")))
    for field, said in (("stage", naming.SALES_STAGE), ("close_date", naming.CLOSES)):
        if found := said.search(sentence.plain):
            entity[field] = sentence.words(found, "value")
    if account := entity.get("account_name"):
        _add(named["account"], {"name": account})
    _add(named["opportunity"], entity)


def _opportunity(sentence: Sentence, match: re.Match[str]) -> _Entity | None:
    """Its name; and its account, where a business's name says that it is one's."""
    if "account" not in match.re.groupindex:
        return {"name": sentence.words(match, "opportunity")}
    if not (account := _name(sentence, match, "account")):
        return None
    at = sentence.text.index(account, match.start("account"))
    # "Acme deal" ends with its kind, "proposta da Acme" begins with it.
    start, end = (
        (at, match.end())
        if match["account"] == match[0][: len(match["account"])]
        else (match.start(), at + len(account))
    )
    of = account if naming.BUSINESS.search(match["account"]) else None
    return {"name": sentence.text[start:end]} | _optional("account_name", of)


def _about_case(sentence: Sentence) -> _Entity:
    found = ((field, said.search(sentence.plain)) for field, said in naming.ABOUT_CASES)
    return {field: sentence.words(match, "value") for field, match in found if match}


def _task(sentence: Sentence, match: re.Match[str]) -> _Entity:
    task = {"subject": sentence.words(match, "value")} | _optional("due_date", day(match["value"], sentence.line.at))
    with_whom = naming.FOLLOWED.search(match["value"])
    for kind in ("account", "contact"):
        if with_whom and with_whom[kind] and (name := naming.name(with_whom[kind], with_whom[kind])):
            at = match.start("value") + with_whom.start(kind)
            return task | {"related_to_type": kind, "related_to_name": sentence.text[at : at + len(name)]}
    return task


def _give_id(sentence: Sentence, named: _Named, last: dict[str, str]) -> None:
    for match in naming.IDS.finditer(sentence.plain):
        kind = next(
            (
                naming.KINDS[word.lower()]
                for word in (match["after"], match["before"])
                if word and word.lower() in naming.KINDS
            ),
            None,
        )
        if kind is None and (match["before"] or "with").lower() in naming.UNSAID_KIND:
            kind = next((kind for kind in ("account", "contact", "opportunity", "lead") if named[kind]), None)
        if kind is None:
            continue
        if not named[kind] and kind in last:
            # Its name is not in the quote. It is in an earlier message of the same conversation, in which "the
            # account" has no other meaning than the account that was named last.
            named[kind].append({"name": last[kind]})
        if named[kind]:
            named[kind][-1]["id"] = match["id"]


def _matches(sentence: Sentence, patterns: Sequence[re.Pattern[str]]) -> Iterator[re.Match[str]]:
    return (match for each in patterns for match in each.finditer(sentence.plain))


def _name(sentence: Sentence, match: re.Match[str], group: str) -> str | None:
    start, end = match.span(group)
    return naming.name(sentence.text[start:end], sentence.plain[start:end])


def _add(to: list[_Entity], entity: _Entity) -> None:
    """What is known of one of the same name is completed."""
    for known in to:
        if known.get("name") == entity.get("name") and known.get("subject") == entity.get("subject"):
            known |= entity
            return
    to.append(entity)


def _optional(field: str, value: str | None) -> _Entity:
    return {field: value} if value else {}


def _decimal(figures: str) -> str | None:
    """`50,000` and `50.000` and `1.861,50` as digits with a point before decimals."""
    whole, _, decimals = re.sub(r"[.,](?=\d{3}(?!\d))", "", figures).replace(",", ".").partition(".")
    return (
        ".".join(filter(None, [whole, decimals]))
        if whole.isdecimal() and whole.isascii() and (decimals or "0").isdecimal()
        else None
    )


def _once(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without those that say nothing that another of the same name does not say."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for each in found:
        of_name = by_name.setdefault(str(each.get("name") or each.get("subject") or each.get("id")).casefold(), [])
        if not any(_said(each) <= _said(other) for other in of_name):
            of_name[:] = [*(other for other in of_name if not _said(other) <= _said(each)), each]
    return sorted((each for of_name in by_name.values() for each in of_name), key=lambda each: int(each["message"]))


def _said(statement: dict[str, Any]) -> set[tuple[str, str]]:
    return {(field, value) for field, value in statement.items() if field not in ("message", "quote")}
