"""Two patients who turn out to be one: the preview, the merge, what it refuses, and undoing it."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.caregivers import Grant, Scope
from chalicelib.domain.merges import MOST_JOINED
from chalicelib.domain.staff import PERMISSIONS, Permission, Role
from chalicelib.models import accounts, caregivers, patient_changes
from chalicelib.models.transaction import transaction
from tests.support import fhir, merging
from tests.support.caregivers import account_id_of, ask_to_act, give
from tests.support.merging import body, find_all, merge, merged, preview, send, undo
from tests.support.people import new_account, new_caregiver, new_staff, token_of
from tests.support.portal import Answer, Patient, Portal
from tests.support.registering import patient_of_their_own, phone_contact


def desk_call(portal: Portal, method: str, path: str, asked: Any = None, role: Role = Role.ADMIN) -> Answer:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    return portal.call(method, path, asked, token=token_of(new_staff(role)), headers=headers)


def entries(portal: Portal, partition: str, action: str) -> list[dict[str, Any]]:
    rows = [row for row in portal.rows("audit") if row["pk"]["S"] == partition and row["action"]["S"] == action]
    return [json.loads(row["about"]["S"]) for row in rows]


@pytest.fixture
def pair(portal: Portal) -> tuple[str, str]:
    return portal.new_patient().patient_id, portal.new_patient().patient_id


def test_a_preview_shows_both_sides_and_changes_nothing(portal: Portal) -> None:
    kept, other = patient_of_their_own(portal), patient_of_their_own(portal, birthDate="1961-04-21", gender="female")
    person = portal.register(kept)
    assert portal.import_fhir(fhir.lab(f"Patient/{other.resource_id}")).status == 200
    code = portal.issue_code(other).json
    caregiver_id = give(other.patient_id)
    with transaction() as tx:
        change_id = patient_changes.ask(tx, other.patient_id, new_account(), {"first_name": "Astrid"}, None)
    before = [portal.rows(area) for area in ("accounts", "patients", "outbox")]
    token = token_of(new_staff(Role.ADMIN))
    answer = preview(portal, kept.patient_id, other.patient_id, token)
    assert answer.status == 200, answer.text
    seen = answer.json
    assert [row for row in portal.rows("patients") if row not in before[1]] == []
    assert portal.rows("outbox") == before[2]
    assert seen["remaining"]["patient"]["patient_id"] == kept.patient_id
    assert seen["duplicate"]["patient"]["birth_date"] == "1961-04-21"
    assert seen["duplicate"]["records"] == {"by_category": {"lab": 1}, "complete": True}
    assert seen["duplicate"]["account"] is None
    assert seen["duplicate"]["pending_change_id"] == change_id
    assert seen["duplicate"]["activation_code_expires_at"] == code["expires_at"]
    account = seen["remaining"]["account"]
    assert (account["account_id"], account["username"], account["cares_for"]) == (
        account_id_of(person),
        person.username,
        0,
    )
    assert {one["channel"] for one in account["contacts"]} == {"email", "sms"}
    assert kept.email not in answer.text
    assert [one["caregiver_id"] for one in seen["suspended_grants"]] == [caregiver_id]
    assert seen["warnings"] == ["birth_dates_differ", "names_differ", "contacts_differ", "change_pending"]
    for patient_id in (kept.patient_id, other.patient_id):
        assert len(entries(portal, f"patient#{patient_id}", "patient:lookup")) >= 1


def test_the_same_person_twice_warns_of_nothing(portal: Portal) -> None:
    telecom = [phone_contact()]
    kept, other = (portal.new_patient(telecom=telecom) for _ in range(2))
    assert preview(portal, kept.patient_id, other.patient_id).json["warnings"] == []


def test_every_difference_is_a_warning(portal: Portal) -> None:
    kept = portal.register(portal.new_patient(gender="male")).patient
    other = portal.register(portal.new_patient(gender="female")).patient
    gone = {"resourceType": "Patient", "id": other.resource_id, "gender": "female", "deceasedBoolean": True}
    assert portal.import_fhir(gone).status == 200
    warnings = preview(portal, kept.patient_id, other.patient_id).json["warnings"]
    assert warnings == ["names_differ", "genders_differ", "one_has_died", "both_have_accounts"]


def test_who_merged_stays_and_the_duplicate_points_to_them(portal: Portal, pair: tuple[str, str]) -> None:
    kept, other = pair
    done = merge(portal, kept, other)
    assert done.status == 201, done.text
    made = done.json
    assert (made["patient_id"], made["duplicate_patient_id"], made["reason"]) == (kept, other, merging.REASON)
    assert (made["kept_account_id"], made["closed_account_id"], made["undone_at"]) == (None, None, None)
    assert find_all(portal, kept).json["items"] == [made]
    desk = desk_call(portal, "GET", f"/v1/clinic/patients/{kept}").json
    assert desk["merged_from"] == [other]
    for partition in (f"patient#{kept}", f"patient#{other}"):
        (about,) = entries(portal, partition, "patient:merge")
        assert about == {"merge_id": made["merge_id"], "patient_id": kept, "duplicate_patient_id": other}


CLOSED = [
    ("GET", "", None, Role.ADMIN),
    ("GET", "/activation-codes", None, Role.ADMIN),
    ("DELETE", "/activation-codes", None, Role.ADMIN),
    ("POST", "/activation-codes", {}, Role.ADMIN),
    ("GET", "/merges", None, Role.ADMIN),
    ("POST", "/break-glass", {"reason": "Unconscious in the emergency room"}, Role.CLINICIAN),
]


@pytest.mark.parametrize(("method", "tail", "asked", "role"), CLOSED)
def test_staff_who_ask_for_the_duplicate_are_told_who_remains(
    portal: Portal, method: str, tail: str, asked: Any, role: Role
) -> None:
    kept, other = portal.new_patient().patient_id, portal.new_patient().patient_id
    merged(portal, kept, other)
    answer = desk_call(portal, method, f"/v1/clinic/patients/{other}{tail}", asked, role)
    assert (answer.status, answer.json["code"], answer.json["merged_into"]) == (409, "patient_merged", kept)


def test_a_duplicate_is_neither_corrected_nor_given_a_caregiver_by_staff(portal: Portal, pair: tuple[str, str]) -> None:
    kept, other = pair
    requested = ask_to_act(new_account())
    with transaction() as tx:
        change_id = patient_changes.ask(tx, other, new_account(), {"first_name": "Astrid"}, None)
    merged(portal, kept, other)
    token, path = token_of(new_staff(Role.ADMIN)), f"/v1/clinic/patients/{other}"
    edited = portal.call("PATCH", path, {"first_name": "Astrid"}, token=token, headers={"If-Match": '"1"'})
    assert (edited.status, edited.json["code"]) == (409, "patient_merged")
    desk = token_of(new_staff(Role.FRONT_DESK))
    approved = portal.call("POST", f"/v1/clinic/contact-changes/{change_id}/approve", {}, token=desk)
    assert (approved.status, approved.json["code"]) == (409, "patient_merged")
    answer = portal.call("POST", f"/v1/clinic/proxy-requests/{requested}/approve", {"patient_id": other}, token=token)
    assert [error["code"] for error in answer.json["errors"]] == ["patient_merged"]


def test_staff_find_who_remains_by_whatever_the_duplicate_is_known_by(portal: Portal) -> None:
    kept, other = patient_of_their_own(portal), patient_of_their_own(portal)
    person = portal.register(kept)
    merge_id = merged(portal, kept.patient_id, other.patient_id)

    def found() -> list[list[str]]:
        asked = [f"MRN-{other.resource_id}", other.clinic_number]
        answers = [desk_call(portal, "GET", f"/v1/clinic/patients?identifier={one}") for one in asked]
        words = [other.last_name, other.clinic_number]
        answers += [desk_call(portal, "POST", "/v1/clinic/patients/search", {"q": one}) for one in words]
        return [[item["patient_id"] for item in answer.json["items"]] for answer in answers]

    assert found() == [[kept.patient_id]] * 4
    help_desk = desk_call(portal, "GET", f"/v1/clinic/accounts?q={other.clinic_number}", role=Role.HELP_DESK)
    assert [item["username"] for item in help_desk.json["items"]] == [person.username]
    assert undo(portal, kept.patient_id, merge_id).status == 200
    assert found() == [[other.patient_id]] * 4


def test_both_found_at_once_are_one(portal: Portal) -> None:
    name = patient_of_their_own(portal).last_name
    kept, other = (patient_of_their_own(portal, family=name) for _ in range(2))
    merged(portal, kept.patient_id, other.patient_id)
    items = desk_call(portal, "POST", "/v1/clinic/patients/search", {"q": f"{name} 1961-04-12"}).json["items"]
    assert [item["merged_from"] for item in items if item["patient_id"] == kept.patient_id] == [[other.patient_id]]
    assert other.patient_id not in {item["patient_id"] for item in items}


def test_what_changed_since_the_preview_has_to_be_seen_again(portal: Portal) -> None:
    def correct(patient: Patient) -> None:
        changed = {"resourceType": "Patient", "id": patient.resource_id, "name": [{"family": "Changed"}]}
        assert portal.import_fhir(changed).json["updated"] == 1

    changes: dict[str, Callable[[Patient, Patient], object]] = {
        "the one who remains": lambda kept, _: correct(kept),
        "the duplicate": lambda _, other: correct(other),
        "an account": lambda _, other: portal.register(other),
        "a code": lambda _, other: portal.issue_code(other),
        "a caregiver": lambda _, other: give(other.patient_id),
        "another merge": lambda kept, _: merged(portal, kept.patient_id, portal.new_patient().patient_id),
    }
    for what, change in changes.items():
        kept, other = portal.new_patient(), portal.new_patient()
        asked = body(portal, kept.patient_id, other.patient_id)
        change(kept, other)
        answer = send(portal, kept.patient_id, asked)
        assert (answer.status, answer.json["code"]) == (409, "merge_outdated"), what
        assert find_all(portal, kept.patient_id).json["items"] == [] or what == "another merge"


def test_records_that_come_in_meanwhile_do_not_stop_a_merge(portal: Portal) -> None:
    kept, other = portal.new_patient(), portal.new_patient()
    asked = body(portal, kept.patient_id, other.patient_id)
    assert portal.import_fhir(fhir.lab(f"Patient/{other.resource_id}")).status == 200
    assert send(portal, kept.patient_id, asked).status == 201


def _refused(answer: Answer) -> tuple[int, str]:
    errors = answer.json.get("errors") or [{"code": answer.json["code"]}]
    return answer.status, errors[0]["code"]


def test_nobody_is_merged_into_themselves_into_nobody_or_twice(portal: Portal, pair: tuple[str, str]) -> None:
    kept, other = pair
    assert _refused(preview(portal, kept, kept)) == (422, "same_patient")
    assert _refused(preview(portal, kept, f"pat_{'0' * 26}")) == (422, "patient_unknown")
    assert _refused(preview(portal, kept, "nobody")) == (422, "patient_unknown")
    assert _refused(preview(portal, f"pat_{'0' * 26}", other)) == (404, "not_found")
    asked = body(portal, kept, other)
    merged(portal, kept, other)
    assert _refused(send(portal, kept, asked)) == (422, "patient_merged")
    third = portal.new_patient().patient_id
    assert _refused(preview(portal, third, other)) == (422, "patient_merged")
    assert _refused(preview(portal, other, third)) == (409, "patient_merged")
    assert _refused(preview(portal, other, kept)) == (409, "patient_merged")
    assert _refused(preview(portal, third, kept)) == (409, "duplicate_has_merges")


def test_so_many_are_merged_into_one_and_no_more(portal: Portal) -> None:
    kept = portal.new_patient().patient_id
    for _ in range(MOST_JOINED):
        merged(portal, kept, portal.new_patient().patient_id)
    assert _refused(preview(portal, kept, portal.new_patient().patient_id)) == (409, "merge_limit_reached")
    first = find_all(portal, kept)
    assert len(first.json["items"]) == MOST_JOINED
    path = f"/v1/clinic/patients/{kept}/merges?limit=2"
    seen, cursor, token = [], "", token_of(new_staff(Role.ADMIN))
    while True:
        page = portal.call("GET", f"{path}{cursor}", token=token).json
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == first.json["items"]


def test_a_replay_merges_and_parts_once(portal: Portal, pair: tuple[str, str]) -> None:
    kept, other = pair
    asked, key, token = body(portal, kept, other), str(uuid.uuid4()), token_of(new_staff(Role.ADMIN))
    first = send(portal, kept, asked, key, token)
    again = send(portal, kept, asked, key, token)
    assert (again.status, again.json) == (201, first.json)
    other_body = send(portal, kept, {**asked, "reason": "Another reason for it"}, key, token)
    assert (other_body.status, other_body.json["code"]) == (422, "idempotency_key_reused")
    path = f"/v1/clinic/patients/{kept}/merges/{first.json['merge_id']}/undo"
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    undone = [portal.call("POST", path, {"reason": merging.REASON}, token=token, headers=headers) for _ in range(2)]
    assert [one.status for one in undone] == [200, 200]
    assert undone[0].json == undone[1].json
    assert undone[0].json["undo_reason"] == merging.REASON
    assert len(entries(portal, f"patient#{kept}", "patient:merge:undo")) == 1


def test_a_merge_and_its_undoing_need_a_step_up_and_the_permission(portal: Portal, pair: tuple[str, str]) -> None:
    kept, other = pair
    asked = body(portal, kept, other)
    plain = token_of(new_staff(Role.ADMIN), stepped_up=False)
    refused = send(portal, kept, asked, token=plain)
    assert (refused.status, refused.json["code"]) == (403, "step_up_required")
    may = {role for role in Role if Permission.PATIENTS_MERGE in PERMISSIONS[role]}
    assert may == {Role.ADMIN}
    for role in Role:
        expected = 200 if role in may else 403
        assert preview(portal, kept, other, token_of(new_staff(role))).status == expected
    assert send(portal, kept, asked, token=token_of(new_staff(Role.HELP_DESK))).status == 403


def test_a_reason_is_needed(portal: Portal, pair: tuple[str, str]) -> None:
    kept, other = pair
    asked = body(portal, kept, other)
    assert send(portal, kept, {**asked, "reason": "same"}).status == 422
    assert send(portal, kept, {name: asked[name] for name in asked if name != "reason"}).status == 422


def test_it_can_be_undone_for_thirty_days_by_the_portals_clock(portal: Portal) -> None:
    kept, other = portal.new_patient().patient_id, portal.new_patient().patient_id
    first = merged(portal, kept, other)
    portal.advance(days=29, hours=23)
    undone = undo(portal, kept, first)
    assert (undone.status, undone.json["undone_at"] is not None) == (200, True), undone.text
    again = undo(portal, kept, first)
    assert (again.status, again.json["code"]) == (409, "merge_undone")
    second = merged(portal, kept, other)
    portal.advance(days=30)
    late = undo(portal, kept, second)
    assert (late.status, late.json["code"]) == (409, "merge_settled")
    assert desk_call(portal, "GET", f"/v1/clinic/patients/{other}").status == 409


def test_the_latest_merge_is_undone_first(portal: Portal) -> None:
    kept, *others = (portal.new_patient().patient_id for _ in range(3))
    first, second = (merged(portal, kept, other) for other in others)
    assert _refused(undo(portal, kept, first)) == (409, "later_merge_first")
    assert undo(portal, kept, second).status == 200
    assert undo(portal, kept, first).status == 200
    assert desk_call(portal, "GET", f"/v1/clinic/patients/{kept}").json["merged_from"] == []


def test_a_merge_is_found_only_under_who_remains(portal: Portal, pair: tuple[str, str]) -> None:
    kept, other = pair
    merge_id = merged(portal, kept, other)
    for patient_id, wanted in ((other, merge_id), (kept, "mrg_nothing"), (kept, f"mrg_{'0' * 26}")):
        assert undo(portal, patient_id, wanted).status == 404


def test_after_it_was_undone_both_are_as_before(portal: Portal) -> None:
    kept, other = portal.new_patient(), portal.new_patient()
    paths = [f"/v1/clinic/patients/{one.patient_id}" for one in (kept, other)]
    before = [desk_call(portal, "GET", path) for path in paths]
    merge_id = merged(portal, kept.patient_id, other.patient_id)
    assert undo(portal, kept.patient_id, merge_id).status == 200
    after = [desk_call(portal, "GET", path) for path in paths]
    assert [one.json for one in after] == [one.json for one in before]
    assert [one.header("etag") for one in after] == [one.header("etag") for one in before]
    assert merge(portal, other.patient_id, kept.patient_id).status == 201


def test_a_new_version_of_either_patient_keeps_them_merged(portal: Portal) -> None:
    kept, other = portal.new_patient(), portal.new_patient()
    merge_id = merged(portal, kept.patient_id, other.patient_id)
    for patient in (kept, other):
        changed = {"resourceType": "Patient", "id": patient.resource_id, "name": [{"family": "Changed"}]}
        assert portal.import_fhir(changed).json["updated"] == 1
    assert desk_call(portal, "GET", f"/v1/clinic/patients/{other.patient_id}").status == 409
    assert desk_call(portal, "GET", f"/v1/clinic/patients/{kept.patient_id}").json["merged_from"] == [other.patient_id]
    assert undo(portal, kept.patient_id, merge_id).status == 200
    names = desk_call(portal, "GET", f"/v1/clinic/patients/{other.patient_id}").json["names"]
    assert names == ["Changed"]


def test_an_identifier_that_both_have_means_who_remains(portal: Portal) -> None:
    shared = {"system": "https://test.example/shared", "value": uuid.uuid4().hex}
    own = [
        {"system": "https://test.example/mrn", "value": f"MRN-{name}"} for name in (uuid.uuid4().hex, uuid.uuid4().hex)
    ]
    kept, other = (portal.new_patient(id=one["value"][4:], identifier=[one, shared]) for one in own)
    about = fhir.condition("x", "Hay fever") | {"subject": {"identifier": shared}}
    assert portal.import_fhir(about).json["refused"] != []
    merged(portal, kept.patient_id, other.patient_id)
    assert portal.import_fhir(about).json["refused"] == []
    seen = preview(portal, kept.patient_id, portal.new_patient().patient_id).json["remaining"]["records"]
    assert seen["by_category"] == {"condition": 1}


def test_staff_who_see_records_are_told_who_remains_and_others_nothing(portal: Portal, pair: tuple[str, str]) -> None:
    kept, other = pair
    caregiver = token_of(new_caregiver(other, Scope.EVERYTHING))
    clinician = token_of(new_staff(Role.CLINICIAN, cares_for=other))
    merge_id = merged(portal, kept, other)
    for path in ("records", "summary"):
        told = portal.call("GET", f"/v1/patients/{other}/{path}", token=clinician)
        assert (told.status, told.json["merged_into"]) == (409, kept)
        assert portal.call("GET", f"/v1/patients/{other}/{path}", token=caregiver).status == 404
        assert portal.call("GET", f"/v1/patients/{kept}/{path}", token=caregiver).status == 404
        assert portal.call("GET", f"/v1/patients/{kept}/{path}", token=clinician).status == 200
    assert undo(portal, kept, merge_id).status == 200
    for token in (clinician, caregiver):
        assert portal.call("GET", f"/v1/patients/{other}/records", token=token).status == 200
        assert portal.call("GET", f"/v1/patients/{kept}/records", token=token).status in {403, 404}


def test_nobody_merges_their_own_file_or_that_of_somebody_whom_they_look_after(portal: Portal) -> None:
    person, other = portal.register(), portal.new_patient().patient_id
    own = person.patient.patient_id
    with transaction() as tx:
        accounts.edit_staff(
            tx,
            account_id_of(person),
            roles=[Role.ADMIN],
            practitioner_id=None,
            disabled=False,
            ends_sessions=False,
        )
    cared_for = portal.new_patient().patient_id
    with transaction() as tx:
        caregivers.put_grant(tx, cared_for, Grant(account_id_of(person), frozenset({Scope.RESULTS})))
    token = token_of(account_id_of(person))
    for kept, duplicate in ((own, other), (other, own), (cared_for, other)):
        refused = send(portal, kept, body(portal, kept, duplicate), token=token)
        assert (refused.status, refused.json["code"]) == (409, "own_merge")
    third = portal.new_patient().patient_id
    assert send(portal, third, body(portal, third, other), token=token).status == 201
