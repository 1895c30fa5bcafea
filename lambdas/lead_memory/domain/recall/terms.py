"""A text as the words that are searched for, each as a number."""

import re
from array import array
from zlib import crc32

from lead_memory.domain.intelligence.words import folded

_WORD = re.compile(r"[^\W_]+")
_STOP = frozenset(
    word
    for language in (
        "a about again all also am an and any are as at be been being but by can could did do does doing done each "
        "either else ever every few for from get gets got had has have having he her here hers him his how i if in "
        "into is it its just let many may me might more most much must my never no nor not now of off often on once "
        "only or other our ours out over own shall she should so some still such than that the their theirs them then "
        "there these they this those to too under until up us very was we were what whatever when where whether which "
        "while who whom whose why will with within without would yet you your yours",
        "a agora ai ainda alem algo alguem algum alguma algumas alguns ali ante antes ao aos apos aquela aquelas "
        "aquele aqueles aqui aquilo as assim ate bem cada com como contra da dai das de dela delas dele deles depois "
        "desde dessa desse desta deste deve devem disso do dos e ela elas ele eles em enquanto entao entre era eram "
        "essa essas esse esses esta estao estas estava este estes estou eu faz fazem fazer foi foram gente ha haver "
        "havia isso isto ja la lhe lhes lo logo mais mas me mesma mesmo meu meus mim minha minhas muita muitas muito "
        "muitos na nada nao nas nela nele nem nenhum nenhuma nessa nesse nesta neste ninguem no nos nossa nossas "
        "nosso nossos num numa o onde os ou outra outras outro outros para pela pelas pelo pelos per perante pode "
        "podem por porem porque pouca pouco pra pro quais qual qualquer quando quanta quantas quanto quantos que quem "
        "quer se seja sem sempre sendo ser sera seu seus si sido so sob sobre sua suas tal tambem tao tem tendo tenha "
        "ter teu tinha toda todas todo todos tu tua tudo um uma umas uns vai vao voce voces vos",
    )
    for word in language.split()
)
"""Of English and of Portuguese, without accents."""
_STEM = 4
"""Letters of a word that count: what follows is inflection, or how the other language ends the same word."""


def terms(text: str) -> bytes:
    """The hashes of its words, unsigned 32 bits each, in their order; a word that stands twice is there twice."""
    return array("I", [crc32(word.encode()) for word in _searched(text)]).tobytes()


def _searched(text: str) -> list[str]:
    """Names with digits are whole: no other SKU or ticket is meant."""
    words = [word for word in _WORD.findall(folded(text)) if word not in _STOP]
    return [word[:_STEM] if word.isalpha() else word for word in words if len(word) > 1 or word.isdigit()]
