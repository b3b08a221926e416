"""Pictures of cards, labels and letters: sent, read, confirmed, taken away (AC 4, AC 8, AP 5)."""

import json
import uuid
from typing import Any

import pytest

from chalicelib.auth.limits import Limit
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.picture_readings import FIELDS, TRIES, PictureKind
from chalicelib.domain.staff import Role
from chalicelib.models import audit
from chalicelib.services import picture_readings
from infra.local.scanner import EICAR
from tests.support import leaving, textract
from tests.support.aws_calls import failing, refused, unreachable
from tests.support.documents import jpeg, keys, pdf, send
from tests.support.links import account_id_of
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.picture_readings import CARD, LABEL, LETTER, PATH, Asked, ask, seen_to, sent
from tests.support.pictures import Sample, photographed
from tests.support.portal import Person, Portal
from tests.support.setting import setting


def _again(person: Person) -> Person:
    """The same person, signed in again."""
    person.session = person.portal.sign_in(person.username).json
    return person


# --- from beginning to end -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", [CARD, LABEL, LETTER], ids=lambda one: one.kind)
def test_a_picture_is_sent_checked_read_and_its_fields_are_there_to_be_confirmed(
    portal: Portal, sample: Sample
) -> None:
    person = portal.register()
    made = ask(person, kind=sample.kind, file_name="C:\\photos\\IMG_1.JPG")
    assert (made.status, made.json["status"], made.json["reason"]) == (201, "waiting", None)
    assert send(made.json["upload"], photographed(sample)) == 204
    reading = Asked(person, made.json["reading_id"])
    assert reading.json["status"] in {"waiting", "checking"}
    with textract.reading(sample) as asked:
        portal.drain()
    found = reading.json
    assert (found["status"], found["confirmed"], found["can_retry"]) == ("ready", None, False)
    assert [one["name"] for one in found["fields"]] == list(FIELDS[PictureKind(sample.kind)])
    assert reading.found == sample.fields
    assert {one["is_certain"] for one in found["fields"]} == {True}
    assert sample.words[0][3] in found["text"][0]
    assert len(asked) == 1
    (row,) = person.get(PATH).json["items"]
    assert row == {name: value for name, value in found.items() if name in row}
    assert {"text", "fields", "confirmed"} & set(row) == set()


def test_what_is_confirmed_is_kept_with_who_and_when_and_nothing_is_taken_over_by_itself(portal: Portal) -> None:
    person = portal.register()
    with textract.reading(CARD):
        reading = seen_to(person)
    before = person.get("/v1/patients/me/records").json
    answer = reading.confirm(member_id=" XQP904417326 ", payer="Blue  Prairie", phone="(312) 555-0142", plan="")
    assert answer.status == 200
    kept = {one["name"]: one["value"] for one in answer.json["confirmed"]["fields"]}
    assert kept == {"member_id": "XQP904417326", "payer": "Blue Prairie", "phone": "+13125550142"}
    assert answer.json["status"] == "confirmed"
    assert (answer.json["confirmed"]["confirmed_by"], answer.json["confirmed"]["confirmed_by_me"]) == ("self", True)
    assert reading.found == CARD.fields
    assert person.get("/v1/patients/me/records").json == before
    (entry,) = (
        one
        for one in audit.find_entries(f"patient#{person.patient.patient_id}")
        if one.action == "picture_reading:confirm"
    )
    assert entry.actor_id == account_id_of(person)
    assert entry.details["fields"] == ["member_id", "payer", "phone"]
    assert "XQP904417326" not in json.dumps(entry.details)


