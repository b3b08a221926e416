"""The record of a patient into whom another is merged: nothing is lost, doubled or out of order."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.staff import Role
from tests.support import fhir
from tests.support.aws_calls import AwsCall, hooked, recorded
from tests.support.merging import merged, undo
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.portal import Answer, Patient, Portal

Record = dict[str, Any]


def chart(portal: Portal, patient: Patient, first_day: int, *more: Record) -> None:
    """Labs of every other day, so that two such charts mesh, and a condition, a visit and a prescription of one day."""
    subject = f"Patient/{patient.resource_id}"
    days = [date(2024, 1, 1) + timedelta(days=first_day + 2 * number) for number in range(5)]
    visit = fhir.encounter(subject)
    resources = [fhir.lab(subject, effectiveDateTime=f"{day}T08:00:00Z") for day in days]
    resources += [fhir.lab(subject, encounter={"reference": f"Encounter/{visit['id']}"})]
    resources += [visit, fhir.condition(subject, "Hay fever"), fhir.prescription(subject), *more]
    done = portal.import_fhir(fhir.bundle(*resources)).json
    assert (done["created"], done["refused"]) == (len(resources), []), done


def created(portal: Portal, resource: Record) -> int:
    number: int = portal.import_fhir(resource).json["created"]
    return number


class Two:
    """One person whom the clinic has twice, each time with a chart, and with an account at the first."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.kept, self.other = portal.new_patient(), portal.new_patient()
        chart(portal, self.kept, 0)
        chart(portal, self.other, 1)
        self.person = portal.register(self.kept)
        self.caregiver = token_of(new_caregiver(self.kept_id, Scope.EVERYTHING))

    @property
    def kept_id(self) -> str:
        return self.kept.patient_id

    @property
    def other_id(self) -> str:
        return self.other.patient_id

    def clinician(self, patient_id: str) -> str:
        return token_of(new_staff(Role.CLINICIAN, cares_for=patient_id))

    def read(self, patient_id: str, query: str, token: str) -> Answer:
        return self.portal.call("GET", f"/v1/patients/{patient_id}/records{query}", token=token)

    def walk(self, patient_id: str, query: str, limit: int, token: str) -> list[Record]:
        """Every record of a list, page by page; no page is over its limit."""
        items, cursor = [], ""
        while True:
            page = self.read(patient_id, f"?limit={limit}{query}{cursor}", token)
            assert page.status == 200, page.text
            assert len(page.json["items"]) <= limit
            items += page.json["items"]
            if page.json["next_cursor"] is None:
                return items
            cursor = f"&cursor={page.json['next_cursor']}"


@pytest.fixture(scope="module")
def two(portal: Portal) -> Two:
    return Two(portal)


QUERIES = (
    "",
    "&category=lab",
    "&category=condition",
    "&q=hemoglobin",
    "&code=4548-4",
    "&from=2024-01-02&to=2024-01-08",
)


@pytest.fixture(scope="module")
def before(two: Two) -> dict[str, dict[str, list[Record]]]:
    return {
        patient_id: {query: two.walk(patient_id, query, 100, two.clinician(patient_id)) for query in QUERIES}
        for patient_id in (two.kept_id, two.other_id)
    }


@pytest.fixture(scope="module")
def merge_id(two: Two, before: dict[str, object]) -> str:
    assert before
    return merged(two.portal, two.kept_id, two.other_id)


def _ids(items: list[Record]) -> list[str]:
    return [item["record_id"] for item in items]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_both_charts_are_one_list_that_is_walked_without_gap_or_repetition(
    two: Two, before: dict[str, dict[str, list[Record]]], merge_id: str, query: str, limit: int
) -> None:
    assert merge_id
    both = before[two.kept_id][query] + before[two.other_id][query]
    walked = two.walk("me", query, limit, two.person.token)
    assert len(_ids(walked)) == len(set(_ids(walked))) == len(both)
    by_id = {item["record_id"]: item for item in both}
    assert [by_id[item["record_id"]] for item in walked] == walked
    places = [item["occurred_at"] for item in walked]
    assert places == sorted(places, reverse=True)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_who_sees_a_part_walks_through_that_part_of_both(two: Two, merge_id: str, limit: int) -> None:
    assert merge_id
    labs = token_of(new_caregiver(two.kept_id, Scope.RESULTS, Scope.MEDICATIONS, sees_sensitive=True))
    everything = two.walk("me", "", 100, two.person.token)
    expected = [one for one in everything if one["category"] in {"lab", "medication"}]
    assert len(expected) == 14
    assert two.walk(two.kept_id, "", limit, labs) == expected
    assert two.walk(two.kept_id, "&category=lab", limit, labs) == [one for one in expected if one["category"] == "lab"]
    assert two.read(two.kept_id, "?category=condition", labs).status == 404


