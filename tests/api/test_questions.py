"""Questions about a record: two hundred of them with what each has to find, and what the answers may never say."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.caregivers import Scope
from chalicelib.domain.questions.intents import REFUSED, Intent
from chalicelib.domain.staff import Role
from tests.support.asking import CANARIES, Asked, another, lab, text_of, years_ago
from tests.support.fhir import Json
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.portal import Portal

_CARD = "4111 1111 1111 1111"
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_OURS = {"911", "988", "1-800-222-1222"}
_PER_HOUR = 100
_UNSURE = frozenset({Intent.REFILL, Intent.BILL, Intent.BOOK, Intent.MESSAGE, Intent.UNCOVERED})


@dataclass(frozen=True)
class Row:
    """A line of the table: `flags` has s for misspelt, t for a trap, e for an emergency."""

    language: str
    flags: str
    intent: str
    records: frozenset[str]
    question: str


def _rows() -> list[Row]:
    path = Path(__file__).parent.parent / "support" / "questions.tsv"
    found = (line.split("\t") for line in path.read_text("utf-8").splitlines() if line)
    return [Row(one[0], one[1], one[2], frozenset(filter(None, one[3].split(","))), one[4]) for one in found]


ROWS = _rows()


@pytest.fixture(scope="module")
def asked(portal: Portal) -> Asked:
    another(portal)
    return Asked(portal)


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _values(member)
    elif value is not None:
        yield str(value)


def _numbers_of(record: Json) -> set[str]:
    """Every number of a record, and the parts of its dates, as people write them."""
    return {number.lstrip("0") or "0" for text in _values(record) for number in re.findall(r"\d+(?:\.\d+)?", text)}


def wrong_numbers(answer: Json, records: dict[str, Json]) -> list[str]:
    """Numbers of an answer's sentences on records that are in none of those records."""
    wrong = []
    for sentence in answer["sentences"]:
        if sentence["source"]["kind"] != "record":
            continue
        known = set().union(*(_numbers_of(records[one]) for one in sentence["record_ids"]))
        wrong += [one for one in _NUMBER.findall(sentence["text"]) if one.lstrip("0") not in known and one not in known]
    return wrong


def test_the_table_has_two_hundred_questions_a_third_in_spanish_and_a_fourth_misspelt() -> None:
    assert len({row.question for row in ROWS}) == len(ROWS) >= 200
    assert 3 * sum(row.language == "es" for row in ROWS) >= len(ROWS)
    assert 4 * sum("s" in row.flags for row in ROWS) >= len(ROWS)
    assert 5 * sum(bool({"t", "e"} & set(row.flags)) for row in ROWS) >= len(ROWS)


def test_every_question_finds_its_records_says_no_wrong_number_and_leaks_nothing(portal: Portal, asked: Asked) -> None:
    records = asked.records()
    bad, wrong, leaks = [], 0, 0
    for place, row in enumerate(ROWS):
        if place % _PER_HOUR == _PER_HOUR - 1:
            portal.advance(hours=1, minutes=1)
        answer = asked.answered(row.question)
        is_emergency = bool(answer["next_steps"]) and answer["next_steps"][0]["kind"] == "emergency"
        found = (
            answer["language"],
            answer["intent"] if row.intent else "",
            frozenset(asked.named(answer)),
            is_emergency,
        )
        if found != (row.language, row.intent, row.records, "e" in row.flags):
            bad.append((row.question, found))
        if row.intent in REFUSED - {Intent.DIAGNOSIS} | _UNSURE:
            assert answer["covered"] is False, row.question
        assert answer["sentences"], row.question
        wrong += len(wrong_numbers(answer, records))
        leaks += any(canary in text_of(answer) for canary in CANARIES)
        print(f"{row.language} {row.intent or 'emergency':14} {','.join(sorted(row.records)) or '-':40} {row.question}")
    print(f"{len(ROWS)} questions, {len(bad)} answered otherwise, {wrong} wrong numbers, {leaks} leaks")
    assert (bad, wrong, leaks) == ([], 0, 0)


def test_the_extractor_sees_a_number_that_no_record_has(asked: Asked) -> None:
    answer = asked.answered("What is my A1c?")
    answer["sentences"][0]["text"] = "Hemoglobin A1c: 9.9 % (May 10)."
    assert wrong_numbers(answer, asked.records()) == ["9.9"]


def test_a_follow_up_goes_on_from_what_was_asked_before(asked: Asked) -> None:
    first = asked.answered("What was my last A1c?")
    thread = first["thread_id"]
    before = asked.answered("and before that?", thread_id=thread)
    assert (asked.named(before), before["thread_id"]) == ({"a1c_old"}, thread)
    assert asked.named(asked.answered("when was that?", thread_id=thread)) == {"a1c_old"}
    assert asked.named(asked.answered("what about my LDL?", thread_id=thread)) == {"ldl"}
    assert "ldl" in asked.named(asked.answered("is that high?", thread_id=thread))
    cholesterol = asked.answered("¿Cuál fue mi colesterol?")["thread_id"]
    assert asked.named(asked.answered("¿y en 2019?", thread_id=cholesterol)) == {"cholesterol_2019"}