def test_what_was_confirmed_can_be_corrected(portal: Portal) -> None:
    person = portal.register()
    with textract.reading(CARD):
        reading = seen_to(person)
    assert reading.confirm(member_id="XQP1").status == 200
    assert reading.confirm(member_id="XQP2").status == 200
    assert [one["value"] for one in reading.json["confirmed"]["fields"]] == ["XQP2"]
    actions = [one.action for one in audit.find_entries(f"patient#{person.patient.patient_id}")]
    assert actions.count("picture_reading:confirm") == 2


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ([{"name": "medicine", "value": "x"}], "/fields/0/name", "unknown_field"),
        ([{"name": "plan", "value": "x"}, {"name": "plan", "value": "y"}], "/fields/1/name", "given_twice"),
        ([{"name": "phone", "value": "call us"}], "/fields/0/value", "phone_expected"),
        ([{"name": "member_id", "value": "4111 1111 1111 1111"}], "/fields/0/value", "card_number"),
        ([{"name": "plan", "value": "x\u0000"}], "/fields/0/value", "wrong_form"),
        ([{"name": "plan", "value": "x" * 501}], "/fields/0/value", "too_long"),
        ([{"name": "plan", "value": "x", "is_certain": True}], "/fields/0/is_certain", "unknown_field"),
    ],
)
def test_what_cannot_be_confirmed_is_named(
    portal: Portal, fields: list[dict[str, Any]], pointer: str, code: str
) -> None:
    person = portal.register()
    with textract.reading(CARD):
        reading = seen_to(person)
    answer = person.call("POST", f"{reading.path}/confirm", {"fields": fields})
    assert answer.status == 422
    assert [(one["pointer"], one["code"]) for one in answer.json["errors"]] == [(pointer, code)]
    assert (reading.json["status"], reading.json["confirmed"]) == ("ready", None)


def test_a_day_is_confirmed_as_a_day(portal: Portal) -> None:
    person = portal.register()
    with textract.reading(LETTER):
        reading = seen_to(person, kind="letter")
    answer = reading.confirm(date="November 16")
    assert [one["code"] for one in answer.json["errors"]] == ["date_expected"]
    assert reading.confirm(date="2026-11-16").status == 200


def test_nothing_is_confirmed_before_it_is_read(portal: Portal) -> None:
    reading = sent(portal.register())
    answer = reading.confirm(plan="x")
    assert (answer.status, answer.json["code"]) == (409, "reading_not_ready")


def test_the_number_of_a_bank_card_is_masked_and_becomes_no_field(portal: Portal) -> None:
    person = portal.register()
    words = [
        (40, 40, 30, "Member ID: 4111 1111 1111 1111"),
        (40, 120, 30, "Group"),
        (40, 160, 30, "5500-0055-5555-5559"),
    ]
    with textract.answering(textract.blocks(words, (800, 600))):
        reading = seen_to(person)
    text = json.dumps(reading.json, ensure_ascii=False)
    assert "Member ID: •••• •••• •••• 1111" in text
    assert reading.found == {}
    assert "4111" not in text
    stored = json.dumps([row for row in portal.rows("patients") if row["pk"]["S"] == person.patient.patient_id])
    assert "4111" not in stored
    assert "5500" not in stored


def test_the_picture_that_is_read_is_the_clean_one_and_can_be_compared(portal: Portal) -> None:
    from urllib.request import urlopen

    person = portal.register()
    with textract.reading(CARD) as asked:
        reading = seen_to(person, jpeg())
    assert b"Exif" not in asked[0]["body"]
    with urlopen(reading.json["picture_url"]) as answer:
        assert answer.headers["content-disposition"] == 'attachment; filename="portal-file.jpg"'
    assert reading.upload_id not in keys(portal, "Quarantine")


# --- what is not read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (pdf(), "no_picture", "We can only read pictures."),
        (EICAR, "not_taken", "This file may hold a virus."),
        (b"MZ\x90", "not_taken", "We cannot take a file of this kind."),
    ],
)
def test_what_is_no_picture_fails_with_a_plain_reason(portal: Portal, content: bytes, code: str, words: str) -> None:
    person = portal.register()
    with textract.reading(CARD) as asked:
        reading = seen_to(person, content)
    found = reading.json
    assert (found["status"], found["reason_code"], found["can_retry"], found["text"]) == ("failed", code, False, [])
    assert found["reason"].startswith(words)
    assert asked == []
    assert [one["title"] for one in person.get("/v1/me/notices").json["items"]] == ["Please confirm your email address"]
    answer = person.call("POST", f"{reading.path}/retry")
    assert (answer.status, answer.json["code"]) == (409, "reading_not_repeatable")


def test_a_picture_without_words_says_so(portal: Portal) -> None:
    with textract.answering(textract.blocks([], (10, 10))):
        reading = seen_to(portal.register())
    assert (reading.json["status"], reading.json["reason_code"]) == ("failed", "no_text")


