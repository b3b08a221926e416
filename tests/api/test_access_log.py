"""The history that a patient reads: who looked, and what was changed (AC 5)."""

import pytest

from chalicelib import words
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.staff import Role
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
