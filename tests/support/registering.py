"""Registering in every way: claims about a patient, and the codes that reach the contact on file."""

import itertools
import json
import re
from typing import Any

from tests.support.portal import Answer, Patient, Portal

SSN = "219-09-9121"
PHONE = "+13125550199"

_families = itertools.count(1)


def email_contact(email: str) -> dict[str, str]:
    """A telecom of a Patient resource."""
    return {"system": "email", "value": email}


def phone_contact(number: str = PHONE) -> dict[str, str]:
    """A telecom of a Patient resource."""
    return {"system": "phone", "value": number}


def family() -> str:
    """A last name that nobody in this process had before."""
    number = next(_families)
    return "Solv" + "".join("abcdefghij"[int(digit)] for digit in str(number))


def patient_of_their_own(portal: Portal, **changes: Any) -> Patient:
    """A patient whom no other has the name of, with an email address and a telephone of their own on file."""
    name = changes.pop("family", None) or family()
    email = changes.pop("email", f"{name}@example.org".lower())
    return portal.new_patient(
        **{
            "name": [{"use": "official", "given": ["Ingrid", "Mae"], "family": name}],
            "telecom": [email_contact(email), phone_contact()],
            **changes,
        }
    )


def patient_with_ssn(portal: Portal, **changes: Any) -> Patient:
    """A patient as above, of whom the clinic has a Social Security number."""
    resource_id = f"with-ssn-{family()}".lower()
    mrn = {"system": "https://test.example/mrn", "value": f"MRN-{resource_id}"}
    ssn = {"system": "http://hl7.org/fhir/sid/us-ssn", "value": SSN}
    return patient_of_their_own(portal, id=resource_id, identifier=[mrn, ssn], **changes)


def mailbox(patient: Patient) -> str:
    """The email address on file of a patient of `patient_of_their_own`."""
    return f"{patient.last_name}@example.org".lower()


def claim(patient: Patient, method: str, **changes: Any) -> dict[str, Any]:
    """The right request of a way to register; a change to None leaves a field out."""
    person = {
        "first_name": patient.first_name,
        "last_name": patient.last_name,
        "date_of_birth": patient.date_of_birth,
    }
    own: dict[str, dict[str, Any]] = {
        "identity_match": {"phone_last4": PHONE[-4:]},
        "clinic_number": {"clinic_number": patient.clinic_number, "email": "typed@example.org"},
    }
    asked = {"method": method, **person, **own[method], **changes}
    return {name: value for name, value in asked.items() if value is not None}


def start(portal: Portal, asked: dict[str, Any], **more: Any) -> Answer:
    """The first half of registering."""
    return portal.call("POST", "/v1/registrations", asked, **more)


def code_in(text: str) -> str:
    """The 8-digit code in a message."""
    found = re.search(r"(?<!\d)\d{8}(?!\d)", text)
    assert found is not None, text
    return found[0]


def emailed_code(portal: Portal, patient: Patient) -> str:
    """The code in the newest email to a patient's address on file."""
    return code_in(portal.emails(mailbox(patient))[-1].text or "")


def texted_code(portal: Portal, number: str) -> str:
    """The code in the newest text message to a number."""
    portal.drain()
    return code_in([sms.text for sms in portal.aws.sent_sms() if sms.to == number][-1])


def wrong(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 10**8:08}"


def reasons(portal: Portal, partition: str) -> list[str]:
    """Why registering was refused, oldest first, of a partition of the audit table."""
    rows = [row for row in portal.rows("audit") if row["pk"]["S"] == partition]
    refused = [row for row in rows if row["action"]["S"] == "registration:refuse"]
    return [json.loads(row["about"]["S"])["reason"] for row in sorted(refused, key=lambda row: row["sk"]["S"])]


def reasons_about(portal: Portal, patient: Patient) -> list[str]:
    """Why registering as a patient was refused, oldest first."""
    return reasons(portal, f"patient#{patient.patient_id}")
