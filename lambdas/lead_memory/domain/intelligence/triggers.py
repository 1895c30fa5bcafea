"""What in a message says that it is worth asking a model about."""

import re
from enum import StrEnum

from lead_memory.domain.conversation.messages import ASSISTANT, CUSTOMER
from lead_memory.domain.conversation.notes import Category
from lead_memory.domain.intelligence.words import folded


class Topic(StrEnum):
    """The specification's seven groups of triggers."""

    BUDGET = "budget"
    TIMELINE = "timeline"
    AUTHORITY = "authority"
    PAIN = "pain"
    OBJECTION = "objection"
    PRODUCT = "product"
    NEXT_STEP = "next_step"


# Beginnings of words without case and accents, "_" for a space, in English and in Portuguese. The specification's own
# patterns match within words ("sign" in "design") and have "when", "later", "question", "issue", "want to" and
# "need to", which most replies have.
_SIGNS = {
    Topic.BUDGET: (
        r"budget afford pric(?:e|es|ing)\b costs?\b expens(?:e|es|ive)\b fees?\b discount invoic payments? "
        r"too_much_money \d_(?:a|per)_(?:month|year|seat|user)\b [$€£]_?\d",
        r"r\$ orcament precos?\b custos?\b custa caro\b mais_barat descont frete\b fatura pagament parcel "
        r"por_mes\b valores\b reais\b",
    ),
    Topic.TIMELINE: (
        r"timeline deadline urgen(?:t|cy)\b asap\b as_soon_as tomorrow\b "
        r"(?:by|before|until|on|next|this)_(?:mon|tues|wednes|thurs|fri|satur|sun)day "
        r"(?:by|before|until|next|this)_(?:week|month|quarter|year|summer|spring|autumn|winter)\b "
        r"(?:before|until)_(?:the_)?(?:end|season|summer|launch) q[1-4]\b (?:in|within)_\S+_(?:days?|weeks?|months?)\b "
        r"by_the_end_of start_(?:in|before|next)\b",
        r"prazo urgen(?:te|cia)\b amanha\b o_quanto_antes ate_(?:a_|o_)?(?:segunda|terca|quarta|quinta|sexta|sabado|dia"
        r"|fim|final)\b (?:semana|mes|ano|trimestre)_que_vem proxim[oa]_(?:semana|mes|ano|trimestre) "
        r"(?:na|nesta)_(?:segunda|terca|quarta|quinta|sexta)\b antes_d[eoa]_(?:verao|inverno|natal|fim|final) "
        r"(?:em|daqui_a)_\S+_(?:dias|semanas|meses)\b",
    ),
    Topic.AUTHORITY: (
        r"decision decid(?:e|es|ing)\b approv (?:to|we|i|i'll|can|will|before)_sign(?!_in|_up)\b "
        r"sign_(?:it|the|this|off)\b signed_(?!in|up) authority\b boss\b "
        r"my_manager (?:business|my)_partner stakeholder procurement",
        r"decis(?:ao|oes)\b decid(?:o|e|em|ir|imos)\b aprov(?:o|a|ar|acao|ou|ado|ada)\b "
        r"assin(?:o|a|ar|amos|atura|ou)\b meu_chefe minha_chefe chefe\b gerente\b diretor soci[oa]\b",
    ),
    Topic.PAIN: (
        r"challeng (?<!no_)(?<!any_)problems?\b frustrat struggl pain(?:s|ful|_point) (?:an|the|this|that)_issues?\b "
        r"broken\b broke\b went_wrong wrong_(?:order|item|size|with) damaged (?:does|did|do|is)(?:n't|_not)_work "
        r"never_arriv "
        r"(?:hasn't|has_not|nothing|not)_arrived? arrived_(?:late|open|broken) too_complex unreliable",
        r"(?<!sem_)problema dificuldade frustra defeito quebr(?:ad|ou) danificad vei?o_(?:abert|errad|quebrad) "
        r"derramou nao_(?:funciona|chegou|chega|recebi|veio) atras(?:ad|ou|o\b) reclam",
    ),
    Topic.OBJECTION: (
        r"concern(?:s|ed)?\b (?<!no_)worr(?:y|ied|ies)\b (?<!not_)hesita unsure\b not_sure_(?:if|about|whether|we|i"
        r"|it|that)\b "
        r"too_(?:expensive|high|complex|risky|slow) (?:over|above|beyond)_(?:the|our|my|budget) more_than_(?:we|i)_ "
        r"competitor cheaper",
        r"preocupa receio inseguro nao_tenho_certeza "
        r"(?:muito|meio|bem)_(?:caro|cara|alto|complicado|demorado) acima_d[oa] "
        r"(?:esta|fica|ficou|achei|ta)_(?:muito_)?car[oa] concorren",
    ),
    Topic.PRODUCT: (
        r"interested_in looking_(?:at_(?:the|your|a)|for_(?:a|an|some)|into)\b considering "
        r"(?:premium|pro|basic|enterprise|starter|team|annual|monthly)_plan "
        r"plans?_(?:for|is|has|with|includes?)\b subscri(?:be|ption) upgrad demo\b free_trial sample_kit samples?\b "
        r"flavou?rs?\b ordered\b bought\b paid\b",
        r"interess(?:e_em|ad[oa]|ou|a_)\S* (?:queria|quero|gostaria_de)_(?:saber|conhecer|comprar|contratar|testar)\b "
        r"comprei\b paguei\b procurando planos?_\S+ assinatura contratar\b catalogo amostra sabor(?:es)?\b (?:em|no"
        r"|ao)_estoque\b",
    ),
    Topic.NEXT_STEP: (
        r"follow[-_]?up next_steps? (?:send|e-?mail|call|text|message)_(?:me|you|us|it|them)\b "
        r"(?:i|we)(?:'ll|_will)_(?:send|call|e-?mail|ask|check|get_back|tell|collect) "
        r"(?:shall|should|can|let)_(?:i|me|we)_(?:send|call|e-?mail|ask|book|schedule|write) "
        r"(?:book|schedule|set_up)_(?:an?|the|your)_(?:call|demo|meeting|visit) get_back_to "
        r"com(?:e|ing)_back_to_you (?:waiting|wait)_for",
        r"(?:te|lhe|me|vou|posso|vamos)_(?:ligo|liga|ligar|envi|mand|avis|agend|marc)\S* proximos?_passos? "
        r"retorno_\S+_contato agendar\b (?:que|quer_que)_eu_(?:avise|envie|mande|ligue) marcar_uma "
        r"fico_no_aguardo",
    ),
}


