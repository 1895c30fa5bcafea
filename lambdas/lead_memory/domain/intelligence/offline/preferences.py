"""The words by which facts are stated: tables of patterns in plain letters. A space in them is any run of spaces."""

import re

from lead_memory.domain.intelligence.offline.dates import MONTH, WEEKDAY
from lead_memory.domain.intelligence.offline.sentences import pattern

# Money

_FIGURES = r"\d(?:[\d.,]{0,14}\d)?"
_THOUSANDS = r"(?:\s?(?:k|m|mil|thousand|million)\b)"
_MONEY = (
    rf"(?:(?:r\$|us\$|[$€£])\s?{_FIGURES}{_THOUSANDS}?|{_FIGURES}{_THOUSANDS}?\s?(?:reais|dollars|dolares|euros|pounds"
    rf"|usd|brl)\b|{_FIGURES}{_THOUSANDS})"
)
_SUM = rf"(?:{_MONEY}|\d[\d.,]{{1,14}}\d(?!\w|\s?%))"
"""Where the words before it say that it is money."""
_PER = (
    r"(?:(?:\s?/\s?| (?:a|per|each|every|por|ao|no|cada) )(?:month|year|week|quarter|user|seat|mes|ano|semana|usuario"
    r"|mo|yr)\b| (?:monthly|yearly|annually|mensais|mensal|anuais|anual)\b)"
)
_ABOUT = (
    r"(?:between|from|entre|de|up to|at most|no more than|under|below|less than|around|about|roughly|maximum|max|ate"
    r"|no maximo|uns|cerca de|em torno de|menos de) "
)
_UP_TO = rf"(?:(?:\s?[-\u2013]\s?| (?:to|and|or|a|e|ou|ate) ){_SUM})?"
_AMOUNT = rf"(?P<value>(?:{_ABOUT})?{_SUM}{_UP_TO}{_PER}?)"
_FILLER = (
    r"(?:\s(?:is|is at|of|for|would|be|set|at|range|only|still|monthly|yearly|total|maximum|mensal|anual|maximo|this"
    r"|that|it|the|project|month|year|quarter|e|de|do|da|para|pra|isso|isto|esse|este|projeto|mes|ano|seria|fica|esta"
    r"|em|gira|hoje|por|limitad[oa]|a)\b){0,6}"
)

# Times

_SEASONS = "summer|winter|spring|autumn|fall|holidays|season|christmas|black friday|verao|inverno|natal|ferias|carnaval"
_PERIODS = "month|quarter|year|week|semester|mes|trimestre|semestre|ano|semana"
_WHICH = r"(?:the |this |next |o |a |este |esta |esse |essa |d[oae] |deste |desta |(?:o |a )?proxim[oa] )"
_PERIOD = (
    rf"(?:q[1-4](?:(?: of)? \d{{4}})?|{MONTH}(?: \d{{1,2}}(?:st|nd|rd|th)?\b)?(?:,? (?:de )?\d{{4}})?"
    rf"|(?:{_SEASONS})(?: season)?|(?:mes|ano|semana|trimestre) que vem|\d{{1,2}} de {MONTH}"
    rf"|dia \d{{1,2}}(?: de {MONTH})?|{WEEKDAY})"
)
_END = (
    r"(?:the |o |no )?(?:end|beginning|start|middle|fim|final|comeco|inicio|meio) (?:of |d[oea](?:ste|sta|sse|ssa)? )"
)
WHEN = (
    r"(?P<value>(?:(?:by|before|until|till|in|during|no later than|ate|antes d[oae]|em|no|na|para|pra|ainda) )?"
    rf"(?:(?:{_END})?{_WHICH}?{_PERIOD}|(?:{_END}{_WHICH}?|(?:this|next|este|esse|esta|essa"
    rf"|n?[oa] proxim[oa]) )(?:{_PERIODS}))"
    r"|(?:in|within|in the next|over the next|em|daqui a|dentro de|nos proximos|nas proximas) (?:\d{1,3}|one|two|three"
    r"|a few|a couple of|um|uma|dois|duas|tres|poucos|poucas)(?: (?:to|or|a|ou) \d{1,3})? (?:days|weeks?|months?|dias"
    r"|semanas?|mes|meses))"
)
_OURS = (
    r"(?:an?|some) (?:\w+ ){0,2}(?:plan|package|subscription|licen[cs]es?|seats|system|software|tool|crm|solution|offer"
    r"|quote|proposal|contract|answer|decision)"
)
"""What a lead may mean to have from us: of other things with an indefinite article we know nothing."""
_BUY = rf"(?:buy(?! (?:an?|some)\b)|buy {_OURS})"
_GOAL = (
    rf"(?:(?:we|i|our team)(?:'d|'re|'ll|'m| am| are| will| would)?(?: \w+)? (?:need (?:it|this|everything)\b"
    rf"|need {_OURS}|(?:want|like|plan|hope|aim|planning|hoping|aiming|looking|going|need|have) to (?:start|begin"
    rf"|launch|go|decide|sign|{_BUY}|switch|migrate|roll|implement|open|move|be|have it)\b|(?:start|launch|go live"
    r"|decide|open|must decide)\b)|(?:need|have|must|want|plan|hope)(?: to)? (?:start|launch|go live|decide|sign"
    rf"|{_BUY}|switch|have it)\b|will decide|(?:our|the|my) (?:deadline|timeline|launch|decision)\b|(?:precis(?:o"
    r"|amos)|quer(?:o|emos|ia|iamos)|a gente (?:precisa|quer|pretende|vai)|gostari(?:a|amos) de|pretend(?:o|emos)"
    r"|vamos) (?:disso|isso|comecar|iniciar|fechar|decidir|implantar|contratar|lancar|abrir|migrar|trocar|resolver"
    r"|estar|ter)\b|(?:nosso |meu |o )prazo\b)"
)