def test_a_question_may_come_with_its_record(asked: Asked) -> None:
    by_name = {name: record_id for record_id, name in asked.names.items()}
    answer = asked.answered("What does this mean?", record_id=by_name["potassium"])
    assert (answer["intent"], asked.named(answer)) == ("meaning", {"potassium"})
    refused = asked.put("What is this?", record_id="rec_01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert (refused.status, refused.json["errors"][0]["code"]) == (422, "record_unknown")


def test_a_caregiver_hears_of_what_their_scopes_open_and_nothing_else(portal: Portal, asked: Asked) -> None:
    token = token_of(new_caregiver(asked.patient_id, Scope.MEDICATIONS))
    assert "lisinopril" in asked.named(asked.answered("What medicines do I take?", token=token))
    for question in ("What is my A1c?", "List my conditions", "What changed since 2001?", "When was my last visit?"):
        assert asked.named(asked.answered(question, token=token)) <= {
            "lisinopril",
            "metformin",
            "warfarin",
            "amlodipine",
        }
    everything = token_of(new_caregiver(asked.patient_id, Scope.EVERYTHING))
    for question in ("List my conditions", "What is zebrafever?", "What changed since 2001?"):
        answer = asked.answered(question, token=everything)
        assert "secret" not in asked.named(answer)
        assert not any("Zebrafever" in one["text"] for one in answer["sentences"])


def test_what_a_reader_holds_back_is_not_told(portal: Portal) -> None:
    asked = Asked(portal)
    path = f"/v1/patients/{asked.patient_id}/release-preferences"
    tag = portal.call("GET", path, token=asked.token()).header("etag") or ""
    wish = {"categories": {"lab": "after_comment"}}
    assert portal.call("PUT", path, wish, token=asked.token(), headers={"If-Match": tag}).status == 200
    portal.advance(seconds=5)
    asked.take(lab("4548-4", "Hemoglobin A1c", 8.88, "%", f"{years_ago(0)}-01-02"))
    assert "8.88" not in text_of(asked.put("What is my A1c?").json)
    assert "8.88" not in text_of(asked.put("Is my A1c high?").json)


def test_questions_are_their_askers_alone(portal: Portal, asked: Asked) -> None:
    question_id = asked.answered("What is asthma?")["question_id"]
    path = f"/v1/patients/{asked.patient_id}/questions/{question_id}"
    caregiver = token_of(new_caregiver(asked.patient_id, Scope.EVERYTHING))
    clinician = token_of(new_staff(Role.CLINICIAN, cares_for=asked.patient_id))
    for token in (caregiver, clinician):
        assert {portal.call(method, path, token=token).status for method in ("GET", "DELETE")} == {404}
    assert portal.call("GET", path, token=asked.token()).json["question"] == "What is asthma?"
    assert portal.call("DELETE", path, token=asked.token()).status == 204
    assert portal.call("GET", path, token=asked.token()).status == 404


def test_a_thread_is_listed_and_removed_as_a_whole(portal: Portal, asked: Asked) -> None:
    first = asked.answered("What is my LDL?")
    second = asked.answered("is that high?", thread_id=first["thread_id"])
    listed = f"/v1/patients/{asked.patient_id}/questions?thread={first['thread_id']}"
    items = portal.call("GET", listed, token=asked.token()).json["items"]
    assert [one["question_id"] for one in items] == [second["question_id"], first["question_id"]]
    one = f"/v1/patients/{asked.patient_id}/questions/{first['question_id']}?whole_thread=true"
    assert portal.call("DELETE", one, token=asked.token()).status == 204
    assert portal.call("GET", listed, token=asked.token()).status == 404


def test_the_same_question_sent_again_is_one_question(asked: Asked) -> None:
    key = str(uuid.uuid4())
    first, again = (asked.put("What is my A1c?", key=key) for _ in range(2))
    assert (again.status, again.json) == (201, first.json)
    assert asked.put("What is my LDL?", key=key).status == 422


def test_a_card_number_is_refused_and_not_kept(portal: Portal, asked: Asked) -> None:
    refused = asked.put(f"pay with {_CARD} please")
    assert (refused.status, refused.json["errors"][0]["code"]) == (422, "card_number")
    assert "1111" not in refused.text
    kept = str(portal.rows("accounts"))
    assert _CARD not in kept
    assert _CARD.replace(" ", "") not in kept


@settings(max_examples=40, deadline=None)
@given(question=st.text(min_size=1, max_size=300))
def test_whatever_is_typed_is_answered_with_sources_or_refused(asked: Asked, question: str) -> None:
    asked.portal.advance(minutes=1)
    given_back = asked.put(question)
    assert given_back.status in {201, 422}, given_back.text
    if given_back.status == 201:
        assert given_back.json["sentences"]
        assert all(one["source"]["kind"] for one in given_back.json["sentences"])
