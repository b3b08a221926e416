"""By which words an intent is known: patterns, of which the first that fits decides.

They see a question's words side by side, with T in the place of each name of the vocabulary.
"""

import re
from functools import lru_cache
from typing import Final

from chalicelib.domain.questions.intents import Intent

_FEW: Final = r"(?: \w+){0,3}?"
_MY: Final = r"(?:my|mine|me|mi|mis)"
_DRUGS: Final = (
    r"(?:medicines?|medications?|meds|drugs?|pills?|prescriptions?|tablets?|insulin|medicinas?|medicamentos?|pastillas?"
    r"|recetas?|insulina)"
)
_VISIT: Final = r"(?:appointments?|visits?|citas?|visitas?|consultas?|slot)"
_DOCTOR: Final = r"(?:doctor|doctora|nurse|clinic|provider|care team|team|medico|medica|enfermera|clinica|equipo)"

_PATTERNS: Final[tuple[tuple[Intent, str], ...]] = (
    # --- what tries to steer the portal --------------------------------------------------------------------------
    (Intent.INSTRUCTION, r"(?:ignore|disregard|forget|override|bypass)" + _FEW + r" (?:rules?|instructions?|prompts?)"),
    (Intent.INSTRUCTION, r"(?:ignora|ignore|olvida|olvide)" + _FEW + r" (?:reglas?|instrucciones|ordenes)"),
    (
        Intent.INSTRUCTION,
        r"(?:system prompt|developer mode|jailbreak|you are now|act as|pretend|drop table|delete from)",
    ),
    (
        Intent.INSTRUCTION,
        (
            r"(?:print|show|list|dump|reveal|give me|export) (?:me )?(?:all|every|the other) (?:the )?"
            r"(?:patients?|users?|accounts?|passwords?|tables?|charts|records of)"
        ),
    ),
    (
        Intent.INSTRUCTION,
        r"(?:muestra|muestre|imprime|imprima|lista|dame|deme)(?:me)?" + _FEW + r" (?:pacientes|usuarios)",
    ),
    (
        Intent.INSTRUCTION,
        (
            r"(?:delete|erase|change|edit|borra|borre|cambia|cambie) (?:my |mi |the |el )?(?:record|chart|"
            r"expediente|result|resultado|diagnosis|diagnostico)"
        ),
    ),
    # --- other people --------------------------------------------------------------------------------------------
    (Intent.OTHERS, r"(?:other|another|different) (?:patients?|persons?|peoples?|people|users?|members?)"),
    (Intent.OTHERS, r"(?:otros?|otras?) (?:pacientes?|personas?|usuarios?)"),
    (Intent.OTHERS, r"(?:somebody|someone|anybody|anyone|everybody|everyone) (?:elses?|else)"),
    (Intent.OTHERS, r"(?:de|a|of) (?:alguien|otra persona)"),
    (Intent.OTHERS, r"patient (?:number |id |with )?(?:pat|\d+)\w*"),
    (
        Intent.OTHERS,
        (
            r"(?:his|her|their|hers) (?:\w+ ){0,2}?(?:T|records?|chart|results?|labs?|diagnosis|medicines?|"
            r"medications?|visits?|allergies)"
        ),
    ),
    # --- what is for a clinician ---------------------------------------------------------------------------------
    (Intent.PROGNOSIS, r"(?:will|am|going) (?:i )?(?:going )?(?:to )?(?:die|dying)"),
    (Intent.PROGNOSIS, r"how long (?:do|will|have|can) i" + _FEW + r" (?:live|left|got|have left|to live)"),
    (Intent.PROGNOSIS, r"(?:life expectancy|prognosis|pronostico|esperanza de vida|survival|survive|sobrevivir\w*)"),
    (
        Intent.PROGNOSIS,
        (
            r"(?:will|can) (?:it|this|that|my T|T)" + _FEW + r" (?:get worse|worsen|kill me|spread|go away|"
            r"be cured|come back)"
        ),
    ),
    (Intent.PROGNOSIS, r"(?:voy a|me voy a) (?:morir\w*|curar\w*|empeorar)"),
    (Intent.PROGNOSIS, r"cuanto(?: tiempo)? (?:me queda|voy a vivir|de vida)"),
    (Intent.PROGNOSIS, r"(?:se me va a|va a) (?:quitar|curar|empeorar|matar)"),
    (Intent.REFILL, r"(?:refills?|refilled|refilling|renew\w*|renewal|run out|running out|ran out)"),
    (Intent.REFILL, r"(?:resurt\w+|surtir\w*|renov\w+|se me (?:acabo|acaba|acabaron)|mas pastillas)"),
    (
        Intent.BILL,
        r"(?:owe|owed|bills?|billed|balance|copay|copays|invoice|charged?|charges|payment|pay|cost|costs|price)",
    ),
    (Intent.BILL, r"(?:factura|facturas|saldo|pagar|pago|cuenta pendiente|cuesta|copago|cobraron|cobro)"),
    (Intent.BILL, r"cuanto (?:le |les )?(?:debo|dinero)(?! tom)"),
    (
        Intent.BOOK,
        (
            r"(?:book|schedule|reschedule|make|get an?|set up|cancel|move|need|want|change|request)(?: \w+){0,3}? "
            + _VISIT
        ),
    ),
    (
        Intent.BOOK,
        (
            r"(?:agendar|reservar|hacer|pedir|sacar|cambiar|cancelar|mover|programar|necesito|quiero|obtener)"
            r"(?: \w+){0,3}? " + _VISIT
        ),
    ),
    (Intent.BOOK, r"(?:can|could|when can) i (?:see|come in)(?: \w+){0,2}"),
    (Intent.MESSAGE, r"(?:send|write|leave)(?: \w+){0,3}? (?:messages?|email|note|text)"),
    (
        Intent.MESSAGE,
        (
            r"(?:message|email|text|contact|write to|talk to|speak to|speak with|reach|(?<!should i )ask)"
            r"(?: \w+){0,2}? " + _DOCTOR
        ),
    ),
    (
        Intent.MESSAGE,
        r"(?:mandar\w*|enviar\w*|escribir\w*|mande|dejar\w*)(?: \w+){0,3}? (?:mensajes?|correo|" + _DOCTOR + ")",
    ),
    (Intent.MESSAGE, r"(?:hablar|contactar|comunicarme|preguntarle)(?: \w+){0,3}? " + _DOCTOR),
    (Intent.SIDE_EFFECTS, r"side effects?|adverse effects?|bad effects?|efectos? (?:secundarios?|adversos?|malos?)"),
    (
        Intent.SIDE_EFFECTS,
        (
            r"(?:risks?|dangers?|effects?|reactions?|riesgos?|efectos?|peligros?) (?:of|from|to|with|de|del|con)"
            r"(?: \w+){0,2}? T"
        ),
    ),
    (Intent.SIDE_EFFECTS, r"(?:is|es)(?: \w+)? T (?:dangerous|risky|safe|peligros\w+|segur\w+)$"),
    (
        Intent.SIDE_EFFECTS,
        (
            r"(?:can|does|do|could|puede|pueden) (?:my |the |mi |la |el )?T (?:cause|causes|make|raise|lower|affect|"
            r"hurt|causar|dar|provocar|hacer|subir|bajar)"
        ),
    ),
    (
        Intent.DOSAGE,
        r"(?:what|which|cual|que) (?:is|was|are|es)? ?(?:my |the |mi |la )?(?:current )?(?:doses?|dosages?|dosis)",
    ),
    (Intent.DOSAGE, r"how (?:do|did|am) i (?:supposed to )?(?:take|use)"),
    (
        Intent.DOSAGE,
        (
            r"how (?:often|much|many)(?: \w+){0,3}? (?:do i|am i|did \w+ \w+|was i) (?:take|taking|use|prescribed|"
            r"supposed to take|told)"
        ),
    ),
    (
        Intent.DOSAGE,
        (
            r"(?:como|cada cuanto|cuant[oa]s?|con que frecuencia|a que hora)(?: \w+){0,3}? (?:me )?(?:tomo|tomar "
            r"segun|uso)"
        ),
    ),
    (
        Intent.ADVICE,
        (
            r"(?:should|can|could|may|must|shall|ok to|okay to|safe to|do i need to|do i have to|what if|if|want to|"
            r"need to|like to)(?: \w+){0,3}? "
            r"(?:stop|quit|skip|double|halve|split|increase|decrease|lower|raise|reduce|change|"
            r"cut|miss|missed|mix|combine|crush|switch|drink|eat|give)(?: \w+){0,5}? (?:T|"
            + _DRUGS
            + r"|doses?|taking|it|them|"
            r"with)"
        ),
    ),
    (
        Intent.ADVICE,
        (
            r"(?:stop|quit|skip|double|halve|increase|decrease|lower|reduce|change) (?:\w+ ){0,2}?(?:my |the )?"
            r"(?:dose|doses|dosage|T dose|insulin|" + _DRUGS + ")"
        ),
    ),
    (Intent.ADVICE, r"(?:double|halve|stop|quit|skip) (?:taking )?(?:my )?T"),
    (
        Intent.ADVICE,
        (
            r"(?:should|can|could|may|must|shall|ok to|okay to|safe to|safe if|do i need to|is it)(?: \w+){0,4}? "
            r"(?:take|taking|use|start|have)(?: \w+){0,4}? (?:T|two|three|more|less|half|double|extra|another|"
            + _DRUGS
            + r"|it|them|dose)"
        ),
    ),
    (Intent.ADVICE, r"(?:how much|how many|what dose|which dose|what dosage)(?: \w+){0,3}? (?:should|can|may|must)"),
    (
        Intent.ADVICE,
        r"(?:missed|forgot|took two|took double|extra) (?:\w+ ){0,3}?(?:dose|doses|pills?|T|" + _DRUGS + ")",
    ),
    (
        Intent.ADVICE,
        (
            r"(?:debo|deberia|puedo|podria|tengo que|hay que|es seguro|esta bien|conviene|si)(?: \w+){0,3}? (?:"
            r"tomar\w*|dejar\w*|parar|suspender\w*|doblar\w*|duplicar\w*|aumentar\w*|subir\w*|bajar\w*|reducir\w*|saltar\w*|"
            r"partir\w*|cambiar\w*|mezclar\w*|combinar\w*|empezar|usar)(?: \w+){0,4}?"
        ),
    ),
    (Intent.ADVICE, r"(?:cuant[oa]s?|que dosis)(?: \w+){0,2}? (?:debo|puedo|tengo que|deberia)"),
    (Intent.ADVICE, r"(?:doble dosis|dosis doble|se me olvido|olvide)(?: \w+){0,4}? (?:T|dosis|" + _DRUGS + ")"),
    (Intent.ADVICE, r"(?:which|what) (?:medicine|medication|drug|pill|treatment)s? (?:should|can|is best|is better)"),
    (Intent.ADVICE, r"(?:dejo|dejar) de tomar\w*"),
    # --- how to use the portal -----------------------------------------------------------------------------------
    (
        Intent.HELP,
        (
            r"(?:what can|how do|how can) (?:you|i) (?:do|help|ask|use|find|download|share|see|log|sign|change|add|"
            r"upload|get a copy)(?! my T)"
        ),
    ),
    (Intent.HELP, r"(?:what|which)(?: \w+)? (?:can|may|could) i ask"),
    (Intent.HELP, r"^(?:please )?(?:help|ayuda|ayudeme|ayudame|hello|hi|hola)(?: me)?(?: please| por favor)?$"),
    (Intent.HELP, r"(?:password|contrasena|log in|sign in|iniciar sesion|entrar al portal|use (?:this|the) portal)"),
    (Intent.HELP, r"que (?:puedo|se puede|le puedo) (?:preguntar|hacer)|como (?:uso|funciona|se usa|puedo usar)"),
    (Intent.HELP, r"como (?:puedo )?(?:descargar|compartir|bajar|cambiar mi)"),
    (Intent.WHAT_IS, r"^(?:y )?(?:que|what) (?:es|son|is|are)(?: el| la| los| las| un| una| a| an| the)? T$"),
    # --- what the record and the vocabulary answer -----------------------------------------------------------------
    (
        Intent.WHY_TAKE,
        (
            r"(?:why|what)(?: \w+){0,3}? (?:take|taking|using|use|prescribed|given|on|need)(?: \w+){0,2}? (?:T|"
            + _DRUGS
            + "|it|this)(?: for)?"
        ),
    ),
    (
        Intent.WHY_TAKE,
        r"what (?:is|are|does|do) (?:my |the |this |that )?(?:T|" + _DRUGS + "|it) (?:for|used for|do|treat)",
    ),
    (
        Intent.WHY_TAKE,
        r"(?:para que|por que)(?: \w+){0,2}? (?:es|sirve|sirven|tomo|uso|tomar|tomando|recetaron|dieron|son)",
    ),
    (
        Intent.NORMAL_RANGE,
        (
            r"(?:normal|reference|healthy|good|target|ideal) (?:\w+ )?(?:range|ranges|value|values|level|levels|"
            r"number|numbers|T)"
        ),
    ),
    (Intent.NORMAL_RANGE, r"what (?:is|are) (?:a |the )?(?:normal|healthy|good)"),
    (Intent.NORMAL_RANGE, r"what should (?:my |the |a )?T (?:be|level be|number be)"),
    (Intent.NORMAL_RANGE, r"(?:rango|rangos|valor|valores|nivel|niveles) (?:\w+ )?(?:normal|normales|de referencia)"),
    (Intent.NORMAL_RANGE, r"(?:cuanto|cual|que) (?:es|debe ser|deberia ser|seria)(?: lo| el)?(?: \w+)? normal"),
    (Intent.WHO, r"(?:who|whom|quien|quienes)"),
    (Intent.WHO, r"(?:which|what|que) (?:doctor|nurse|provider|medico|doctora?)"),
    (
        Intent.DID_IT_CHANGE,
        (
            r"(?:changed?|changes|changing|trend|trends|trending|improv\w+|wors\w+|increas\w+|decreas\w+|"
            r"over time|(?:gone|go|going|went) (?:up|down)|come down|came down|rising|falling|rose|"
            r"fell|dropped|compared?|history of my|whats new|anything new|what is new)"
        ),
    ),
    (
        Intent.DID_IT_CHANGE,
        r"(?:better|worse|higher|lower) (?:than|now)|(?:getting|got|is|are|been)(?: \w+)? (?:better|worse)",
    ),
    (
        Intent.DID_IT_CHANGE,
        (
            r"(?:cambi\w+|tendencia|mejor\w*|peor|empeor\w+|aument\w+|subio|subido|subiendo|bajo|bajado|"
            r"bajando|disminu\w+|a lo largo|con el tiempo|comparad\w+|que hay de nuevo|novedades|algo nuevo)"
        ),
    ),
    (
        Intent.WHAT_IS_NEXT,
        (
            r"(?:next|upcoming|coming up|overdue|(?:what|anything|things)(?: \w+){0,3}? to do|due|scheduled|future|"
            r"ahead|planned|pending)"
        ),
    ),
    (
        Intent.WHAT_IS_NEXT,
        (
            r"(?:proxim[oa]s?|siguientes?|pendientes?|que sigue|que me falta|por hacer|programad[oa]s?|"
            r"viene|futuras?)"
        ),
    ),
    (Intent.WHEN_WAS, r"(?:when|what day|what date|which day|how long ago|how long have|how long since|date of)"),
    (Intent.WHEN_WAS, r"(?:cuando|que dia|que fecha|en que fecha|hace cuanto|desde cuando|fecha de|cuanto hace)"),
    (Intent.WHEN_WAS, r"(?:have|did) i (?:ever )?(?:had|have|get|got|receive)(?: \w+){0,2}? (?:T|shots?|vaccines?)"),
    (Intent.MEANING, r"(?:what (?:does|do|did)" + _FEW + r" mean|meaning of|what it means)"),
    (
        Intent.MEANING,
        (
            r"(?:is|are|was|were)(?: \w+){0,4}? (?:too )?(?:high|low|normal|bad|good|ok|okay|healthy|abnormal|"
            r"fine|dangerous|serious|elevated|positive|negative)"
        ),
    ),
    (Intent.MEANING, r"(?:should i (?:be )?(?:worry|worried|concerned)|explain|something wrong|in range|out of range)"),
    (Intent.MEANING, r"(?:why is|why are|why was|why were)(?: \w+){0,3}? (?:high|low|elevated|abnormal|positive)"),
    (Intent.MEANING, r"(?:que significan?|que quieren? decir|explic\w+|preocupar\w*|significado)"),
    (
        Intent.MEANING,
        (
            r"(?:esta|estan|estaba|es|son|estuvo|salio|salieron|tengo)(?: \w+){0,4}? (?:muy |demasiado )?(?:alt[oa]s?|"
            r"baj[oa]s?|normal|normales|mal|bien|buen[oa]s?|mal[oa]s?|grave|peligros[oa])"
        ),
    ),
    (Intent.DIAGNOSIS, r"(?:diagnos(?:e|is) me|what is wrong with me|que tengo$|que me pasa|que enfermedad tengo)"),
    (
        Intent.DIAGNOSIS,
        (
            r"(?:do|did|could|might|can|may|will|would) (?:i|it|this|that|my \w+) (?:\w+ )?(?:have|has|get|be|mean "
            r"i have)(?: \w+){0,3}? (?:T|cancer|tumor|disease|infection)"
        ),
    ),
    (
        Intent.DIAGNOSIS,
        r"(?:is it|is this|is that|could it be|it be)(?: \w+){0,2}? (?:T|cancer|tumor|serious|infection)",
    ),
    (Intent.DIAGNOSIS, r"am i (?:\w+ )?(?:T|diabetic|pregnant|sick|anemic|asthmatic|having)"),
    (
        Intent.DIAGNOSIS,
        r"(?:tengo|tendre|padezco|podria tener|sera|puede ser)(?: \w+){0,2}? (?:T|cancer|tumor|enfermedad)$",
    ),
    (Intent.DIAGNOSIS, r"(?:soy|estoy) (?:T|diabetic[oa]|embarazada|enferm[oa]|anemic[oa]|asmatic[oa])"),
    (Intent.LATEST_VALUE, r"T(?: \w+){0,2}? (?:results?|levels?|numbers?|values?|readings?|counts?|resultados?)"),
    (
        Intent.LIST,
        (
            r"(?:list|show me|show|tell me|give me|see|dime|deme|muestreme|lista de|listar|ver)(?: \w+){0,2}? "
            + _MY
            + r" (?!T)"
        ),
    ),
    (
        Intent.LIST,
        (
            r"(?:what|which|cuales|que|do i have|are there|tengo|hay)(?: \w+){0,4}? (?:medicines?|medications?|meds|"
            r"pills?|drugs?|allerg\w+|conditions?|illness\w*|problems?|diagnos\w+|vaccin\w+|shots?|immuni[sz]ations?|visits?|"
            r"appointments?|orders?|labs?|results?|reports?|procedures?|surger\w+|operations?|documents?|devices?|implants?|"
            r"plans?|goals?|medicinas?|medicamentos?|pastillas?|alergias?|enfermedad\w*|problemas?|vacunas?|citas?|visitas?|"
            r"ordenes|examenes|resultados?|informes?|procedimientos?|cirugias?|operaciones|documentos?|aparatos?|planes|metas?|"
            r"care team|equipo|vitals?|tests?|pruebas?|imaging|family history|diagnosticos?)"
        ),
    ),
    (Intent.LIST, r"(?:am i|soy) alergic[oa]?|am i (?:\w+ )?allergic|(?:soy|estoy) alergic[oa]"),
    (Intent.LIST, r"(?:tomo|taking)$|(?:am i|do i) (?:on|take|taking)$"),
    (
        Intent.LATEST_VALUE,
        r"(?:what|how (?:high|low|much|is|was)|which|cual|cuales|cuanto|como|que)(?: \w+){0,6}? "
        + _MY
        + r"(?: \w+){0,3}? T",
    ),
    (
        Intent.LATEST_VALUE,
        (
            r"(?:last|latest|most recent|newest|current|previous|first|recent|ultim[oa]s?|anterior|primer[oa]?|"
            r"reciente)(?: \w+){0,3}? T"
        ),
    ),
    (
        Intent.LATEST_VALUE,
        r"(?:results?|levels?|numbers?|values?|readings?|resultados?|nivel|valor|medida)(?: \w+){0,3}? T",
    ),
    (Intent.LATEST_VALUE, r"(?:como salio|como estuvo|como estan?|how did|how (?:is|are|was))(?: \w+){0,3}? T"),
    (Intent.LATEST_VALUE, r"(?:cuanto|cuanta|how (?:much|tall|heavy|high))(?: \w+){0,3}? T"),
    (Intent.WHAT_IS, r"(?:what|whats|que|cual)(?: \w+){0,2}? (?:is|are|es|son|was|fue|un|una)(?: \w+){0,3}? T"),
    (
        Intent.WHAT_IS,
        r"(?:tell me|learn|know|read|hablame|hableme|digame|informacion|information|info|dime)(?: \w+){0,3}? T",
    ),
    (Intent.WHAT_IS, r"(?:define|describe|que es|what is|explain)"),
    (
        Intent.OVERVIEW,
        (
            r"^(?:(?:and|y|what about|how about|que tal|my|mi|mis|the|el|la|los|las|about|de|sobre|con) )*T"
            r"(?: (?:and|y|please|por favor|test|results?))*$"
        ),
    ),
)


