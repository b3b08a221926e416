"""The record as its patient reads it: pages, filters, one entry, and the resource as received."""

import itertools
import threading
from collections.abc import Callable
from datetime import date, timedelta
from urllib.parse import quote

import pytest

from tests.support import fhir
from tests.support.crowd import seen_by_a_stranger
from tests.support.fhir import Json
from tests.support.portal import Person, Portal
from tests.support.promises import Promise
from tests.support.sizes import size


@pytest.fixture(scope="module")
def person(portal: Portal) -> Person:
    """Somebody with a record that has something for every filter. Tests of this module only read it."""
    person = portal.register()
    me = {"id": person.patient.resource_id}
    visit = fhir.encounter(me, period={"start": "2023-03-01T09:00:00-06:00"})
    at_visit = {"encounter": fhir.about(f"Encounter/{visit['id']}")}
    sodium = {"coding": [{"system": fhir.LOINC, "code": "2951-2"}], "text": "Sodium"}
    resources = [
        visit,
        fhir.lab(me, code=sodium, effectiveDateTime="2023-03-01T10:00:00-06:00", **at_visit),
        fhir.lab(me, code=sodium, effectiveDateTime="2024-01-31"),
        fhir.lab(me, code=sodium, effectiveDateTime="2024-02"),
        fhir.lab(me, effectiveDateTime="2024-02-01T05:59:59Z", **at_visit),
        fhir.lab(me, effectiveDateTime="2024-02-01T06:00:00Z"),
        fhir.condition(me, "Café-au-lait spots", recordedDate="2020-01-01", **at_visit),
        fhir.condition(me, "ASTHMA, mild", recordedDate="2021-01-01"),
        fhir.condition(me, "Of unknown date", recordedDate=None),
        fhir.prescription(me, status="entered-in-error"),
        fhir.lab(me, code={"coding": [{"system": "urn:x", "code": "a#b%"}], "text": "Odd code"}),
        fhir.lab(me, code={"coding": [{"system": "urn:x", "code": "a"}], "text": "Plain code"}),
    ]
    sent = [{name: value for name, value in one.items() if value is not None} for one in resources]
    done = portal.import_fhir(fhir.bundle(*sent)).json
    assert (done["created"], done["refused"]) == (len(sent), [])
    return person


def page(person: Person, query: str) -> Json:
    answer = person.get(f"/v1/patients/me/records?{query}")
    assert answer.status == 200, answer.text
    found: Json = answer.json
    return found


def walk(person: Person, query: str, limit: int = 100) -> list[Json]:
    found: list[Json] = []
    cursor: str | None = ""
    while cursor is not None:
        got = page(person, f"limit={limit}&{query}{f'&cursor={quote(cursor)}' if cursor else ''}")
        assert len(got["items"]) <= limit
        found += got["items"]
        cursor = got["next_cursor"]
    return found


def titles(person: Person, query: str) -> list[str]:
    return sorted(row["title"] for row in walk(person, query))


# --- order and pages -------------------------------------------------------------------------------------------------


def test_the_newest_comes_first_and_what_has_no_date_last(person: Person) -> None:
    rows = walk(person, "")
    assert (rows[-1]["title"], rows[-1]["occurred_at"]) == ("Of unknown date", None)
    times = [row["occurred_at"] for row in rows[:-1]]
    assert times == sorted(times, key=_moment, reverse=True)


@pytest.mark.parametrize("span", ["from=1900-01-01", "to=2100-01-01", "from=0001-01-01&to=9999-12-31"])
def test_what_has_no_date_lies_in_no_span_of_time(person: Person, span: str) -> None:
    assert "Of unknown date" not in titles(person, span)


def _moment(text: str) -> str:
    """What a date stands for in the clinic's zone (UTC-6 in winter), to be compared with times in UTC."""
    return text if "T" in text else f"{text}-01"[:10] + ("T06:00:00Z" if text < "2024-04" else "T05:00:00Z")


@pytest.mark.parametrize("limit", [1, 2, 5, 11, 12, 13, 100])
def test_pages_of_any_size_give_every_row_once_in_the_same_order(person: Person, limit: int) -> None:
    assert walk(person, "", limit) == walk(person, "")
    assert len(walk(person, "", limit)) == 12


def test_the_last_page_says_that_it_is(person: Person) -> None:
    assert page(person, "limit=12")["next_cursor"] is None
    assert page(person, "limit=11")["next_cursor"] is not None


def test_a_cursor_belongs_to_its_filters_and_its_caller(portal: Portal, person: Person) -> None:
    cursor = quote(page(person, "limit=1")["next_cursor"])
    assert person.get(f"/v1/patients/me/records?limit=1&category=lab&cursor={cursor}").status == 400
    assert portal.register().get(f"/v1/patients/me/records?limit=1&cursor={cursor}").status == 400


