"""The history that a patient reads: who looked, and what was changed (AC 5)."""

import csv
import io
import json
import re

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle

from chalicelib import clock, words
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.staff import Role
from chalicelib.models.caregivers import GrantRow, find_offers
from chalicelib.models.transaction import transaction
from tests.support.caregivers import new_invited, strong
from tests.support.fhir import Json
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.portal import Person, Portal


def history(person: Person, language: str = "en") -> list[Json]:
    answer = person.get("/v1/patients/me/access-log?limit=100", headers={"Accept-Language": language})
    assert answer.status == 200, answer.text
    items: list[Json] = answer.json["items"]
    return items


def lines(person: Person) -> list[tuple[str, str, str]]:
    return [(item["who"], item["by"], item["text"]) for item in history(person)]


def test_a_patient_sees_who_looked_at_what(portal: Portal) -> None:
    person = portal.register()
    path = f"/v1/patients/{person.patient.patient_id}"
    _, caregiver = new_invited(person, "everything")
    clinician = token_of(new_staff(Role.CLINICIAN, cares_for=person.patient.patient_id))
    assert portal.call("GET", f"{path}/records", token=caregiver).status == 200
    assert portal.call("GET", f"{path}/summary", token=clinician).status == 200
    looked = lines(person)[:2]
    assert looked[0] == ("staff", "A doctor or nurse", "Looked at your summary.")
    assert looked[1][0] == "caregiver"
    assert looked[1][1].startswith("invited-")
    assert looked[1][2] == "Looked at a list of your record."


def test_a_patient_sees_what_was_changed_and_their_own_changes(portal: Portal) -> None:
    person = portal.register()
    caregiver_id, _ = new_invited(person, "results")
    assert portal.call("DELETE", f"/v1/patients/me/caregivers/{caregiver_id}", token=strong(person)).status == 204
    seen = lines(person)
    assert seen[0] == ("self", "You", "Ended the rights of a caregiver.")
    assert ("caregiver", "Someone who cared for you before", "Said yes to care for you.") in seen
    assert ("self", "You", "Asked someone to care for you.") in seen
    assert ("clinic", "A program of the clinic", "Sent entries for your record.") in seen


def test_looking_at_ones_own_history_and_record_adds_nothing_to_it(portal: Portal) -> None:
    person = portal.register()
    before = history(person)
    person.get("/v1/patients/me/summary")
    assert history(person) == before


def test_the_history_names_nobody_by_an_id_but_its_own_lines(portal: Portal) -> None:
    person = portal.register()
    new_invited(person, "results")
    account_id = new_caregiver(person.patient.patient_id, Scope.EVERYTHING)
    portal.call("GET", f"/v1/patients/{person.patient.patient_id}/records", token=token_of(account_id))
    text = person.get("/v1/patients/me/access-log?limit=100").text
    for prefix in ("acc_", "cli_", "pat_", "lnk_", "cgv_"):
        assert prefix not in text


def test_it_speaks_the_readers_language(portal: Portal) -> None:
    person = portal.register()
    new_invited(person, "results")
    assert "Se hizo su cuidador." in [item["text"] for item in history(person, "es")]


