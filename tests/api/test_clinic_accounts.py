"""The help desk (RC 7): sees why tries failed, starts a recovery after checking who asks, and never sees a secret."""

import re
import uuid
from typing import Any

import pytest

from chalicelib.domain.staff import Role
from chalicelib.models import accounts
from tests.support import links
from tests.support.aws_calls import recorded
from tests.support.crowd import fresh_address
from tests.support.links import account_id_of
from tests.support.members import join
from tests.support.people import new_staff, token_of
from tests.support.portal import PASSWORD, Answer, Patient, Person, Portal

PATH = "/v1/clinic/accounts"


class Desk:
    """Somebody at the help desk."""

    def __init__(self, portal: Portal, role: Role = Role.HELP_DESK) -> None:
        self.portal = portal
        self.account_id = new_staff(role)
        self.token = token_of(self.account_id)

    def find(self, q: str) -> list[dict[str, Any]]:
        answer = self.portal.call("GET", f"{PATH}?q={q}", token=self.token)
        assert answer.status == 200, answer.text
        items: list[dict[str, Any]] = answer.json["items"]
        return items

    def recover(self, account_id: str, key: str | None = None, **body: Any) -> Answer:
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        path = f"{PATH}/{account_id}/recovery"
        return self.portal.call("POST", path, {"check": "phone", **body}, token=self.token, headers=headers)


@pytest.fixture
def desk(portal: Portal) -> Desk:
    return Desk(portal)


def _code_and_path(portal: Portal, email: str) -> tuple[str, str]:
    sent = portal.emails(email)[-1].text or ""
    code = re.search(r"(?<!\d)\d{8}(?!\d)", sent)
    path = re.search(r"/l/\S+", sent)
    assert code is not None
    assert path is not None
    return code[0], path[0]