# --- filters ---------------------------------------------------------------------------------------------------------

_KEPT: dict[str, Callable[[Json, str], bool]] = {
    "category": lambda row, value: row["category"] == value,
    "encounter": lambda row, value: row.get("encounter_id") == value,
    "code": lambda row, value: bool(row["code"]) and f"{row['code']['system']}|{row['code']['code']}" == value,
    "q": lambda row, value: value.casefold() in row["title"].casefold(),
    "from": lambda row, value: bool(row["occurred_at"]) and _moment(row["occurred_at"]) >= f"{value}T06:00:00Z",
    "to": lambda row, value: bool(row["occurred_at"]) and _moment(row["occurred_at"]) < f"{_next(value)}T06:00:00Z",
}


def _next(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def test_every_combination_of_filters_finds_what_passes_each(person: Person) -> None:
    everything = walk(person, "")
    visit = next(row["record_id"] for row in everything if row["category"] == "encounter")
    values = {
        "category": "lab",
        "encounter": visit,
        "code": "http://loinc.org|2951-2",
        "q": "SODIUM",
        "from": "2023-02-01",
        "to": "2024-02-01",
    }
    combinations = [names for count in range(len(values) + 1) for names in itertools.combinations(values, count)]
    found_any = 0
    for names in combinations:
        query = "&".join(f"{name}={quote(values[name])}" for name in names)
        expected = [row for row in everything if all(_KEPT[name](row, values[name]) for name in names)]
        assert walk(person, query, limit=3) == expected, query
        found_any += bool(expected)
    assert found_any == len(combinations)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cafe", ["Café-au-lait spots"]),
        ("CAFÉ-AU", ["Café-au-lait spots"]),
        ("cafe\u0301", ["Café-au-lait spots"]),
        ("asthma", ["ASTHMA, mild"]),
        ("no such words", []),
    ],
)
def test_words_are_found_whatever_their_case_and_accents(person: Person, words: str, expected: list[str]) -> None:
    assert titles(person, f"q={quote(words)}") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("category=lab&from=2024-01-31&to=2024-01-31", {"2024-01-31", "2024-02-01T05:59:59Z"}),
        ("category=lab&from=2024-02-01&to=2024-02-01", {"2024-02", "2024-02-01T06:00:00Z"}),
        ("category=lab&from=2024-02-01T06:00:00Z&to=2024-02-01T06:00:00Z", {"2024-02", "2024-02-01T06:00:00Z"}),
        ("category=lab&from=2024-02-01T05:59:59Z&to=2024-01-31T23:59:59-06:00", {"2024-02-01T05:59:59Z"}),
        ("category=lab&from=2024-02-02&to=2024-02-01", set()),
        ("category=encounter&from=0001-01-01&to=9999-12-31", {"2023-03-01T15:00:00Z"}),
        ("category=encounter&from=0001-01-01T00:00:00%2B14:00&to=9999-12-31T23:59:59-14:00", {"2023-03-01T15:00:00Z"}),
        ("category=encounter&from=9999-12-31T23:59:59-14:00", set()),
    ],
)
def test_days_are_the_clinics_and_both_ends_are_included(person: Person, query: str, expected: set[str]) -> None:
    assert {row["occurred_at"] for row in walk(person, query)} == expected


@pytest.mark.parametrize("query", ["from=2024-02-30", "from=2024-01-01T00:00:00", "category=labs", "limit=0", "x=1"])
def test_a_filter_that_is_none_is_422(person: Person, query: str) -> None:
    assert person.get(f"/v1/patients/me/records?{query}").status == 422


def test_a_code_is_not_found_by_the_beginning_of_another(person: Person) -> None:
    assert titles(person, f"code={quote('urn:x|a')}") == ["Plain code"]
    assert titles(person, f"code={quote('urn:x|a#b%')}") == ["Odd code"]
    assert titles(person, f"code={quote('urn:x|a#b')}") == []


def test_a_search_reads_a_bounded_number_of_rows_and_says_that_there_is_more(portal: Portal) -> None:
    person = portal.register()
    me = {"id": person.patient.resource_id}
    oldest = fhir.condition(me, "The needle", recordedDate="1999-01-01")
    hay = [fhir.condition(me, f"Hay {place}", recordedDate="2020-01-01") for place in range(220)]
    assert portal.import_fhir(fhir.bundle(oldest, *hay)).json["created"] == 221
    first = page(person, "q=needle")
    assert first["items"] == []
    assert first["next_cursor"] is not None
    assert titles(person, "q=needle") == ["The needle"]
    assert len(walk(person, "q=hay", limit=7)) == 220


def test_what_was_entered_in_error_is_still_a_row_and_says_so(person: Person) -> None:
    (row,) = walk(person, "category=medication")
    assert row["status"] == "entered-in-error"


