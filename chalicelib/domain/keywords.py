"""The words that people text to a clinic's number, in English and Spanish."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Command(StrEnum):
    """What a text message asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Keyword:
    """A command, and the language that it was given in."""

    command: Command
    language: str


# What carriers and the law take for a wish to stop (CTIA's Messaging Principles; 47 CFR 64.1200(a)(10)), and what
# people write instead. YES is no START: it will answer questions.
_WORDS: Mapping[Command, Mapping[str, frozenset[str]]] = {
    Command.STOP: {
        "en": frozenset(
            {
                *("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out"),
                *("remove me", "stop texting", "stop texting me", "stop messages", "no more texts", "stop it"),
            }
        ),
        "es": frozenset(
            {
                *("alto", "parar", "pare", "para", "detener", "cancelar", "fin", "basta", "baja", "darse de baja"),
                *("no mas", "no mas mensajes", "no enviar", "terminar"),
            }
        ),
    },
    Command.START: {
        "en": frozenset({"start", "unstop", "resume", "subscribe", "opt in", "optin"}),
        "es": frozenset({"inicio", "iniciar", "comenzar", "empezar", "reanudar"}),
    },
    Command.HELP: {
        "en": frozenset({"help", "info", "help me"}),
        "es": frozenset({"ayuda", "ayudame", "informacion", "auxilio"}),
    },
}
_POLITE = frozenset({"please", "pls", "thanks", "thank you", "por favor", "gracias"})


def read(text: str) -> Keyword | None:
    """What a text message asks for, or None; case, accents, punctuation and politeness say nothing."""
    plain = _plain(text)
    for command, languages in _WORDS.items():
        for language, words in languages.items():
            if plain in words:
                return Keyword(command, language)
    return None


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text[:200]).casefold()
    kept = "".join(one if one.isalnum() else " " for one in folded if not unicodedata.combining(one))
    plain = " ".join(kept.split())
    for polite in _POLITE:
        plain = plain.removeprefix(f"{polite} ").removesuffix(f" {polite}")
    return plain