def test_where_nothing_reads_it_says_so_and_no_picture_is_asked_for(portal: Portal) -> None:
    person = portal.register()
    with setting("TEXT_RECOGNITION", "off"):
        made = ask(person)
    assert (made.status, made.json["status"], made.json["upload"]) == (201, "not_available", None)
    assert made.json["reason"] == "We do not read pictures at this clinic now. Please type what stands on it."
    reading = Asked(person, made.json["reading_id"])
    assert reading.json["can_retry"] is False
    assert person.call("DELETE", reading.path).status == 204


def test_without_the_engine_it_says_so_and_the_picture_can_be_read_later(portal: Portal) -> None:
    person = portal.register()
    reading = sent(person)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("chalicelib.clients.text_recognition.alone.find_spec", lambda name: None)
        portal.drain()
    assert (reading.json["status"], reading.json["reason_code"]) == ("not_available", "no_engine")
    assert person.call("POST", f"{reading.path}/retry").status == 202
    with textract.reading(CARD):
        portal.drain()
    assert reading.found == CARD.fields


def _wait(portal: Portal, rounds: int = TRIES + 2) -> None:
    for _ in range(rounds):
        portal.drain()
        portal.advance(minutes=4)


@pytest.mark.parametrize("error", [unreachable(), refused("ProvisionedThroughputExceededException")])
def test_while_textract_is_down_it_is_tried_again_then_fails_clearly_and_the_rest_works(
    portal: Portal, error: Exception
) -> None:
    person = portal.register()
    reading = sent(person)
    with textract.reading(CARD), failing(lambda call: call.service == "textract", error) as calls:
        portal.drain()
        assert reading.json["status"] == "reading"
        assert person.get("/v1/patients/me/records").status == 200
        _wait(portal)
        found = Asked(_again(person), reading.reading_id).json
    assert (found["status"], found["reason_code"], found["can_retry"]) == ("failed", "unreachable", True)
    assert (
        found["reason"] == "What reads our pictures did not answer. Nothing is lost. Please try again in a few minutes."
    )
    assert len(calls) == TRIES
    with textract.reading(CARD):
        answer = person.call("POST", f"{reading.path}/retry")
        assert (answer.status, answer.json["status"], answer.json["reason"]) == (202, "reading", None)
        portal.drain()
    assert reading.found == CARD.fields


def test_textract_down_for_a_moment_is_not_noticed(portal: Portal) -> None:
    reading = sent(portal.register())
    with textract.reading(CARD):
        with failing(lambda call: call.service == "textract", unreachable(), times=2):
            _wait(portal, 3)
        assert Asked(_again(reading.person), reading.reading_id).json["status"] == "ready"


def test_a_picture_that_textract_cannot_read_fails_at_once(portal: Portal) -> None:
    reading = sent(portal.register())
    error = refused("UnsupportedDocumentException")
    with textract.reading(CARD), failing(lambda call: call.service == "textract", error) as calls:
        portal.drain()
    assert (reading.json["status"], reading.json["reason_code"]) == ("failed", "unreadable")
    assert len(calls) == 1


# --- who -------------------------------------------------------------------------------------------------------------


def test_caregivers_with_everything_act_and_whoever_cares_for_the_patient_reads(portal: Portal) -> None:
    person = portal.register()
    pid = person.patient.patient_id
    path = f"/v1/patients/{pid}/picture-readings"
    daughter = token_of(new_caregiver(pid, Scope.EVERYTHING))
    other = token_of(new_caregiver(pid, *(set(Scope) - {Scope.EVERYTHING})))
    clinician = token_of(new_staff(Role.CLINICIAN, cares_for=pid))
    made = ask(person, token=daughter, path=path)
    assert (made.status, made.json["sent_by"], made.json["sent_by_me"]) == (201, "caregiver", True)
    assert send(made.json["upload"], photographed(CARD)) == 204
    with textract.reading(CARD):
        portal.drain()
    one, body = f"{path}/{made.json['reading_id']}", {"fields": [{"name": "plan", "value": "PPO"}]}
    for token, read, act in ((other, 404, 404), (clinician, 200, 404), (daughter, 200, 200)):
        assert portal.call("GET", path, token=token).status == read
        assert portal.call("GET", one, token=token).status == read
        assert portal.call("POST", f"{one}/confirm", body, token=token).status == act
    found = person.get(one).json["confirmed"]
    assert (found["confirmed_by"], found["confirmed_by_me"]) == ("caregiver", False)
    downloads = [
        one.details["by"] for one in audit.find_entries(f"patient#{pid}") if one.action == "picture_reading:download"
    ]
    assert downloads == ["staff", "caregiver", "caregiver"]
    assert portal.call("DELETE", one, token=daughter).status == 204


