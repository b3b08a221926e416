"""The main job, in one walk."""

import re

from tests.support.portal import Portal


def test_a_patient_gets_from_an_activation_code_to_their_own_record(portal: Portal) -> None:
    patient = portal.new_patient()
    person = portal.register(patient)
    (email,) = portal.emails(patient.email)
    link = re.search(r"https?://\S+(/l/\S+)", email.text or "")
    assert link is not None
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert portal.call("GET", link[1]).status == 200
    confirmed = portal.call("POST", link[1], raw=b"date_of_birth=1961-04-12", headers=form)
    assert confirmed.status == 200
    me = person.get("/v1/me").json
    assert (me["email"], me["email_verified"]) == (patient.email, True)
    assert person.get("/v1/patients/me/records").json == {"items": [], "next_cursor": None}