def test_each_record_of_both_is_read_alone_as_sent_and_with_its_visit(two: Two, merge_id: str) -> None:
    assert merge_id
    everything = two.walk("me", "", 100, two.person.token)
    visits = [item for item in everything if item["category"] == "encounter"]
    assert len(visits) == 2
    for item in everything:
        for token in (two.person.token, two.caregiver):
            one = two.read(two.kept_id, f"/{item['record_id']}", token)
            sent = two.read(two.kept_id, f"/{item['record_id']}?format=fhir", token)
            assert (one.status, sent.status) == (200, 200)
            assert item.items() <= one.json.items()
    for visit in visits:
        (during,) = two.read("me", f"/{visit['record_id']}", two.person.token).json["during"]
        assert during["encounter_id"] == visit["record_id"]
        assert two.walk("me", f"&encounter={visit['record_id']}", 1, two.person.token) == [during]


def test_the_summary_is_of_both(two: Two, merge_id: str) -> None:
    assert merge_id
    summary = two.person.get("/v1/patients/me/summary").json
    assert summary["patient"]["patient_id"] == two.kept_id
    assert len(summary["new_results"]) == 10
    assert [len(summary[name]) for name in ("conditions", "medications")] == [2, 2]
    results = two.walk("me", "&category=lab", 100, two.person.token)
    assert _ids(summary["new_results"]) == _ids(results)[:10]


def test_staff_who_care_for_either_see_both_and_others_none(two: Two, merge_id: str) -> None:
    assert merge_id
    everything = two.walk("me", "", 100, two.person.token)
    for cared_for in (two.kept_id, two.other_id):
        assert two.walk(two.kept_id, "", 3, two.clinician(cared_for)) == everything
    stranger = two.read(two.kept_id, "", two.clinician(two.portal.new_patient().patient_id))
    assert (stranger.status, stranger.json["code"]) == (403, "not_in_care_team")


def test_the_patient_sees_who_looked_at_either(two: Two, merge_id: str) -> None:
    assert merge_id
    token = token_of(two.person.session["account"]["account_id"])

    def walk(limit: int) -> list[Record]:
        items, cursor = [], ""
        while True:
            path = f"/v1/patients/me/access-log?limit={limit}{cursor}"
            page = two.portal.call("GET", path, token=token).json
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = f"&cursor={page['next_cursor']}"

    whole = walk(100)
    assert walk(3) == whole
    # As text, a whole second would sort behind its parts.
    times = [datetime.fromisoformat(one["at"]) for one in whole]
    assert times == sorted(times, reverse=True)
    partitions = {f"patient#{two.kept_id}", f"patient#{two.other_id}"}
    rows = [row for row in two.portal.rows("audit") if row["pk"]["S"] in partitions]
    assert len(whole) == len(rows)
    assert [one["text"] for one in whole].count("Joined two files of yours.") == 2


def test_nobody_else_sees_the_duplicates_records(two: Two, merge_id: str) -> None:
    assert merge_id
    stranger = two.portal.register()
    (record, *_) = two.walk("me", "", 100, two.person.token)
    for patient_id in ("me", two.kept_id, two.other_id):
        assert two.read(patient_id, f"/{record['record_id']}", stranger.token).status == 404
        assert two.read(patient_id, f"/{record['record_id']}?format=fhir", stranger.token).status == 404


def test_what_comes_for_the_duplicate_later_is_theirs_and_shows(two: Two, merge_id: str) -> None:
    assert merge_id
    late = fhir.lab(f"Patient/{two.other.resource_id}", effectiveDateTime="2024-06-01T08:00:00Z")
    assert created(two.portal, late) == 1
    (newest, *_) = two.walk("me", "", 2, two.person.token)
    assert newest["occurred_at"] == "2024-06-01T08:00:00Z"
    (held,) = [row for row in two.portal.rows("patients") if row["sk"]["S"] == f"record#{newest['record_id']}"]
    assert held["pk"]["S"] == two.other_id


def test_who_remains_is_told_of_the_duplicates_results(two: Two, merge_id: str) -> None:
    assert merge_id
    two.portal.drain()
    fresh = fhir.lab(f"Patient/{two.other.resource_id}", effectiveDateTime=clock.stamp(clock.now()))
    assert created(two.portal, fresh) == 1
    two.portal.drain()
    token = token_of(two.person.session["account"]["account_id"])
    notices = two.portal.call("GET", "/v1/me/notices", token=token).json["items"]
    (told,) = [one for one in notices if one["target"]["kind"] == "records"]
    assert told["patient_id"] == two.kept_id


def test_undone_each_has_exactly_what_was_theirs(portal: Portal) -> None:
    two = Two(portal)
    token = two.clinician(two.other_id)
    own, others = two.walk("me", "", 100, two.person.token), two.walk(two.other_id, "", 100, token)
    merge_id = merged(portal, two.kept_id, two.other_id)
    assert len(two.walk("me", "", 100, two.person.token)) == len(own) + len(others)
    assert undo(portal, two.kept_id, merge_id).status == 200
    assert two.walk("me", "", 3, two.person.token) == own
    assert two.walk(two.other_id, "", 3, token) == others
    assert two.read("me", f"/{others[0]['record_id']}", two.person.token).status == 404
    assert two.read("me", f"/{others[0]['record_id']}?format=fhir", two.person.token).status == 404
    assert two.walk(two.kept_id, "", 3, two.caregiver) == own


