"""FHIR's datatypes as the API shows them. The resource was checked, so what is there has the right shape."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from chalicelib.domain.fhir.references import Reference, find_contained, read_reference
from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.records import dates, dosage, people, rows, titles

_LONGEST_NOTE: Final = 4_000


@dataclass(frozen=True, slots=True)
class Known:
    """What the portal knows of something that a record refers to."""

    name: str | None = None
    record_id: str | None = None
    code: Mapping[str, Any] | None = None
    """The CodeableConcept of a Medication."""


ReferenceNames = Callable[[Reference], Known | None]


def nothing_known(reference: Reference) -> Known | None:  # noqa: ARG001  The shape of ReferenceNames.
    """The ReferenceNames of a portal that knows nothing yet: displays stand for what they name."""
    return None


@dataclass(frozen=True, slots=True)
class Source:
    """A resource on its way into a row, with what is known of the resources that it refers to."""

    resource: Resource
    names: ReferenceNames

    def get(self, element: str) -> Any:
        return self.resource.get(element)

    def known(self, element: Mapping[str, Any] | None) -> Known:
        """What is known of a Reference: a contained resource, else what the portal has, else the display as sent."""
        if not element:
            return Known()
        reference = read_reference(element)
        contained = find_contained(self.resource, reference)
        known = _contained(contained) if contained else self.names(reference)
        return Known(
            name=(known and known.name) or titles.clean(reference.display),
            record_id=known.record_id if known else None,
            code=known.code if known else None,
        )

    def name(self, element: Mapping[str, Any] | None) -> str | None:
        return self.known(element).name

    def name_list(self, elements: Iterable[Mapping[str, Any] | None] | None) -> list[str]:
        found = (self.name(element) for element in elements or ())
        return list(dict.fromkeys(name for name in found if name))

    def links(self, elements: Iterable[Mapping[str, Any] | None] | None) -> list[rows.Link]:
        known = (self.known(element) for element in elements or ())
        return [{"record_id": one.record_id, "title": one.name and titles.tidy(one.name)} for one in known]

    def reasons(self) -> list[str]:
        """Why: the codes in words, and the names of the records referred to."""
        named = (*concept_list(self.get("reasonCode")), *self.name_list(self.get("reasonReference")))
        return list(dict.fromkeys(named))

    def notes(self) -> list[str]:
        return [text[:_LONGEST_NOTE] for note in self.get("note") or () if (text := titles.clean(note.get("text")))]


def _contained(resource: Resource) -> Known:
    code = resource.get("code") if resource.get("resourceType") == "Medication" else None
    return Known(people.display_name(resource), code=code)


def first_code(*concepts: Mapping[str, Any] | None) -> rows.Code | None:
    """The first coding of the first concept that has one, as sent."""
    for concept in concepts:
        for coding in (concept or {}).get("coding") or ():
            if coding.get("code") or coding.get("display"):
                return code_of(coding)
    return None


def code_of(coding: Mapping[str, Any]) -> rows.Code:
    """A Coding as sent."""
    return {"system": coding.get("system"), "code": coding.get("code"), "display": coding.get("display")}


def concept_list(concepts: Iterable[Mapping[str, Any]] | None) -> list[str]:
    """The words of each concept that has any."""
    found = (titles.words(concept) for concept in concepts or ())
    return list(dict.fromkeys(words for words in found if words))


def first_words(*concepts: Mapping[str, Any] | None) -> str | None:
    """The words of the first concept that has any."""
    return next((words for concept in concepts if (words := titles.words(concept))), None)


def code_word(concept: Mapping[str, Any] | None) -> str | None:
    """The code of a concept of FHIR's own (active, resolved), else its text."""
    codings = (concept or {}).get("coding") or ()
    found = next((coding["code"] for coding in codings if coding.get("code")), None)
    return found or titles.clean((concept or {}).get("text"))