# People

_BOSS = (
    r"(?:boss|manager|partner|director|husband|wife|cfo|ceo|cto|board|owner|chefe|gerente|soci[oa]|diretora?|marido"
    r"|esposa|diretoria|patrao|financeiro)"
)
_ABOVE = rf"(?:my|our|the|meu|minha|nosso|nossa|[oa]) (?:\w+ )?{_BOSS}"
_STAFF = (
    r"(?:people|employees|staff|athletes|agents|reps|users|seats|developers|members|salespeople|pessoas"
    r"|funcionari[oa]s|colaborador(?:es|as)|atletas|vendedor(?:es|as)|atendentes|usuarios|alunos|socios)"
)
_HOW_MANY = (
    r"(?:about |around |roughly |over |almost |uns |umas |cerca de |mais de "
    r"|quase )?\d[\d.,]{0,7}(?:\s?[-\u2013]\s?\d{1,6})?"
)

_CAN_SPEND = (
    r"(?:can|could|would|want to|willing to|plan to|planning to|able to|like to|prepared to)(?: only)? (?:spend|pay"
    r"|afford|invest|go)",
    r"(?:pod(?:emos|eriamos|eria)|posso|consigo|conseguimos|quer(?:o|emos|ia)|pretend\w+|da (?:pra|para)"
    r"|dispost[oa]s? a|pens(?:o|amos|ando) em) (?:pagar|gastar|investir)",
)
_CHANNELS = {
    "whatsapp": r"(?:whatsapp|whats|zap)",
    "email": r"e-?mail",
    "phone": r"(?:phone|telephone|telefone|ligacao|phone calls?)",
    "sms": r"(?:sms|text messages?|text)",
}
_ANY_CHANNEL = f"(?:{'|'.join(_CHANNELS.values())})"
_BY_CHANNEL = [
    (
        "preferred_contact_method",
        method,
        pattern(
            rf"{channel} (?:is|works|would be|e|seria|funciona) (?:the )?(?:best|better|easier|easiest|fine|melhor"
            rf"|mais facil)",
            rf"(?:prefer|prefiro|preferimos|melhor)(?: \w+){{0,4}} {channel}",
            rf"(?:reach|contact|write to|message) (?:me|us) (?:on|by|via|over|through) {channel}",
            rf"(?:me|nos) (?:cham[ae]|mand[ae]|escrev[ae]|respond[ae]|contat[ae])(?: \w+)? (?:n[oa]|pel[oa]"
            rf"|por) {channel}",
            rf"pode(?:m)? (?:me )?(?:mandar|enviar|avisar)(?: \w+)? (?:n[oa]|pel[oa]|por) {channel}",
            rf"(?:by|via|over) {channel},? (?:not|instead of|rather than) (?:by |via |over )?{_ANY_CHANNEL}",
            rf"(?:chamar|falar|responder|escrever)(?: \w+)? (?:n[oa]|pel[oa]|por) {channel}",
        ),
    )
    for method, channel in _CHANNELS.items()
]
_CLOCK = r"\d{1,2}(?::\d\d|h\d\d)?\s?(?:a\.?m\.?|p\.?m\.?|h|horas)?"
_CONTACT = (
    r"(?:best time|(?:call|text|reach|contact|message|write to|talk to|ring) (?:me|us)|i'm (?:free|available)"
    r"|i am (?:free|available)|i can talk|i prefer)",
    r"(?:melhor hor(?:ario|a)|me (?:lig(?:a|ue)|cham[ae]|mand[ae])|pode(?:m)? (?:me )?(?:ligar|chamar|falar|(?:mandar"
    rf"|enviar)(?: \w+)? (?:por|pel[oa]|n[oa]) {_ANY_CHANNEL})|(?:falo"
    r"|atendo|respondo|consigo falar)|estou (?:livre|disponivel)|prefiro)",
)
_NOT_ALL = r"(?! (?:on|off|who|out|waiting|asking|coming|de|que|fora)\b)"
_SIZES = (
    (
        None,
        rf"we(?:'re| are)(?: now| only| just| currently)? (?:a (?:team|company|business|group"
        rf"|staff) of )?(?P<value>{_HOW_MANY}(?: {_STAFF}))",
    ),
    (
        None,
        rf"(?:we|i)(?: currently| now)? (?:have|employ)(?: a team of)? (?P<value>{_HOW_MANY} {_STAFF}){_NOT_ALL}",
    ),
    (None, rf"(?:(?:a|our) )?(?:team|company|staff)(?: is| has)?(?: of)? (?P<value>{_HOW_MANY}(?: {_STAFF}))"),
    (None, rf"(?:we are|we're) (?:a )?(?:team|company|staff) of (?P<value>{_HOW_MANY})"),
    (None, rf"somos(?: em| hoje)? (?P<value>{_HOW_MANY}(?: {_STAFF})?)(?=\W|$)"),
    (
        None,
        rf"(?:temos|tenho|(?:empresa|equipe|time|loja|nos|a gente) (?:tem|temos|conta com"
        rf"|de)) (?P<value>{_HOW_MANY} {_STAFF}){_NOT_ALL}",
    ),
    (None, r"(?P<value>i work (?:alone|by myself)|i'm a solo \w+|trabalho sozinh[oa])"),
)
_PARTS = r"(?:mornings?|afternoons?|evenings?|nights?)"
_HABITUAL = (
    rf"(?P<value>(?:on )?(?:weekday|weekend|monday|tuesday|wednesday|thursday|friday|saturday|sunday)s? {_PARTS}"
    rf"|(?:in the |the )?{_PARTS}|(?:on )?(?:weekdays|weekends|mondays|tuesdays|wednesdays|thursdays|fridays"
    rf"|saturdays)|(?:after|before) {_CLOCK}(?: on weekdays)?|between {_CLOCK} and {_CLOCK}|(?:depois|antes"
    rf"|a partir) d?[ao]s? {_CLOCK}|entre (?:as )?{_CLOCK} e (?:as )?{_CLOCK}"
    r"|(?:de|pela|a|no periodo da) (?:manha|tarde|noite)|(?:em |nos )?dias (?:de semana|uteis)|(?:no |nos )?fi(?:m"
    r"|ns) de semana)"
)

