"""A summary made of the conversation's own sentences: what writes summaries until a model is connected.

A line is one point: "Customer: " or "Assistant: " and a sentence of theirs, in the order in which they were said; a
sentence of a summary that somebody else wrote has no name. So a summary can be taken apart again.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from lead_memory.domain.conversation.messages import ASSISTANT, CUSTOMER, Message

WRITTEN_BY = "extractive"
MAX_WORDS = 150

_LOOKED_AT_CHARACTERS, _LOOKED_AT_SENTENCES = 3_000, 100
"""Of each message: a pasted document says at its beginning what it is."""
_POINT_CHARACTERS = 200
_WORD_CHARACTERS = 10
"""What is longer counts as more words: links, and languages without spaces."""

# Weights where the customer says it and where the assistant does; then beginnings of words without accents, "_" for a
# space, in English and in Portuguese. Needs, concerns and decisions are the customer's to say; of what the assistant
# says, promises, prices and dates matter.
_SIGNS = (
    # Needs
    (
        (3, 0),
        r"want need looking_(?:for|at|to) interested would_like i'd_like prefer",
        r"quer(?:o|ia|emos)\b precis gostari procur interess pref[ie]r",
    ),
    # Concerns and objections
    (
        (3, 1),
        r"concern worr hesita unsure not_sure problem issues?\b frustrat struggl too_(?:expensive|complex|slow) limit "
        r"late\b delay cancel refund broken wrong (?:hasn't|never)_arrive",
        r"preocup receio duvida problema demor atras cancel reembols troca defeito errad reclam limite car[oa]s?\b "
        r"nao_(?:chegou|recebi|veio|funciona)",
    ),
    # Next steps and commitments
    (
        (3, 3),
        r"follow[-_]?up next_step send e-?mail call_(?:me|you|us) schedul book demo\b deliver (?:i|we)(?:'ll|_will)\b "
        r"case_stud",
        r"vou\b vamos\b envi mand[aeo] (?:me|te)_lig ligar agend retorn combinamos proximo_passo entreg "
        r"chega_(?:ate|na|no)\b",
    ),
    # Stage
    (
        (2, 1),
        r"decision decid approv sign_(?:up|it|the) boss manager competitor compar evaluat buy purchas contract",
        r"decis decid aprov assin chefe gerente concorrent compar avali fechar contrat",
    ),
    # Prices
    (
        (2, 2),
        r"[$€£]_?\d \d+_?% pric cost budget afford expens discount fees?\b invoice payment",
        r"r\$ prec[oi] valor cust[ao] orcament descont frete pagament parcel boleto pix\b reais\b",
    ),
    # Times
    (
        (2, 2),
        r"deadline timeline urgent tomorrow (?:mon|tues|wednes|thurs|fri|satur|sun)day week month quarter q[1-4]\b "
        r"\d{1,2}(?::\d\d)?_?[ap]m\b \d{1,2}/\d{1,2}",
        r"prazo amanha (?:segunda|terca|quarta|quinta|sexta)\b sabado domingo semana mes(?:es)?\b dia_\d \d+_dias "
        r"\d{1,2}h",
    ),
    # Products and orders
    (
        (1, 1),
        r"plans?\b product subscri premium integrat orders?\b flavou?r api\b",
        r"planos? produto pedido encomenda integra sabor tamanho estoque whatsapp",
    ),
    # Figures and files
    ((1, 1), r"\d[\d.,]*\d \[attachment:", ""),
    # The assistant's questions: the customer's next message answers them
    ((0, -2), r"\S+\?$", ""),
    # Small talk
    (
        (-2, -2),
        r"^(?:hi|hello|hey|thanks?|good_(?:morning|afternoon|evening)|how_are_you)\b have_a_(?:nice|good|great) "
        r"help_you",
        r"^(?:oi|ola|bom_dia|boa_(?:tarde|noite)|obrigad[oa]|valeu|tudo_bem)\b tenha_um boa_semana bom_fim te_ajudar",
    ),
)
_ANOTHERS = 2
"""Of a sentence without a speaker: whoever wrote that summary has chosen it."""
_NEWER = 2
"""What the newest point is ahead of the oldest one of the same weight."""

_BEGINNINGS = [
    (
        {CUSTOMER: customer, ASSISTANT: assistant, None: customer},
        re.compile(r"(?<!\w)(?:" + "|".join(f"{english} {portuguese}".split()).replace("_", " ") + ")"),
    )
    for (customer, assistant), english, portuguese in _SIGNS
]
_PLAIN = str.maketrans("áàâãéêíóôõúüç\u2019", "aaaaeeiooouuc'")

_ABBREVIATIONS = "".join(
    rf"(?<!\b{abbreviation}\.)" for abbreviation in ("Dr", "Dra", "Mr", "Mrs", "Ms", "Sr", "Sra", "vs")
)
SENTENCE_END = rf"(?<=[.!?…])(?<!\b\w\.\w\.){_ABBREVIATIONS}\s+"
"""As a pattern."""
_SENTENCE_ENDS = re.compile(
    SENTENCE_END
    # A speaker's name within a text would read as if they had said what follows.
    + rf"|\b(?i:{CUSTOMER}|{ASSISTANT})[^\w\n]{{0,9}}?[:\uff1a\ufe13\ufe55]"
)
_MARKUP = re.compile(r"(?:[\s#>*_~`=|\u2022\u2013\u2014]|-+(?!\S)|\d{1,2}[.)]\s)+")
_SPEAKER = re.compile(rf"({CUSTOMER}|{ASSISTANT}): ")


class Point(NamedTuple):
    speaker: str | None
    sentence: str

    def __str__(self) -> str:
        return f"{self.speaker}: {self.sentence}" if self.speaker else self.sentence

    @property
    def words(self) -> int:
        return max(len(str(self).split()), len(str(self)) // _WORD_CHARACTERS)

    @property
    def weight(self) -> int:
        plain = self.sentence.casefold().translate(_PLAIN)
        told = sum(weights[self.speaker] for weights, beginning in _BEGINNINGS if beginning.search(plain))
        return told if self.speaker else told + _ANOTHERS


def summarize(messages: Sequence[Message], before: str | None = None) -> str:
    """At most `MAX_WORDS` words. `before` is the summary until now, whoever wrote it; `messages` are those since."""
    said = (point for message in messages for point in _points(message.said, message.speaker))
    points = _without_repetitions([*points_of(before or ""), *said])
    weights = [point.weight for point in points]
    ranks = {n: weight + _NEWER * n / len(points) for n, weight in enumerate(weights) if weight > 0}
    if points and not ranks:
        ranks = {weights.index(max(weights)): 0}
    chosen, left = [], MAX_WORDS
    for n in sorted(ranks, key=ranks.__getitem__, reverse=True):
        if points[n].words <= left:
            chosen.append(n)
            left -= points[n].words
    return "\n".join(str(points[n]) for n in sorted(chosen))


def points_of(summary: str) -> Iterator[Point]:
    for line in shortened(summary, _LOOKED_AT_CHARACTERS).splitlines():
        named = _SPEAKER.match(line)
        yield from _points(line[named.end() :], named[1]) if named else _points(line, None)


def unmarked(text: str) -> str:
    """Without what begins a heading, a list's item or a quotation."""
    return (text[marked.end() :] if (marked := _MARKUP.match(text)) else text).strip()


def shortened(text: str, characters: int) -> str:
    """Cut at a word's end, with an ellipsis; empty where the first word is already too long."""
    if len(text) <= characters:
        return text
    whole, *cut = text[: characters - 1].rsplit(None, 1)
    return f"{whole}…" if cut else ""


def _points(text: str, speaker: str | None) -> Iterator[Point]:
    lines = filter(None, shortened(text, _LOOKED_AT_CHARACTERS).splitlines())
    sentences = (sentence for line in lines for sentence in _SENTENCE_ENDS.split(unmarked(line)))
    for sentence in islice(sentences, _LOOKED_AT_SENTENCES):
        if point := shortened(" ".join(unmarked(sentence).split()), _POINT_CHARACTERS):
            yield Point(speaker, point)


def _without_repetitions(points: Iterable[Point]) -> list[Point]:
    """What is said again stands where it was said last."""
    newest: dict[str, Point] = {}
    for point in points:
        said = str(point).casefold().rstrip(".!?… ")
        newest.pop(said, None)
        newest[said] = point
    return list(newest.values())
