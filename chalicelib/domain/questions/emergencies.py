"""Words that ask for help at once, in both languages, whatever else a question has.

It is better to say so once too often: only what asks about the word itself, or about what is long past, is none.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

_NEAR: Final = r"(?: \w+){0,4}? "
"""Up to four words between."""


class Emergency(StrEnum):
    """Whom to call."""

    HELP_NOW = "help_now"
    SELF_HARM = "self_harm"
    POISON = "poison"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?: {pattern}(?= ))" for pattern in patterns))


_SIGNS: Final[Mapping[Emergency, re.Pattern[str]]] = {
    Emergency.SELF_HARM: _any(
        r"(?:kill|killing|hurt|hurting|cut|cutting|harm|harming) (?:myself|my self)",
        r"suicid\w*",
        r"self harm\w*",
        r"(?:end|ending|take|taking) my (?:own )?life",
        r"(?:want|wanna|wish)(?: to| i could| i was)? (?:die|dead|be dead)",
        r"(?:do not|dont) want to (?:live|be alive|be here)(?: any ?more)?",
        r"better off (?:dead|without me)",
        r"no reason to live",
        r"matarme",
        r"quitarme la vida",
        r"quier\w* (?:morir\w*|matarme)",
        r"no quiero (?:vivir|seguir viviendo)",
        r"(?:hacerme|hago|haciendome) (?:mucho )?dano",
        r"(?:lastimarme|cortarme|suicidarme)",
    ),
    Emergency.POISON: _any(
        r"over ?dos\w+",
        r"(?:took|taken|swallowed|drank|ate) (?:\w+ ){0,2}?(?:too many|too much|all my|all the|a whole)",
        r"(?:swallowed|drank)" + _NEAR + r"(?:bleach|poison\w*|batter\w+|cleaner|antifreeze|pills)",
        r"poison(?:ed|ing)",
        r"sobre ?dosis",
        r"(?:tome|tomo|trago|comio|bebio|bebi|trague)" + _NEAR + r"(?:demasiad\w+|veneno|cloro|todas las pastillas)",
        r"(?:me )?(?:tome|trague) (?:todas|todo|muchas)",
        r"(?:envenen\w+|me intoxique)",
    ),
    Emergency.HELP_NOW: _any(
        r"chest (?:really |is |feels |so )*(?:pain\w*|hurt\w*|tight\w*|pressure|heavy|ache\w*|aching|burn\w*|crush\w*)",
        r"(?:pain\w*|tight\w*|pressure|ache\w*|hurt\w*|crushing)" + r"(?: \w+){0,3}? (?:my |the )?chest",
        r"(?:dolor\w*|duele\w*|opresion|presion|aprieta|ardor)(?: \w+){0,3}? pecho",
        r"pecho(?: \w+){0,2}? (?:duele|aprieta|apretado|doliendo)",
        r"heart attack\w*",
        r"(?:infarto|ataque (?:al|del|de) corazon)",
        r"(?:can not|cannot|could not|hard to|struggling to|trouble|unable to|difficult to) (?:breath\w*|get air)",
        r"(?:short\w* of breath|gasping|choking|not breathing|stopped breathing|turning blue)",
        r"no (?:puedo|puede|podia|logro) (?:casi )?respirar",
        r"(?:me|le) cuesta (?:mucho )?respirar",
        r"(?:falta de aire|me falta el aire|no respira|me ahogo|se ahoga|ahogando\w*|atragant\w+)",
        r"(?:having|had|have|has) (?:\w+ )?stroke",
        r"stroke",
        r"derrame(?: cerebral)?",
        r"embolia",
        r"face (?:is |has |feels )*(?:droop\w*|numb|crooked)",
        r"(?:droop\w+|numb) face",
        r"(?:can not|cannot|could not) (?:speak|talk|move my (?:arm|leg|face))",
        r"slurr\w+ (?:speech|words)",
        r"(?:speech|words)(?: is| are)? slurr\w+",
        r"(?:sudden\w*)" + _NEAR + r"(?:numb\w*|weak\w*|blind\w*|confus\w*|headache)",
        r"(?:one|left|right) side(?: \w+){0,4}? (?:numb|weak|paralyzed)",
        r"(?:arm|leg) (?:is |went |feels |suddenly )+(?:numb|weak|paralyzed)",
        r"worst headache",
        r"(?:cara|boca)(?: \w+){0,2}? (?:caida|torcida|chueca|dormida)",
        r"no (?:puedo|puede) (?:hablar bien|hablar claro|mover (?:el|la|un|mi) (?:brazo|pierna|cara))",
        r"(?:durmio|adormecio|paralizo)" + _NEAR + r"(?:brazo|cara|pierna|lado)",
        r"bleeding (?:a lot|heavily|badly|bad|so much|and it will not|that will not)",
        r"(?:will not|does not|can not) stop(?: the)? bleed\w*",
        r"(?:heavy|severe|lots of|a lot of) bleeding",
        r"(?:cough\w*|vomit\w*|throw\w* up|spit\w*|puk\w*)(?: up)?(?: \w+)? blood",
        r"sangr\w+ (?:mucho|muchisimo|demasiado|sin parar)",
        r"no (?:para|deja) de sangrar",
        r"(?:vomit\w+|tos\w*|escup\w+|tosiendo)(?: con)? sangre",
        r"throat (?:is |has |feels )*(?:clos\w+|swell\w*|swollen|tight\w*)",
        r"(?:tongue|lips|face)(?: \w+){0,3}? (?:swell\w*|swollen)",
        r"anaphyla\w*",
        r"(?:severe|bad|terrible) allergic reaction",
        r"(?:garganta|lengua|labios|cara)(?: \w+){0,3}? (?:cierra|cerrando|hincha\w*|hinchando)",
        r"(?:hinch\w+)(?: \w+){0,2}? (?:garganta|lengua|labios|cara)",
        r"anafila\w+",
        r"reaccion alergica (?:grave|fuerte|severa)",
        r"(?:passed out|pass out|unconscious|unresponsive|will not wake|not waking)",
        r"(?:having|had|has) (?:a |another )?(?:seizure|convulsion)\w*",
        r"(?:se desmayo|me desmaye|inconsciente|no responde|convulsiona\w*|convulsionando|ataque de convulsiones)",
        r"(?:call|llamar al|llamo al|llame al) 911",
        r"(?:this is|es) (?:an emergency|una emergencia)",
    ),
}

_NOW: Final = _any(
    r"(?:right now|now|at the moment|just now|suddenly|tonight|last night|this morning|today)",
    r"(?:ahora|ahorita|en este momento|de repente|hoy|anoche|esta manana|esta noche)",
    r"i (?:am|have|feel|think|can not|am having|keep)",
    r"(?:do|am) i (?:have|having)",
    r"(?:my|his|her) (?:\w+ ){0,2}(?:hurts|is|has|feels|are)",
    r"(?:tengo|siento|estoy|me (?:duele|cuesta|falta|da|tome|aprieta))",
)
"""That it is about this moment."""

_ABOUT_THE_WORD: Final = _any(
    r"what (?:is|are|was|were) (?:a |an |the )?(?!this |that |happening |wrong )\w+",
    r"what (?:does|do|causes|cause)",
    r"(?:tell me|read|learn|know) about",
    r"(?:explain|define|meaning of|mean|means|risk of|signs of|symptoms of|side effects?)",
    r"(?:que es|que son|que significa|que quiere decir|que causa|explique\w*|expliqu\w+|hableme de|riesgos? de)",
    r"(?:senales|sintomas|efectos) de",
)
_PAST: Final = _any(
    r"(?:did|was|were|when|history|in (?:19|20)\d\d|years? ago|last (?:year|month|visit)|ever had|have i had)",
    r"(?:x ?rays?|ct|scan|mri|test|results?|report|vaccine|screening|follow up|record|clinic)",
    r"(?:cuando|historial|antecedentes|expediente|en (?:19|20)\d\d|hace|radiografia|examen|resultados?|informe)",
    r"(?:tuve|fue|el ano pasado)",
    r"(?:father|mother|mom|dad|brother|sister|grandm\w+|grandf\w+|uncle|aunt) (?:had|died|once)",
    r"(?:padre|madre|papa|mama|herman\w+|abuel\w+|ti[oa]) (?:tuvo|murio)",
)
_RIGHT_NOW: Final = _any(
    r"(?:right now|now|just|at the moment|tonight|last night|this morning|ahora|ahorita|en este momento|anoche)",
)
_SURE: Final = frozenset({Emergency.SELF_HARM})
"""What is said of oneself is never taken for a question about the word."""

_OF_ONESELF: Final = _any(r"(?:i|my|myself|me|mi|yo|quiero|quitarme|matarme|hacerme|lastimarme|cortarme|suicidarme)")


def find(text: str) -> list[Emergency]:
    """The emergencies that a question speaks of, in the order in which to answer; `text` is its words side by side."""
    said = f" {text} "
    return [kind for kind, signs in _SIGNS.items() if signs.search(said) and _is_meant(kind, said)]


def _is_meant(kind: Emergency, said: str) -> bool:
    if kind in _SURE and _OF_ONESELF.search(said):
        return True
    if _RIGHT_NOW.search(said):
        return True
    if _PAST.search(said):
        return False
    return bool(_NOW.search(said)) or not _ABOUT_THE_WORD.search(said)
