"""FHIR resources for tests that import them: each with fresh ids, every element replaceable."""

import json
import uuid
from typing import Any

Json = dict[str, Any]

MRN = "https://test.example/mrn"
CLINIC_NUMBER = "https://sample-clinic.example/clinic-number"
LOINC = "http://loinc.org"
SSN = "http://hl7.org/fhir/sid/us-ssn"
NPI = "http://hl7.org/fhir/sid/us-npi"


def fresh(prefix: str) -> str:
    """An id that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def patient(**changes: Any) -> Json:
    """A Patient with a medical record number equal to its id."""
    id = changes.pop("id", fresh("p"))
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"system": MRN, "value": id}],
        "name": [{"given": ["Ada"], "family": "Byron"}],
        "birthDate": "1970-02-03",
        **changes,
    }


def about(subject: Json | str) -> Json:
    """A reference to a patient."""
    return {"reference": subject if isinstance(subject, str) else f"Patient/{subject['id']}"}


def lab(subject: Json | str, **changes: Any) -> Json:
    """A laboratory result."""
    return {
        "resourceType": "Observation",
        "id": fresh("o"),
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": LOINC, "code": "4548-4"}], "text": "Hemoglobin A1c"},
        "subject": about(subject),
        "effectiveDateTime": "2024-05-06T07:08:09Z",
        "valueQuantity": {"value": 6.5, "unit": "%"},
        **changes,
    }


def condition(subject: Json | str, text: str, **changes: Any) -> Json:
    """A health condition that is active."""
    return {
        "resourceType": "Condition",
        "id": fresh("c"),
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": text},
        "subject": about(subject),
        "recordedDate": "2024-05-06",
        **changes,
    }


def encounter(subject: Json | str, **changes: Any) -> Json:
    """A visit that is over."""
    return {
        "resourceType": "Encounter",
        "id": fresh("e"),
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [{"text": "Check-up"}],
        "subject": about(subject),
        "period": {"start": "2024-05-06T07:00:00Z"},
        **changes,
    }


def prescription(subject: Json | str, **changes: Any) -> Json:
    """An active prescription."""
    return {
        "resourceType": "MedicationRequest",
        "id": fresh("m"),
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "Metformin 500 mg"},
        "subject": about(subject),
        "authoredOn": "2024-05-06",
        **changes,
    }


def order(title: str, **changes: Any) -> Json:
    """A test that the clinic has ordered and that was not done yet."""
    return {
        "resourceType": "ServiceRequest",
        "id": fresh("sr"),
        "status": "active",
        "intent": "order",
        "code": {"text": title},
        "authoredOn": "2026-01-02",
        **changes,
    }


def goal(due: str, **changes: Any) -> Json:
    """A goal that is to be reached by a day."""
    return {
        "resourceType": "Goal",
        "id": fresh("g"),
        "lifecycleStatus": "active",
        "description": {"text": "Walk every day"},
        "target": [{"measure": {"text": "Steps"}, "detailString": "6000", "dueDate": due}],
        **changes,
    }


def care_plan(*activities: Json, **changes: Any) -> Json:
    """A care plan with activities that are scheduled."""
    return {
        "resourceType": "CarePlan",
        "id": fresh("cp"),
        "status": "active",
        "intent": "plan",
        "title": "Diabetes care",
        "activity": [{"detail": {"status": "scheduled", **one}} for one in activities],
        **changes,
    }


def practitioner(family: str, **changes: Any) -> Json:
    """Somebody who works at the clinic."""
    return {
        "resourceType": "Practitioner",
        "id": fresh("dr"),
        "name": [{"prefix": ["Dr."], "given": ["Grace"], "family": family}],
        **changes,
    }


def bundle(*resources: Json, urls: dict[str, str] | None = None) -> Json:
    """A Bundle; `urls` gives fullUrls by id."""
    entries: list[Json] = []
    for resource in resources:
        url = (urls or {}).get(str(resource.get("id")))
        entries.append({"resource": resource} | ({"fullUrl": url} if url else {}))
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def json_text(resource: Json) -> str:
    """A resource as text, for tests that care how its numbers are written."""
    return json.dumps(resource)
