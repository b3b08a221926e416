"""Parents, guardians and agents ask to act for a patient, and staff decide."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.staff import PERMISSIONS, Permission, Role
from tests.support import fhir
from tests.support.caregivers import key
from tests.support.people import new_account, new_staff, token_of
from tests.support.portal import Answer, Patient, Person, Portal

DECIDES = [role for role in Role if Permission.PROXY_REQUESTS_DECIDE in PERMISSIONS[role]]


def ask(portal: Portal, token: str, child: Patient | None = None, **changes: Any) -> Answer:
    asked = {
        "relation": "parent",
        "first_name": child.first_name if child else "Liv",
        "last_name": child.last_name if child else "Nobody",
        "date_of_birth": child.date_of_birth if child else "2019-05-06",
        **changes,
    }
    headers = asked.pop("headers", None) or key()
    return portal.call("POST", "/v1/proxy-requests", asked, headers=headers, token=token)


def decide(portal: Portal, request_id: str, how: str, body: Mapping[str, object], token: str | None = None) -> Answer:
    path = f"/v1/clinic/proxy-requests/{request_id}/{how}"
    return portal.call("POST", path, body, token=token or token_of(new_staff(Role.FRONT_DESK)))


@pytest.fixture(scope="module")
def child(portal: Portal) -> Patient:
    child = portal.new_patient(birthDate="2019-05-06")
    assert portal.import_fhir(fhir.lab({"id": child.resource_id})).json["created"] == 1
    return child


@pytest.fixture(scope="module")
def parent(portal: Portal) -> Person:
    return portal.register()


def test_an_approved_parent_sees_the_childs_record(portal: Portal, parent: Person, child: Patient) -> None:
    asked = ask(portal, parent.token, child)
    assert (asked.status, asked.json["status"], asked.json["patient_id"]) == (201, "pending", None)
    path, token = f"/v1/patients/{child.patient_id}/records", parent.token
    assert portal.call("GET", path, token=token).status == 404
    approved = decide(portal, asked.json["proxy_request_id"], "approve", {"patient_id": child.patient_id})
    assert (approved.status, approved.json["status"]) == (200, "approved")
    assert len(portal.call("GET", path, token=token).json["items"]) == 1
    in_care = portal.call("GET", "/v1/patients", token=token).json["items"][1]
    assert (in_care["patient_id"], in_care["relation"], in_care["scopes"]) == (
        child.patient_id,
        "parent",
        ["everything"],
    )
    own = portal.call("GET", "/v1/proxy-requests", token=token).json["items"]
    assert [(one["status"], one["patient_id"]) for one in own] == [("approved", child.patient_id)]
    portal.drain()
    told = [item["title"] for item in parent.get("/v1/me/notices").json["items"]]
    assert "The clinic has answered your request" in told


def test_a_denied_request_opens_nothing_and_says_why(portal: Portal, child: Patient) -> None:
    token = token_of(new_account())
    request_id = ask(portal, token, child).json["proxy_request_id"]
    denied = decide(portal, request_id, "deny", {"reason": "Please show us your papers."})
    assert (denied.status, denied.json["status"]) == (200, "denied")
    (own,) = portal.call("GET", "/v1/proxy-requests", token=token).json["items"]
    assert (own["status"], own["reason"], own["patient_id"]) == ("denied", "Please show us your papers.", None)
    assert portal.call("GET", f"/v1/patients/{child.patient_id}/records", token=token).status == 404


def test_a_patient_who_exists_and_one_who_does_not_are_asked_for_alike(portal: Portal, child: Patient) -> None:
    answers = [ask(portal, token_of(new_account()), one).json for one in (child, None)]
    own = ("proxy_request_id", "created_at", "first_name", "last_name", "date_of_birth")
    assert {name: value for name, value in answers[0].items() if name not in own} == {
        name: value for name, value in answers[1].items() if name not in own
    }


def test_a_request_is_decided_once(portal: Portal, child: Patient) -> None:
    request_id = ask(portal, token_of(new_account()), child).json["proxy_request_id"]
    assert decide(portal, request_id, "deny", {}).status == 200
    for how, body in (("deny", {}), ("approve", {"patient_id": child.patient_id})):
        assert decide(portal, request_id, how, body).status == 409


def test_a_grown_up_gets_no_parents_but_may_have_an_agent(portal: Portal) -> None:
    adult = portal.new_patient(birthDate="1990-01-01")
    body: dict[str, object] = {"patient_id": adult.patient_id, "scopes": ["billing"]}
    token = token_of(new_account())
    refused = decide(portal, ask(portal, token, adult).json["proxy_request_id"], "approve", body)
    assert [(one["pointer"], one["code"]) for one in refused.json["errors"]] == [("/patient_id", "patient_of_age")]
    asked = ask(portal, token, adult, relation="agent").json
    approved = decide(portal, asked["proxy_request_id"], "approve", body)
    assert approved.status == 200
    assert portal.call("GET", "/v1/patients", token=token).json["items"][0]["scopes"] == ["billing"]


def test_staff_name_a_patient_who_is_there_and_another_than_who_asks(portal: Portal, parent: Person) -> None:
    request_id = ask(portal, parent.token).json["proxy_request_id"]
    for patient_id, code in (
        ("pat_nobody", "patient_unknown"),
        (parent.patient.patient_id, "patient_asks_themselves"),
    ):
        refused = decide(portal, request_id, "approve", {"patient_id": patient_id})
        assert [one["code"] for one in refused.json["errors"]] == [code]


def test_nobody_decides_for_themselves(portal: Portal, child: Patient) -> None:
    token = token_of(new_staff(Role.FRONT_DESK))
    request_id = ask(portal, token, child).json["proxy_request_id"]
    refused = decide(portal, request_id, "approve", {"patient_id": child.patient_id}, token)
    assert (refused.status, refused.json["code"]) == (409, "own_request")
    assert decide(portal, request_id, "approve", {"patient_id": child.patient_id}).status == 200


def test_another_patient_than_was_named_is_approved_only_knowingly(portal: Portal, child: Patient) -> None:
    token = token_of(new_account())
    request_id = ask(portal, token, child, first_name="Hannah", date_of_birth="2018-05-06").json["proxy_request_id"]
    refused = decide(portal, request_id, "approve", {"patient_id": child.patient_id})
    assert [(one["pointer"], one["code"]) for one in refused.json["errors"]] == [("/patient_id", "patient_differs")]
    approved = decide(portal, request_id, "approve", {"patient_id": child.patient_id, "differs": True})
    assert (approved.status, approved.json["status"]) == (200, "approved")


@pytest.mark.parametrize("date_of_birth", ["2090-01-01", "1790-01-01"])
def test_nobody_asks_for_whom_nobody_can_be(portal: Portal, date_of_birth: str) -> None:
    token = token_of(new_account())
    impossible, blank = ask(portal, token, date_of_birth=date_of_birth), ask(portal, token, first_name="  ")
    assert [(one["pointer"], one["code"]) for refused in (impossible, blank) for one in refused.json["errors"]] == [
        ("/date_of_birth", "birth_date_impossible"),
        ("/first_name", "missing"),
    ]


def test_approving_needs_a_step_up(portal: Portal, child: Patient) -> None:
    request_id = ask(portal, token_of(new_account()), child).json["proxy_request_id"]
    token = token_of(new_staff(Role.FRONT_DESK), stepped_up=False)
    refused = decide(portal, request_id, "approve", {"patient_id": child.patient_id}, token)
    assert (refused.status, refused.json["code"]) == (403, "step_up_required")


@pytest.mark.parametrize("role", Role)
def test_only_staff_with_the_permission_see_and_decide(portal: Portal, child: Patient, role: Role) -> None:
    token = token_of(new_staff(role))
    request_id = ask(portal, token_of(new_account()), child).json["proxy_request_id"]
    expected = 200 if role in DECIDES else 403
    assert portal.call("GET", "/v1/clinic/proxy-requests", token=token).status == expected
    assert decide(portal, request_id, "deny", {}, token).status == expected


def test_the_clinics_list_shows_what_waits_page_by_page(portal: Portal) -> None:
    asked = [ask(portal, token_of(new_account())).json["proxy_request_id"] for _ in range(3)]
    token, found = token_of(new_staff(Role.FRONT_DESK)), list[str]()
    cursor: str | None = ""
    assert decide(portal, asked.pop(), "deny", {}).status == 200
    while cursor is not None:
        path = f"/v1/clinic/proxy-requests?limit=1{f'&cursor={cursor}' if cursor else ''}"
        page = portal.call("GET", path, token=token).json
        found += [item["proxy_request_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert [one for one in found if one in asked] == asked[::-1]
    assert len(set(found)) == len(found)
    denied = portal.call("GET", "/v1/clinic/proxy-requests?status=denied&limit=100", token=token).json["items"]
    assert {item["status"] for item in denied} == {"denied"}


def test_the_same_key_asks_once_and_ten_a_day_are_enough(portal: Portal) -> None:
    token, headers = token_of(new_account()), key()
    first, again = (ask(portal, token, headers=headers) for _ in range(2))
    assert first.json == again.json
    assert [ask(portal, token).status for _ in range(9)] == [201] * 9
    assert ask(portal, token).status == 429
    assert ask(portal, token, headers=headers).json == first.json


def test_a_parents_view_of_a_teenager_opens_where_the_clinic_says_so(portal: Portal) -> None:
    teen = portal.new_patient(birthDate=(datetime.now(UTC) - timedelta(days=14 * 366)).date().isoformat())
    secret = {"meta": {"security": [{"code": "PSY"}]}}
    assert portal.import_fhir(fhir.lab({"id": teen.resource_id}, **secret)).json["created"] == 1
    for sensitive, count in ((False, 0), (True, 1)):
        account_id = new_account()
        request_id = ask(portal, token_of(account_id), teen).json["proxy_request_id"]
        body: dict[str, object] = {"patient_id": teen.patient_id, "sensitive": sensitive}
        assert decide(portal, request_id, "approve", body).status == 200
        path = f"/v1/patients/{teen.patient_id}/records"
        assert len(portal.call("GET", path, token=token_of(account_id)).json["items"]) == count
        (in_care,) = portal.call("GET", "/v1/patients", token=token_of(account_id)).json["items"]
        assert (in_care["scopes"], in_care["closed"]) == (["everything"], ["messages"])


def test_a_patient_with_an_account_hears_that_somebody_may_act_for_them(portal: Portal) -> None:
    person = portal.register()
    request_id = ask(portal, token_of(new_account()), person.patient, relation="agent").json["proxy_request_id"]
    body: dict[str, object] = {"patient_id": person.patient.patient_id, "scopes": ["appointments"]}
    assert decide(portal, request_id, "approve", body).status == 200
    portal.drain()
    assert "Someone can now act for you" in [item["title"] for item in person.get("/v1/me/notices").json["items"]]
    (one,) = person.get("/v1/patients/me/caregivers").json["items"]
    assert (one["relation"], one["status"], one["scopes"]) == ("agent", "active", ["appointments"])
