"""Parents are told 30 days before the birthdays at which their rights change, and the patient before the last."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib import clock
from chalicelib.domain.staff import Role
from tests.support import merging
from tests.support.caregivers import ask_to_act
from tests.support.people import new_account, new_staff, token_of
from tests.support.portal import Patient, Portal
from tests.support.setting import setting

BORN = "2014-02-10"
TWELVE = datetime(2026, 2, 10, 6, tzinfo=UTC)
EIGHTEEN = datetime(2032, 2, 10, 6, tzinfo=UTC)
AHEAD = timedelta(days=30)
TITLE = "Your rights for a child will change soon"


@pytest.fixture(autouse=True)
def at_ten() -> Iterator[None]:
    with clock.frozen(datetime(2024, 2, 10, 18, tzinfo=UTC)):
        yield


@pytest.fixture
def child(portal: Portal) -> Patient:
    return portal.new_patient(birthDate=BORN)


def parent_of(portal: Portal, child: Patient, relation: str = "parent") -> str:
    """The account of somebody whom the clinic lets act for a child."""
    account_id = new_account()
    request_id = ask_to_act(account_id, relation)
    path, body = f"/v1/clinic/proxy-requests/{request_id}/approve", {"patient_id": child.patient_id, "differs": True}
    assert portal.call("POST", path, body, token=token_of(new_staff(Role.FRONT_DESK))).status == 200
    return account_id


def told(portal: Portal, account_id: str, at: datetime, title: str = TITLE) -> int:
    """How often somebody has been told of a boundary, at a time."""
    with clock.frozen(at):
        portal.drain()
        items = portal.call("GET", "/v1/me/notices?limit=100", token=token_of(account_id)).json["items"]
        return [item["title"] for item in items].count(title)


def test_a_parent_is_told_of_each_boundary_once_and_thirty_days_before(portal: Portal, child: Patient) -> None:
    account_id = parent_of(portal, child)
    counts = [
        told(portal, account_id, at)
        for at in (
            TWELVE - AHEAD - timedelta(minutes=1),
            TWELVE - AHEAD + timedelta(minutes=1),
            TWELVE + timedelta(days=1),
            EIGHTEEN - AHEAD - timedelta(minutes=1),
            EIGHTEEN - AHEAD + timedelta(minutes=1),
            EIGHTEEN + timedelta(days=1),
        )
    ]
    assert counts == [0, 1, 1, 1, 2, 2]


def test_who_is_no_parent_and_who_has_left_are_not_told(portal: Portal, child: Patient) -> None:
    agent, gone = parent_of(portal, child, "agent"), parent_of(portal, child)
    token = token_of(gone)
    from chalicelib.models import caregivers

    grant = caregivers.find_grant(child.patient_id, gone)
    assert grant is not None
    path = f"/v1/patients/{child.patient_id}/caregivers/{grant.caregiver_id}"
    assert portal.call("DELETE", path, token=token).status == 204
    for account_id in (agent, gone):
        assert told(portal, account_id, TWELVE - AHEAD + timedelta(minutes=1)) == 0


def test_a_corrected_birth_date_makes_the_boundary_untrue(portal: Portal, child: Patient) -> None:
    account_id = parent_of(portal, child)
    corrected = {"resourceType": "Patient", "id": child.resource_id, "birthDate": "2015-02-10"}
    assert portal.import_fhir(corrected).json["updated"] == 1
    assert told(portal, account_id, TWELVE - AHEAD + timedelta(minutes=1)) == 0


def test_the_notice_stands_among_the_news_of_its_day(portal: Portal, child: Patient) -> None:
    account_id = parent_of(portal, child)
    portal.drain()
    at = TWELVE - AHEAD + timedelta(hours=1)
    assert told(portal, account_id, at) == 1
    with clock.frozen(at):
        newest = portal.call("GET", "/v1/me/notices", token=token_of(account_id)).json["items"][0]
    assert (newest["title"], newest["sent_at"][:10]) == (TITLE, "2026-01-11")


def test_a_patient_with_an_account_is_told_before_they_come_of_age(portal: Portal) -> None:
    from chalicelib.domain.caregivers import Grant, Relation, Scope
    from chalicelib.models import caregivers, patients
    from chalicelib.models.transaction import transaction
    from chalicelib.services import boundaries

    person = portal.register()
    young = {"resourceType": "Patient", "id": person.patient.resource_id, "birthDate": BORN}
    assert portal.import_fhir(young).json["updated"] == 1
    patient = patients.find(person.patient.patient_id)
    assert patient is not None
    account_id = person.session["account"]["account_id"]
    grant = Grant(new_account(), frozenset({Scope.EVERYTHING}), relation=Relation.PARENT)
    with transaction() as tx:
        caregivers.put_grant(tx, patient.pk, grant)
        boundaries.look_again(tx, patient)
    title = "Your parents will not act for you any more"
    assert told(portal, account_id, EIGHTEEN - AHEAD - timedelta(minutes=1), title) == 0
    assert told(portal, account_id, EIGHTEEN - AHEAD + timedelta(minutes=1), title) == 1


def correct(portal: Portal, child: Patient, born: str) -> None:
    """The clinic's system sends another birth date."""
    corrected = {"resourceType": "Patient", "id": child.resource_id, "birthDate": born}
    assert portal.import_fhir(corrected).json["updated"] == 1
    portal.drain()


