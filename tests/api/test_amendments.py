"""Asking for corrections of the record (45 CFR 164.526), and what the clinic answers."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.amendments import AmendmentBy, AmendmentStatus, expected_by
from chalicelib.domain.amendments import Answer as ClinicAnswer
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.staff import PERMISSIONS, Permission, Role
from chalicelib.errors import Conflict
from chalicelib.models import amendments
from chalicelib.models.transaction import transaction
from chalicelib.settings import settings
from tests.support import fhir, links, merging
from tests.support.amendments import CLINIC, WORDS, ask, asked, decide, path
from tests.support.caregivers import account_id_of
from tests.support.changing import Chart
from tests.support.clinic_system import clinic_system
from tests.support.people import appoint, new_caregiver, new_staff, token_of
from tests.support.portal import Answer, Person, Portal

SECRET = {"meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}]}}


@pytest.fixture
def chart(portal: Portal) -> Chart:
    return Chart(portal, fhir.condition("Patient/x", "Gout"), fhir.condition("Patient/x", "Secret illness", **SECRET))


def _record_of(chart: Chart, title: str = "Gout") -> str:
    return next(record_id for record_id, row in chart.records().items() if row["title"] == title)


def _token(person: Person) -> str:
    return token_of(account_id_of(person))


def _read(chart: Chart, amendment_id: str, token: str | None = None) -> Answer:
    return chart.portal.call("GET", f"{path(chart.patient_id)}/{amendment_id}", token=token or _token(chart.person))


def _ids(chart: Chart, token: str | None = None, query: str = "") -> list[str]:
    page = chart.portal.call("GET", f"{path(chart.patient_id)}{query}", token=token or _token(chart.person))
    assert page.status == 200, page.text
    return [one["amendment_id"] for one in page.json["items"]]


def _list(portal: Portal, token: str, query: str = "?limit=100") -> list[dict[str, Any]]:
    """The clinic's whole list, page by page."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = portal.call("GET", f"{CLINIC}{query}{cursor}", token=token).json
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


def test_a_request_waits_and_says_until_when_it_is_answered(chart: Chart) -> None:
    record_id = _record_of(chart)
    made = ask(chart.portal, _token(chart.person), record_id=record_id)
    assert made.status == 201
    today = clock.now().astimezone(settings().clinic_zone).date()
    assert made.json | {"amendment_id": "", "created_at": "", "events": []} == {
        **WORDS,
        "amendment_id": "",
        "record_id": record_id,
        "status": "waiting",
        "created_at": "",
        "expected_by": (today + timedelta(days=60)).isoformat(),
        "decided_at": None,
        "answer": None,
        "events": [],
    }
    assert [(one["status"], one["by"]) for one in made.json["events"]] == [("waiting", "patient")]
    assert _read(chart, made.json["amendment_id"]).json == made.json


def test_the_last_day_is_one_of_the_clinics_calendar() -> None:
    zone = settings().clinic_zone
    late = clock.read_stamp("2027-01-10T04:30:00.000Z")
    assert expected_by(late, zone).isoformat() == "2027-03-10"
    assert expected_by(late + timedelta(hours=3), zone).isoformat() == "2027-03-11"


