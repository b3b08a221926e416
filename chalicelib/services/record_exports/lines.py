"""What a record says, line by line and in words: the same lines for every format that people read.

Whatever the view of a record has is in them, but for ids and codes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from chalicelib import words
from chalicelib.domain.records.categories import Category
from chalicelib.services.record_exports import moments
from chalicelib.services.record_exports.gathering import ATTACHED, View


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it is about, and what it says. `depth` is how far it stands in."""

    label: str
    text: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who puts a record into words: in a language, with times of a zone."""

    language: str
    zone: ZoneInfo

    def say(self, key: str, **values: object) -> str:
        """Words of the copy."""
        return words.say(f"export.record.{key}", self.language, **values)

    def label(self, name: str) -> str:
        """What a field is called."""
        return words.say(f"export.field.{name}", self.language)

    def category(self, category: Category) -> str:
        """What a category is called."""
        return words.say(f"export.category.{category}", self.language)

    def when(self, value: str) -> str:
        """A date or time in words."""
        return moments.in_words(value, self.zone, self.language)

    def code(self, code: str) -> str:
        """What a code of FHIR's own means: "entered-in-error". One without words stands as it is, without dashes."""
        return self.known_code(code) or code.replace("-", " ").replace("_", " ")

    def known_code(self, code: str) -> str | None:
        """The words of a code of FHIR's own, where there are some."""
        return words.catalogue(self.language).get(f"export.code.{code.replace('-', '_').lower()}")

    def yes_or_no(self, value: object) -> str:
        """A yes or no."""
        return words.say("export.yes" if value else "export.no", self.language)


def date_of(view: View, speaker: Speaker) -> str:
    """When it happened, in words."""
    return speaker.when(view["occurred_at"]) if view["occurred_at"] else speaker.say("no_date")


def lines_of(view: View, speaker: Speaker) -> Iterator[Line]:
    """All that a record says after its title and its date."""
    if view["status"]:
        yield Line(speaker.label("status"), speaker.code(view["status"]))
    yield from _result(view, speaker)
    for name, show in _FIELDS.items():
        value = view.get(name)
        if value is not None and value is not False and not _is_its_date(view, value):
            yield from show(speaker, name, value)
    if view["recorded_at"] and _is_of_another_day(view):
        yield Line(speaker.label("recorded_at"), speaker.when(view["recorded_at"]))
    for body in view.get(ATTACHED, ()):
        yield Line(speaker.label(ATTACHED), body)
    if view.get("truncated"):
        yield Line(speaker.label("truncated"), speaker.say("truncated"))


def _is_its_date(view: View, value: object) -> bool:
    """Whether a field says no more than the date does, which stands above all."""
    at = view["occurred_at"]
    return at is not None and value in (at, {"start": at})


def _is_of_another_day(view: View) -> bool:
    day = len("2027-01-01")
    return str(view["occurred_at"])[:day] != str(view["recorded_at"])[:day]


def _result(view: Mapping[str, Any], speaker: Speaker, depth: int = 0) -> Iterator[Line]:
    """A value with its unit, what the laboratory says of it, and what is usual."""
    if (shown := value_words(view, speaker)) is not None:
        yield Line(speaker.label("value"), shown, depth)
    if view.get("data_absent_reason"):
        yield Line(speaker.label("data_absent_reason"), view["data_absent_reason"], depth)
    if view.get("interpretation"):
        yield Line(speaker.label("interpretation"), view["interpretation"]["text"], depth)
    single = [view["reference_range"]] if view.get("reference_range") else []
    for one in view.get("reference_ranges") or single:
        yield Line(speaker.label("reference_range"), _range(one), depth)


def value_words(view: Mapping[str, Any], speaker: Speaker) -> str | None:
    """The value of a record or of a component, in words; None where it has none."""
    value = view.get("value")
    if value is None:
        return None
    if isinstance(value, bool):
        return speaker.yes_or_no(value)
    if isinstance(value, Mapping):
        return _object(value, speaker)
    if isinstance(value, str):
        return speaker.when(value)
    return _joined(view.get("comparator"), value, view.get("unit"))