def _beginnings(*signs: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)(?:" + "|".join(" ".join(signs).split()).replace("_", " ") + ")")


_TOPICS = {topic: _beginnings(*signs) for topic, signs in _SIGNS.items()}


def topics(text: str) -> frozenset[Topic]:
    plain = folded(text)
    return frozenset(topic for topic, signs in _TOPICS.items() if signs.search(plain))


def facts_wanted(reply: str) -> bool:
    """Whether the contact's facts are looked for after this reply of ours."""
    return bool(topics(reply))


_ENGLISH, _NAMED = (
    r"accounts?|opportunity|deal|(?<!in )case|ticket|task",
    r"contact|conta|oportunidade|neg[oó]cio|contato",
)
_KIND = rf"(?:{_ENGLISH}|{_NAMED}|(?<!no )caso|chamado|tarefa)"
_NOT_NAMES = (
    "The|This|That|Your|My|Our|His|Her|Their|An?|In|Is|It|I|No|Em|Na|[OA]s?|Uma?|Seu|Sua|Meu|Minha|Nosso|Nossa|Nest[ae]"
)
_NAME = rf"(?!(?:{_NOT_NAMES})\b)[A-Z\xc0-\xd6\xd8-\xde][\w&'\u2019.-]{{1,40}}"
_OF = r"(?i:of |for |with |named |called |is |da |do |de |com |empresa )"
_CRM = re.compile(
    rf"\b(?i:{_ENGLISH}|{_NAMED})\b[\s:'\"(-]{{1,3}}{_OF}{{0,2}}[\"']?{_NAME}"
    rf"|\b{_NAME}(?:['\u2019]s)? (?i:{_ENGLISH})\b"
    rf"|\b(?i:{_KIND})\b[^\n.!?\d]{{0,40}}(?<!\w)[A-Za-z]{{0,9}}-?\d\w{{2,}}"
    r"|\b(?i:ids?)\b[\s\"'(]{0,3}(?i:is|é|e|was|number|number is|do|da|of)?[\s:=#\"']{1,4}(?=[\w-]*\d)[\w-]{3,}"
)


def crm_mentioned(text: str) -> bool:
    """An account, an opportunity or their like together with a name or an id, or an id that is said to be one."""
    return _CRM.search(text) is not None


_EARLIER = re.compile(
    r"-{2,}\s?(?:original message|mensagem original|forwarded message|mensagem encaminhada)\s?-{2,}"
    r"|(?:on|em|no dia)\b.{1,200}\b(?:wrote|escreveu):"
)
_FROM, _SENT = re.compile(r"\*?(?:from|de):"), re.compile(r"\*?(?:sent|date|to|enviad[oa](?: em)?|data|para):")
_CATEGORIES = "|".join(Category)
_HEADING = re.compile(
    r"#+ (?:contact profile|operator notes|conversation summary|recent conversation)\b"
    rf"|(?:\W+ )?(?:\*\*)?\[(?:{_CATEGORIES})\]"
    r"|\*\*[\w ]{1,40}:\*\*|(?:\W+ )?\*\*reactivation alert\*\*|context: this lead went quiet"
    r"|known (?:accounts|contacts|opportunities|cases|tasks|leads):|\*these notes are provided by human operators"
    rf"|(?:{CUSTOMER.lower()}|{ASSISTANT.lower()})\s?:"
)


def unquoted(text: str) -> str:
    """Without what it quotes of earlier messages, and without lines of an agent's context: what was recalled from
    memory is never extracted again."""
    lines = _without_context([line for line in text.splitlines() if not line.lstrip().startswith(">")])
    plain = [folded(line) for line in lines]
    for number, (line, after) in enumerate(zip(plain, [*plain, ""][1:], strict=True)):
        # A mail program may break "On …, … wrote:" into two lines.
        wraps = not _EARLIER.match(after) and _EARLIER.fullmatch(f"{line} {after}")
        if _EARLIER.fullmatch(line) or wraps or (_FROM.match(line) and any(map(_SENT.match, plain[number + 1 :][:3]))):
            lines = lines[:number]
            break
    return "\n".join(lines).strip()


def _without_context(lines: list[str]) -> list[str]:
    """Entries of a list, lines that are set in and empty ones belong to the heading before them."""
    kept, within = [], False
    for line in lines:
        starts = bool(_HEADING.match(folded(line)))
        within = starts or (within and (not line.strip() or line.startswith(("- ", "  "))))
        if not within:
            kept.append(line)
    return kept