@pytest.mark.promise
def test_a_walk_while_others_insert_gives_every_row_that_was_there_once(portal: Portal, promise: Promise) -> None:
    """AP 4."""
    person = portal.register()
    me = {"id": person.patient.resource_id}
    count = size("AP 4")

    def some(day: date) -> list[Json]:
        return [
            fhir.lab(me, effectiveDateTime=(day + timedelta(days=7 * place)).isoformat(), code={"text": f"R {place}"})
            for place in range(count)
        ]

    portal.import_fhir(fhir.bundle(*some(date(2015, 1, 1))))
    there = {row["record_id"] for row in walk(person, "")}
    inserted: list[int] = []

    def insert() -> None:
        token = portal.client_token()
        between = some(date(2015, 1, 4))
        for start in range(0, count, 20):
            done = portal.import_fhir(fhir.bundle(*between[start : start + 20]), token=token)
            inserted.append(done.json["created"])

    writer = threading.Thread(target=insert)
    writer.start()
    seen = [row["record_id"] for row in walk(person, "", limit=3 if count < 100 else 20)]
    writer.join()
    promise("AP 4", "rows that were there: seen in a walk", asked=count, measured=len(there & set(seen)))
    promise("AP 4", "rows seen twice in a walk", asked=0, measured=len(seen) - len(set(seen)))
    assert sum(inserted) == count
    assert len(walk(person, "")) == 2 * count


# --- one entry -------------------------------------------------------------------------------------------------------


def test_a_visit_lists_what_came_about_during_it(person: Person) -> None:
    (visit,) = walk(person, "category=encounter")
    during = person.get(f"/v1/patients/me/records/{visit['record_id']}").json["during"]
    assert during == walk(person, f"encounter={visit['record_id']}")
    assert {row["category"] for row in during} == {"lab", "condition"}
    (other, *_) = walk(person, "category=condition")
    assert person.get(f"/v1/patients/me/records/{other['record_id']}").json == other


def test_a_visit_lists_more_than_a_page(portal: Portal) -> None:
    person = portal.register()
    me = {"id": person.patient.resource_id}
    visit = fhir.encounter(me)
    results = [fhir.lab(me, encounter=fhir.about(f"Encounter/{visit['id']}")) for _ in range(130)]
    portal.import_fhir(fhir.bundle(visit, *results))
    (row,) = walk(person, "category=encounter")
    assert len(person.get(f"/v1/patients/me/records/{row['record_id']}").json["during"]) == 130


def test_the_resource_is_answered_as_received_but_for_social_security_numbers(portal: Portal) -> None:
    person = portal.register()
    me = {"id": person.patient.resource_id}
    result = fhir.lab(me, note=[{"text": "SSN 123-45-6789 on the form"}])
    body = fhir.json_text(result).replace("6.5", "6.500").replace('"%"', '"%", "extension": [{"valueDecimal": 1E+2}]')
    assert portal.import_fhir(body).json["created"] == 1
    (row,) = walk(person, "")
    answer = person.get(f"/v1/patients/me/records/{row['record_id']}?format=fhir")
    assert answer.header("content-type") == "application/fhir+json"
    assert '"value":6.500' in answer.text
    assert '"valueDecimal":1E+2' in answer.text
    assert answer.json["note"] == [{"text": "SSN ***-**-**** on the form"}]
    listed = person.get("/v1/patients/me/records").text
    assert '"value":6.500' in listed


def test_another_patients_record_and_one_that_is_not_there_are_the_same_404(portal: Portal, person: Person) -> None:
    stranger = portal.register()
    (visit,) = walk(person, "category=encounter")
    ids = (visit["record_id"], "rec_01HZZZZZZZZZZZZZZZZZZZZZZZ", stranger.patient.patient_id)
    paths = [f"/v1/patients/me/records/{id}{query}" for id in ids for query in ("", "?format=fhir")]
    answers = [seen_by_a_stranger(stranger.get(path)) for path in paths]
    assert answers == answers[:1] * 6
    assert answers[0][0] == 404


def test_a_visit_with_more_than_an_answer_holds_shows_the_newest_that_fit(portal: Portal) -> None:
    person = portal.register()
    me = {"id": person.patient.resource_id}
    visit = fhir.encounter(me)
    at_visit = {"encounter": fhir.about(f"Encounter/{visit['id']}")}
    long = {"note": [{"text": "x" * 4_000}] * 10, **at_visit}
    for _ in range(2):
        some = [fhir.lab(me, **long) for _ in range(30)]
        assert portal.import_fhir(fhir.bundle(visit, *some)).json["refused"] == []
    record_id = page(person, "category=encounter")["items"][0]["record_id"]
    answer = person.get(f"/v1/patients/me/records/{record_id}")
    assert answer.status == 200
    assert 500_000 < len(answer.body) < 2_000_000
    assert 0 < len(answer.json["during"]) < 60
    assert len(walk(person, f"encounter={record_id}")) == 60