def _object(value: Mapping[str, Any], speaker: Speaker) -> str | None:
    if "start" in value or "end" in value:
        return _period(speaker, value)
    parts = [_quantity(value[name]) for name in ("low", "high") if name in value]
    ratio = [_quantity(value[name]) for name in ("numerator", "denominator") if name in value]
    origin = [_quantity(value["origin"])] if "origin" in value else []
    return " – ".join(parts) or " : ".join(ratio) or " ".join(origin) or None


def _joined(*parts: object) -> str:
    return " ".join(str(part) for part in parts if part not in {None, ""})


def _quantity(value: Mapping[str, Any]) -> str:
    return _joined(value.get("comparator"), value.get("value"), value.get("unit"))


def _range(value: Mapping[str, Any]) -> str:
    low, high, unit = value.get("low"), value.get("high"), value.get("unit")
    if low is not None and high is not None:
        limits = _joined(f"{low} – {high}", unit)
    else:
        limits = "".join(_joined(sign, end, unit) for sign, end in (("≥", low), ("≤", high)) if end is not None)
    more = [value.get("kind"), *(value.get("applies_to") or ())]
    about = ", ".join(str(one) for one in more if one)
    shown = _joined(limits, value.get("text") if value.get("text") != limits else None)
    return f"{shown} ({about})" if about else shown


def _period(speaker: Speaker, value: Mapping[str, Any]) -> str:
    start, end = (speaker.when(value[end]) if value.get(end) else None for end in ("start", "end"))
    return moments.between(start, end, speaker.language) if start or end else ""


Show = Callable[[Speaker, str, Any], Iterator[Line]]


def _text(speaker: Speaker, name: str, value: Any) -> Iterator[Line]:
    yield Line(speaker.label(name), str(value))


def _when(speaker: Speaker, name: str, value: Any) -> Iterator[Line]:
    yield Line(speaker.label(name), speaker.when(str(value)))


def _code(speaker: Speaker, name: str, value: Any) -> Iterator[Line]:
    yield Line(speaker.label(name), speaker.code(str(value)))


def _names(speaker: Speaker, name: str, value: Iterable[str]) -> Iterator[Line]:
    yield Line(speaker.label(name), "; ".join(value))


def _kinds(speaker: Speaker, name: str, value: Iterable[str]) -> Iterator[Line]:
    """Words, but for the categories of allergies, which are codes."""
    yield Line(speaker.label(name), "; ".join(speaker.known_code(one) or one for one in value))


def _each(speaker: Speaker, name: str, value: Iterable[str]) -> Iterator[Line]:
    return (Line(speaker.label(name), one) for one in value)


def _flag(speaker: Speaker, name: str, value: Any) -> Iterator[Line]:
    yield Line(speaker.label(name), speaker.yes_or_no(value))


def _amount(speaker: Speaker, name: str, value: Mapping[str, Any]) -> Iterator[Line]:
    yield Line(speaker.label(name), _quantity(value))


def _span(speaker: Speaker, name: str, value: Mapping[str, Any]) -> Iterator[Line]:
    yield Line(speaker.label(name), _period(speaker, value))


def _worded(speaker: Speaker, name: str, value: Mapping[str, Any]) -> Iterator[Line]:
    yield Line(speaker.label(name), value["text"])


