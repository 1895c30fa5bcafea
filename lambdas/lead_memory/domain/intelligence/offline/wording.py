"""The words by which a lead says what hurts, what holds them back, what they want and how far they are."""

from lead_memory.domain.conversation.profile import Interest, Stage
from lead_memory.domain.intelligence.offline.sentences import pattern

PAINS = pattern(
    r"(?:our|my|the) (?:main |biggest |current |big |real )?(?:problem|issue|pain|challenge|headache) (?:is|was"
    r"|has been)",
    r"(?<!no\s)(?<!any\s)(?:problems?|issues|trouble) with (?:our|my|the|their)",
    r"struggl(?:e|es|ing)|frustrat(?:ed|ing)|fed up|tired of|wast(?:e|es|ing) (?:\w+ ){0,2}(?:time|hours|days|money)",
    r"takes? (?:us |me )?(?:too long|forever|(?:\w+ )?hours|(?:\w+ )?days)|is (?:far |way |just )?too (?:complex"
    r"|complicated|slow)",
    r"(?:keeps|kept) (?:breaking|crashing|failing|losing)|nothing (?:ever )?(?:arrived|works|worked|happened)",
    r"(?:nobody|no one)(?: \w+){0,4} (?:answered|answers|came|picked up|picks up|replied|replies)",
    r"never (?:arrives|arrived|works|worked|answers?|answered|replies|replied)|there (?:is|was) no way to"
    r"|cannot \w+(?: \w+){0,2} any more",
    r"(?:lost|lose|losing) (?:\w+ ){0,2}(?:customers|clients|sales|orders|leads|money)|(?:always|often) late",
    r"sp(?:end|ends|ent) (?:\w+ ){0,2}(?:hours|days|evenings?|weekends?|nights?) (?:on|every|each|doing|a)|(?:by hand"
    r"|manually)",
    r"(?:o |nosso |meu )(?:maior |principal |grande )?(?:problema|desafio|gargalo) (?:e|era|foi)|dificuldade (?:em|de"
    r"|com|para)",
    r"perd(?:o|emos|endo) (?:\w+ ){0,2}(?:tempo|clientes|vendas|dinheiro|pedidos|leads)|sofr(?:o|emos) com",
    r"demora(?:va|m)? (?:muito|demais)|viv(?:e|em) (?:travando|caindo|atrasando|quebrando)|nao aguent(?:o|amos)",
    r"(?:muito|complicado|confuso|lento) demais|sempre atrasad?[ao]?|nunca (?:chega|funciona|responde)\w*|(?:na mao"
    r"|manualmente)",
)
PRIVATE = pattern(
    r"(?:my|minha|meu) (?:girlfriend|boyfriend|fianc\w+|mother|father|mom|mum|dad|sister|brother|sons?|daughters?|kids?"
    r"|children|dogs?|cats?|neighbou?rs?|namorad[oa]|noiv[oa]|sogr[oa]|mae|pai|irm\w+|filh[oa]s?|cachorr[oa]|gat[oa]"
    r"|vizinh[oa]s?)",
    r"(?:with|of|com) (?:my|minha|meu) (?:wife|husband|esposa|mulher|marido)",
)
"""Trouble with them is none that a product ends."""

