"""What each type of record is called: its title and its code."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from chalicelib.domain.records import care, elements, phrases, results, titles, treatments
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.elements import Source
from chalicelib.domain.records.rows import Code
from chalicelib.domain.records.titles import Concept


def code_of(source: Source) -> Code | None:
    """The first coding of the concept that names a record, as sent."""
    return elements.first_code(*_concepts(source))


def title_of(source: Source, category: Category) -> str:
    """What a record is called, in words for people; the word of its category where nothing but a code is there."""
    special = _TITLES.get(source.resource["resourceType"])
    title = special(source) if special else elements.first_words(*_concepts(source))
    return titles.or_category(title, category)


def _concepts(source: Source) -> Iterator[Concept | None]:
    """The concepts that name a record, the best first."""
    special = _SPECIAL_CONCEPTS.get(source.resource["resourceType"])
    if special:
        yield from special(source)
        return
    for element in _CONCEPTS.get(source.resource["resourceType"], ("code",)):
        found = source.get(element)
        yield from found if isinstance(found, list) else [found]


_CONCEPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Device": ("type",),
    "DocumentReference": ("type", "category"),
    "Encounter": ("type", "serviceType"),
    "FamilyMemberHistory": ("relationship",),
    "Goal": ("description",),
    "Immunization": ("vaccineCode",),
    "Media": ("modality", "view", "type"),
}


def _medication_concepts(source: Source) -> Iterator[Concept]:
    yield treatments.medication_concept(source)


def _imaging_concepts(source: Source) -> Iterator[Concept]:
    yield from source.get("procedureCode") or ()
    series = (one.get("modality") for one in source.get("series") or ())
    yield from ({"coding": [coding]} for coding in (*(source.get("modality") or ()), *series) if coding)


def _plan_concepts(source: Source) -> Iterator[Concept]:
    """The categories but for the markers that a care plan is one, which name nothing."""
    for concept in source.get("category") or ():
        if not any(coding.get("code") in _MARKERS for coding in concept.get("coding") or ()):
            yield concept


def _medication_title(source: Source) -> str | None:
    name = titles.drug_words(treatments.medication_concept(source))
    return f"Do not take: {name or 'medication'}" if source.get("doNotPerform") else name


def _order_title(source: Source) -> str | None:
    name = elements.first_words(*_concepts(source))
    return f"Do not do: {name or 'order'}" if source.get("doNotPerform") else name


def _encounter_title(source: Source) -> str | None:
    found = elements.first_words(*_concepts(source))
    if found and not phrases.says_nothing(found):
        return found
    shown = care.encounter_class(source.resource)
    return shown["text"] if shown else None


def _document_title(source: Source) -> str | None:
    found = elements.first_words(source.get("type"))
    if found and not phrases.says_nothing(found):
        return found
    attached = (titles.clean((one.get("attachment") or {}).get("title")) for one in source.get("content") or ())
    return next(filter(None, (titles.clean(source.get("description")), *attached)), None)


def _imaging_title(source: Source) -> str | None:
    resource = source.resource
    named = titles.clean(resource.get("description")) or elements.first_words(*(resource.get("procedureCode") or ()))
    if named:
        return titles.tidy(named)
    shown = results.imaging_study(source)
    return ": ".join(filter(None, (shown.get("modality"), shown.get("body_site")))) or None


def _media_title(source: Source) -> str | None:
    named = titles.clean((source.get("content") or {}).get("title"))
    found = elements.first_words(source.get("modality"), source.get("view")) or named
    return found or elements.first_words(source.get("bodySite"), source.get("type"))


def _care_plan_title(source: Source) -> str | None:
    return titles.clean(source.get("title")) or elements.first_words(*_concepts(source))


def _goal_title(source: Source) -> str | None:
    return titles.words(source.get("description"))


def _care_team_title(source: Source) -> str | None:
    return titles.clean(source.get("name")) or elements.first_words(*_concepts(source))


def _family_title(source: Source) -> str | None:
    relative = titles.words(source.get("relationship"))
    conditions = elements.concept_list(one["code"] for one in source.get("condition") or ())
    return ": ".join(filter(None, (relative, ", ".join(conditions)))) or None


def _device_title(source: Source) -> str | None:
    names = (titles.clean(one.get("name")) for one in source.get("deviceName") or ())
    return titles.words(source.get("type")) or next(filter(None, names), None)


def _questionnaire_title(source: Source) -> str | None:
    """A response names its questionnaire by URL: its display where the sender gave one, else what the URL ends in."""
    for extension in _extensions(source.get("_questionnaire")):
        if extension.get("url") == "http://hl7.org/fhir/StructureDefinition/display":
            return titles.clean(extension.get("valueString"))
    url = (source.get("questionnaire") or "").partition("|")[0]
    loinc = titles.words({"coding": [{"system": "http://loinc.org", "code": url.rpartition("/")[2]}]})
    return loinc or next((name for pattern, name in _QUESTIONNAIRES if pattern.search(url)), None)


def _extensions(element: object) -> list[Mapping[str, Any]]:
    extensions = element.get("extension") if isinstance(element, Mapping) else None
    return [one for one in extensions if isinstance(one, Mapping)] if isinstance(extensions, list) else []


_QUESTIONNAIRES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"phq-?9", "Depression screening (PHQ-9)"),
        (r"phq-?2", "Depression screening (PHQ-2)"),
        (r"gad-?7", "Anxiety screening (GAD-7)"),
        (r"audit-?c", "Alcohol use screening (AUDIT-C)"),
        (r"prapare", "Social needs screening (PRAPARE)"),
        (r"ahc-?hrsn", "Social needs screening (AHC HRSN)"),
        (r"hunger-?vital|/hvs|/hsv", "Food insecurity screening (Hunger Vital Sign)"),
        (r"exercise-?vital|/evs", "Exercise (Exercise Vital Sign)"),
        (r"/taps", "Substance use screening (TAPS)"),
        (r"glasgow|/gcs", "Glasgow Coma Scale"),
    )
)


_MARKERS: Final = frozenset({"assess-plan", "734163000"})
_SPECIAL_CONCEPTS: Final[Mapping[str, Callable[[Source], Iterator[Concept]]]] = {
    "CarePlan": _plan_concepts,
    "CareTeam": _plan_concepts,
    "ImagingStudy": _imaging_concepts,
    "MedicationRequest": _medication_concepts,
}
_TITLES: Final[Mapping[str, Callable[[Source], str | None]]] = {
    "CarePlan": _care_plan_title,
    "CareTeam": _care_team_title,
    "Device": _device_title,
    "DocumentReference": _document_title,
    "Encounter": _encounter_title,
    "FamilyMemberHistory": _family_title,
    "Goal": _goal_title,
    "ImagingStudy": _imaging_title,
    "Media": _media_title,
    "MedicationRequest": _medication_title,
    "QuestionnaireResponse": _questionnaire_title,
    "ServiceRequest": _order_title,
}