def test_a_walk_over_the_history_sees_each_line_once(portal: Portal) -> None:
    person = portal.register()
    for _ in range(3):
        new_invited(person, "results")
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        path = f"/v1/patients/me/access-log?limit=2{f'&cursor={cursor}' if cursor else ''}"
        page = person.get(path).json
        assert 0 < len(page["items"]) <= 2
        found += [item["entry_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert found == [item["entry_id"] for item in history(person)]


def test_nobody_but_the_patient_reads_it(portal: Portal) -> None:
    person = portal.register()
    path = f"/v1/patients/{person.patient.patient_id}/access-log"
    caregiver = new_caregiver(person.patient.patient_id, Scope.EVERYTHING, sees_sensitive=True)
    clinician = new_staff(Role.CLINICIAN, cares_for=person.patient.patient_id)
    for account_id in (caregiver, clinician):
        assert portal.call("GET", path, token=token_of(account_id)).status == 404


@pytest.mark.parametrize("language", words.languages())
def test_every_role_and_every_kind_of_person_has_its_words(language: str) -> None:
    from chalicelib.domain.access_log import Who

    for key in (*(f"access_log.role.{role}" for role in Role), *(f"access_log.who.{who}" for who in Who)):
        assert words.say(key, language)


LOG = "/v1/patients/me/access-log"


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def busy(portal: Portal) -> Person:
    """Somebody whose history has a line of every kind of reader."""
    person = portal.register()
    path = f"/v1/patients/{person.patient.patient_id}/summary"
    _, caregiver = new_invited(person, "everything")
    clinician = token_of(new_staff(Role.CLINICIAN, cares_for=person.patient.patient_id))
    for token in (caregiver, clinician):
        assert portal.call("GET", path, token=token).status == 200
    return person


def test_as_a_table_it_says_the_same_in_the_same_order(portal: Portal) -> None:
    person = busy(portal)
    for language, columns in (("en", ["When (UTC)", "Who"]), ("es", ["Cuándo (UTC)", "Quién"])):
        answer = person.get(f"{LOG}?format=csv&limit=100", headers={"Accept-Language": language})
        assert answer.header("content-type") == "text/csv; charset=utf-8"
        assert answer.header("cache-control") == "no-store"
        assert answer.header("content-disposition") == 'attachment; filename="history.csv"'
        assert answer.header("content-language") == language
        assert answer.body.startswith(b"\xef\xbb\xbf")
        header, *rows = table(answer.text)
        assert header[:2] == columns
        items = history(person, language)
        assert [row[1:] for row in rows] == [[item["by"], item["text"], item["entry_id"]] for item in items]
        assert [clock.read_stamp(row[0]) for row in rows] == [clock.read_stamp(item["at"]) for item in items]


def test_as_fhir_it_is_a_bundle_of_valid_audit_events_that_says_the_same(portal: Portal) -> None:
    person = busy(portal)
    answer = person.get(f"{LOG}?format=fhir&limit=100")
    assert answer.header("content-type") == "application/fhir+json"
    assert answer.header("cache-control") == "no-store"
    Bundle.model_validate(answer.json)
    events = [entry["resource"] for entry in answer.json["entry"]]
    for event in events:
        AuditEvent.model_validate(event)
        assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", event["id"])
        assert event["entity"][0]["what"]["reference"] == f"Patient/{person.patient.patient_id}"
    told = [(event["id"].replace("-", "_"), event["agent"][0]["who"]["display"]) for event in events]
    assert told == [(item["entry_id"], item["by"]) for item in history(person)]
    looks = [event for event in events if event["subtype"][0]["code"] == "patient:access"]
    roles = [event["agent"][0]["role"][0]["coding"][0]["code"] for event in looks]
    assert [(event["action"], event["outcome"]) for event in looks] == [("R", "0")] * 2
    assert roles == ["PROV", "CAREGIVER"]


def test_a_refusal_is_a_failure_in_fhir(portal: Portal) -> None:
    person = portal.register()
    portal.start_registration(person.patient, "ZZZZ-ZZZZ-ZZZZ")
    events = [entry["resource"] for entry in person.get(f"{LOG}?format=fhir").json["entry"]]
    (refused,) = [event for event in events if event["subtype"][0]["code"] == "registration:refuse"]
    assert (refused["outcome"], refused["action"]) == ("4", "E")


@pytest.mark.parametrize("kind", ["csv", "fhir"])
def test_the_next_page_stands_in_the_link_header(portal: Portal, kind: str) -> None:
    person = busy(portal)
    path, found = f"{LOG}?format={kind}&limit=2", []
    while path:
        answer = person.get(path)
        if kind == "csv":
            found += [row[3] for row in table(answer.text)[1:]]
        else:
            found += [entry["resource"]["id"].replace("-", "_") for entry in answer.json["entry"]]
        link = re.search(r'<[^>]*(/v1/[^>]*)>; rel="next"', answer.header("link") or "")
        assert kind == "csv" or len(answer.json["link"]) == (2 if link else 1)
        path = link[1] if link else ""
    assert found == [item["entry_id"] for item in history(person)]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/fhir+json", "application/fhir+json"),
        ("application/json;q=0.2, text/csv;q=0.9", "text/csv; charset=utf-8"),
        ("text/csv;q=0, */*", "application/json"),
        ("text/html, */*", "application/json"),
        ("text/csv;q=nonsense", "text/csv; charset=utf-8"),
        ("", "application/json"),
    ],
)
def test_the_accept_header_chooses_and_the_parameter_goes_before_it(portal: Portal, accept: str, expected: str) -> None:
    person = portal.register()
    assert person.get(LOG, headers={"Accept": accept}).header("content-type") == expected
    fhir = person.get(f"{LOG}?format=fhir", headers={"Accept": accept})
    assert fhir.header("content-type") == "application/fhir+json"


def test_another_format_is_refused(portal: Portal) -> None:
    answer = portal.register().get(f"{LOG}?format=xlsx")
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "?format")


def test_a_caregivers_name_is_no_formula(portal: Portal) -> None:
    person = busy(portal)
    (grant,) = [one for one in find_offers(person.patient.patient_id) if isinstance(one, GrantRow)]
    with transaction() as tx:
        tx.update(grant, [GrantRow.name.set('=HYPERLINK("https://evil.example","Click")')])
    text = person.get(f"{LOG}?format=csv&limit=100").text
    names = [row[1] for row in table(text) if "HYPERLINK" in row[1]]
    assert names
    assert all(name.startswith("'=") for name in names)


@pytest.mark.parametrize("kind", ["csv", "fhir"])
def test_in_no_format_anybody_is_named_by_an_id(portal: Portal, kind: str) -> None:
    person = busy(portal)
    text = person.get(f"{LOG}?format={kind}&limit=100").text.replace(person.patient.patient_id, "-")
    for prefix in ("acc_", "cli_", "pat_", "lnk_", "cgv_", "ses_", "req_"):
        assert prefix not in text
    assert json.dumps(person.username) not in text
