"""What the clinic decides for itself, over what the deployment says."""

from typing import Any

import pytest

from chalicelib.domain.staff import Role
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.clinic_settings import RECENT
from tests.support.aws_calls import recorded
from tests.support.people import new_staff, token_of
from tests.support.portal import Answer, Portal

PATH = "/v1/clinic/settings"
HOURS = [{"day": "monday", "opens": "08:00", "closes": "17:00"}]


class Admin:
    """An admin, and what they decide."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.account_id = new_staff(Role.ADMIN)

    def read(self) -> Answer:
        return self.portal.call("GET", PATH, token=token_of(self.account_id))

    def decide(self, etag: str | None = None, **body: Any) -> Answer:
        headers = {"If-Match": etag or self.read().header("etag") or ""}
        return self.portal.call("PUT", PATH, body, token=token_of(self.account_id), headers=headers)


@pytest.fixture
def admin(portal: Portal) -> Admin:
    for row in AccountsTable.query("clinic"):
        row.delete()
    RECENT.clear()
    return Admin(portal)


def _config(portal: Portal) -> dict[str, Any]:
    found: dict[str, Any] = portal.call("GET", "/v1/config").json
    return found


def test_without_a_choice_all_is_as_the_deployment_says(portal: Portal, admin: Admin) -> None:
    read = admin.read()
    config = _config(portal)
    assert (read.json["minimum_age"], read.json["security_questions"]) == (18, True)
    assert config["registration"]["minimum_age"] == 18
    assert config["features"] == read.json["features"]
    assert read.header("etag") == '"0"'


def test_what_is_decided_shows_at_once_here_and_to_everybody(portal: Portal, admin: Admin) -> None:
    lines = [{"purpose": "Appointments", "phone": "+13125550101", "email": None, "hours": HOURS}]
    decided = admin.decide(
        minimum_age=16, security_questions=False, features={"records": False}, opening_hours=HOURS, lines=lines
    )
    assert decided.status == 200, decided.text
    config = _config(portal)
    assert (config["registration"]["minimum_age"], config["registration"]["security_questions"]) == (16, False)
    assert (config["features"]["records"], config["features"]["notices"]) == (False, True)
    assert (decided.json["opening_hours"], decided.json["lines"]) == (HOURS, lines)
    assert admin.read().json == decided.json


def test_somebody_registers_by_the_age_and_the_questions_that_the_clinic_decided(portal: Portal, admin: Admin) -> None:
    from chalicelib import clock

    born = f"{clock.now().year - 17}-01-01"
    patient = portal.new_patient(birthDate=born)
    code = portal.issue_code(patient).json["activation_code"]
    assert portal.start_registration(patient, code).json["code"] == "below_minimum_age"
    assert admin.decide(minimum_age=16, security_questions=False).status == 200
    started = portal.start_registration(patient, code)
    assert started.status == 201, started.text
    finished = portal.finish_registration(started.json, security_answers=[], email=patient.email)
    assert finished.status == 201, finished.text


def test_another_process_knows_within_half_a_minute(portal: Portal, admin: Admin) -> None:
    from chalicelib.domain.clinic_settings import Chosen
    from chalicelib.models import clinic_settings
    from chalicelib.models.transaction import transaction

    assert _config(portal)["registration"]["minimum_age"] == 18
    with transaction() as tx:
        clinic_settings.put(tx, Chosen(minimum_age=21), 0)
    portal.advance(seconds=29)
    assert _config(portal)["registration"]["minimum_age"] == 18
    portal.advance(seconds=1)
    assert _config(portal)["registration"]["minimum_age"] == 21


def test_asking_again_within_half_a_minute_reads_nothing(portal: Portal, admin: Admin) -> None:
    _config(portal)
    with recorded() as calls:
        _config(portal)
    assert calls == []


def test_what_is_not_there_cannot_be_switched_on(portal: Portal, admin: Admin) -> None:
    before = _config(portal)["features"]
    assert admin.decide(features=dict.fromkeys(before, True)).json["features"] == before


def test_of_two_who_decide_at_once_the_second_is_told(admin: Admin) -> None:
    first = admin.read().header("etag") or ""
    assert admin.decide(first, minimum_age=16).status == 200
    assert admin.decide(first, minimum_age=21).status == 412
    assert admin.read().json["minimum_age"] == 16
    second = admin.read().header("etag") or ""
    assert admin.decide(second).json["minimum_age"] == 18
    assert admin.decide(second).status == 412


@pytest.mark.parametrize(
    "wrong",
    [
        {"minimum_age": -1},
        {"minimum_age": 31},
        {"features": {"telepathy": True}},
        {"opening_hours": [{"day": "monday", "opens": "17:00", "closes": "08:00"}]},
        {"opening_hours": [{"day": "someday", "opens": "08:00", "closes": "17:00"}]},
        {"lines": [{"purpose": "", "phone": "+13125550101"}]},
        {"lines": [{"purpose": "Bills", "phone": "call us"}]},
    ],
)
def test_what_makes_no_sense_is_refused(admin: Admin, wrong: dict[str, Any]) -> None:
    assert admin.decide(**wrong).status == 422
    assert admin.read().header("etag") == '"0"'


def test_only_an_admin_who_has_just_stepped_up_decides(portal: Portal) -> None:
    for role in set(Role) - {Role.ADMIN}:
        assert portal.call("GET", PATH, token=token_of(new_staff(role))).status == 403
    plain = token_of(new_staff(Role.ADMIN), stepped_up=False)
    assert portal.call("GET", PATH, token=plain).status == 200
    refused = portal.call("PUT", PATH, {}, token=plain, headers={"If-Match": '"0"'})
    assert refused.json["code"] == "step_up_required"
