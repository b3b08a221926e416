"""One Idempotency-Key, many requests at once, one effect (AP 3)."""

import uuid
from collections import Counter

import pytest

from tests.support.crowd import at_once
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.sizes import size

pytestmark = [pytest.mark.race, pytest.mark.promise]


def test_of_many_replays_at_once_one_has_an_effect_and_all_get_its_answer(portal: Portal, promise: Promise) -> None:
    """AP 3."""
    patient = portal.new_patient()
    count, key, token = size("AP 3"), str(uuid.uuid4()), portal.client_token()
    path = f"/v1/clinic/patients/{patient.patient_id}/activation-codes"
    answers = at_once(count, lambda _n: portal.call("POST", path, {}, headers={"Idempotency-Key": key}, token=token))
    assert Counter(answer.status for answer in answers) == {201: count}
    promise("AP 3", f"{count} replays at once: answers", asked=1, measured=len({answer.body for answer in answers}))
    entries = [row for row in portal.rows("audit") if row["pk"]["S"] == f"patient#{patient.patient_id}"]
    effects = sum(row["action"]["S"] == "activation_code:issue" for row in entries)
    promise("AP 3", f"{count} replays at once: effects", asked=1, measured=effects)
    assert portal.start_registration(patient, answers[0].json["activation_code"]).status == 201


def test_of_many_codes_at_once_the_last_one_alone_works(portal: Portal) -> None:
    """ID 1: each with a key of its own; a refused one may be sent again."""
    patient = portal.new_patient()
    portal.issue_code(patient)
    answers = at_once(8, lambda _number: portal.issue_code(patient))
    assert {answer.status for answer in answers} <= {201, 409}
    codes = [answer.json["activation_code"] for answer in answers if answer.status == 201]
    works = [code for code in codes if portal.start_registration(patient, code).status == 201]
    assert len(works) <= 1
    # Up to five wrong ones kill the one that works, so the next is asked for.
    assert portal.start_registration(patient, portal.issue_code(patient).json["activation_code"]).status == 201
