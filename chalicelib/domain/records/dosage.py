"""How to take a medicine, in plain words, out of FHIR's Dosage (https://hl7.org/fhir/R4/dosage.html)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from chalicelib.domain.fhir.text import FhirDecimal
from chalicelib.domain.records import titles

Dosage = Mapping[str, Any]

_UNITS: Final[Mapping[str, str]] = {
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "wk": "week",
    "mo": "month",
    "a": "year",
}
_TIMES: Final = {1: "once", 2: "twice"}
_WHEN: Final[Mapping[str, str]] = {
    "MORN": "in the morning",
    "NOON": "at noon",
    "AFT": "in the afternoon",
    "EVE": "in the evening",
    "NIGHT": "at night",
    "HS": "at bedtime",
    "WAKE": "on waking",
    "PHS": "after going to sleep",
    "C": "with meals",
    "CM": "with breakfast",
    "CD": "with lunch",
    "CV": "with dinner",
    "AC": "before meals",
    "ACM": "before breakfast",
    "ACD": "before lunch",
    "ACV": "before dinner",
    "PC": "after meals",
    "PCM": "after breakfast",
    "PCD": "after lunch",
    "PCV": "after dinner",
}
_DAYS: Final[Mapping[str, str]] = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
_TIMING_CODES: Final[Mapping[str, str]] = {
    "BID": "twice a day",
    "TID": "3 times a day",
    "QID": "4 times a day",
    "QD": "once a day",
    "QOD": "every 2 days",
    "Q1H": "every hour",
    "Q2H": "every 2 hours",
    "Q3H": "every 3 hours",
    "Q4H": "every 4 hours",
    "Q6H": "every 6 hours",
    "Q8H": "every 8 hours",
    "BED": "at bedtime",
    "AM": "in the morning",
    "PM": "in the afternoon",
    "WK": "once a week",
    "MO": "once a month",
}


def dosage_words(dosages: list[Dosage]) -> str | None:
    """All instructions in their sequence; the clinic's own text wherever it gave one; None where nothing is said."""
    in_order = sorted(dosages, key=lambda dosage: dosage.get("sequence") or 0)
    return "; ".join(dict.fromkeys(words for dosage in in_order if (words := _words(dosage)))) or None


def timing_words(timing: Mapping[str, Any] | None) -> str | None:
    """A Timing such as "every 6 hours for 5 days"; None where it says nothing that can be put in words."""
    if not timing:
        return None
    code = titles.words(timing.get("code"))
    if timing.get("code") and (timing["code"].get("text") and code):
        return code
    rhythm = " ".join(_repeat(timing.get("repeat") or {}))
    return rhythm or _by_code(timing.get("code")) or code


def _words(dosage: Dosage) -> str | None:
    own = titles.clean(dosage.get("text")) or titles.clean(dosage.get("patientInstruction"))
    if own:
        return own
    parts = [_dose(dosage), timing_words(dosage.get("timing")), *_where(dosage)]
    instructions = [words for one in dosage.get("additionalInstruction") or () if (words := titles.words(one))]
    sentence = ", ".join(part for part in (" ".join(filter(None, parts)), _as_needed(dosage), *instructions) if part)
    return sentence[:1].upper() + sentence[1:] or None


def _dose(dosage: Dosage) -> str | None:
    for rate in dosage.get("doseAndRate") or ():
        dose = quantity_words(rate.get("doseQuantity")) or range_words(rate.get("doseRange"))
        speed = (
            quantity_words(rate.get("rateQuantity"))
            or range_words(rate.get("rateRange"))
            or _ratio(rate.get("rateRatio"))
        )
        if dose or speed:
            return " at ".join(part for part in (dose, speed) if part)
    return None


