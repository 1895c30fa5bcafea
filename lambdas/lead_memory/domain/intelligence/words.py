"""Texts as they are compared: spelling apart, by their words and by their numbers."""

import re
import unicodedata
from decimal import Decimal

_TYPOGRAPHIC = str.maketrans(
    {
        **dict.fromkeys("\u201c\u201d\u201e\xab\xbb\u2033", '"'),
        **dict.fromkeys("\u2018\u2019\u201a`\xb4\u2032", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    }
)
_NOT_COMPARED = {"Mn", "Me", "Cf"}
"""Unicode's categories of accents, and of what cannot be seen."""
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(
    r"(\d+(?:[.,]\d+)*)(?:\s?(k|thousand|mil|mi|million|milhao|milhoes)(?!\w))?"  # Of 1,500 and 1.861,50 and 50k
)
_TIMES = {"k": 10**3, "thousand": 10**3, "mil": 10**3} | dict.fromkeys(("mi", "million", "milhao", "milhoes"), 10**6)
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:[.,]\d{3})+")
_AS_WORDS = {
    word: Decimal(number)
    for number, words in {
        2: "two dois duas",
        3: "three tres",
        4: "four quatro",
        5: "five cinco",
        6: "six seis",
        7: "seven sete",
        8: "eight oito",
        9: "nine nove",
        10: "ten dez",
        11: "eleven onze",
        12: "twelve doze",
        15: "fifteen quinze",
        20: "twenty vinte",
        30: "thirty trinta",
        40: "forty quarenta",
        50: "fifty cinquenta",
        60: "sixty sessenta",
        70: "seventy setenta",
        80: "eighty oitenta",
        90: "ninety noventa",
        100: "hundred cem",
        200: "duzentos",
        300: "trezentos",
        500: "quinhentos",
        1_000: "thousand mil",
        1_000_000: "million milhao milhoes",
    }.items()
    for word in words.split()
}
"""Without one: it is an article too."""
_STEM = 5
_EMPTY = frozenset(
    word
    for language in (
        "the and for with from that this have has had was were are not but its our your their they them you she his "
        "her all any can will would could should there here what which who how than then too very just about into "
        "been being does did only some more",
        "que com para por uma uns umas dos das nos nas pelo pela mas mais muito nao sem seu sua seus suas meu minha "
        "nosso nossa ele ela eles elas voce voces isso isto esse essa este esta foi sao ser tem ter ainda quando como "
        "so ja tambem",
    )
    for word in language.split()
)


def folded(text: str) -> str:
    """Case, accents, widths, typographic marks, what cannot be seen, and runs of spaces do not matter.

    Letters of other scripts that look alike stay what they are.
    """
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text.translate(_TYPOGRAPHIC)).casefold())
    seen = "".join(letter for letter in decomposed if unicodedata.category(letter) not in _NOT_COMPARED)
    return " ".join(seen.split())


def words(text: str) -> set[str]:
    """Of a folded text, singular and plural the same."""
    return {word.removesuffix("s") or word for word in _WORD.findall(text)}


def content(text: str) -> set[str]:
    """The beginnings of a folded text's words, without those that every text has."""
    found = (word for word in _WORD.findall(text) if word not in _EMPTY and (len(word) > 2 or word.isnumeric()))
    return {word.removesuffix("s")[:_STEM] for word in found}


def numbers(text: str) -> set[Decimal]:
    """Of a folded text, in figures and in words, whether `1,500.00` or `1.500,00` is written."""
    in_figures = {_number(match[1]) * _TIMES.get(match[2], 1) for match in _NUMBER.finditer(text)}
    return in_figures | {_AS_WORDS[word] for word in _WORD.findall(text) if word in _AS_WORDS}


def _number(figures: str) -> Decimal:
    if _GROUPED.fullmatch(figures):
        return Decimal(re.sub(r"[.,]", "", figures))
    *whole, decimals = re.split(r"[.,]", figures)
    return Decimal(f"{''.join(whole)}.{decimals}") if whole else Decimal(decimals)