# --- lists, limits, leaving ------------------------------------------------------------------------------------------


def test_readings_are_listed_newest_first_page_by_page(portal: Portal) -> None:
    person = portal.register()
    made = [ask(person).json["reading_id"] for _ in range(5)]
    found: list[str] = []
    query: str | None = "?limit=2"
    while query:
        page = person.get(PATH + query).json
        found += [one["reading_id"] for one in page["items"]]
        query = f"?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert found == made[::-1]


def test_asking_again_is_the_same_reading(portal: Portal) -> None:
    person, key = portal.register(), str(uuid.uuid4())
    first, again = ask(person, key=key), ask(person, key=key)
    assert first.json["reading_id"] == again.json["reading_id"]
    assert ask(person, key=key, kind="letter").status == 422
    assert len(person.get(PATH).json["items"]) == 1


def test_so_many_a_day_and_no_more_and_reading_again_counts(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_readings, "A_DAY", Limit(2, 86_400))
    person = portal.register()
    reading = sent(person)
    with textract.reading(CARD), failing(lambda call: call.service == "textract", refused("BadDocumentException")):
        portal.drain()
    assert person.call("POST", f"{reading.path}/retry").status == 202
    assert ask(person).status == 429


def test_what_is_taken_away_is_gone_with_its_text_and_its_picture(portal: Portal) -> None:
    person = portal.register()
    with textract.reading(CARD):
        reading = seen_to(person)
    upload_id = reading.upload_id
    assert reading.confirm(plan="PPO Silver 2500").status == 200
    assert person.call("DELETE", reading.path).status == 204
    assert person.get(reading.path).status == 404
    portal.drain()
    assert not [key for name in ("Quarantine", "Records") for key in keys(portal, name) if upload_id in key]
    assert not [row for row in portal.rows("patients") if reading.reading_id in row["sk"]["S"]]


@pytest.mark.parametrize("step", ["quarantine", "reading"])
def test_what_is_taken_away_before_it_is_read_leaves_nothing(portal: Portal, step: str) -> None:
    person = portal.register()
    reading = sent(person)
    upload_id = reading.upload_id
    with textract.reading(CARD):
        if step == "reading":
            with failing(lambda call: call.service == "textract", unreachable()):
                portal.drain()
        assert person.call("DELETE", reading.path).status == 204
        _wait(portal, 3)
    assert not [key for name in ("Quarantine", "Records") for key in keys(portal, name) if upload_id in key]
    assert not [row for row in portal.rows("patients") if reading.reading_id in row["sk"]["S"]]


def test_an_account_that_is_removed_takes_its_readings_along(portal: Portal) -> None:
    person = portal.register()
    with textract.reading(CARD):
        reading = seen_to(person)
    upload_id = reading.upload_id
    leaving.closed(person)
    portal.advance(days=30, minutes=1)
    portal.drain()
    assert not [key for key in keys(portal, "Records") if upload_id in key]
    kinds = [row["kind"]["S"] for row in portal.rows("patients") if row["pk"]["S"] == person.patient.patient_id]
    assert not {"picture_reading", "picture_text"} & set(kinds)


def test_the_copy_of_an_account_has_what_was_read_and_confirmed(portal: Portal) -> None:
    person = portal.register()
    with textract.reading(CARD):
        reading = seen_to(person)
    assert reading.confirm(plan="PPO Gold").status == 200
    _, file, _ = leaving.download(leaving.exported(person)["download_url"])
    (row,) = json.loads(file)["picture_readings"]
    assert (row["reading_id"], row["confirmed"], row["fields"]) == (
        reading.reading_id,
        {"plan": "PPO Gold"},
        CARD.fields,
    )


def test_an_engine_of_this_machine_reads_in_a_process_of_its_own(portal: Portal) -> None:
    pytest.importorskip(
        "rapidocr", reason="requirements-pictures.txt is not installed: this system has no wheels for it"
    )
    reading = seen_to(portal.register(), photographed(LABEL, 90), kind="medicine_label")
    found = reading.json
    assert found["status"] == "ready", found["reason"]
    assert {one["name"] for one in found["fields"] if one["is_certain"]} >= set(LABEL.fields) - {"instructions"}
    assert reading.found == LABEL.fields