def quantity_words(quantity: Mapping[str, Any] | None) -> str | None:
    """`5 mL`, `< 10 mg`, `1`; None without a number."""
    if not quantity or quantity.get("value") is None:
        return None
    unit = titles.clean(quantity.get("unit")) or titles.clean(quantity.get("code"))
    unit = None if unit in {"1", "{unit}"} else unit
    return " ".join(str(part) for part in (quantity.get("comparator"), quantity["value"], unit) if part is not None)


def range_words(span: Mapping[str, Any] | None) -> str | None:
    """`1 to 2 tablets`, `up to 2 tablets`, `from 1 tablet`; None where neither end is given."""
    low, high = quantity_words((span or {}).get("low")), quantity_words((span or {}).get("high"))
    if low and high:
        return f"{(span or {})['low']['value']} to {high}"
    return f"up to {high}" if high else f"from {low}" if low else None


def _ratio(ratio: Mapping[str, Any] | None) -> str | None:
    top, bottom = quantity_words((ratio or {}).get("numerator")), quantity_words((ratio or {}).get("denominator"))
    return f"{top} per {bottom}" if top and bottom else None


def _where(dosage: Dosage) -> Iterator[str]:
    route, site = titles.words(dosage.get("route")), titles.words(dosage.get("site"))
    if route:
        yield "by mouth" if route.lower() in {"oral", "oral use", "oral route", "by mouth"} else f"({route.lower()})"
    if site:
        yield f"at the {site.lower()}"


def _as_needed(dosage: Dosage) -> str | None:
    reason = titles.words(dosage.get("asNeededCodeableConcept"))
    if reason:
        return f"as needed for {reason[:1].lower()}{reason[1:]}"
    return "as needed" if dosage.get("asNeededBoolean") else None


def _repeat(repeat: Mapping[str, Any]) -> Iterator[str]:
    yield from filter(None, [_frequency(repeat)])
    yield from (_WHEN[when] for when in repeat.get("when") or () if when in _WHEN)
    days = [_DAYS[day] for day in repeat.get("dayOfWeek") or () if day in _DAYS]
    if days:
        yield f"on {' and '.join(days)}"
    times = [time[:5] for time in repeat.get("timeOfDay") or () if time]
    if times:
        yield f"at {' and '.join(times)}"
    yield from filter(None, [_bounds(repeat)])


def _frequency(repeat: Mapping[str, Any]) -> str | None:
    period, unit = repeat.get("period"), _UNITS.get(repeat.get("periodUnit") or "")
    if period is None or unit is None:
        return f"{repeat['count']} times in all" if repeat.get("count") else None
    often, most = repeat.get("frequency") or 1, repeat.get("frequencyMax")
    span = f"{period} to {repeat['periodMax']} {unit}s" if repeat.get("periodMax") else _span(period, unit)
    if most and most != often:
        return f"{often} to {most} times {_each(period, unit, span)}"
    if often == 1 and (span != unit or unit in {"second", "minute", "hour"}):
        return f"every {span}"
    return f"{_TIMES.get(often, f'{often} times')} {_each(period, unit, span)}"


def _span(period: int | FhirDecimal, unit: str) -> str:
    return unit if period == 1 else f"{period} {unit}s"


def _each(period: int | FhirDecimal, unit: str, span: str) -> str:
    if period != 1 or span != unit:
        return f"every {span}"
    return f"an {unit}" if unit == "hour" else f"a {unit}"


def _bounds(repeat: Mapping[str, Any]) -> str | None:
    duration = repeat.get("boundsDuration") or {}
    unit = _UNITS.get(duration.get("code") or "") or _UNITS.get(duration.get("unit") or "")
    if duration.get("value") is not None and unit:
        return f"for {duration['value']} {unit if duration['value'] == 1 else f'{unit}s'}"
    end = (repeat.get("boundsPeriod") or {}).get("end")
    return f"until {end[:10]}" if end else None


def _by_code(concept: Mapping[str, Any] | None) -> str | None:
    for coding in (concept or {}).get("coding") or ():
        if words := _TIMING_CODES.get(coding.get("code") or ""):
            return words
    return None
