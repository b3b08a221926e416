"""The portal speaks English and Spanish: whoever asks for one of them is answered in it, and told so."""

import pytest

from chalicelib import words
from tests.support.portal import Answer, Portal

_SPANISH = "es-MX,es;q=0.9"


def _get(portal: Portal, path: str, accepted: str) -> Answer:
    return portal.call("GET", path, headers={"Accept-Language": accepted})


def test_the_configuration_lists_the_languages(portal: Portal) -> None:
    assert portal.call("GET", "/v1/config").json["languages"] == ["en", "es"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [(_SPANISH, "es"), ("es-419", "es"), ("es-US,en;q=0.9", "es"), ("en-US,es;q=0.9", "en"), ("de", "en")],
)
def test_a_problem_is_told_in_the_language_that_is_asked_for(portal: Portal, accepted: str, language: str) -> None:
    answer = _get(portal, "/v1/me", accepted)
    assert (answer.status, answer.header("content-language")) == (401, language)
    said = {part: words.say(f"error.not_signed_in.{part}", language) for part in ("title", "detail")}
    assert {part: answer.json[part] for part in said} == said


def test_a_field_to_mend_is_told_in_spanish(portal: Portal) -> None:
    answer = portal.call("POST", "/v1/sessions", {"password": "x"}, headers={"Accept-Language": _SPANISH})
    assert (answer.status, answer.header("content-language")) == (422, "es")
    assert answer.json["title"] == "Hay que corregir algo"
    assert {error["detail"] for error in answer.json["errors"]} == {"Esto hace falta."}


def test_a_value_within_a_sentence_is_in_the_spanish_sentence_too(portal: Portal) -> None:
    answer = portal.call("POST", "/v1/sessions", raw=b"x" * 300_000, headers={"Accept-Language": _SPANISH})
    assert (answer.status, answer.json["detail"]) == (413, "El portal admite 256 KiB aquí como máximo.")


@pytest.mark.parametrize("path", ["/v1/legal/terms", "/v1/legal/privacy", "/v1/security-questions", "/v1/errors"])
def test_what_anybody_may_read_is_there_in_both_languages(portal: Portal, path: str) -> None:
    english, spanish = _get(portal, path, "en"), _get(portal, path, _SPANISH)
    assert (english.header("content-language"), spanish.header("content-language")) == ("en", "es")
    assert english.json != spanish.json
    assert "Accept-Language" in (spanish.header("vary") or "")


def test_a_spanish_question_is_known_by_the_same_id(portal: Portal) -> None:
    english, spanish = (_get(portal, "/v1/security-questions", accepted).json["items"] for accepted in ("en", _SPANISH))
    assert [item["question_id"] for item in spanish] == [item["question_id"] for item in english]
    assert all(item["text"].startswith("¿") and item["text"].endswith("?") for item in spanish)
