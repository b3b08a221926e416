"""Whatever the portal says has words, in every language it speaks, and a status where it is a refusal."""

import ast
import string

import pytest

from chalicelib import errors, words
from chalicelib.domain.notices import NoticeKind
from chalicelib.handlers import problems, requests
from tests.architecture.sources import PACKAGE, chalicelib

_LANGUAGES = words.languages()


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
    for path in (PACKAGE / "templates").rglob("*.*"):
        said = {part.split('"')[0] for part in path.read_text("utf-8").split('say("')[1:]}
        assert said - words.catalogue("en").keys() == set(), path
