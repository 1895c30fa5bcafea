"""The words by which the records of a CRM are named. Patterns of plain letters, in which capitals count."""

import re

from lead_memory.domain.intelligence.offline.dates import MONTH, WEEKDAY

_BUSINESS = (
    r"(?:Corp|Corporation|Inc|Ltd|Limited|LLC|GmbH|Ltda|SA|Group|Grupo|Holdings?|Labs?|Solutions|Solucoes|Technologies"
    r"|Tech|Tecnologia|Systems|Sistemas|Partners|Consulting|Consultoria|Studios?|Estudio|Software|Media|Foods"
    r"|Alimentos|Agency|Agencia|Logistics|Logistica|Industries|Industria|Company|Co|Bank|Banco|Padaria|Academia|Loja"
    r"|Lojas|Clinica|Mercado|Restaurante|Farmacia|Construtora|Comercio|Transportes|Distribuidora|Escola|Gym|Box"
    r"|Fitness|Crossfit)"
)
BUSINESS = re.compile(rf"\b{_BUSINESS}\b")
_OF = r"(?:(?:of|de|da|do|dos|das|&|van|von|del) )"
_OF_NO_BUSINESS = rf"{_OF}(?!(?:[A-Z][\w&'-]{{0,30}} ){{0,3}}{_BUSINESS}\b)"
_PERSON = rf"[A-Z][a-z][\w'-]{{0,30}}(?: (?:{_OF_NO_BUSINESS})?(?!{_BUSINESS}\b)[A-Z][a-z][\w'-]{{0,30}}){{1,3}}"
_CAPITALIZED = r"[A-Z][\w&'-]{0,30}+(?!\$)"
_COMPANY = rf"{_CAPITALIZED}(?: {_OF}?{_CAPITALIZED}){{0,4}}"
_SURELY_COMPANY = rf"(?=(?:[\w&'-]{{1,30}} ){{0,5}}?{_BUSINESS}\b)(?P<account>{_COMPANY})"
_AT = r"(?i:from|at|of|with|d[aeo]|n[ao])"

_NOT_IN_NAMES = re.compile(
    rf"(?:{MONTH}|{WEEKDAY}|the|an?|i|we|you|he|she|it|they|my|your|our|his|her|their|this|that|and|or|get|check|open"
    rf"|find|"
    r"update|create|delete|close|call|show|look|please|hi|hello|hey|dear|thanks|thank|yes|no|ok|okay|so|then|when|if"
    r"|is|are|was|has|have|can|could|should|will|what|which|who|where|why|how|yesterday|today|tomorrow|new|id|account"
    r"|contact|case|ticket|deal|opportunity|lead|task|sales|manager|director|ceo|cfo|cto|head|owner|founder|engineer"
    r"|marketing|support|very|really|sorry|glad|happy|good|morning|afternoon|evening|os?|as|uma?|eu|nos|voce|ele|ela"
    r"|meu|minha|seu|sua|nosso|nossa|oi|ola|bom|boa|dia|tarde|noite|obrigad[oa]|sim|nao|ontem|hoje|amanha|conta"
    r"|contato|caso|chamado|oportunidade|proposta|gerente|diretora?|dono|dona|whatsapp|instagram|facebook|google|email"
    r"|linkedin|twitter|pix|netflix|brasil|brazil|rio)",
    re.I,
)


def name(text: str, plain: str) -> str | None:
    """As it is written, without a sentence's beginning before it; None where no name is left."""
    kept: list[str] = []
    for word, folded in zip(text.split(), plain.split(), strict=True):
        if not _NOT_IN_NAMES.fullmatch(folded):
            kept.append(word)
        elif kept:
            break
    while kept and kept[-1].islower():
        kept.pop()
    return " ".join(kept) or None


def _patterns(*alternatives: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"(?<!\w){each}".replace(" ", r"\s")) for each in alternatives)


