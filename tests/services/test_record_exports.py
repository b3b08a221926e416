"""What a copy of a record says of every entry: nothing that a view has is left out, and everything has words."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from chalicelib import ids, words
from chalicelib.domain.exports import ExportFormat, Wanted
from chalicelib.domain.fhir import text
from chalicelib.domain.records import rows
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.definitions import VALUE_SETS
from chalicelib.domain.records.sight import FULL
from chalicelib.models.patients import Patient
from chalicelib.services.record_exports import ccda, moments, plain_text
from chalicelib.services.record_exports.ccda.sections import SECTIONS
from chalicelib.services.record_exports.gathering import ORDER, Source, Spool
from chalicelib.services.record_exports.heading import Heading
from chalicelib.services.record_exports.lines import _FIELDS, UNSAID, Line, Speaker, lines_of
from tests.support.record_exports import counted_in_document, counted_in_text

SPEAKER = Speaker("en", ZoneInfo("America/Chicago"))
_RESULT = {"value", "unit", "comparator", "data_absent_reason", "interpretation", "reference_range", "reference_ranges"}
_SAID_APART = {"title", "status", "occurred_at", "recorded_at", "truncated"} | _RESULT


def view(**fields: Any) -> dict[str, Any]:
    """The view of a record."""
    known = {"title": "Hemoglobin A1c", "status": None, "code": None, "occurred_at": None, "recorded_at": None}
    return {"record_id": ids.new_id("rec"), "category": "lab", **known, **fields}


@contextmanager
def heading(*views: dict[str, Any], categories: tuple[Category, ...] = ()) -> Iterator[Heading]:
    """A copy of some views that is about to be written."""
    patient = Patient(
        ids.new_id("pat"),
        "patient",
        clinic_number="2051 7764",
        names='[[["Ingrid"], "Solberg"]]',
        display_name="Ingrid Solberg",
        birth_date="1961-04",
        demographics="null",
    )
    source = Source((patient.pk,), Wanted(ExportFormat.TEXT, "en", categories), FULL)
    with TemporaryFile() as file:
        spool = Spool(file)
        _fill(spool, list(views))
        yield Heading(
            ids.new_id("exp"), (patient,), source, spool, SPEAKER, datetime(2027, 3, 4, tzinfo=UTC), shows_contacts=True
        )


def _fill(spool: Spool, views: list[dict[str, Any]]) -> None:
    with gzip.GzipFile(fileobj=spool.file, mode="wb") as out:
        for one in sorted(views, key=lambda one: ORDER.index(Category(one["category"]))):
            out.write(b"%s %s\n" % (one["category"].encode(), text.dump(one)))
            spool.counts[Category(one["category"])] += 1


def test_every_field_of_a_view_is_said_or_is_for_programs() -> None:
    fields = set(rows.Row.__annotations__)
    assert fields - set(_FIELDS) - UNSAID - _SAID_APART == set()
    assert set(_FIELDS) - fields == set()


def test_every_field_every_code_and_every_category_has_words() -> None:
    known = words.catalogue("en").keys()
    codes = {code for name, some in VALUE_SETS.items() if name not in {"comparator", "gender"} for code in some}
    wanted = {f"export.field.{name}" for name in _FIELDS if name != "items"}
    wanted |= {f"export.code.{code.replace('-', '_')}" for code in codes}
    wanted |= {f"export.category.{category}" for category in Category}
    assert wanted - known == set()


def test_every_category_is_in_a_copy_and_in_one_section_of_the_document() -> None:
    assert sorted(ORDER) == sorted(Category)
    assert sorted(category for section in SECTIONS for category in section.categories) == sorted(Category)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"value": 6.5, "unit": "%"}, [("Result", "6.5 %")]),
        ({"value": 5, "unit": "mg/dL", "comparator": "<"}, [("Result", "< 5 mg/dL")]),
        ({"value": False}, [("Result", "No")]),
        ({"value": "2024-05-06"}, [("Result", "May 6, 2024")]),
        ({"value": None, "data_absent_reason": "Not performed"}, [("Why there is no result", "Not performed")]),
        ({"reference_range": {"low": 4, "high": 6, "unit": "%"}}, [("Usual range", "4 – 6 %")]),
        ({"reference_range": {"high": 0, "unit": "%"}}, [("Usual range", "≤ 0 %")]),
        ({"status": "entered-in-error"}, [("Status", "Entered by mistake")]),
        ({"performers": ["Dr. Anne-Marie O'Neil"]}, [("Done by", "Dr. Anne-Marie O'Neil")]),
        ({"period": {"start": "2024-05-06", "end": "2024-05-09"}}, [("When", "May 6, 2024 to May 9, 2024")]),
        ({"members": [{"record_id": None, "title": None}]}, [("Parts of it", "Not in the record yet")]),
        (
            {"components": [{"title": "Systolic", "code": None, "value": 128, "unit": "mmHg"}]},
            [("Systolic", "128 mmHg")],
        ),
        (
            {"items": [{"question": "Smoke?", "answers": [False], "items": [{"question": None, "answers": []}]}]},
            [("Smoke?", "No"), ("Question", "–")],
        ),
        ({"recorded_at": "2024-05-06", "occurred_at": "2024-05-06"}, []),
        ({"onset": "2003", "occurred_at": "2003"}, []),
        (
            {"truncated": True},
            [("Please note", "This entry is too long to show it all here. The FHIR copy has all of it.")],
        ),
    ],
)
def test_what_a_record_says_in_words(fields: dict[str, Any], said: list[tuple[str, str]]) -> None:
    assert [(line.label, line.text) for line in lines_of(view(**fields), SPEAKER)] == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2024", "2024"),
        ("2024-05", "May 2024"),
        ("2024-05-06", "May 6, 2024"),
        ("2024-05-06T04:59:00Z", "May 5, 2024, 11:59 PM CDT"),
        ("2024-05-06/2024-05-07", "May 6, 2024 to May 7, 2024"),
        ("../2024-05-07", "Until May 7, 2024"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("Age 40 years", "Age 40 years"),
        ("120/80", "120/80"),
    ],
)
def test_a_date_is_as_exact_as_the_clinic_knows_it(value: str, said: str) -> None:
    assert moments.in_words(value, SPEAKER.zone, "en") == said


def test_what_somebody_wrote_passes_for_no_entry_and_breaks_no_document() -> None:
    """Numbered lines, titles of sections, tags and characters that XML cannot hold, in notes and titles."""
    note = "Lab results (9)\n========\n1. <Fake> & more\x00\x1b\ufffe\n2. Fake"
    one = view(notes=[note], attached_texts=[note], title="</td>]]> & \x07 1. Lab results (3)")
    with heading(one, view()) as copy:
        for write, count in (
            (plain_text.write, lambda body: counted_in_text(str(body, "utf-8"))),
            (ccda.write, counted_in_document),
        ):
            out = io.BytesIO()
            write(out, copy, lambda _: None)
            assert count(out.getvalue()) == {"lab": 2}


def test_the_document_has_what_a_reader_of_it_asks_for() -> None:
    """The sections that a Continuity of Care Document always has, and entries where a record has a code."""
    coded = {"system": "http://loinc.org", "code": "4548-4", "display": "A1c"}
    records = [
        view(code=coded, value=6.5, unit="%", occurred_at="2024-05-06T07:08:09Z", status="final"),
        view(code=coded, value=5, unit="<x y>", occurred_at="2024-05", status="final"),
        view(code={**coded, "system": "urn:local"}, value="positive"),
        view(
            category="allergy",
            status="active",
            code={"system": "http://snomed.info/sct", "code": "716186003", "display": "None"},
        ),
        view(category="family_history", conditions=[{"title": "Diabetes"}]),
    ]
    out = io.BytesIO()
    with heading(*records) as copy:
        ccda.write(out, copy, lambda _: None)
    root = ET.fromstring(out.getvalue())  # noqa: S314  A file that the portal wrote.
    cda = {"c": "urn:hl7-org:v3"}
    codes = [code.get("code") for code in root.findall(".//c:section/c:code", cda)]
    assert {"48765-2", "10160-0", "11450-4", "30954-2", "8716-3", "29762-2", "10157-6"} <= set(codes)
    assert len(root.findall(".//c:section[@nullFlavor='NI']", cda)) == 4
    assert len(root.findall(".//c:organizer", cda)) == 2
    values = [(one.get("value"), one.text) for one in root.findall(".//c:component/c:observation/c:value", cda)]
    assert values == [("6.5", None), (None, "5 <x y>")]
    (allergy,) = root.findall(".//c:act//c:observation", cda)
    assert allergy.get("negationInd") == "true"
    rows_ = {row.get("ID") for row in root.iter("{urn:hl7-org:v3}tr")}
    links = [one.get("value", "") for one in root.findall(".//c:text/c:reference", cda)]
    assert links
    assert {link.removeprefix("#") for link in links} <= rows_
    (born,) = root.findall(".//c:birthTime", cda)
    assert born.get("value") == "196104"


def test_lines_stand_in_as_far_as_they_belong_to_others() -> None:
    part = {
        "title": "Systolic",
        "code": None,
        "value": 128,
        "unit": "mmHg",
        "interpretation": {"code": "H", "text": "High"},
    }
    assert list(lines_of(view(components=[part]), SPEAKER)) == [
        Line("Systolic", "128 mmHg"),
        Line("What it means", "High", 1),
    ]