def test_a_walk_goes_on_over_a_merge_and_over_its_undoing(portal: Portal) -> None:
    two = Two(portal)
    own = two.walk("me", "", 100, two.person.token)
    first = two.read("me", "?limit=4", two.person.token).json
    merge_id = merged(portal, two.kept_id, two.other_id)
    rest: list[Record] = []
    cursor, pages = first["next_cursor"], 0
    while cursor is not None:
        page = two.read("me", f"?limit=4&cursor={cursor}", two.person.token).json
        rest, cursor, pages = rest + page["items"], page["next_cursor"], pages + 1
        if pages == 2:
            assert undo(portal, two.kept_id, merge_id).status == 200
    seen = _ids(first["items"] + rest)
    assert len(seen) == len(set(seen))
    assert set(_ids(own)) <= set(seen)


def test_three_files_are_one_list_too(portal: Portal) -> None:
    two, third = Two(portal), portal.new_patient()
    chart(portal, third, 0)
    own = _ids(two.walk("me", "", 100, two.person.token))
    for other in (two.other_id, third.patient_id):
        merged(portal, two.kept_id, other)
    walked = two.walk("me", "", 2, two.person.token)
    assert len(_ids(walked)) == len(set(_ids(walked))) == 3 * len(own)
    assert [one["occurred_at"] for one in walked] == sorted((one["occurred_at"] for one in walked), reverse=True)


def _calls(ask: Callable[[], Answer]) -> int:
    with recorded() as calls:
        assert ask().status == 200
    return len([call for call in calls if call.service == "dynamodb"])


def test_a_patient_who_was_never_merged_pays_nothing_and_others_one_query_for_each_file(portal: Portal) -> None:
    two = Two(portal)

    def page() -> Answer:
        return two.person.get("/v1/patients/me/records?limit=3")

    def of_another() -> Answer:
        return two.read(two.kept_id, "?limit=3", two.caregiver)

    assert (_calls(page), _calls(of_another)) == (2, 4)
    merged(portal, two.kept_id, two.other_id)
    assert (_calls(page), _calls(of_another)) == (3, 5)


def test_an_import_that_runs_while_its_patient_is_merged_loses_nothing(portal: Portal) -> None:
    """The patient's own resource is on its way, read before the merge and written after it."""
    two = Two(portal)
    subject = f"Patient/{two.other.resource_id}"
    patient = {"resourceType": "Patient", "id": two.other.resource_id, "name": [{"family": "Changed"}]}
    bundle = fhir.bundle(patient, *(fhir.lab(subject, effectiveDateTime="2024-03-01T08:00:00Z") for _ in range(60)))
    token, merges = portal.client_token(), list[str]()

    def merge_now(call: AwsCall) -> None:
        if call.operation == "TransactWriteItems" and not merges:
            merges.append("")
            merges.append(merged(portal, two.kept_id, two.other_id))

    with hooked(merge_now):
        done = portal.import_fhir(bundle, token=token).json
    assert (done["created"], done["updated"], done["refused"]) == (60, 1, [])
    assert len(merges) == 2
    assert len(two.walk("me", "", 50, two.person.token)) == 9 * 2 + 60
    assert two.read(two.other_id, "", two.clinician(two.other_id)).status == 409


def test_a_search_that_reads_one_file_in_parts_shows_each_match_once_and_in_order(portal: Portal) -> None:
    """Of one file a page reads a hundred rows without a match, while the other's matches are all older."""
    kept, other = portal.new_patient(), portal.new_patient()
    first, second = f"Patient/{kept.resource_id}", f"Patient/{other.resource_id}"
    many = [fhir.condition(first, "Sinusitis", recordedDate="2024-06-01") for _ in range(130)]
    own = [fhir.condition(first, "Gout", recordedDate=f"2024-05-0{day}") for day in (1, 3, 5)]
    others = [fhir.condition(second, "Gout", recordedDate=f"2024-05-0{day}") for day in (2, 4, 6)]
    done = portal.import_fhir(fhir.bundle(*many, *own, *others)).json
    assert done["created"] == 136
    person = portal.register(kept)
    merged(portal, kept.patient_id, other.patient_id)
    for query in ("?q=gout&limit=2", "?q=gout&limit=5&category=condition"):
        days, cursor = list[str](), ""
        while True:
            page = person.get(f"/v1/patients/me/records{query}{cursor}").json
            days += [item["occurred_at"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert days == [f"2024-05-0{day}" for day in (6, 5, 4, 3, 2, 1)]