def _links(speaker: Speaker, name: str, value: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
    """The titles of other records; of one that has not arrived nothing is known."""
    titles = [one.get("title") or speaker.say("not_arrived") for one in value]
    yield Line(speaker.label(name), "; ".join(titles))


def _people(speaker: Speaker, name: str, value: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
    for one in value:
        role = f" ({one['role']})" if one.get("role") else ""
        yield Line(speaker.label(name), f"{one['name']}{role}")


def _components(speaker: Speaker, _name: str, value: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
    for one in value:
        inner = list(_result(one, speaker, depth=1))
        yield Line(one["title"], inner[0].text if inner else "–")
        yield from inner[1:]


def _parts(*order: tuple[str, Show]) -> Show:
    """A list of objects, each of which is one line with its first part, and one standing in for each further one."""

    def show(speaker: Speaker, name: str, value: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
        for one in value:
            known = [line for part, shown in order if one.get(part) for line in shown(speaker, part, one[part])]
            if known:
                yield Line(speaker.label(name), known[0].text)
            yield from (Line(line.label, line.text, 1) for line in known[1:])

    return show


def _conditions(speaker: Speaker, name: str, value: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
    """Of a plan or a goal other records; of a relative what they had."""
    for one in value:
        more = [one[part] for part in ("outcome",) if one.get(part)]
        since = [speaker.when(one["onset"])] if one.get("onset") else []
        about = ", ".join([*more, *since])
        title = one.get("title") or speaker.say("not_arrived")
        yield Line(speaker.label(name), f"{title} ({about})" if about else title)


def _items(speaker: Speaker, _name: str, value: Iterable[Mapping[str, Any]], depth: int = 0) -> Iterator[Line]:
    """Questions with their answers; groups stand further in."""
    for one in value:
        answers = [shown for answer in one["answers"] if (shown := value_words({"value": answer}, speaker))]
        yield Line(one["question"] or speaker.label("question"), "; ".join(answers) or "–", depth)
        yield from _items(speaker, "items", one.get("items", ()), depth + 1)


_FIELDS: Final[Mapping[str, Show]] = {
    "components": _components,
    "members": _links,
    "method": _text,
    "dosage": _text,
    "as_needed": _flag,
    "do_not_perform": _flag,
    "reasons": _names,
    "prescriber": _text,
    "quantity": _amount,
    "supply_duration": _amount,
    "refills_allowed": _text,
    "is_reported": _flag,
    "reactions": _parts(
        ("manifestations", _names), ("severity", _code), ("substance", _text), ("description", _text), ("onset", _when)
    ),
    "criticality": _code,
    "allergy_type": _code,
    "last_reaction_at": _when,
    "verification_status": _code,
    "severity": _text,
    "onset": _when,
    "abatement": _when,
    "encounter_class": _worded,
    "period": _span,
    "performed": _when,
    "scheduling": _code,
    "occurrence": _when,
    "diagnoses": _names,
    "outcome": _text,
    "conclusion": _text,
    "description": _text,
    "instructions": _text,
    "details": _names,
    "results": _links,
    "reports": _links,
    "practitioners": _people,
    "participants": _people,
    "performers": _names,
    "authors": _names,
    "recorder": _text,
    "organization": _text,
    "location": _text,
    "discharged_to": _text,
    "body_site": _text,
    "dose": _amount,
    "dose_number": _text,
    "route": _text,
    "manufacturer": _text,
    "lot_number": _text,
    "expires_on": _when,
    "status_reason": _text,
    "document_type": _text,
    "attachments": _parts(("title", _text), ("content_type", _text), ("created_at", _when)),
    "modality": _text,
    "series_count": _text,
    "image_count": _text,
    "activities": _parts(("title", _text), ("status", _code), ("description", _text), ("scheduled", _when)),
    "goals": _links,
    "targets": _parts(("measure", _text), ("detail", _text), ("due_on", _when)),
    "achievement": _code,
    "priority": _code,
    "conditions": _conditions,
    "relationship": _text,
    "deceased": _when,
    "device_names": _names,
    "model": _text,
    "serial_number": _text,
    "udi": _text,
    "manufactured_on": _when,
    "categories": _kinds,
    "intent": _code,
    "items": _items,
    "notes": _each,
}
"""Every field of a view that a copy shows, in the order in which it does, and how."""

UNSAID: Final = frozenset(
    {"record_id", "resource_type", "category", "code", "encounter_id", "value_code", "unit_code", "clinical_status"}
    | {"held_back"}
)
"""What of a view is for programs. A clinical status is the record's status; of a copy nothing is held back."""