def test_the_same_request_sent_again_is_one_request(chart: Chart) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (ask(chart.portal, _token(chart.person), headers=headers) for _ in range(2))
    assert (again.status, again.json) == (201, first.json)
    assert _ids(chart) == [first.json["amendment_id"]]
    other = ask(chart.portal, _token(chart.person), headers=headers, reason="Another one.")
    assert other.status == 422


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"record_id": "rec_01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "/record_id", "record_unknown"),
        ({"record_id": "anything"}, "/record_id", "record_unknown"),
        ({"reason": "  "}, "/reason", "missing"),
        ({"correction": ""}, "/correction", "too_short"),
        ({"correction": "x" * 2001}, "/correction", "too_long"),
        ({"status": "approved"}, "/status", "unknown_field"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_name(
    chart: Chart, changes: dict[str, str], pointer: str, code: str
) -> None:
    refused = ask(chart.portal, _token(chart.person), **changes)
    assert refused.status == 422
    assert [(one["pointer"], one["code"]) for one in refused.json["errors"]] == [(pointer, code)]
    assert _ids(chart) == []


def test_anothers_record_is_no_record(chart: Chart) -> None:
    other = Chart(chart.portal, fhir.condition("Patient/x", "Gout"))
    refused = ask(chart.portal, _token(chart.person), record_id=_record_of(other))
    assert [one["code"] for one in refused.json["errors"]] == ["record_unknown"]


def test_there_is_an_end_to_how_often_somebody_asks_in_a_day(chart: Chart) -> None:
    token = _token(chart.person)
    assert {ask(chart.portal, token).status for _ in range(20)} == {201}
    refused = ask(chart.portal, token)
    assert (refused.status, refused.header("retry-after") is not None) == (429, True)


class TestTheClinicsAnswer:
    def test_granted_it_is_told_to_the_patient_with_no_word_of_what_it_is(self, chart: Chart) -> None:
        links.post(
            chart.portal,
            links.path_of(chart.portal, chart.person, LinkPurpose.VERIFY_EMAIL),
            date_of_birth=chart.person.patient.date_of_birth,
        )
        amendment_id = asked(chart.person, record_id=_record_of(chart))
        granted = decide(chart.portal, amendment_id, "approve", {"note": "Told Dr. Okafor."})
        assert (granted.status, granted.json["status"], granted.json["note"]) == (200, "approved", "Told Dr. Okafor.")
        chart.portal.drain()
        found = _read(chart, amendment_id).json
        assert [(one["status"], one["by"]) for one in found["events"]] == [
            ("waiting", "patient"),
            ("approved", "clinic"),
        ]
        assert "note" not in found
        (told,) = [
            one
            for one in chart.person.get("/v1/me/notices").json["items"]
            if one["target"] == {"kind": "amendment", "id": amendment_id}
        ]
        assert told["patient_id"] == chart.patient_id
        email = chart.portal.emails(chart.person.patient.email)[-1]
        assert email.subject == "The clinic has answered a request"
        assert [word for word in ("Gout", WORDS["reason"], WORDS["correction"]) if word in repr(email)] == []

    def test_denied_it_says_why(self, chart: Chart) -> None:
        amendment_id = asked(chart.person)
        assert decide(chart.portal, amendment_id, "deny", {}).status == 422
        assert decide(chart.portal, amendment_id, "deny", {"reason": " "}).status == 422
        denied = decide(chart.portal, amendment_id, "deny", {"reason": "We measured again.", "note": "Twice."})
        assert (denied.status, denied.json["status"]) == (200, "denied")
        found = _read(chart, amendment_id).json
        assert (found["status"], found["answer"]) == ("denied", "We measured again.")
        assert found["decided_at"] == found["events"][-1]["at"]

    @pytest.mark.parametrize("first", ["approve", "deny", "withdraw"])
    def test_it_is_over_once(self, chart: Chart, first: str) -> None:
        amendment_id = asked(chart.person)
        token = _token(chart.person)
        one = f"{path()}/{amendment_id}"
        if first == "withdraw":
            assert chart.portal.call("DELETE", one, token=token).status == 204
        else:
            assert decide(chart.portal, amendment_id, first, {"reason": "No."} if first == "deny" else {}).status == 200
        for how, body in (("approve", {}), ("deny", {"reason": "No."})):
            assert decide(chart.portal, amendment_id, how, body).status == 409
        assert chart.portal.call("DELETE", one, token=token).status == (204 if first == "withdraw" else 409)

    def test_of_two_who_decide_at_the_same_moment_one_does(self, chart: Chart) -> None:
        amendment_id = asked(chart.person)
        as_read = amendments.find_listed(amendment_id)
        assert as_read is not None
        assert decide(chart.portal, amendment_id, "approve", {}).status == 200
        with pytest.raises(Conflict), transaction() as tx:
            amendments.end(tx, as_read, AmendmentStatus.DENIED, AmendmentBy.CLINIC, ClinicAnswer("No."))
        assert _read(chart, amendment_id).json["status"] == "approved"

    def test_nobody_decides_what_they_asked_for_or_what_is_about_themselves(self, chart: Chart) -> None:
        clinician = new_staff(Role.CLINICIAN)
        grant_to = chart.patient_id
        caregiver = new_caregiver(grant_to, Scope.EVERYTHING)
        appoint(caregiver, Role.CLINICIAN)
        theirs = ask(chart.portal, token_of(caregiver), chart.patient_id).json["amendment_id"]
        own = asked(chart.person)
        appoint(account_id_of(chart.person), Role.CLINICIAN)
        for amendment_id, account_id in (
            (theirs, caregiver),
            (own, account_id_of(chart.person)),
            (theirs, account_id_of(chart.person)),
        ):
            for how, body in (("approve", {}), ("deny", {"reason": "No."})):
                refused = decide(chart.portal, amendment_id, how, body, token_of(account_id))
                assert (refused.status, refused.json["code"]) == (409, "own_request")
        assert decide(chart.portal, theirs, "approve", {}, token_of(clinician)).status == 200

    @pytest.mark.parametrize("role", Role)
    def test_only_staff_with_the_permission_read_and_decide(self, chart: Chart, role: Role) -> None:
        may = Permission.AMENDMENTS_DECIDE in PERMISSIONS[role]
        token = token_of(new_staff(role))
        assert chart.portal.call("GET", CLINIC, token=token).status == (200 if may else 403)
        assert decide(chart.portal, asked(chart.person), "approve", {}, token).status == (200 if may else 403)

    def test_what_is_not_there_cannot_be_decided(self, portal: Portal) -> None:
        for amendment_id in ("amd_01ARZ3NDEKTSV4RRFFQ69G5FAV", "anything"):
            assert decide(portal, amendment_id, "approve", {}).status == 404


class TestTheClinicsList:
    def test_what_waits_stands_first_and_each_stands_once(self, chart: Chart) -> None:
        portal, token = chart.portal, token_of(new_staff(Role.CLINICIAN))
        for one in _list(portal, token):
            if one["status"] == "waiting":
                assert decide(portal, one["amendment_id"], "approve", {}).status == 200
        first, second, third, fourth = (asked(chart.person) for _ in range(4))
        assert decide(portal, second, "approve", {}).status == 200
        assert decide(portal, third, "deny", {"reason": "No."}).status == 200
        items = _list(portal, token)
        for query in ("?limit=1", "?limit=3"):
            assert _list(portal, token, query) == items
        assert [one["amendment_id"] for one in items][:4] == [first, fourth, third, second]
        assert len({one["amendment_id"] for one in items}) == len(items)
        assert items[0]["patient"]["patient_id"] == chart.patient_id
        assert (items[0]["reason"], items[0]["correction"]) == (WORDS["reason"], WORDS["correction"])

    def test_the_patient_sees_who_read_it(self, chart: Chart) -> None:
        asked(chart.person)
        staff_id = new_staff(Role.CLINICIAN)
        _list(chart.portal, token_of(staff_id))
        log = chart.portal.call("GET", "/v1/patients/me/access-log", token=_token(chart.person)).json["items"]
        assert "Read your request to correct the record." in [one["text"] for one in log]

    def test_the_clinics_systems_hear_of_each_step(self, chart: Chart) -> None:
        with clinic_system(chart.portal) as system:
            first, second, third = (asked(chart.person) for _ in range(3))
            decide(chart.portal, first, "approve", {})
            decide(chart.portal, second, "deny", {"reason": "No."})
            one = f"{path()}/{third}"
            assert chart.portal.call("DELETE", one, token=_token(chart.person)).status == 204
            chart.portal.drain()
            (start,) = system.events("?limit=1")
            events = [one for one in system.events_after(start["event_id"]) if one["patient_id"] == chart.patient_id]
        assert {(event["type"], event["about"].get("amendment_id")) for event in events} >= {
            *(("amendment.asked", one) for one in (first, second, third)),
            ("amendment.approved", first),
            ("amendment.denied", second),
            ("amendment.withdrawn", third),
        }
        assert [word for word in WORDS.values() if word in repr(events)] == []


class TestCaregivers:
    def test_one_with_everything_asks_and_hears_the_answer_and_others_do_not(self, chart: Chart) -> None:
        portal, record_id = chart.portal, _record_of(chart)
        asking, other = (new_caregiver(chart.patient_id, Scope.EVERYTHING) for _ in range(2))
        amendment_id = ask(portal, token_of(asking), chart.patient_id, record_id=record_id).json["amendment_id"]
        assert _read(chart, amendment_id).json["events"][0]["by"] == "caregiver"
        assert decide(portal, amendment_id, "approve", {}).status == 200
        portal.drain()
        for account_id, times in ((asking, 1), (account_id_of(chart.person), 1), (other, 0)):
            notices = portal.call("GET", "/v1/me/notices", token=token_of(account_id)).json["items"]
            assert len([one for one in notices if one["target"]["kind"] == "amendment"]) == times

    @pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.EVERYTHING])
    def test_one_with_less_finds_none(self, chart: Chart, scope: Scope) -> None:
        amendment_id, token = asked(chart.person), token_of(new_caregiver(chart.patient_id, scope))
        for method, url in (("GET", path(chart.patient_id)), ("GET", f"{path(chart.patient_id)}/{amendment_id}")):
            assert chart.portal.call(method, url, token=token).status == 404
        assert ask(chart.portal, token, chart.patient_id).status == 404

    def test_what_is_hidden_from_them_cannot_be_named_and_is_not_told(self, chart: Chart) -> None:
        portal, secret = chart.portal, _record_of(chart, "Secret illness")
        account_id = new_caregiver(chart.patient_id, Scope.EVERYTHING)
        token = token_of(account_id)
        refused = ask(portal, token, chart.patient_id, record_id=secret)
        assert [one["code"] for one in refused.json["errors"]] == ["record_unknown"]
        about_secret, about_none = asked(chart.person, record_id=secret), asked(chart.person)
        about_shown = asked(chart.person, record_id=_record_of(chart))
        theirs = ask(portal, token, chart.patient_id).json["amendment_id"]
        assert _ids(chart, token) == [theirs, about_shown]
        assert _ids(chart, token, "?limit=1") == [theirs]
        for hidden in (about_secret, about_none):
            assert _read(chart, hidden, token).status == 404
            one = f"{path(chart.patient_id)}/{hidden}"
            assert portal.call("DELETE", one, token=token).status == 404
            assert decide(portal, hidden, "approve", {}).status == 200
        portal.drain()
        notices = portal.call("GET", "/v1/me/notices", token=token).json["items"]
        assert [one for one in notices if one["target"]["kind"] == "amendment"] == []
        sees = token_of(new_caregiver(chart.patient_id, Scope.EVERYTHING, sees_sensitive=True))
        assert _ids(chart, sees) == [theirs, about_shown, about_none, about_secret]