_FREIGHT = r"(?:freight|shipping)"
OBJECTIONS = {
    "price": (
        pattern(
            r"too (?:expensive|pricey|much money)|costs? too much|price is (?:too |very |quite |really )?high|(?:quite"
            r"|very|rather) expensive",
            r"(?:more|higher) than (?:we|i) (?:thought|expected|planned|wanted)|(?:over|above|beyond|out of) (?:my|our"
            r"|the) budget",
            r"(?:can't|cannot|can not|couldn't) afford|cheaper (?:elsewhere|with|at|from)",
            r"(?:expensive|pricey) (?:for|to) (?:us|me)|(?:this|that|it|(?:your|the) (?:price|quote|offer|plan))"
            r" (?:feels|seems|looks|sounds) (?:\w+ ){0,2}(?:expensive|pricey|steep)",
            r"(?:muito|meio|bem|ta|esta|achei|ficou|fica|e) car[oa]|car[oa] (?:demais|para|pra)|(?:acima"
            r"|fora) d[oa] (?:meu |nosso )?orcamento",
            r"nao (?:cabe|entra) no (?:meu |nosso )?(?:orcamento|bolso)|preco (?:\w+ )?(?:alto|salgado)"
            r"|mais do que (?:a gente |eu )?(?:pensava|esperava|imaginava)\w*",
        ),
        pattern(r"\d+\s?%|discount|[$€£]\s?\d[\d.,]*\d|desconto|r\$\s?\d[\d.,]*\d|price|preco|parcel\w+"),
    ),
    "freight": (
        pattern(
            rf"(?:worr(?:y|ied|ies)|concern(?:s|ed)?|problem|expensive)\W+(?:\w+\W+){{0,4}}{_FREIGHT}",
            rf"{_FREIGHT} (?:\w+ )?(?:is|costs?) (?:too |very |quite )?(?:high|expensive|much|a (?:problem|worry"
            rf"|concern))",
            r"frete (?:\w+ ){0,3}(?:car[oa]|alto|pesa|salgado)|preocup\w+ (?:\w+ ){0,3}frete",
        ),
        pattern(rf"(?:free )?{_FREIGHT}|frete"),
    ),
    "contract length": (
        pattern(
            r"(?:contract|commitment|term) (?:is |seems |feels )?(?:too |very )?long|locked? in(?:to)?|(?:long"
            r"|long-term) (?:contract|commitment)",
            r"(?:contrato|prazo) (?:\w+ ){0,2}long[oa]|fidelidade|ficar pres[oa]",
        ),
        pattern(r"contract|months?|monthly|cancel|contrato|mes(?:es)?|mensal|cancelar"),
    ),
    "integration limits": (
        pattern(
            r"(?:worr\w+|concern\w*) (?:\w+ ){0,4}(?:integrations?|api|limits?|zapier)|(?:integration|api|rate"
            r"|zapier) limits? (?:is|are|seem)",
            r"(?:doesn't|does not|don't|won't|can't) (?:integrate|connect|sync) (?:with|to)|not compatible with",
            r"nao (?:integra|conecta|sincroniza)|preocup\w+ (?:\w+ ){0,4}(?:integrac\w+|api|limites?)"
            r"|limites? (?:d[ae] )?(?:integrac\w+|api)",
        ),
        pattern(r"integrat\w+|api|limits?|connect\w*|zapier|integra\w*|limites?|conecta\w*"),
    ),
}
"""What raises it, and of what an answer to it speaks."""

ACCEPTED = pattern(
    r"sounds (?:\w+ )?(?:better|good|great|fair|reasonable|perfect)|(?:that|this|which) works|works for (?:us|me)",
    r"fits (?:\w+ ){0,3}budget|that(?:'s| is) (?:much |really )?(?:fine|better|ok|okay|fair|reasonable)|(?:that"
    r"|which) (?:solves|settles)",
    r"i can live with|we can live with|no longer a (?:concern|problem|worry)|(?:ok|great|good), deal",
    r"assim (?:fica|ficou|ta|esta) (?:bem |muito )?(?:melhor|bom|otimo)|agora (?:sim|cabe|da)|cabe no (?:nosso "
    r"|meu )?orcamento",
    r"(?:isso|assim|ai|entao) (?:resolve|resolveu|funciona)|(?:ficou|fica) (?:bem |muito )?(?:bom|otimo|melhor)"
    r"|ta otimo|fechado|faz sentido",
)

_TIERS = (
    r"(?:premium|basic|basico|pro|plus|gold|ouro|silver|prata|black|starter|growth|team|business|enterprise"
    r"|empresarial|standard|essential|essencial|professional|profissional|advanced|avancado|unlimited|ilimitado|family"
    r"|familia|annual|anual|monthly|mensal|semestral|half-year|sample)"
)
_ANY_BUT_THESE = (
    r"(?!(?:the|an?|your|our|my|this|that|which|what|any|no|some|one|each|every|and|or|of|for|with|to|is|are)\b)"
)
_NAMED = rf"(?-i:(?:{_ANY_BUT_THESE}[A-Z][\w-]{{1,30}} ){{1,2}})"
PRODUCTS = pattern(
    # A sentence begins with a capital that is no part of a name.
    rf"(?:(?-i:(?<=[a-z]\s)){_NAMED})?(?:{_TIERS} ){{1,2}}(?:plan|package|kit|subscription|bundle)",
    rf"{_ANY_BUT_THESE}\w[\w-]{{1,30}} add-?on",
    rf"(?:plano|pacote|assinatura|kit) {_NAMED}?{_TIERS}(?: {_TIERS})?",
)
_WANTED = pattern(
    r"(?:want|wants|need|love|like|interested in|ready for|go (?:ahead )?with|take|buy|sign up for|choose|order)",
    r"(?:quero|queremos|queria(?! saber)|preciso|precisamos|interesse|interessad[oa]s?|gostei|gostamos|contratar"
    r"|comprar|fechar|assinar)",
)
_NOT_WANTED = pattern(
    r"(?:not|n't|no longer)(?: \w+){0,2} (?:interested|want|need)|no (?:need|interest)",
    r"(?:nao|nem)(?: \w+){0,2} (?:quero|queremos|precis\w+|interess\w+)|sem interesse",
)
INTERESTS = ((Interest.LOW, _NOT_WANTED), (Interest.HIGH, _WANTED))
"""The first that a product's sentence has; one that has none is of medium interest."""

