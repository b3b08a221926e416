"""Where a term's text can be checked, and where a reader finds more: pages by code, so that no link is made up.

MedlinePlus Connect (https://medlineplus.gov/medlineplus-connect/web-application/) answers with its page on a code, in
English and Spanish.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from chalicelib.vocabulary import SYSTEMS, Term

_CONNECT: Final = "https://connect.medlineplus.gov/application"
_OIDS: Final = {
    SYSTEMS["loinc"]: "2.16.840.1.113883.6.1",
    SYSTEMS["snomed"]: "2.16.840.1.113883.6.96",
    SYSTEMS["icd10"]: "2.16.840.1.113883.6.90",
    SYSTEMS["rxnorm"]: "2.16.840.1.113883.6.88",
}
_MEDLINEPLUS: Final = {"en": "MedlinePlus", "es": "MedlinePlus en español"}
_PAGES: Final = {
    "cdc": (
        {"en": "CDC: Vaccine Information Statements", "es": "CDC: hojas de información sobre vacunas"},
        {
            "en": "https://www.cdc.gov/vaccines/hcp/current-vis/",
            "es": "https://www.immunize.org/vaccines/vis-translations/spanish/",
        },
    ),
    "ahrq": (
        {"en": "AHRQ: Questions to ask your doctor", "es": "AHRQ: preguntas para su médico"},
        {
            "en": "https://www.ahrq.gov/questions/",
            "es": "https://www.ahrq.gov/questions/",
        },
    ),
}
"""Sources that have one page for all terms: their title and address by language."""

KEYS: Final = frozenset({"medlineplus", *_PAGES})


@dataclass(frozen=True, slots=True)
class Link:
    """A page of somebody else's."""

    title: str
    url: str


def links(term: Term, language: str) -> list[Link]:
    """The pages of a term's sources in a language."""
    found = [_link(source, term, language) for source in term.sources]
    return [link for link in found if link is not None]


def medlineplus(system: str | None, code: str | None, language: str) -> Link | None:
    """MedlinePlus's page on a code, where it takes codes of that system."""
    if system not in _OIDS or not code:
        return None
    query = {
        "mainSearchCriteria.v.cs": _OIDS[system],
        "mainSearchCriteria.v.c": code,
        "informationRecipient.languageCode.c": language,
    }
    return Link(_MEDLINEPLUS[language], f"{_CONNECT}?{urlencode(query)}")


def _link(source: str, term: Term, language: str) -> Link | None:
    if source in _PAGES:
        titles, urls = _PAGES[source]
        return Link(titles[language], urls[language])
    known = (medlineplus(one.system, one.code, language) for one in term.codes)
    return next((link for link in known if link is not None), None)
