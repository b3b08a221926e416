"""What may be a security phrase: one line of the patient's own, and nothing that a mail program makes a link of."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.security_phrase import LONGEST, NotAPhrase, parse


@pytest.mark.parametrize(
    "phrase",
    [
        "two grey herons",
        "Rosie, 4 o'clock. Always!",
        "¿Dónde está el gato?",
        "Dr. Bird sings at 3.30 in B.C.",
        "अक्षय क\u094d\u200dष",
        "雪 🦉 улица",
        "12.5 miles",
        "a.b",
    ],
)
def test_an_ordinary_line_is_a_phrase(phrase: str) -> None:
    assert parse(phrase) == unicodedata.normalize("NFC", phrase)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "too_short"),
        ("   ", "too_short"),
        ("\u200d", "too_short"),
        ("x" * (LONGEST + 1), "too_long"),
        ("two\nlines", "unusable_characters"),
        ("a\ttab", "unusable_characters"),
        ("bell\x07", "unusable_characters"),
        ("line\u2028separator", "unusable_characters"),
        ("hard\u00a0space", "unusable_characters"),
        ("turned \u202etxet", "unusable_characters"),
        ("zero\u200bwidth", "unusable_characters"),
        ("lone \ud800", "unusable_characters"),
        ("private \ue000", "unusable_characters"),
        ("http://example.com", "address"),
        ("HTTPS example", "address"),
        ("see www for more", "address"),
        ("example.com", "address"),
        ("go to EXAMPLE.Org/now", "address"),
        ("call me at mae@example", "address"),
        ("ftp://x", "address"),
        ("10.0.0.1", "address"),
        ("exam\u200dple.com", "address"),
        ("example\uff0ecom", "address"),
        ("example\u3002com", "address"),
        ("example\uff61com", "address"),
        ("example\u2024com", "address"),
        ("\uff45\uff58ample.com", "address"),
        ("mae\uff20example", "address"),
        ("xn--bcher-kva.example", "address"),
        ("bücher.example", "address"),
        ("пример.рф", "address"),
    ],
)
def test_what_cannot_be_a_phrase_is_told_by_its_reason(text: str, problem: str) -> None:
    with pytest.raises(NotAPhrase) as refused:
        parse(text)
    assert refused.value.problem == problem


def test_sixty_characters_are_counted_after_composing() -> None:
    decomposed = "e\u0301" * LONGEST
    assert parse(decomposed) == "é" * LONGEST


def test_space_around_it_is_not_kept() -> None:
    assert parse("  two grey herons ") == "two grey herons"


@given(st.text(max_size=80))
def test_what_is_a_phrase_is_one_visible_line_and_stays_as_it_is(text: str) -> None:
    try:
        phrase = parse(text)
    except NotAPhrase:
        return
    assert parse(phrase) == phrase == unicodedata.normalize("NFC", phrase)
    assert 0 < len(phrase) <= LONGEST
    assert len(phrase.splitlines()) == 1


@given(
    st.text("abcdefghijklmnopqrstuvwxyz ", max_size=10),
    st.from_regex(r"[a-z0-9]{1,8}[.\uff0e\u3002][a-z]{2,6}", fullmatch=True),
    st.text("abcdefghijklmnopqrstuvwxyz /?!,", max_size=10),
)
def test_an_address_anywhere_in_it_is_found(before: str, address: str, after: str) -> None:
    with pytest.raises(NotAPhrase, match="address"):
        parse(before + address + after)
