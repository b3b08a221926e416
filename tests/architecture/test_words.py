"""Whatever the portal says has words, in every language it speaks, and a status where it is a refusal."""

import ast
import re
import string

import pytest

from chalicelib import errors, words
from chalicelib.domain import security_questions
from chalicelib.domain.legal import LegalKind
from chalicelib.domain.notices import NoticeKind
from chalicelib.handlers import problems, requests
from tests.architecture.sources import PACKAGE, chalicelib
from tests.support import messages

_LANGUAGES = words.languages()
_TRANSLATIONS = [language for language in _LANGUAGES if language != words.DEFAULT]
_ANY_NAME = "[a-z0-9_]+"
_SAME_IN_EVERY_LANGUAGE = {"export.no", "number.point", "number.thousands", "time.clock", "time.moment"}
"""Patterns without a word, which English and the Spanish of the United States have in common, and "No"."""


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def _field_codes() -> set[str]:
    """Every code that the source gives a field: the first argument of FieldProblem, the second of FieldError."""
    found = set(requests._CODES.values()) | {"wrong_value"}  # noqa: SLF001  The table that the words belong to.
    for source in chalicelib():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                place = {"FieldProblem": 0, "FieldError": 1}.get(name)
                if place is not None and len(node.args) > place and isinstance(code := node.args[place], ast.Constant):
                    found.add(str(code.value))
    return found


@pytest.mark.parametrize("language", _LANGUAGES)
def test_every_language_has_the_words_of_english_with_the_same_placeholders(language: str) -> None:
    english, other = words.catalogue("en"), words.catalogue(language)
    assert other.keys() == english.keys()
    assert [key for key in english if _placeholders(other[key]) != _placeholders(english[key])] == []
    assert [key for key, text in other.items() if not text.strip()] == []


@pytest.mark.parametrize("kind", errors.all_errors(), ids=lambda kind: kind.code)
def test_every_refusal_has_a_status_and_words(kind: type[errors.PortalError]) -> None:
    assert 400 <= problems.status_of(kind) <= 599
    for part in ("title", "detail", "cure"):
        assert words.catalogue("en")[f"error.{kind.code}.{part}"]


def test_every_refusal_has_a_code_of_its_own_in_snake_case() -> None:
    codes = [kind.code for kind in errors.all_errors()]
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if not code.isidentifier() or code != code.lower()] == []


def test_no_words_of_a_refusal_are_left_over() -> None:
    told = {key.split(".")[1] for key in words.catalogue("en") if key.startswith("error.")}
    assert told == {kind.code for kind in errors.all_errors()}


def test_a_title_and_a_cure_need_no_values() -> None:
    catalogue = words.catalogue("en")
    parts = [key for key in catalogue if key.startswith("error.") and key.endswith((".title", ".cure"))]
    assert [key for key in parts if _placeholders(catalogue[key])] == []


def test_every_code_of_a_field_has_words() -> None:
    codes = _field_codes()
    assert {"missing", "unknown_field", "given_twice", "zone_missing", "email_expected"} <= codes
    assert {code for code in codes if f"field.{code}" not in words.catalogue("en")} == set()


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_of_notice_has_its_templates(kind: NoticeKind) -> None:
    folder = PACKAGE / "templates" / "email" / kind
    assert {path.name for path in folder.iterdir()} >= {"subject.txt", "body.txt", "body.html"}


def test_no_template_says_what_is_in_no_catalogue() -> None:
    keys = words.catalogue("en").keys()
    said = messages.said_in_templates()
    assert {key for key in said if key not in keys and not _begins_a_key(key)} == set()


def _begins_a_key(text: str) -> bool:
    return text.endswith(".") and any(key.startswith(text) for key in words.catalogue("en"))


@pytest.mark.parametrize("language", _TRANSLATIONS)
def test_no_words_were_copied_instead_of_translated(language: str) -> None:
    english, other = words.catalogue("en"), words.catalogue(language)
    assert {key for key in english if english[key] == other[key]} - _SAME_IN_EVERY_LANGUAGE == set()


@pytest.mark.parametrize("language", _TRANSLATIONS)
@pytest.mark.parametrize("name", messages.templates())
def test_every_message_and_page_is_in_the_readers_language(name: str, language: str) -> None:
    for everything in (True, False):
        english = _sentences(messages.shown(name, words.DEFAULT, everything=everything))
        other = _sentences(messages.shown(name, language, everything=everything))
        assert other
        assert english & other == set()


def _sentences(text: str) -> set[str]:
    """The lines of a text that are more than a name, an address, a number or a code."""
    given = {str(value) for value in messages.SAMPLES.values()}
    lines = {line.strip() for line in re.sub(r"https?://\S+", "", text.replace(messages.clinic(), "")).splitlines()}
    return {line for line in lines - given if re.search(r"[^\W\d_]", line)}


def _strings_of_the_source() -> tuple[set[str], re.Pattern[str]]:
    """Every string, and what matches those that are made of values, where at least a word of them is known."""
    nodes = [node for source in chalicelib() for node in ast.walk(source.tree)]
    made = {"".join(map(_as_pattern, node.values)) for node in nodes if isinstance(node, ast.JoinedStr)}
    telling = [pattern for pattern in made if re.search("[a-z]{3}", pattern.replace(_ANY_NAME, ""))]
    plain = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    return plain, re.compile("|".join(telling))


def _as_pattern(part: ast.expr) -> str:
    return re.escape(str(part.value)) if isinstance(part, ast.Constant) else _ANY_NAME


def test_no_words_are_left_over_that_nobody_says() -> None:
    plain, made = _strings_of_the_source()
    plain |= messages.said_in_templates()
    members: dict[str, set[str]] = {
        "field": _field_codes() | plain,
        "legal": set(LegalKind),
        "notice": set(NoticeKind) | plain,
        "question": set(security_questions.QUESTIONS),
    }

    def is_said(key: str) -> bool:
        area, member = key.split(".")[:2]
        if area in members:
            return member in members[area] or (area == "field" and made.fullmatch(member) is not None)
        return key in plain or key.rpartition(".")[0] in plain or made.fullmatch(key) is not None

    assert [key for key in words.catalogue("en") if not is_said(key)] == []