_WHERE = rf"(?:,? {_AT} (?:[oa] )?{_SURELY_COMPANY})?"
_COLLEAGUE = (
    r"(?:boss|manager|partner|colleague|assistant|director|husband|wife|cfo|ceo|cto|chefe|gerente|soci[oa]|colega"
    r"|diretora?|marido|esposa|assistente)"
)
CONTACTS = _patterns(
    rf"(?i:spoke|speak|talked|talk|met|meeting|chatted|call) (?:(?i:with|to) )?(?P<contact>{_PERSON}){_WHERE}",
    rf"(?i:my name is|this is|i am|i'm|meu nome e|me chamo|aqui e [oa]|aqui quem fala e [oa]"
    rf"|sou [oa]) (?P<contact>{_PERSON}){_WHERE}",
    rf"(?i:falei|falar|fale|fala|falamos|conversei|conversar|converse"
    rf"|reuniao) (?i:com) (?:[oa] )?(?P<contact>{_PERSON}){_WHERE}",
    rf"(?P<contact>{_PERSON}) (?i:me (?:passou|indicou|recomendou|mandou)|(?:referred|recommended|sent|told) me"
    rf"|gave me your)",
    rf"(?i:my|our|meu|minha|nosso|nossa) (?i:business )?(?i:{_COLLEAGUE})(?:,| is"
    rf"| e)?(?: [oa])? (?P<contact>{_PERSON}){_WHERE}",
    rf"(?i:contact(?: person)?(?: is|:)|contato(?: e|:)) (?:[oa] )?(?P<contact>{_PERSON}){_WHERE}",
    rf"(?P<contact>{_PERSON}),? {_AT} (?:[oa] )?{_SURELY_COMPANY}",
)
_NOT_OF_PEOPLE = r"(?! (?i:manager|executive|team))"
_NUMBERED = (
    r"(?:(?: \w{1,20})? (?i:com|with|tem|has|e|is)(?: (?i:the|[oa]))? (?i:number|numero)(?: (?i:is|e))?"
    r" (?P<id>\d[\d-]{0,18})\b)?"
)
ACCOUNTS = _patterns(
    rf"(?<!\b[Mm]y )(?<!\b[Yy]our )(?P<account>{_COMPANY}) (?i:account)\b{_NOT_OF_PEOPLE}{_NUMBERED}",
    rf"(?i:conta d[aeo]|a conta|(?:minha|nossa|a) empresa (?:e [oa]|se chama|chamada)"
    rf"|empresa) (?P<account>{_COMPANY}){_NUMBERED}",
    rf"{_SURELY_COMPANY} (?i:(?:is|has|e|tem) (?:the|our|an?|a|uma) (?:account|conta))\b{_NOT_OF_PEOPLE}",
    rf"(?i:(?:i|we) work (?:at|for)|(?:my|our) company is(?: called)?|(?:a )?company called) (?P<account>{_COMPANY})",
    rf"(?i:trabalh(?:o|amos) (?:n[ao]|para [ao]|pr[ao])) (?P<account>{_COMPANY})",
    rf"(?i:i'm|i am|we're|we are|calling|writing|sou|somos|falo)(?: \w+){{0,2}} {_AT} {_SURELY_COMPANY}",
)
LEADS = _patterns(
    rf"(?i:(?:new |novo |nova )?lead(?: is|:"
    rf"| e)?) (?:[oa] )?(?P<lead>{_PERSON}),? (?:{_AT} )?(?:[oa] )?(?P<account>{_COMPANY})",
)
OPPORTUNITIES = _patterns(
    r"(?i:deal|opportunity|oportunidade|negocio)(?: (?i:called|named|chamad[ao]))?"
    r" [\"“«](?P<opportunity>[A-Z0-9][^\"“”«»]{1,79})[\"”»]",
    rf"(?P<opportunity>(?P<account>{_COMPANY}) (?i:deal|opportunity|renewal))\b",
    rf"(?P<opportunity>(?i:oportunidade|proposta|negocio) (?:d[aoe] )?(?P<account>{_COMPANY}))",
)
AMOUNT = re.compile(r"(?:R\$|US\$|[$€£])\s?(?P<value>\d[\d.,]{0,17})(?!\w)(?!\s?(?:k|mil|m|million)\b)", re.I)
SALES_STAGE = re.compile(
    r"\b(?P<value>prospecting|qualification|discovery|proposal sent|negotiation|closed won|closed lost|prospeccao"
    r"|qualificacao|negociacao)\b",
    re.I,
)
CLOSES = re.compile(
    rf"\b(?:clos(?:e|es|ing)|fecha(?:r|mento)?)\s(?:date\s)?(?:is\s|by\s|on\s|in\s|em\s|ate\s|no\s"
    rf"|dia\s)?(?P<value>{MONTH}\s\d{{1,2}}(?:,?\s\d{{4}})?|\d{{1,2}}\sde\s{MONTH}|{MONTH}(?:\s\d{{4}})?"
    rf"|\d{{4}}-\d\d-\d\d|\d\d?/\d\d?(?:/\d{{2,4}})?|"
    r"Q[1-4](?:\s\d{4})?)\b",
    re.I,
)

