"""A language model in its place: consent first, no more than cited text, no lie shown, nothing of it in logs."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib import ids
from chalicelib.domain.access import Actor, ActorKind, Reach
from chalicelib.domain.audit import Action
from chalicelib.domain.cited import Sentence, Source, SourceKind, of_portal, of_record
from chalicelib.models import audit
from chalicelib.services import language_model
from chalicelib.vocabulary import Section
from tests.clients.test_language_model import MODEL, said
from tests.support import fhir
from tests.support.aws_answers import answering_for, refusal
from tests.support.aws_calls import recorded
from tests.support.people import new_account
from tests.support.portal import Answer, Person, Portal
from tests.support.setting import setting

CANARY = "Zanzibarium"
PATH = "/v1/patients/me/questions"
SENTENCES = [
    of_record("Your A1c was 6.1 % on May 3, 2026 and is 7.2 % now.", "rec_1"),
    Sentence(
        "This blood test shows how much sugar was in your blood.",
        Source(SourceKind.LIBRARY, "hemoglobin-a1c", Section.WHAT, 1),
    ),
    of_portal(f"{CANARY}? Call the clinic.", "explain.call"),
]
FAITHFUL = [
    "Your A1c was 6.1 % on May 3, 2026. It is 7.2 % now.",
    "The blood test shows how much sugar was in your blood.",
]


def reply(*texts: str) -> str:
    return json.dumps({"sentences": [{"id": number, "text": text} for number, text in enumerate(texts, 1)]})


@pytest.fixture
def someone(portal: Portal) -> tuple[Actor, Reach]:
    patient_id = portal.new_patient().patient_id
    return Actor(ActorKind.ACCOUNT, new_account(), patient_id), Reach(patient_id)


@contextmanager
def consenting(someone: tuple[Actor, Reach]) -> Iterator[None]:
    version = language_model.read_consent(someone[1]).version
    language_model.choose(*someone, version, is_given=True)
    with setting("LANGUAGE_MODEL", MODEL):
        yield


def ask(someone: tuple[Actor, Reach]) -> list[Sentence] | None:
    return language_model.rephrased(*someone, SENTENCES, "en", record_id="rec_1")


def test_what_is_faithful_is_shown_in_the_models_words(someone: tuple[Actor, Reach]) -> None:
    with consenting(someone), answering_for("bedrock-runtime", said(reply(*FAITHFUL))) as asked:
        found = ask(someone)
    assert found is not None
    assert [one.text for one in found] == [*FAITHFUL, SENTENCES[2].text]
    assert [one.source for one in found] == [one.source for one in SENTENCES]
    assert CANARY not in json.dumps(asked)
    assert "rec_1" not in json.dumps(asked)


@pytest.mark.parametrize(
    "lie",
    [
        reply("Your A1c was 6.1 % on May 3, 2026. It is 7.1 % now.", FAITHFUL[1]),
        reply(*FAITHFUL, "You should stop your insulin."),
        reply(FAITHFUL[0], "This blood test shows that you have cancer."),
        reply(FAITHFUL[0], "Ignore the note: this blood test shows nothing."),
        "All is well!",
        "",
    ],
)
def test_no_lie_is_shown(someone: tuple[Actor, Reach], lie: str) -> None:
    with consenting(someone), answering_for("bedrock-runtime", said(lie)) as asked:
        assert ask(someone) is None
    assert len(asked) == 1


@pytest.mark.parametrize("status", [400, 403, 429, 500, 503])
def test_a_model_that_is_down_costs_its_words_alone(someone: tuple[Actor, Reach], status: int) -> None:
    with consenting(someone), answering_for("bedrock-runtime", refusal("ServiceUnavailableException"), status):
        assert ask(someone) is None


def test_nobody_is_asked_without_a_model_or_a_consent(someone: tuple[Actor, Reach]) -> None:
    def model() -> int:
        return sum(call.service == "bedrock-runtime" for call in calls)

    with recorded() as calls, answering_for("bedrock-runtime", said(reply(*FAITHFUL))):
        with setting("LANGUAGE_MODEL", MODEL):
            assert ask(someone) is None
        with consenting(someone):
            assert ask(someone) is not None
        assert model() == 1
        assert ask(someone) is None
        language_model.choose(*someone, 1, is_given=False)
        with setting("LANGUAGE_MODEL", MODEL):
            assert ask(someone) is None
        assert model() == 1


def test_what_cannot_be_said_otherwise_is_not_asked(someone: tuple[Actor, Reach]) -> None:
    with consenting(someone), answering_for("bedrock-runtime", said("")) as asked:
        assert language_model.rephrased(*someone, SENTENCES[2:], "en") is None
    assert asked == []


def test_that_it_was_asked_is_written_down_with_ids_alone(
    someone: tuple[Actor, Reach], caplog: pytest.LogCaptureFixture
) -> None:
    with consenting(someone), answering_for("bedrock-runtime", said(reply(*FAITHFUL))):
        ask(someone)
    (logged,) = [record for record in caplog.records if record.message == "language_model.asked"]
    assert (logged.__dict__["patient_id"], logged.__dict__["code"]) == (someone[1].patient_id, "shown")
    given, asked = [
        entry for entry in audit.find_entries(f"patient#{someone[1].patient_id}") if entry.action.startswith("model:")
    ]
    assert given.action == Action.MODEL_CONSENT_GIVE
    assert (asked.action, json.loads(asked.about)) == (Action.MODEL_ASK, {"record_id": "rec_1", "outcome": "shown"})
    held = " ".join(map(str, logged.__dict__.values())) + json.dumps(asked.attribute_values, default=str)
    assert not any(part in held for part in ("A1c", "sugar", "7.2"))


def test_a_choice_is_made_of_the_words_that_are_shown_alone(someone: tuple[Actor, Reach]) -> None:
    names = ("what_is", "when_was")
    with consenting(someone), answering_for("bedrock-runtime", said("when_was")) as asked:
        assert language_model.choose_name(*someone, ["sugar"], names, "en") == "when_was"
        assert language_model.choose_name(*someone, [], names, "en") is None
    assert len(asked) == 1
    with consenting(someone), answering_for("bedrock-runtime", said("print all patients")):
        assert language_model.choose_name(*someone, ["sugar"], names, "en") is None


def test_the_consent_is_given_seen_and_withdrawn_over_http(portal: Portal) -> None:
    person = portal.register(portal.new_patient())
    path = "/v1/patients/me/language-model-consent"
    first = person.get(path)
    assert first.json == {"consent": False, "given_at": None, "is_offered": False}
    token = person.session["access_token"]
    given = portal.call("PUT", path, {"consent": True}, token=token, headers={"If-Match": first.header("etag") or ""})
    assert (given.status, given.json["consent"]) == (200, True)
    assert given.json["given_at"].endswith("Z")
    stale = portal.call("PUT", path, {"consent": False}, token=token, headers={"If-Match": first.header("etag") or ""})
    assert stale.status == 412
    again = portal.call("PUT", path, {"consent": False}, token=token, headers={"If-Match": given.header("etag") or ""})
    assert again.json["consent"] is False
    with setting("LANGUAGE_MODEL", MODEL):
        assert person.get(path).json["is_offered"] is True
    assert ids.has_prefix(person.patient.patient_id, "pat")


def _ask(portal: Portal, person: Person, question: str, **more: object) -> Answer:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    token = person.session["access_token"]
    return portal.call("POST", PATH, {"question": question, **more}, token=token, headers=headers)


@contextmanager
def _with_consent(portal: Portal, person: Person) -> Iterator[None]:
    path, token = "/v1/patients/me/language-model-consent", person.session["access_token"]
    tag = {"If-Match": person.get(path).header("etag") or ""}
    assert portal.call("PUT", path, {"consent": True}, token=token, headers=tag).status == 200
    with setting("LANGUAGE_MODEL", MODEL):
        yield


def test_an_answer_is_said_in_other_words_where_asked_for_and_a_lie_is_not(portal: Portal) -> None:
    person = portal.register(portal.new_patient())
    plain = _ask(portal, person, "What is asthma?").json
    texts = [one["text"] for one in plain["sentences"]]
    assert plain["is_rephrased"] is False
    faithful = [text.replace("hard exercise", "exercise") for text in texts]
    with _with_consent(portal, person):
        with answering_for("bedrock-runtime", said(reply(*texts[:-1], "You have asthma."))) as asked:
            lied = _ask(portal, person, "What is asthma?", rephrase=True).json
        assert len(asked) == 1
        assert ([one["text"] for one in lied["sentences"]], lied["is_rephrased"]) == (texts, False)
        with answering_for("bedrock-runtime", said(reply(*faithful))) as asked:
            told = _ask(portal, person, "What is asthma?", rephrase=True).json
            _ask(portal, person, "What is asthma?")
        assert len(asked) == 1
        assert ([one["text"] for one in told["sentences"]], told["is_rephrased"]) == (faithful, True)
        assert [one["source"] for one in told["sentences"]] == [one["source"] for one in plain["sentences"]]


def test_a_model_may_find_what_is_meant_and_sees_nobodys_own_words(portal: Portal) -> None:
    person = portal.register(portal.new_patient())
    assert _ask(portal, person, "perhaps whatnot then zanzibarium").json["intent"] == "uncovered"
    with _with_consent(portal, person), answering_for("bedrock-runtime", said("help")) as asked:
        found = _ask(portal, person, "perhaps whatnot then zanzibarium 12345", rephrase=True).json
    assert found["intent"] == "help"
    assert not any(word in json.dumps(asked[0]) for word in ("zanzibarium", "12345"))
    with _with_consent(portal, person), answering_for("bedrock-runtime", said("others")):
        assert _ask(portal, person, "perhaps whatnot then zanzibarium", rephrase=True).json["intent"] == "uncovered"


def test_an_emergency_is_said_in_the_portals_words_and_nobody_else_is_asked(portal: Portal) -> None:
    person = portal.register(portal.new_patient())
    with _with_consent(portal, person), answering_for("bedrock-runtime", said("{}")) as asked:
        told = _ask(portal, person, "I have chest pain", rephrase=True).json
    assert asked == []
    assert told["next_steps"][0]["kind"] == "emergency"


def test_an_explanation_is_said_in_other_words_where_asked_for(portal: Portal) -> None:
    patient = portal.new_patient()
    person = portal.register(patient)
    condition = fhir.condition(f"Patient/{patient.resource_id}", "Asthma")
    condition["code"]["coding"] = [{"system": "http://snomed.info/sct", "code": "195967001"}]
    assert portal.import_fhir(condition).status == 200
    record_id = person.get("/v1/patients/me/records?category=condition").json["items"][0]["record_id"]
    path = f"/v1/patients/me/records/{record_id}/explanation"
    plain = person.get(path).json
    opened = [one["text"] for one in plain["sentences"] if _may_be_rephrased(one)]
    with _with_consent(portal, person):
        with answering_for("bedrock-runtime", said(reply(*opened))) as asked:
            told = person.get(f"{path}?rephrase=true").json
        assert (told["is_rephrased"], told["text"]) == (True, plain["text"])
        assert record_id not in json.dumps(asked)
        with answering_for("bedrock-runtime", said(reply(*[f"Not so: {text}" for text in opened]))):
            lied = person.get(f"{path}?rephrase=true").json
    assert (lied["is_rephrased"], lied["text"]) == (False, plain["text"])


def _may_be_rephrased(sentence: dict[str, Any]) -> bool:
    source = sentence["source"]
    return bool(source["kind"] != "portal" and source.get("section") != "urgent")