def test_somebody_is_found_by_username_by_email_and_by_clinic_number(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    named = [desk.find(q) for q in (person.username, person.patient.email, person.patient.clinic_number)]
    assert [[one["account_id"] for one in found] for found in named] == [[account_id_of(person)]] * 3
    assert desk.find(person.username[:-1]) == []


def test_what_the_desk_sees_names_no_address(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    (found,) = desk.find(person.username)
    assert (found["state"], found["patient_id"]) == ("active", person.patient.patient_id)
    assert {(one["channel"], one["verified"]) for one in found["contacts"]} >= {("email", True), ("sms", True)}
    text = str(found)
    assert person.patient.email not in text
    assert person.patient.last_name not in text
    assert "5550142" not in text.replace("-", "")
    assert person.patient.date_of_birth not in text


def test_a_patient_without_an_account_is_found_with_the_reasons(portal: Portal, desk: Desk) -> None:
    patient = portal.new_patient()
    code = portal.issue_code(patient).json["activation_code"]
    assert portal.start_registration(patient, code, last_name="Somebody-Else").status == 422
    (found,) = desk.find(patient.clinic_number)
    assert (found["account_id"], found["state"]) == (None, "no_account")
    assert [(one["what"], one["reason"]) for one in found["failed_tries"]] == [("registration", "names")]


def _ask_for_code(portal: Portal, patient: Patient, date_of_birth: str) -> Answer:
    asked = {"clinic_number": patient.clinic_number, "date_of_birth": date_of_birth}
    return portal.call("POST", "/v1/activation-code-requests", asked, source_ip=fresh_address())


def test_a_code_that_was_asked_for_and_not_sent_shows_why_to_the_desk_alone(portal: Portal, desk: Desk) -> None:
    patient = portal.new_patient()
    answers = [_ask_for_code(portal, patient, born) for born in (patient.date_of_birth, "1901-02-03")]
    with_account = portal.register()
    answers.append(_ask_for_code(portal, with_account.patient, with_account.patient.date_of_birth))
    assert [answer.status for answer in answers] == [202] * 3
    assert len({answer.text for answer in answers}) == 1
    found = [desk.find(number)[0] for number in (patient.clinic_number, with_account.patient.clinic_number)]
    tries = [[(one["what"], one["reason"]) for one in desk_account["failed_tries"]] for desk_account in found]
    what = "activation_code_request"
    assert tries == [[(what, "birth_date")], [(what, "account_exists")]]


def test_a_code_that_could_go_nowhere_or_too_often_shows_why(portal: Portal, desk: Desk) -> None:
    patient, silent = portal.new_patient(), portal.new_patient(telecom=[])
    for _ in range(4):
        portal.advance(seconds=1)
        assert _ask_for_code(portal, patient, patient.date_of_birth).status == 202
    assert _ask_for_code(portal, silent, silent.date_of_birth).status == 202
    found = [desk.find(one.clinic_number)[0] for one in (patient, silent)]
    assert [[one["reason"] for one in row["failed_tries"]] for row in found] == [["too_many"], ["no_contact"]]


def test_wrong_passwords_show_as_failed_tries_the_newest_first(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    for _ in range(3):
        portal.advance(seconds=1)
        assert portal.sign_in(person.username, "wrong wrong wrong wrong", source_ip="198.51.100.80").status == 401
    (found,) = desk.find(person.username)
    times = [one["at"] for one in found["failed_tries"]]
    assert len(times) == 3
    assert times == sorted(times, reverse=True)
    assert {one["what"] for one in found["failed_tries"]} == {"sign_in"}


def test_every_look_is_written_down_before_it_is_answered(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    for q, entries in ((person.username, 1), (f"nobody-{uuid.uuid4().hex}", 1)):
        with recorded() as calls:
            desk.find(q)
        found = [call.params["Item"] for call in calls if call.writes_to("audit")]
        assert [entry["action"]["S"] for entry in found] == ["account:lookup"] * entries
        assert q not in str(found)


def test_a_recovery_goes_to_the_address_on_file_and_staff_see_no_code(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    started = desk.recover(account_id_of(person))
    assert started.status == 202, started.text
    assert person.patient.email not in started.text
    code, path = _code_and_path(portal, person.patient.email)
    assert code not in started.text
    assert path.removeprefix("/l/") not in started.text
    fields = {"date_of_birth": person.patient.date_of_birth, "new_password": links.NEW_PASSWORD}
    answer = links.post(portal, path, **fields)
    assert answer.status == 200
    assert "security_answer" in answer.text or "saved" in answer.text


def test_a_replay_sends_nothing_more(portal: Portal, desk: Desk) -> None:
    person, key = portal.register(), str(uuid.uuid4())
    before = len(portal.emails(person.patient.email))
    first, again = (desk.recover(account_id_of(person), key) for _ in range(2))
    assert first.json == again.json
    assert len(portal.emails(person.patient.email)) == before + 1


def test_the_sixth_recovery_of_a_day_is_refused(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    answers = [desk.recover(account_id_of(person)) for _ in range(6)]
    assert [answer.status for answer in answers] == [202] * 5 + [429]
    portal.advance(days=1)
    desk.token = token_of(desk.account_id)
    assert desk.recover(account_id_of(person)).status == 202


def test_a_lost_second_factor_takes_the_password_and_every_session_with_it(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    _bind(person)
    before = len(portal.emails(person.patient.email))
    assert desk.recover(account_id_of(person), reset_second_factor=True).status == 202
    assert person.get("/v1/me").status == 401
    assert portal.sign_in(person.username, PASSWORD, source_ip="198.51.100.81").status == 401
    account = accounts.find_account(account_id_of(person))
    assert account is not None
    assert account.bound_factors == frozenset()
    # One with the code, and one that tells of the second factor.
    assert len(portal.emails(person.patient.email)) == before + 2


def test_without_the_wish_the_second_factor_stays(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    _bind(person)
    assert desk.recover(account_id_of(person)).status == 202
    account = accounts.find_account(account_id_of(person))
    assert account is not None
    assert account.bound_factors == {"totp"}
    assert person.get("/v1/me").status == 200


def _bind(person: Person) -> None:
    from chalicelib.domain.second_factors import Factor
    from chalicelib.models import second_factors
    from chalicelib.models.transaction import transaction

    account = accounts.find_account(account_id_of(person))
    assert account is not None
    with transaction() as tx:
        second_factors.put_totp(tx, account.pk, f"fac_{'0' * 26}", 1)
        accounts.note_second_factors(tx, account, [Factor.TOTP])


def test_only_who_manages_the_staff_recovers_an_account_of_staff(portal: Portal, desk: Desk) -> None:
    joining = join(portal, Role.ADMIN)
    account_id = accounts.find_account_id(joining.username)
    assert account_id is not None
    assert desk.recover(account_id).status == 403
    admin = Desk(portal, Role.ADMIN)
    assert admin.recover(account_id).status == 202
    assert admin.recover(admin.account_id).status == 403
    (found,) = desk.find(joining.username)
    assert (found["roles"], found["second_factors"]) == (["admin"], ["totp"])


def test_an_account_without_an_address_or_that_is_disabled_is_not_recovered(portal: Portal, desk: Desk) -> None:
    lonely = portal.register()
    bare = {"resourceType": "Patient", "id": lonely.patient.resource_id, "name": [{"family": "Solberg"}]}
    assert portal.import_fhir(bare).json["updated"] == 1
    refused = desk.recover(account_id_of(lonely))
    assert (refused.status, refused.json["code"]) == (409, "no_address")
    disabled = accounts.find_account(account_id_of(portal.register()))
    assert disabled is not None
    disabled.update([accounts.Account.disabled.set(True)])
    refused = desk.recover(disabled.pk)
    assert (refused.status, refused.json["code"]) == (409, "account_disabled")


def test_only_the_help_desk_and_admins_start_recoveries_and_only_after_a_step_up(portal: Portal, desk: Desk) -> None:
    account_id = account_id_of(portal.register())
    for role in set(Role) - {Role.HELP_DESK, Role.ADMIN}:
        assert Desk(portal, role).recover(account_id).status == 403
    desk.token = token_of(desk.account_id, stepped_up=False)
    assert desk.recover(account_id).json["code"] == "step_up_required"
