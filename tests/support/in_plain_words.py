"""Every way in which the portal says things in plain words: the library, explanations, questions, a language model."""

import json
import uuid

from tests.support import fhir
from tests.support.aws_answers import answering_for
from tests.support.portal import Person, Portal
from tests.support.setting import setting

CONSENT, QUESTIONS = "/v1/patients/me/language-model-consent", "/v1/patients/me/questions"


def every_way(portal: Portal) -> None:
    """Terms, what records mean, what is asked, followed up and removed; a model that helps, and one that is let go."""
    for path in ("/v1/library", "/v1/library?q=asthm", "/v1/library/asthma"):
        assert portal.call("GET", path).status == 200, path
    patient = portal.new_patient()
    person = portal.register(patient)
    assert portal.import_fhir(fhir.lab(f"Patient/{patient.resource_id}")).status == 200
    _consent(person, is_given=True)
    record_id = person.get("/v1/patients/me/records?category=lab").json["items"][0]["record_id"]
    said = {"output": {"message": {"role": "assistant", "content": [{"text": "none"}]}}, "stopReason": "end_turn"}
    with setting("LANGUAGE_MODEL", "example.model-v1:0"), answering_for("bedrock-runtime", said):
        assert person.get(f"/v1/patients/me/records/{record_id}/explanation?rephrase=true").status == 200
        _ask(person, "What was my last A1c?", rephrase=True)
    _consent(person, is_given=False)
    first = _ask(person, "What was my last A1c?")
    _ask(person, "Is that high?", thread_id=first["thread_id"])
    assert person.get(QUESTIONS).status == person.get(f"{QUESTIONS}/{first['question_id']}").status == 200
    assert person.call("DELETE", f"{QUESTIONS}/{first['question_id']}?whole_thread=true").status == 204


def _consent(person: Person, *, is_given: bool) -> None:
    tag = {"If-Match": person.get(CONSENT).header("etag") or ""}
    assert person.call("PUT", CONSENT, {"consent": is_given}, headers=tag).status == 200


def _ask(person: Person, question: str, **more: object) -> dict[str, str]:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    answer = person.call("POST", QUESTIONS, {"question": question, **more}, headers=headers)
    assert answer.status == 201, answer.text
    found: dict[str, str] = json.loads(answer.text)
    return found
