"""Whoever reads at the level of the sixth grade understands every page that a link can show, in both languages."""

import html
import re
from collections.abc import Iterator

import pytest

from chalicelib import errors, words
from chalicelib.domain import passwords, security_questions
from chalicelib.domain.links import LinkEnd, LinkPurpose
from chalicelib.errors import FieldError
from chalicelib.handlers.pages import rendering
from chalicelib.handlers.pages.page import Step
from chalicelib.settings import settings
from tests.support.reading import HIGHEST_GRADE, cleaned, grade

_BLOCKS = re.compile(r"</?(p|li|h1|h2|label|button|div|ul|header|main|footer|form)\b[^>]*>")
_BODY = re.compile(r"<body>(.*)</body>", re.DOTALL)
_REFUSALS = (
    errors.NotFound(),
    errors.MethodNotAllowed(),
    errors.EmailTaken(),
    errors.ResetNotAccepted(),
    errors.TooManyRequests(60),
    errors.InternalError(),
    errors.Unavailable(5),
)


def _pages(language: str) -> Iterator[tuple[str, str]]:
    """Every page by its name, as HTML."""
    for purpose in LinkPurpose:
        yield f"{purpose}/form", _shown(f"{purpose}/form", language)
        yield f"{purpose}/done", _shown(f"{purpose}/done", language)
        for end in LinkEnd:
            yield f"{purpose}, {end}", str(rendering.ended(purpose, end, language).body)
    for question in security_questions.QUESTIONS:
        yield f"question {question}", _shown("reset_password/question", language, question=question)
    yield "staff_invitation/factor", _shown("staff_invitation/factor", language)
    for form, problems in (
        ("verify_email/form", (FieldError("/date_of_birth", "birth_date_unreadable"),)),
        ("verify_email/form", (FieldError("/date_of_birth", "birth_date_wrong"),)),
        ("reset_password/form", (FieldError("/new_password", "new_password_missing"),)),
        ("reset_password/question", (FieldError("/security_answer", "security_answer_wrong"),)),
        ("staff_invitation/factor", (FieldError("/code", "code_wrong"),)),
        ("staff_invitation/form", (FieldError("/username", "username_taken"),)),
    ):
        yield f"{form}, {problems[0].code}", _shown(form, language, *problems)
    for refusal in _REFUSALS:
        yield f"refusal {refusal.code}", str(rendering.refusal(refusal, "12345", language).body)


def _shown(template: str, language: str, *problems: FieldError, **values: object) -> str:
    sample: dict[str, object] = {
        "accept_url": "https://portal.example/invitations/x",
        "asks_birth_date": True,
        "typed": {},
        "change": words.say("page.undo_change.of.username", language),
        "messages": words.say("page.stop_messages.of.results", language),
        "shortest": passwords.SHORTEST,
        "question": next(iter(security_questions.QUESTIONS)),
        "sealed": "x",
        "codes": ["7HK2-M4QX"],
        "uri": "otpauth://totp/x",
        "qr": "",
        "key": "ABCD",
        "whose": "Ana",
        "dates": words.say("export.record.from", language, start="May 3, 2026"),
        "made_at": "May 3, 2026",
        "counts": ["1", "2"],
        "pdf_url": "https://portal.example/x",
        "fhir_url": "https://portal.example/x",
        **values,
    }
    return str(rendering.answer(Step(template, sample, problems), language).body)


def _said(page: str) -> str:
    body = _BODY.search(page)
    assert body is not None
    text = re.sub(r"<[^>]+>", " ", _BLOCKS.sub("\n", body[1]))
    names = {settings().clinic_name: "We", settings().clinic_phone: "1"}
    return cleaned(html.unescape(text), names)


@pytest.mark.parametrize("language", words.languages())
def test_every_page_is_at_or_under_grade_six(language: str) -> None:
    grades = {name: grade(_said(page), language) for name, page in _pages(language)}
    assert len(grades) > 40
    assert {name: found for name, found in grades.items() if found > HIGHEST_GRADE} == {}


def test_a_hard_page_would_be_found() -> None:
    hard = "<body><p>Authentication necessitates verification of demographic particulars.</p></body>"
    assert grade(_said(hard), "en") > HIGHEST_GRADE