class TestTheRecordsPage:
    def test_it_names_its_requests_and_what_became_of_them(self, chart: Chart) -> None:
        record_id = _record_of(chart)
        url = f"/v1/patients/{chart.patient_id}/records/{record_id}"
        assert "amendments" not in chart.portal.call("GET", url, token=_token(chart.person)).json
        first, second = (asked(chart.person, record_id=record_id) for _ in range(2))
        asked(chart.person)
        assert decide(chart.portal, first, "deny", {"reason": "No."}).status == 200
        expected = [{"amendment_id": second, "status": "waiting"}, {"amendment_id": first, "status": "denied"}]
        for token in (_token(chart.person), token_of(new_caregiver(chart.patient_id, Scope.EVERYTHING))):
            assert chart.portal.call("GET", url, token=token).json["amendments"] == expected

    def test_who_may_not_read_them_is_not_told_that_there_are_any(self, portal: Portal) -> None:
        chart = Chart(portal, fhir.lab("Patient/x"))
        (record_id,) = chart.records()
        asked(chart.person, record_id=record_id)
        token = token_of(new_caregiver(chart.patient_id, Scope.RESULTS))
        found = portal.call("GET", f"/v1/patients/{chart.patient_id}/records/{record_id}", token=token)
        assert (found.status, "amendments" in found.json) == (200, False)


