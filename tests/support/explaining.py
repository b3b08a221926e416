"""Explanations of whole records, without a portal, and what they may say: read from the resources as they were sent."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from chalicelib.domain.explanations import explain
from chalicelib.domain.explanations.shapes import Explanation, Facts
from chalicelib.domain.fhir import bundle, identity, ssn, text
from chalicelib.domain.fhir.bundle import Entry
from chalicelib.domain.fhir.references import Reference
from chalicelib.domain.records import people, trends
from chalicelib.domain.records.categories import category_of, is_directory
from chalicelib.domain.records.elements import Known
from chalicelib.domain.records.keys import code_part
from chalicelib.domain.records.sight import linked_ids
from chalicelib.domain.records.trends import Reading
from chalicelib.domain.records.value_words import Reader
from chalicelib.domain.records.view import title_of, view
from tests.support.fhir import Json

ZONE: Final = ZoneInfo("America/Chicago")
NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
PHONE: Final = "+1 312 555 0100"

_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?|\d[\d,]*(?:\.\d+)?")
_POWER = re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d{1,2}")
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(T[\d:.]+(?:Z|[+-]\d\d:\d\d))?)?)?")
_UNREAD: Final = frozenset({"id", "identifier", "meta", "reference", "fullUrl", "url", "system", "text.div", "data"})


@dataclass
class Chart:
    """The record of one person, as resources that were sent together say it."""

    entries: list[Entry]
    _ids: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._index = identity.index_by_url(self.entries)
        self._ids = {id(entry): f"rec_{place:05}" for place, entry in enumerate(self.entries) if _is_record(entry)}

    @cached_property
    def sent(self) -> dict[str, Json]:
        """The resources by the ids of their records, their numbers as text."""
        return {
            record_id: json.loads(text.dump(entry.resource), parse_float=str, parse_int=str)
            for entry in self.entries
            if (record_id := self._ids.get(id(entry)))
        }

    @cached_property
    def views(self) -> dict[str, Json]:
        """The views by the ids of their records, as the portal stores and reads them."""
        return {
            record_id: text.parse(text.dump(view(entry.resource, self._names, record_id)))
            for entry in self.entries
            if (record_id := self._ids.get(id(entry)))
        }

    @property
    def _birth_date(self) -> str | None:
        born = [entry.resource.get("birthDate") for entry in self.entries if entry.type == "Patient"]
        return born[0] if born else None

    def _names(self, reference: Reference) -> Known | None:
        found = identity.find_in_bundle(reference, self._index)
        if found is None:
            return None
        if found.type == "Medication":
            return Known(code=found.resource.get("code"))
        name = title_of(found.resource) if _is_record(found) else None
        return Known(name or _directory_name(found), self._ids.get(id(found)))

    @cached_property
    def _readings(self) -> dict[str, list[Reading]]:
        """What results say of each code, the newest first."""
        dated = [one for one in self.views.values() if one["occurred_at"] and one["resource_type"] == "Observation"]
        found: dict[str, list[Reading]] = {}
        for one in sorted(dated, key=lambda one: str(one["occurred_at"]), reverse=True):
            for part in {part for value in (one, *one.get("components", ())) if (part := _part(value))}:
                found.setdefault(part, []).extend(trends.readings(one, part))
        return found

    def explain(self, record_id: str, language: str) -> Explanation:
        """What one of its records means."""
        shown = self.views[record_id]
        return explain.explain(
            Facts(
                view=shown,
                reader=Reader(language, ZONE),
                now=NOW,
                phone=PHONE,
                readings=self._readings,
                linked=[self.views[one] for one in dict.fromkeys(linked_ids(shown))],
                birth_date=self._birth_date,
            )
        )

    def near(self, record_id: str) -> set[str]:
        """Records that may be named beside one: those that it links to, and others with a code of one of these."""
        linked = [one for one in linked_ids(self.views[record_id]) if one in self.views]
        shown = [self.views[one] for one in (record_id, *linked)]
        parts = {part for one in shown for value in (one, *one.get("components", ())) if (part := _part(value))}
        return {*linked, *(one.view["record_id"] for part in parts for one in self._readings.get(part, ()))}

    def numbers(self, record_ids: Sequence[str]) -> set[str]:
        """Every number that stands in some records, and the days and years of their dates where the clinic is."""
        scalars = [scalar for one in record_ids for scalar in _scalars(self.sent[one])]
        told = {number.replace(",", "") for scalar in scalars for number in _NUMBER.findall(scalar)}
        powers = {f"{Decimal(scalar):f}" for scalar in scalars if _POWER.fullmatch(scalar)}
        return told | powers | {part for scalar in scalars for part in _parts_of_date(scalar)}


def numbers_in(said: str, names: Mapping[str, str]) -> list[str]:
    """The numbers that stand in a sentence, outside of names that have digits of their own."""
    for name in sorted(names, key=len, reverse=True):
        said = said.replace(name, names[name])
    return [number.rstrip(",").replace(",", "") for number in _NUMBER.findall(said)]


def chart(*resources: Json) -> Chart:
    """The chart of resources that are sent together."""
    return Chart(
        _entries(
            text.dump({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]})
        )
    )


def chart_of_text(sent: str) -> Chart:
    """The chart of one resource, for tests that care how its numbers are written."""
    return Chart(_entries(sent.encode()))


def charts_of(paths: Sequence[Path], *, together: bool = False) -> Iterator[Chart]:
    """A chart of each file; one of all of them where they belong together."""
    found = [_entries(path.read_bytes()) for path in paths]
    if together:
        yield Chart([entry for entries in found for entry in entries])
    else:
        yield from (Chart(entries) for entries in found)


def _entries(body: bytes) -> list[Entry]:
    return bundle.read_entries(ssn.mask(text.parse(body)).payload).entries


def _is_record(entry: Entry) -> bool:
    return category_of(entry.resource) is not None


def _directory_name(entry: Entry) -> str | None:
    return people.display_name(entry.resource) if is_directory(entry.resource) else None


def _part(value: Json) -> str | None:
    code = value.get("code")
    return code_part(code["system"] or "", code["code"]) if code and code["code"] else None


def _scalars(sent: Any) -> Iterator[str]:
    if isinstance(sent, dict):
        for name, value in sent.items():
            if name not in _UNREAD:
                yield from _scalars(value)
    elif isinstance(sent, list):
        for value in sent:
            yield from _scalars(value)
    elif isinstance(sent, str):
        yield sent


def _parts_of_date(scalar: str) -> Iterator[str]:
    match = _DATE.fullmatch(scalar)
    if match is None:
        return
    day = datetime.fromisoformat(scalar).astimezone(ZONE).date() if match[4] else None
    if day is None and match[3]:
        day = date.fromisoformat(scalar)
    yield from (str(day.year), str(day.day)) if day else (match[1],)
