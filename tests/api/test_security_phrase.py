"""The phrase of one's own that every true message repeats."""

import json

import pytest

from tests.support.aws_calls import recorded
from tests.support.notices import told
from tests.support.portal import Answer, Person, Portal

PATH = "/v1/me/security-phrase"
PHRASE = "two grey herons"


def put(person: Person, phrase: object, etag: str | None = None) -> Answer:
    headers = {"If-Match": etag or person.get(PATH).header("etag") or ""}
    return person.call("PUT", PATH, {"security_phrase": phrase}, headers=headers)


@pytest.fixture(scope="module")
def person(portal: Portal) -> Person:
    return portal.register()


def test_a_phrase_is_set_changed_and_taken_away(portal: Portal) -> None:
    person = portal.register()
    assert person.get(PATH).json == {"security_phrase": None}
    for phrase in (PHRASE, "¿Dónde está el gato?", None):
        assert put(person, phrase).json == {"security_phrase": phrase}
        assert person.get(PATH).json == {"security_phrase": phrase}


def test_a_phrase_is_kept_composed_and_without_space_around_it(person: Person) -> None:
    assert put(person, "  cafe\u0301 ").json == {"security_phrase": "café"}


@pytest.mark.parametrize(
    ("phrase", "code"),
    [
        ("", "phrase_too_short"),
        ("x" * 61, "phrase_too_long"),
        ("x" * 300, "too_long"),
        ("two\nlines", "phrase_unusable_characters"),
        ("\u202egnirts", "phrase_unusable_characters"),
        ("pay at example.com", "phrase_address"),
        ("mae@example", "phrase_address"),
        (7, "text_expected"),
    ],
)
def test_what_cannot_be_a_phrase_is_told_and_nothing_is_stored(person: Person, phrase: object, code: str) -> None:
    before = put(person, PHRASE).json
    refused = put(person, phrase)
    assert refused.status == 422
    assert [(error["pointer"], error["code"]) for error in refused.json["errors"]] == [("/security_phrase", code)]
    assert all(error["detail"] and "{" not in error["detail"] for error in refused.json["errors"])
    assert person.get(PATH).json == before


def test_a_version_of_the_account_is_edited_once(portal: Portal) -> None:
    """BK 9: the phrase is edited with the account's version."""
    person = portal.register()
    version = person.get("/v1/me").header("etag") or ""
    assert person.get(PATH).header("etag") == version
    changed = put(person, PHRASE, etag=version)
    assert changed.header("etag") == person.get("/v1/me").header("etag") != version
    stale = put(person, "another one", etag=version)
    assert (stale.status, stale.json["code"]) == (412, "stale_version")
    assert person.call("PUT", PATH, {"security_phrase": None}).status == 428
    assert person.get(PATH).json == {"security_phrase": PHRASE}


def test_a_phrase_has_to_be_named(person: Person) -> None:
    refused = person.call("PUT", PATH, {}, headers={"If-Match": person.get(PATH).header("etag") or ""})
    assert [(error["pointer"], error["code"]) for error in refused.json["errors"]] == [("/security_phrase", "missing")]


def test_the_messages_to_its_owner_repeat_it_and_nothing_else_shows_it(portal: Portal) -> None:
    person = portal.register()
    phrase = "seven paper lanterns"
    with recorded() as calls:
        changed = put(person, phrase)
        elsewhere = [
            person.get(path).text for path in ("/v1/me", "/v1/sessions", "/v1/me/notices", "/v1/patients/me/summary")
        ]
    assert not [text for text in elsewhere if phrase in text]
    entries = [one for one in portal.rows("audit") if one["request_id"]["S"] == changed.header("x-request-id")]
    assert [(one["action"]["S"], json.loads(one["about"]["S"])) for one in entries] == [
        ("account:phrase:edit", {"is_set": True})
    ]
    writes = [call for call in calls if call.is_write]
    assert [call.operation for call in writes] == ["TransactWriteItems"]
    told(person)
    unconfirmed, own = sorted(portal.emails(person.patient.email), key=lambda email: "was changed" in email.subject)
    assert phrase in (own.text or "")
    assert phrase in (own.html or "")
    assert phrase not in own.subject
    # A mailbox that nobody has confirmed may be a stranger's, who would know how to make a false message look true.
    assert phrase not in (unconfirmed.text or "") + (unconfirmed.html or "")