OWN_TITLE = "Your parents will not act for you any more"


def test_a_patient_whose_own_account_is_made_later_is_told_too(portal: Portal, child: Patient) -> None:
    parent = parent_of(portal, child)
    portal.drain()
    at_sixteen = datetime(2030, 3, 1, 18, tzinfo=UTC)
    with clock.frozen(at_sixteen), setting("MINIMUM_AGE", "14"):
        account_id = portal.register(child).session["account"]["account_id"]
        portal.drain()
    counts = [
        [told(portal, *one) for one in ((account_id, at, OWN_TITLE), (parent, at))]
        for at in (EIGHTEEN - AHEAD - timedelta(minutes=1), EIGHTEEN - AHEAD + timedelta(minutes=1))
    ]
    assert counts == [[0, 0], [1, 1]]


@pytest.mark.parametrize("days", [-3, 45, -45])
def test_a_corrected_birth_date_is_told_of_at_its_own_boundary_and_not_at_the_old_one(
    portal: Portal, child: Patient, days: int
) -> None:
    account_id = parent_of(portal, child)
    portal.drain()
    moved = timedelta(days=days)
    correct(portal, child, (datetime.fromisoformat(BORN) + moved).date().isoformat())
    at = TWELVE + moved - AHEAD
    changes = sorted([at, TWELVE - AHEAD])
    counts = {when: told(portal, account_id, when + timedelta(hours=2)) for when in changes}
    assert counts == {when: int(when >= at) for when in changes}
    assert told(portal, account_id, TWELVE + timedelta(days=60)) == 1


def test_a_birth_date_that_is_corrected_and_put_back_is_told_of_once(portal: Portal, child: Patient) -> None:
    account_id = parent_of(portal, child)
    for born in ("2015-02-10", BORN):
        correct(portal, child, born)
    assert told(portal, account_id, TWELVE - AHEAD + timedelta(hours=1)) == 1


def test_one_that_is_put_back_after_its_notice_was_dropped_is_told_of_then(portal: Portal, child: Patient) -> None:
    account_id = parent_of(portal, child)
    correct(portal, child, "2015-02-10")
    assert told(portal, account_id, TWELVE - AHEAD + timedelta(hours=1)) == 0
    with clock.frozen(TWELVE - timedelta(days=9)):
        correct(portal, child, BORN)
    assert told(portal, account_id, TWELVE - timedelta(days=8)) == 1


def test_a_parents_access_follows_the_corrected_birth_date_at_once(portal: Portal, child: Patient) -> None:
    account_id = parent_of(portal, child)
    path = f"/v1/patients/{child.patient_id}/records"
    assert portal.call("GET", path, token=token_of(account_id)).status == 200
    for born, status in (("2006-02-10", 404), ("2006-02-11", 200), (BORN, 200)):
        correct(portal, child, born)
        assert portal.call("GET", path, token=token_of(account_id)).status == status


def test_a_second_request_of_the_same_parent_is_no_second_notice(portal: Portal, child: Patient) -> None:
    account_id = parent_of(portal, child)
    portal.drain()
    parent_of(portal, child)
    assert told(portal, account_id, TWELVE - AHEAD + timedelta(hours=1)) == 1


def test_what_fell_due_while_a_child_was_merged_is_told_once_they_are_parted(portal: Portal, child: Patient) -> None:
    account_id = parent_of(portal, child)
    portal.drain()
    other = portal.new_patient(birthDate=BORN)
    with clock.frozen(TWELVE - AHEAD - timedelta(days=1)):
        merge_id = merging.merged(portal, other.patient_id, child.patient_id)
    assert told(portal, account_id, TWELVE - AHEAD + timedelta(minutes=1)) == 0
    with clock.frozen(TWELVE - AHEAD + timedelta(days=5)):
        assert merging.undo(portal, other.patient_id, merge_id).status == 200
    assert told(portal, account_id, TWELVE - AHEAD + timedelta(days=5, minutes=1)) == 1
    assert told(portal, account_id, TWELVE + timedelta(days=1)) == 1
