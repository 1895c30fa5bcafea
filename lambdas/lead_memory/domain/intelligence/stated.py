"""Whether a message states what a model says that it states."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from lead_memory.domain.conversation.profile import Stage
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.triggers import Topic, topics
from lead_memory.domain.intelligence.words import content, folded, numbers, words

_QUOTE_CHARACTERS = 4
"""Of a quote at least, if it is not the whole message."""

_BEGINS = r"(?<![^\W_])(?<!\d[.,])(?=\d)|(?<![^\W_])(?=[^\W\d])|(?<!\d)(?=[.,])|(?=[^\w.,])"
_ENDS = r"(?<=\d)(?![^\W_])(?![.,]\d)|(?<=[^\W\d])(?![^\W_])|(?<=[.,])(?!\d)|(?<=[^\w.,])"
"""Of a quote: it cuts no word, and no number."""
_SENTENCE_ENDS = re.compile(r"(?<=[.!?;])\s")
_CLAUSE_ENDS = re.compile(r"[.,:;!?]\s|\s(?:but|mas)\s")
_NEGATED = re.compile(r"n't(?!\w)|\b(?:not|never|cannot|without|nao|nunca|jamais|nem|sem)\b")
_NOT_SO = re.compile(
    r"\?|\b(?:if|when|once|before|after|until|will|would|should|could|can|may|might|going to|mark|set|treat|consider"
    r"|pretend"
    r"|se|quando|antes|depois|ate|vou|vamos|marque|considere|finja)\b"
)
"""Of a sentence that does not say that it is so."""

_STAGES = {
    Stage.CUSTOMER: r"\b(?:bought|ordered|paid|purchased|signed|subscribed|comprei|compramos|paguei|pagamos|pedimos"
    r"|assinei"
    r"|assinamos|fechamos|contratei|contratamos|customers? (?:since|for)|clientes? (?:desde|ha))\b",
    Stage.CHURNED: r"\b(?:cancel(?:l?ed|l?ing)?|left you|switched|moved to|stopped (?:using|buying)|no longer|cancelei"
    r"|cancelamos|cancelar|parei de|paramos de|deixamos de|trocamos de|mudamos para)\b",
    Stage.DECISION: r"\b(?:sign|decid|contract|buy|purchas|order|proposal|go ahead|compra|fechar|assin|contrat"
    r"|propost|pedido)",
}
_STAGE_SIGNS = {stage: re.compile(signs) for stage, signs in _STAGES.items()}
DECIDES = re.compile(
    r"\b(?:i(?:'m| am)? (?:\w+ )?(?:decide|sign|approve|own|make the decisions?|have the final)\b|i(?:'m| am) (?:the"
    r"|an?) "
    r"(?:\w+ )?(?:owner|founder|boss|ceo|director|decision[- ]maker)|(?:up to|decision is) (?:me|mine)\b|my (?:own )?"
    r"(?:decision|business|company)\b|decido\b|assino\b|aprovo\b|(?:decisao|empresa) e minha|depende (?:so )?de mim"
    r"|quem decide sou eu|sou [oa] (?:don[oa]|soci[oa]|diretora?|responsavel|propriet\w+|fundadora?))"
)
OTHERS_DECIDE = re.compile(
    r"\b(?:boss|manager|partner|husband|wife|spouse|director|board|ceo|cfo|procurement|(?:he|she|they) (?:\w+ "
    r")?(?:decide|sign"
    r"|approve)\w*|decides|approves|signs|chefe|gerente|soci[oa]|marido|esposa|diretora?|diretoria|(?:ele|ela|quem) "
    r"(?:decide|assina|aprova)|decision[- ]maker|decid\w+|approv\w+|aprov\w+)\b"
)
METHODS = {
    "email": re.compile(r"\be-?mails?\b"),
    "whatsapp": re.compile(r"\b(?:whats ?app|zap|wpp)\b"),
    "sms": re.compile(r"\b(?:sms|text (?:me|messages?)|torpedo)\b"),
    "phone": re.compile(r"\b(?:phone|call|calls|ring|telefone|fone|lig(?:ar|ue|a|acao))\b"),
}
ACCEPTED = re.compile(
    r"\b(?:ok|okay|better|great|good|perfect|works|fine|deal|agreed|sounds|solved|thanks|like[sd]?|combinado"
    r"|perfeito|otimo"
    r"|beleza|fechado|resolve[ru]?|gostei|melhor|bom|show|certo)\b"
)

_MONTHS = (
    *(r"jan(?:uary|eiro)?", r"feb(?:ruary)?|fev(?:ereiro)?", r"mar(?:ch|co)?", r"apr(?:il)?|abr(?:il)?"),
    *(r"may|maio", r"june?|junho", r"july?|julho", r"aug(?:ust)?|agosto?"),
    *(
        r"sept(?:ember)?|set(?:embro)?",
        r"oct(?:ober)?|out(?:ubro)?",
        r"nov(?:ember|embro)?",
        r"dec(?:ember)?|dez(?:embro)?",
    ),
)
_WEEKDAYS = (
    *(r"mon(?:day)?|segunda", r"tue(?:s|sday)?|terca", r"wed(?:nesday)?|quarta", r"thu(?:rs|rsday)?|quinta"),
    *(r"fri(?:day)?|sexta", r"sat(?:urday)?|sabado", r"sun(?:day)?|domingo"),
)
_WITHIN = {
    r"\b(?:today|tonight|hoje)\b": range(1),
    r"\b(?:tomorrow|amanha)\b": range(1, 2),
    r"\b(?:this week|esta semana|essa semana)\b": range(7),
    r"\b(?:next week|semana que vem|proxima semana)\b": range(1, 15),
}
_MONTH_AHEAD, _WEEKS_AHEAD, _YEARS_AHEAD = 62, 15, 732
"""In days: how far a day without its month, its date or its year can be."""


class Quoted(NamedTuple):
    line: Line
    quote: str
    """Folded, as the other texts."""
    sentences: str
    """Of the message: those that the quote is part of."""


def find(quote: str, line: Line) -> Quoted | None:
    """Where the message has the quote, with whole words and whole numbers."""
    text, sought = folded(line.text), folded(quote)
    whole = sought == text
    if not any(map(str.isalnum, sought)) or (len(sought) < _QUOTE_CHARACTERS and not whole):
        return None
    found = re.search(rf"(?:{_BEGINS}){re.escape(sought)}(?:{_ENDS})", text)
    if found is None:
        return None
    start, end = found.span()
    ends = [match.start() for match in _SENTENCE_ENDS.finditer(text)]
    first = max((at for at in ends if at <= start), default=0)
    last = min((at for at in ends if at >= end), default=len(text))
    return Quoted(line, sought, text[first:last].strip())


def is_token(sought: str, text: str) -> bool:
    """Letter for letter, and not as a part of something longer."""
    return re.search(rf"(?<![\w-])(?<!\d[.,]){re.escape(sought)}(?![\w-])(?![.,]\d)", text) is not None


def writes_id(id_: str, line: Line) -> bool:
    return is_token(id_, unicodedata.normalize("NFC", line.text))


def has_id(id_: str, quoted: Quoted) -> bool:
    return writes_id(id_, quoted.line) and is_token(folded(id_), quoted.quote)


def has_name(name: str, text: str) -> bool:
    """Whether each of its words is in the folded text."""
    return bool(words(folded(name))) and words(folded(name)) <= words(text)


def has_phone(phone: str, quote: str) -> bool:
    digits = re.sub(r"\D", "", phone)
    written = (re.sub(r"\D", "", match[0]) for match in re.finditer(r"\d[\d\s().-]{4,30}\d", quote))
    return bool(digits) and any(number in (digits, digits[-len(number) :]) for number in written)


def supports(text: str, around: str, value: str) -> bool:
    """Whether `text` has every number of the value, and one of its words if it has none, and `around` at least half of
    its numbers and words, and all that are names."""
    plain = folded(value)
    names = {word for word in value.split()[1:] if word[:1].isupper()}
    if not words(folded(" ".join(names))) <= words(around):
        return False
    figures, said = numbers(plain), {word for word in content(plain) if not word.isnumeric()}
    shared = len(figures) + len(said & content(around))
    return figures <= numbers(text) and bool(figures or said & content(text)) and 2 * shared >= len(figures) + len(said)


def affirmed(signs: re.Pattern[str], quoted: Quoted) -> bool:
    """Whether the quote has one of the signs, in a clause that does not deny it."""
    clauses = _CLAUSE_ENDS.split(quoted.sentences)
    return bool(signs.search(quoted.quote)) and any(
        signs.search(clause) and not _NEGATED.search(clause) for clause in clauses
    )


def is_at(stage: Stage, quoted: Quoted) -> bool:
    """A stage never moves back, so that the late ones need words of their own."""
    match stage:
        case Stage.AWARENESS:
            return True
        case Stage.CONSIDERATION:
            return bool(topics(quoted.sentences))
        case Stage.DECISION:
            return affirmed(_STAGE_SIGNS[stage], quoted)
        case Stage.CUSTOMER | Stage.CHURNED:
            return affirmed(_STAGE_SIGNS[stage], quoted) and not _NOT_SO.search(quoted.sentences)


def is_about_money(quoted: Quoted, before: Line | None) -> bool:
    """The message itself, or the one that it answers; a question is about somebody else's money."""
    said = [quoted.line.text, before.text if before else ""]
    return "?" not in quoted.sentences and any(Topic.BUDGET in topics(text) for text in said)


