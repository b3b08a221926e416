"""Invitations and requests under race: one acceptance, one decision."""

from collections import Counter

import pytest

from chalicelib.domain.staff import Role
from chalicelib.models import caregivers
from tests.support.caregivers import accept, ask_to_act, invitation_to
from tests.support.crowd import at_once
from tests.support.people import new_account, new_staff, token_of
from tests.support.portal import Portal

pytestmark = pytest.mark.race
_MANY = 12


def test_of_many_who_accept_one_invitation_at_once_one_is_a_caregiver(portal: Portal) -> None:
    patient_id = portal.new_patient().patient_id
    link, tokens = invitation_to(patient_id), [token_of(new_account()) for _ in range(_MANY)]
    answers = Counter(answer.status for answer in at_once(_MANY, lambda at: accept(portal, link, tokens[at])))
    assert answers == {200: 1, 410: _MANY - 1}
    assert len(caregivers.find_grants(patient_id)) == 1


def test_of_many_who_decide_one_request_at_once_one_does(portal: Portal) -> None:
    child = portal.new_patient(birthDate="2019-05-06").patient_id
    path = f"/v1/clinic/proxy-requests/{ask_to_act(new_account())}"
    tokens = [token_of(new_staff(Role.FRONT_DESK)) for _ in range(_MANY)]
    bodies = {"approve": {"patient_id": child, "differs": True}, "deny": {}}

    def decide(at: int) -> int:
        how = ("approve", "deny")[at % 2]
        return portal.call("POST", f"{path}/{how}", bodies[how], token=tokens[at]).status

    assert Counter(at_once(_MANY, decide)) == {200: 1, 409: _MANY - 1}
    assert len(caregivers.find_grants(child)) <= 1