_COUNTED = r"(?!\s(?:people|pessoas|units|unidades|reais|dollars|items|itens|boxes|caixas|clientes|days|dias|of|de)\b)"
CASES = re.compile(
    r"(?<!\w)(?<!in )(?<!em )(?:ticket|case|caso|chamado)\s?(?:id|number|numero|no\.|n[ºo°])?[\s:]{0,2}"
    rf"(?P<id>#\s?\d{{1,19}}|[A-Z]{{1,6}}-\d[\w-]{{0,29}}|[A-Z]{{1,3}}\d{{3,19}}|\d{{3,19}})\b{_COUNTED}",
    re.I,
)
ABOUT_CASES = (
    (
        "status",
        re.compile(r"\b(?P<value>open|closed|resolved|pending|aberto|fechado|resolvido|pendente|em andamento)\b", re.I),
    ),
    ("priority", re.compile(r"\b(?P<value>low|medium|high|urgent)\spriority\b", re.I)),
    ("priority", re.compile(r"\bprioridade\s(?P<value>baixa|media|alta|urgente)\b", re.I)),
    ("subject", re.compile(r"\b(?:about|regarding|sobre|referente a)\s(?P<value>[^.,;!?]{3,120})", re.I)),
)

TASKS = re.compile(
    r"(?:\bremind me to\s|^\W{0,4}(?:task|to-?do|tarefa|lembrete)\s?:\s?|\bme lembr[ea] de\s|(?:^|\bplease\s"
    r"|\bto\s)(?=follow up with\s))(?P<value>[^;!?]{3,200})",
    re.I,
)
FOLLOWED = re.compile(
    rf"(?i:with|com|call|email|ligar para) (?:[oa] )?(?:{_SURELY_COMPANY}|(?P<contact>{_PERSON}))".replace(" ", r"\s")
)

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@\w[\w-]{0,60}(?:\.\w[\w-]{0,60}){1,4}")
PHONE = re.compile(r"(?<![\w-])\+\d[\d\s().-]{6,20}\d(?!\w)")

KINDS = {
    **dict.fromkeys(("account", "conta"), "account"),
    **dict.fromkeys(("contact", "contato"), "contact"),
    **dict.fromkeys(("opportunity", "deal", "oportunidade", "negocio"), "opportunity"),
    "lead": "lead",
}
IDS = re.compile(
    r"(?:(?<!\w)(?P<before>\w{1,30})\s)?\bids?\b(?:\s(?:number"
    r"|numero))?(?:\sd[aoe]\s(?P<after>\w{1,30})(?:\s\w{1,30}){0,4}?)?"
    r"(?:\s(?:is|e|=)\s|\s?[:=#]\s?|\s)[\"'(]?(?P<id>(?=[\w-]{0,40}\d)[A-Z0-9][\w-]{1,40})(?!\w)"
    rf"{_COUNTED}",
    re.I,
)
UNSAID_KIND = frozenset(["with", "com", "o", "the", "its", "whose", "has", "having", "under", "tem", "sob"])
"""What stands before an id that belongs to what the sentence names."""