def is_dated(day: date, quoted: Quoted) -> bool:
    """Whether the quote says this day, by its date, its weekday, or its distance from the message's."""
    quote, away = quoted.quote, (day - quoted.line.at.date()).days
    figures = {int(digits) for digits in re.findall(r"\d{1,4}", quote)}
    in_figures = rf"\b0?{day.day}[/.-]0?{day.month}\b|\b0?{day.month}[/.-]0?{day.day}\b"
    month = re.search(rf"{in_figures}|\b(?:{_MONTHS[day.month - 1]})\b", quote)
    in_days = {int(number) * length for number in numbers(quote) for length in _lengths(quote) if number < _YEARS_AHEAD}
    return (
        (day.day in figures and (day.year in figures or abs(away) < _YEARS_AHEAD) and bool(month))
        or (_is_day(day.day, quote) and 0 <= away <= _MONTH_AHEAD and not _other_month(quote))
        or (0 < away < _WEEKS_AHEAD and re.search(rf"\b(?:{_WEEKDAYS[day.weekday()]})\b", quote) is not None)
        or any(away in days and re.search(signs, quote) for signs, days in _WITHIN.items())
        or away in in_days
    )


def _is_day(number: int, quote: str) -> bool:
    """A number alone may count anything."""
    return re.search(rf"\b(?:(?:on|by|until|before|the|dia)\s+{number}|{number}(?:st|nd|rd|th))\b", quote) is not None


def _other_month(quote: str) -> bool:
    return re.search(rf"\b(?:{'|'.join(_MONTHS)})\b|\d[/.-]\d", quote) is not None


def _lengths(quote: str) -> Iterable[int]:
    if re.search(r"\b(?:days?|dias?)\b", quote):
        yield 1
    if re.search(r"\b(?:weeks?|semanas?)\b", quote):
        yield 7