PREFERENCES = [
    ("budget_range", None, pattern(rf"(?<!your\s)(?<!seu\s)(?:budget|orcamento|verba)\b:?{_FILLER} {_AMOUNT}")),
    *(("budget_range", None, pattern(rf"{can_spend} {_AMOUNT}")) for can_spend in _CAN_SPEND),
    (
        "budget_range",
        None,
        re.compile(
            rf"^\W*(?:(?:yes|maybe|probably|somewhere|something|sim|talvez|algo"
            rf"|acho que)\W{{1,3}})?(?P<value>{_ABOUT}{_MONEY}{_UP_TO}{_PER}?)\W*$".replace(" ", r"\s"),
            re.I,
        ),
    ),
    ("timeline", None, pattern(rf"{_GOAL}[^,;:]{{0,60}}? {WHEN}")),
    (
        "timeline",
        None,
        pattern(
            r"(?P<value>(?:no|in no|not in a|not in any) (?:rush|hurry)|(?:sem|nao tenho|nao temos|nao ha"
            r"|nao tem) pressa|not urgent|nao e urgente|urgent|asap|as soon as possible|urgente|o quanto antes"
            r"|o mais rapido possivel)"
        ),
    ),
    (
        "decision_maker",
        "no",
        pattern(
            rf"{_ABOVE}(?:(?-i:(?: [A-Z][\w'-]{{0,30}}){{1,3}})|(?: \w+))?"
            r" (?:must|has to|have to|needs? to|will|precisa|tem que|vai)(?: \w+)? "
            r"(?:approve|decide|sign|ok|agree|aprovar|decidir|assinar|autorizar|liberar)",
            rf"{_ABOVE}(?: (?!never|nunca|nao|not)\w+)? (?:decides|makes the (?:final )?decisions?|has the (?:final"
            rf"|last) (?:say|word)|decide|(?:e|que) quem decide)",
            rf"(?:need|needs|waiting for|get|require)(?: \w+)? (?:approval|sign-?off|the ok)(?: \w+)? (?:from|by"
            rf"|of) {_ABOVE}",
            rf"(?:need|have|must|got)(?: to)? (?:ask|check with|talk to|run (?:it|this) (?:by|past)) {_ABOVE}",
            r"(?:it's |it is |that's )?not (?:my decision|up to me|me who decides)|i (?:don't|do not|can't"
            r"|cannot) decide|i (?:can't|cannot|can not) (?:sign|approve)(?: \w+)? (?:alone|by myself|on my own)",
            rf"(?:precis(?:o|amos)|depend[eo]) (?:da|de|ter a) (?:aprovacao|autorizacao|ok|assinatura) d[oae] (?:meu "
            rf"|minha |noss[oa] )?{_BOSS}",
            rf"(?:precis(?:o|amos)|tenho que|vou ter que|preciso) (?:falar com|perguntar (?:a|ao|pro|pra|para)"
            rf"|consultar) {_ABOVE}",
            r"nao (?:sou eu (?:que|quem) decid[eo]|decido sozinh[oa]|depende (?:so )?de mim)",
            rf"quem decide e {_ABOVE}",
        ),
    ),
    (
        "decision_maker",
        "yes",
        pattern(
            r"i(?:'m| am) the (?:one who (?:decides|signs)|(?:only )?decision[- ]maker)",
            r"i (?:decide|make the (?:final |buying )?decisions?|have the (?:final|last) (?:say|word)"
            r"|sign the contracts?)",
            r"(?:it's|it is|that's|the decision is) (?:my decision|my call|mine)",
            r"(?:sou eu (?:que|quem)|quem decide sou) (?:decid[eo]|eu)|eu (?:mesm[oa] )?decido"
            r"|a decisao e (?:so )?minha",
        ),
    ),
    (
        "preferred_contact_method",
        "email",
        pattern(
            rf"e-?mail (?:me|us)\b[^;:?]{{0,60}}?,? (?:not|instead of|rather than) (?:by |via |over )?{_ANY_CHANNEL}"
        ),
    ),
    (
        "preferred_contact_method",
        "sms",
        pattern(r"(?<!i'll\s)(?<!will\s)text (?:me|us)(?! (?:the|your|a|an)\b)", r"me manda (?:um )?sms"),
    ),
    (
        "preferred_contact_method",
        "phone",
        pattern(r"prefer (?:a )?(?:phone )?calls?", r"prefiro (?:que me liguem|falar por telefone)", "just call me"),
    ),
    *_BY_CHANNEL,
    *(("preferred_contact_time", None, pattern(rf"{contact}\b[^;?]{{0,50}}? {_HABITUAL}")) for contact in _CONTACT),
    *(("company_size", value, pattern(words)) for value, words in _SIZES),
]
"""Field, value, and the words that say it; where the value is None, it is their group `value`. Of a sentence the first
that is found stands."""

ONE_OFF = pattern(
    r"today|tomorrow|tonight|hoje|amanha|next \w+|(?:on|by|this) (?:mon|tues|wednes|thurs|fri|satur|sun)day"
)
"""A time for one call, not for all."""

ANSWERS = [
    (
        "budget_range",
        pattern(r"budget|orcamento|(?:how much|quanto)(?: \w+){0,4} (?:spend|invest|pay|gastar|investir|pagar)"),
        pattern(rf"(?P<value>(?:{_ABOUT})?{_SUM}{_UP_TO}{_PER}?)"),
    ),
    (
        "company_size",
        pattern(rf"(?:how many|quant[oa]s)(?: \w+)? (?P<of>{_STAFF})"),
        re.compile(
            rf"^\W*(?:(?:we are|we're|we have|there are|somos|sao|temos|uns"
            rf"|about) )?(?P<value>{_HOW_MANY})(?: {_STAFF})?\W*$",
            re.I,
        ),
    ),
]
"""Field, what we asked, and a sentence that is no more than an answer to it."""
