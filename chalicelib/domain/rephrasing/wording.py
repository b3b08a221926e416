"""The words that say whether other words say the same, as the project's authors see it; without accents."""

from collections.abc import Mapping
from typing import Final


def _each(lists: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    return {language: frozenset(words.split()) for language, words in lists.items()}


TURNING: Final = _each(
    {
        "en": """
            no not never none nothing without cannot neither nor only unless except but all every any some most few less
            more least high higher highest low lower lowest above below over under up down rise rises rose fell fall
            falls drop drops same equal normal usual within inside outside far near before after until since ago old new
            now today tomorrow soon later first last next may might can could should must will would if than too often
            always sometimes rarely call ask stop start safe unsafe good bad better worse positive negative found
        """,
        "es": """
            no nunca ningun ninguna ninguno nada sin ni solo salvo excepto pero todo toda todos todas cada algun alguna
            algunos mas menos alto alta altos altas bajo baja bajos bajas mayor menor sube suben subio baja bajan bajo
            igual normal usual dentro fuera cerca lejos antes despues hasta desde hace nuevo nueva viejo ahora hoy ya
            manana pronto luego primero primera ultimo ultima puede pueden podria debe deben si que muy seguido siempre
            veces rara llame pregunte deje pare empiece segura seguro bueno buena malo mala mejor peor positivo negativo
            encontro
        """,
    }
)
"""Words that turn a meaning around: the same of them, as often, have to stand in the other words."""

CLAIMING: Final = _each(
    {
        "en": "you your yours have has had is are",
        "es": "usted su sus tiene tuvo es son hay",
    }
)
"""Words that say something of the reader: there may be fewer of them, never more."""

EMPTY: Final = _each(
    {
        "en": """
            a an the this that these those it its is are was were be been being has have had do does did of in on at to
            for from by with as and or so your you yours we our us they them their there here which who what when how
            also just about into out means mean shows show tells tell helps help way ways thing things kind people
            person one
        """,
        "es": """
            el la los las un una unos unas lo le les se su sus es son era fue ser esta estan este esto estos esa ese eso
            de del en a al para por con y o u e como cuando donde cual quien usted ustedes nosotros nuestra nuestro hay
            tambien asi sobre entre muestra muestran dice dicen ayuda ayudan manera forma cosa cosas tipo persona
            personas
        """,
    }
)
"""Words that mean nothing by themselves: they may come and go."""

SAME: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "medicine medication drug medicines medications drugs",
        "doctor clinician provider",
        "test exam",
        "vessels tubes",
        "used given",
        "result value reading",
        "usually normally",
        "begin starts",
        "body bodies",
        "large big",
        "small little tiny",
        "sugar glucose",
    ),
    "es": (
        "medicina medicamento remedio medicinas medicamentos",
        "medico doctor",
        "examen prueba analisis",
        "resultado valor",
        "usa utiliza sirve",
        "pequeno chico",
        "grande gran",
        "azucar glucosa",
    ),
}
"""Words that say the same: the first of each line stands for the others."""

ENDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("ing", "ed", "es", "ly", "s", "e"),
    "es": ("ando", "iendo", "ado", "ida", "es", "an", "en", "ar", "er", "ir", "s", "a", "o", "e", "n"),
}
"""Endings by which a word is still the same word, the longest first."""