def quantity(element: Mapping[str, Any] | None) -> rows.Quantity | None:
    """A Quantity with its number as sent; None where it has neither a number nor a unit."""
    if not element or (element.get("value") is None and not unit_of(element)):
        return None
    shown: rows.Quantity = {"value": element.get("value"), "unit": unit_of(element)}
    if element.get("comparator"):
        shown["comparator"] = element["comparator"]
    return shown


def unit_of(element: Mapping[str, Any]) -> str | None:
    """The unit as people write it, else its code."""
    unit: str | None = element.get("unit") or element.get("code")
    return unit


def period(element: Mapping[str, Any] | None) -> rows.Period | None:
    """A Period with each end that it has, or None."""
    ends = {end: dates.normal(text) for end in ("start", "end") if (text := (element or {}).get(end))}
    return cast("rows.Period", ends) or None


def span(element: Mapping[str, Any] | None) -> rows.Span:
    """A Range with each end that it has."""
    ends = {end: shown for end in ("low", "high") if (shown := quantity((element or {}).get(end)))}
    return cast("rows.Span", ends)


def ratio(element: Mapping[str, Any]) -> rows.Ratio:
    """A Ratio with each quantity that it has."""
    parts = {part: shown for part in ("numerator", "denominator") if (shown := quantity(element.get(part)))}
    return cast("rows.Ratio", parts)


def choice_words(element: Mapping[str, Any], name: str) -> str | None:
    """A choice such as onset[x] or performed[x] in one text: a date as the API writes dates, else words.

    Of a Period its start, and its end after a slash as in ISO 8601 where it has one.
    """
    for suffix, show in _CHOICES:
        value = element.get(f"{name}{suffix}")
        if value is not None and (shown := show(value)):
            return shown
    return None


def attachments(elements: Iterable[Mapping[str, Any] | None]) -> list[rows.Attachment]:
    """What attachments are, without their data."""
    return [_attachment(element) for element in elements if element]


def day(value: Any) -> str | None:
    """A date or time as the API writes it."""
    return dates.normal(value) if value else None


def only_known(**fields: Any) -> dict[str, Any]:
    """The fields of a row of which the clinic said something."""
    return {name: value for name, value in fields.items() if value is not None and value not in ([], {}, "")}


def flat(lists: Iterable[Iterable[Any] | None]) -> Iterator[Any]:
    """All members of all lists."""
    return (member for members in lists for member in members or ())


def _attachment(element: Mapping[str, Any]) -> rows.Attachment:
    shown = only_known(
        title=titles.clean(element.get("title")),
        content_type=element.get("contentType"),
        language=element.get("language"),
        size=element.get("size"),
        created_at=day(element.get("creation")),
    )
    return cast("rows.Attachment", shown)


def _period_words(element: Mapping[str, Any]) -> str | None:
    ends = period(element) or {}
    start, end = ends.get("start"), ends.get("end")
    return f"{start or '..'}/{end}" if end and start != end else start


def _yes_or_no(value: bool) -> str:  # noqa: FBT001  A FHIR boolean.
    return "Yes" if value else "No"


def _age(element: Mapping[str, Any]) -> str | None:
    words = dosage.quantity_words({"value": element.get("value")})
    unit = _AGE_UNITS.get(str(element.get("code")), element.get("unit"))
    return f"Age {words} {unit}" if words and unit else None


_AGE_UNITS: Final = {"a": "years", "mo": "months", "wk": "weeks", "d": "days", "h": "hours", "min": "minutes"}
_CHOICES: Final[tuple[tuple[str, Callable[[Any], str | None]], ...]] = (
    ("DateTime", dates.normal),
    ("Date", dates.normal),
    ("Instant", dates.normal),
    ("Period", _period_words),
    ("Age", _age),
    ("Range", dosage.range_words),
    ("String", titles.clean),
    ("Timing", dosage.timing_words),
    ("Quantity", dosage.quantity_words),
    ("CodeableConcept", titles.words),
    ("Boolean", _yes_or_no),
    ("Integer", str),
)
