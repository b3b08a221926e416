"""Rows of what was measured, found and filed: observations, reports, imaging, documents."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from chalicelib.domain.records import elements, phrases, rows, titles, units
from chalicelib.domain.records.elements import Source, only_known


def observation(source: Source) -> dict[str, Any]:
    """An Observation: `value` and `unit` always stand there, null where the value is missing or in the components."""
    resource = source.resource
    return observed(resource) | only_known(
        components=[_component(component) for component in resource.get("component") or ()],
        members=source.links(resource.get("hasMember")),
        performers=source.name_list(resource.get("performer")),
        body_site=titles.words(resource.get("bodySite")),
        method=titles.words(resource.get("method")),
        notes=source.notes(),
    )


def observed(element: Mapping[str, Any]) -> dict[str, Any]:
    """The value of an Observation or of a component of one, with what the sender says about it."""
    concept = element.get("valueCodeableConcept") or {}
    ranges = [expected for one in element.get("referenceRange") or () if (expected := reference_range(one))]
    shown: dict[str, Any] = {"value": value_of(element), "unit": _unit(element)}
    return shown | only_known(
        unit_code=_unit_code(element),
        comparator=(element.get("valueQuantity") or {}).get("comparator"),
        value_code=None if phrases.is_absent(concept) else elements.first_code(concept),
        data_absent_reason=_absent_reason(element),
        interpretation=phrases.interpretation(element.get("interpretation")),
        reference_range=ranges[0] if ranges else None,
        reference_ranges=ranges if len(ranges) > 1 else None,
    )


def value_of(element: Mapping[str, Any]) -> rows.Value:
    """The value[x] as sent: a number of a quantity, a text of a concept, else a boolean, text, time or object."""
    for name, show in _VALUES:
        value = element.get(name)
        if value is not None:
            shown: rows.Value = show(value)
            return shown
    return None


def reference_range(element: Mapping[str, Any]) -> rows.ReferenceRange | None:
    """A reference range, its numbers as sent; None where it says nothing."""
    low, high = element.get("low") or {}, element.get("high") or {}
    limits = only_known(low=low.get("value"), high=high.get("value"), text=titles.clean(element.get("text")))
    shown = limits | only_known(
        unit=elements.unit_of(low) or elements.unit_of(high),
        kind=titles.words(element.get("type")),
        applies_to=elements.concept_list(element.get("appliesTo")),
    )
    return cast("rows.ReferenceRange", shown) if limits else None


def _component(component: Mapping[str, Any]) -> dict[str, Any]:
    code = elements.first_code(component["code"])
    return {"title": titles.words(component["code"]) or "Value", "code": code, **observed(component)}


def _concept_value(concept: Mapping[str, Any]) -> str | None:
    """The text as sent, untidied: a value is the bundle's. A code alone is better than nothing."""
    if phrases.is_absent(concept) and not concept.get("text"):
        return None
    codings = concept.get("coding") or ()
    displays = (coding.get("display") or None for coding in codings)
    codes = (coding.get("code") or None for coding in codings)
    return concept.get("text") or next(filter(None, (*displays, *codes)), None)


def _as_sent(value: Any) -> Any:
    return value


def _samples(value: Mapping[str, Any]) -> rows.Samples:
    origin = elements.quantity(value.get("origin"))
    return {"origin": origin} if origin else {}


_VALUES: Final[tuple[tuple[str, Callable[[Any], Any]], ...]] = (
    ("valueQuantity", lambda value: value.get("value")),
    ("valueCodeableConcept", _concept_value),
    ("valueString", _as_sent),
    ("valueBoolean", _as_sent),
    ("valueInteger", _as_sent),
    ("valueRange", elements.span),
    ("valueRatio", elements.ratio),
    ("valueTime", _as_sent),
    ("valueDateTime", elements.day),
    ("valuePeriod", elements.period),
    ("valueSampledData", _samples),
)


def _unit(element: Mapping[str, Any]) -> str | None:
    return elements.unit_of(element.get("valueQuantity") or {})


def _unit_code(element: Mapping[str, Any]) -> str | None:
    quantity = element.get("valueQuantity") or {}
    code: str | None = quantity.get("code")
    return code if quantity.get("system") == units.UCUM and quantity.get("unit") not in {None, code} else None


def _absent_reason(element: Mapping[str, Any]) -> str | None:
    concept = element.get("valueCodeableConcept") or {}
    if phrases.is_absent(concept):
        return phrases.absent_reason(concept)
    return phrases.absent_reason(element.get("dataAbsentReason"))


def report(source: Source) -> dict[str, Any]:
    """A DiagnosticReport with links to its results."""
    resource = source.resource
    return only_known(
        results=source.links(resource.get("result")),
        conclusion=titles.clean(resource.get("conclusion")),
        diagnoses=elements.concept_list(resource.get("conclusionCode")),
        performers=source.name_list(elements.flat([resource.get("performer"), resource.get("resultsInterpreter")])),
        categories=elements.concept_list(resource.get("category")),
        period=elements.period(resource.get("effectivePeriod")),
        attachments=elements.attachments(resource.get("presentedForm") or ()),
        members=source.links(
            elements.flat([resource.get("imagingStudy"), [media.get("link") for media in resource.get("media") or ()]])
        ),
    )


def imaging_study(source: Source) -> dict[str, Any]:
    """An ImagingStudy; its images stay where they are."""
    resource = source.resource
    series = resource.get("series") or ()
    sites = [titles.coding_words(one.get("bodySite")) for one in series]
    return only_known(
        modality=", ".join(modalities(resource)),
        body_site=", ".join(dict.fromkeys(site for site in sites if site)),
        series_count=_first_number(resource.get("numberOfSeries"), len(series)),
        image_count=_first_number(resource.get("numberOfInstances"), None),
        description=titles.clean(resource.get("description")),
        performers=source.name_list([resource.get("referrer"), *(resource.get("interpreter") or ())]),
        location=source.name(resource.get("location")),
        reasons=source.reasons(),
        notes=source.notes(),
    )


def modalities(study: Mapping[str, Any]) -> list[str]:
    """How the images of an ImagingStudy were made, in words, each once."""
    series = (one.get("modality") for one in study.get("series") or ())
    found = (titles.coding_words(coding) for coding in (*(study.get("modality") or ()), *series))
    return list(dict.fromkeys(words for words in found if words))


def media(source: Source) -> dict[str, Any]:
    """A Media: a picture, recording or scan."""
    resource = source.resource
    return only_known(
        modality=titles.words(resource.get("modality")),
        body_site=titles.words(resource.get("bodySite")),
        period=elements.period(resource.get("createdPeriod")),
        attachments=elements.attachments([resource.get("content")]),
        performers=source.name_list([resource.get("operator")]),
        reasons=source.reasons(),
        notes=source.notes(),
    )


def document(source: Source) -> dict[str, Any]:
    """A DocumentReference; the documents themselves are in the resource or behind its links."""
    resource = source.resource
    context = resource.get("context") or {}
    return only_known(
        document_type=titles.words(resource.get("type")),
        categories=elements.concept_list(resource.get("category")),
        description=titles.clean(resource.get("description")),
        authors=source.name_list(resource.get("author")),
        organization=source.name(resource.get("custodian")),
        period=elements.period(context.get("period")),
        attachments=elements.attachments(one.get("attachment") for one in resource.get("content") or ()),
    )


def _first_number(*numbers: int | None) -> int | None:
    return next((number for number in numbers if number is not None), None)
