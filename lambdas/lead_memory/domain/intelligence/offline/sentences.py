"""The sentences of a conversation, as rules look at them."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from lead_memory.domain.conversation.extractive import SENTENCE_END, unmarked
from lead_memory.domain.intelligence.lines import Line

_LOOKED_AT_CHARACTERS, _LOOKED_AT_SENTENCES = 5_000, 100
"""Of each message: a pasted document is not what the lead says of themselves."""
_SENTENCE_CHARACTERS = 500
"""What is longer has no ends that we see, and no rule is sure of what belongs together in it."""

_ENDS = re.compile(rf"{SENTENCE_END}|[\ud800-\udfff]+")
_PLAIN = str.maketrans("áàâãäéêëíïóôõöúüçñÁÀÂÃÄÉÊËÍÏÓÔÕÖÚÜÇÑ\u2019", "aaaaaeeeiioooouucnAAAAAEEEIIOOOOUUCN'")
_CLAUSE_ENDS = re.compile(
    r"[,;:()\u2013\u2014]|\b(?:but|mas|porem)\b|\b(?:and|e|so|entao) (?=(?:i|we|my|our|you|please|eu"
    r"|nos|meu|nosso|minha|a gente|me)\b)",
    re.I,
)
_NOT_SO = re.compile(
    r"n't\b|\b(?:not|never|without|cannot|hardly|nor|(?:have|has|had|is|are|there's|got) no|if|unless|whether|dont"
    r"|doesnt|isnt|wont|cant|didnt|wouldnt|nao|nunca|jamais|sem|nem|nenhuma?|se|caso)\b",
    re.I,
)
_SUPPOSED = re.compile(r"\W*(?:if|unless|suppose|imagine|se|caso|suponha|imagina)\b", re.I)
_TO_A_MACHINE = re.compile(
    r"^\W*(?:system|assistant|developer|user|sistema|assistente)\b\W{0,3}[:>]|\b(?:ignore|disregard|forget|override"
    r"|ignor[ae]|desconsidere|esque[cç]a)\b.{0,40}\b(?:instruc|prompt|rule|regra)|\b(?:set|change|update|mark|record"
    r"|register|save|store|registre|grave|defina|marque)\b.{0,40}\b(?:stage|profile|memory|budget|field|perfil|memoria"
    r"|etapa|orcamento|campo)\b",
    re.I,
)


class Sentence(NamedTuple):
    line: Line
    text: str
    """Letter for letter as the message has it."""
    plain: str
    """Without accents, and as long: what matches here stands in `text` at the same place."""

    @property
    def asks(self) -> bool:
        return self.text.rstrip("\"')”’ ").endswith("?")  # noqa: RUF001 - as people type it

    def words(self, match: re.Match[str], group: str | int = 0) -> str:
        """The message's own, of what matched."""
        return self.text[match.start(group) : match.end(group)].strip(" ,;:.-")


def sentences(lines: Sequence[Line]) -> Iterator[Sentence]:
    """But those that tell a machine what to do or to write down."""
    for line in lines:
        found = (sentence for part in line.text[:_LOOKED_AT_CHARACTERS].splitlines() for sentence in _ENDS.split(part))
        for sentence in islice(filter(None, map(unmarked, found)), _LOOKED_AT_SENTENCES):
            plain = sentence.translate(_PLAIN)
            if len(sentence) <= _SENTENCE_CHARACTERS and not _TO_A_MACHINE.search(plain):
                yield Sentence(line, sentence, plain)


def pattern(*alternatives: str) -> re.Pattern[str]:
    """Of whole words, in plain letters; a space is any run of them."""
    return re.compile(r"(?<!\w)(?:" + "|".join(alternatives).replace(" ", r"\s{1,3}") + r")(?!\w)", re.I)


def clauses(plain: str) -> list[str]:
    return _CLAUSE_ENDS.split(plain)


def stated(sentence: Sentence, said: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Where it is said, unless the words before it in the same clause deny it, or the sentence only supposes it."""
    if _SUPPOSED.match(sentence.plain):
        return
    for match in said.finditer(sentence.plain):
        clause = clauses(sentence.plain[: match.start()])[-1]
        if not _NOT_SO.search(clause):
            yield match