def test_a_request_goes_with_its_record_where_files_are_joined_and_parted(portal: Portal) -> None:
    kept = Chart(portal, fhir.condition("Patient/x", "Asthma"))
    other = portal.new_patient(id=(name := f"dup-{uuid.uuid4().hex[:8]}"), resources=())
    assert portal.import_fhir(fhir.condition(f"Patient/{name}", "Gout")).status == 200
    merge_id = merging.merged(portal, kept.patient_id, other.patient_id)
    of_other = asked(kept.person, record_id=_record_of(kept))
    of_kept = asked(kept.person, record_id=_record_of(kept, "Asthma"))
    assert _ids(kept) == [of_kept, of_other]
    assert merging.undo(portal, kept.patient_id, merge_id).status == 200
    assert _ids(kept) == [of_kept]
    token = token_of(new_caregiver(other.patient_id, Scope.EVERYTHING))
    found = portal.call("GET", path(other.patient_id), token=token).json["items"]
    assert [one["amendment_id"] for one in found] == [of_other]


def test_ones_own_requests_are_in_the_copy_of_the_account_without_their_words(portal: Portal) -> None:
    from chalicelib.models import accounts
    from chalicelib.services import account_exports

    chart = Chart(portal, fhir.condition("Patient/x", "Gout"))
    amendment_id = asked(chart.person, record_id=_record_of(chart))
    account = accounts.find_account(account_id_of(chart.person))
    assert account is not None
    text = account_exports.build(account, lambda _: None).file.read().decode()
    assert amendment_id in text
    assert [word for word in WORDS.values() if word in text] == []