STAGES = (
    (
        Stage.CUSTOMER,
        pattern(
            r"(?:we|i)(?:'ve| have)?(?: just| already)? (?:signed|subscribed to|bought|purchased) (?:the|your"
            r"|a)(?: \w+)? (?:contract|plan|subscription|package)",
            r"(?:we|i)(?:'ve| have)(?: just| already)? signed|(?:signed|here is|here's) the signed contract"
            r"|contract is signed",
            r"(?:assinei|assinamos|contratei|contratamos|fechei|fechamos|comprei|compramos) (?:o|a) (?:contrato|plano"
            r"|assinatura|pacote)|contrato assinado",
        ),
    ),
    (
        Stage.DECISION,
        pattern(
            r"ready to (?:sign|buy|move forward|go ahead|proceed)|let's (?:go ahead|move forward|do it|sign)|we(?:'ve"
            r"| have) decided",
            r"send (?:me |us )?(?:over )?the contract|(?:read|reviewed|reviewing|reading|questions? about) (?:the"
            r"|your) contract|before (?:we|i) sign",
            r"(?:manda|mande|mandar|envia|envie|enviar) o contrato|(?:vamos|queremos|quero) (?:fechar|contratar"
            r"|assinar)|(?:li|lemos|lendo|analisando|revisando) o contrato|antes de assinar",
        ),
    ),
    (
        Stage.CONSIDERATION,
        pattern(
            r"(?:compar(?:e|ing)|evaluating|considering|weighing|shortlist\w*)|interested in (?:the|your)",
            r"(?:comparando|avaliando|considerando|cotando|tenho interesse|interessad[oa] n[oa])"
            r"|queri?[ao] saber (?:mais )?(?:d[oa]|sobre)",
        ),
    ),
    (
        Stage.AWARENESS,
        pattern(
            r"just (?:looking|browsing|curious)|(?:just|first) (?:heard|learned) (?:of|about) you|found you (?:on"
            r"|through|via)",
            r"so (?:olhando|pesquisando|curiosidade)|(?:acabei de|acabamos de) (?:conhecer|descobrir)|conheci voces",
        ),
    ),
)

_DO = (
    r"(?:send|share|e-?mail|call|phone|text|check|ask|prepare|get back|come back|follow up|tell|let (?:you|them"
    r"|us) know|book|schedule|confirm|forward|collect|write|review|talk|discuss|draft|set up|look into|find out)"
)
_FAZER = (
    r"(?:mandar|enviar|ligar|verificar|checar|perguntar|confirmar|agendar|marcar|preparar|retornar|passar|avisar|revisar"
    r"|falar|conversar)"
)
_REST = r"(?:[^,;!?()]|,(?=\d)){0,160}"
_FROM_HERE = r"(?:^|(?<=[,;:.]\s)|(?:please|yes|then|so|just|and|por favor|sim|entao|pode|ok) )"
PROMISES = (
    pattern(
        rf"(?:i|we)(?:'ll| will|'m going to| am going to|'re going to| are going to)(?: then"
        rf"| also)? (?P<value>{_DO}\b{_REST})"
    ),
    pattern(rf"let me (?P<value>(?:ask|check|find out|confirm|look into)\b{_REST})"),
    pattern(rf"(?:vou|vamos|irei)(?: te| lhe)? (?P<value>{_FAZER}\b{_REST})"),
    pattern(rf"(?P<value>(?:te|lhe) (?:ligo|mando|envio|retorno|aviso|chamo|passo|respondo)\b{_REST})"),
)
"""By whoever speaks."""
REQUESTS = (
    pattern(rf"{_FROM_HERE}(?P<value>(?:send|e-?mail) (?:me|us|it|them|the)\b{_REST})"),
    pattern(rf"{_FROM_HERE}(?P<value>(?:me )?(?:mand[ae]|envi[ae])(?: me| pra| para)? (?:[oa]|isso|um|uma)\b{_REST})"),
)
APPOINTMENTS = (
    pattern(rf"{_FROM_HERE}(?P<value>(?:call|ring|phone|text|message) (?:me|us)\b{_REST})"),
    pattern(rf"{_FROM_HERE}(?P<value>me (?:liga|ligue|chama|chame)\b{_REST}|pode(?:m)? me (?:ligar|chamar)\b{_REST})"),
)
"""They need a day: without one they say how somebody likes to be reached."""