@lru_cache(maxsize=1)
def _compiled() -> tuple[tuple[Intent, re.Pattern[str]], ...]:
    """Compiled when the first question comes: starting a function costs none of it."""
    return tuple((intent, re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")) for intent, pattern in _PATTERNS)


_FOLLOWS: Final[tuple[tuple[Intent | None, str], ...]] = (
    (Intent.WHEN_WAS, r"^(?:and |y )?(?:when|what day|cuando|que dia|que fecha)(?: \w+){0,3}$"),
    (Intent.WHO, r"^(?:and |y )?(?:who|quien)(?: \w+){0,4}$"),
    (Intent.WHY_TAKE, r"^(?:and |y |but |pero )?(?:why|por que|para que)(?: \w+){0,2}$"),
    (
        None,
        r"^(?:and|y|what about|how about|que tal|before|antes|previous|the one before|anterior|in|en|ok)\b",
    ),
)
"""Short questions that go on with what was asked before; None is the same question again."""


def find_follow(text: str) -> tuple[Intent | None, bool]:
    """What a short question goes on with (None: the same again), and whether it goes on with anything."""
    return next(((intent, True) for intent, pattern in _FOLLOWS if re.search(pattern, text)), (None, False))


def find(text: str) -> Intent | None:
    """What a question wants to know; None where no pattern fits."""
    return next((intent for intent, pattern in _compiled() if pattern.search(text)), None)


def find_but(text: str, but: Intent) -> Intent | None:
    """What a question wants to know if not that."""
    return next((intent for intent, pattern in _compiled() if intent is not but and pattern.search(text)), None)
