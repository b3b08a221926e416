"""What the value of a field may be. A check that fails leaves the value as it stands on the picture, and unsure."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from chalicelib.domain.identity.contacts import NotAPhone, parse_phone


@dataclass(frozen=True, slots=True)
class Value:
    """A value, and whether it is one that the field may have beyond doubt."""

    text: str
    is_sure: bool


def sure(text: str) -> Value:
    """A value beyond doubt."""
    return Value(text, is_sure=True)


def unsure(text: str) -> Value:
    """A value that may be another, or none."""
    return Value(text, is_sure=False)


_LOOKALIKE: Final = re.compile(r"[0-9][OoIilSBZ]|[OoIil][0-9]")
"""Letters beside a digit that an engine, and people, may take for a digit."""

_GLUED: Final = re.compile(
    r"(?<!\bMc)(?<!\bMac)(?<!\bDe)(?<!\bLa)[a-zà-ÿ][A-ZÀ-Þ]|[A-ZÀ-Þ]{3,}[a-zà-ÿ]{2}|[^\W\d_]{3,}\d|[^\W\d_]{16,}"
)
"""Two words whose space an engine may have missed."""

_ID: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9]|[ \-/.](?=[A-Z0-9])){1,29}")
_NAME: Final = re.compile(r"[^\W\d_][\w'’.,\- ]{2,60}")
_PHONE: Final = re.compile(
    r"(?<![\d\-])(?:\+?1[\s.\-]{0,2})?\(?[2-9]\d{2}\)?[\s.\-/]{0,3}\d{3}[\s.\-]{0,3}\d{4}(?!\d|-\d)"
)
_US_NUMBER: Final = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}")


def plain(text: str) -> str:
    """A text without accents and capitals, letter for letter: every place in it is the same as in the text."""
    return "".join(unicodedata.normalize("NFKD", one)[0].casefold()[:1] or one for one in text)


def code(text: str, *, digits: int = 1) -> Value:
    """A number of a contract, a group or a prescription, with at least so many digits."""
    shown = text.strip(" .,:;#|")
    has_shape = _ID.fullmatch(shown) is not None and sum(one.isdigit() for one in shown) >= digits
    return Value(shown, has_shape and not _LOOKALIKE.search(shown))


def name(text: str, *, words: int = 1) -> Value:
    """A name, of at least so many words."""
    shown = text.strip(" ,:;|-–*")
    has_shape = _NAME.fullmatch(shown) is not None and not any(one.isdigit() for one in shown)
    return Value(shown, has_shape and len(shown.split()) >= words and not _GLUED.search(shown))


def phrase(text: str) -> Value:
    """Words of any kind, such as a plan's or a subject's."""
    shown = text.strip(" :;|-–*")
    is_sure = sum(one.isalpha() for one in shown) > 1 and not _LOOKALIKE.search(shown) and not _GLUED.search(shown)
    return Value(shown, is_sure)


def whole(text: str, most: int) -> Value:
    """A count from 0 to `most`; a unit may follow."""
    found = re.fullmatch(r"\s*#?\s*(\d{1,4})(?:\.0+)?\s*(?:[^\W\d_]{2,}\.?)?\s*", text)
    if found is None:
        return unsure(text.strip())
    return Value(str(int(found[1])), int(found[1]) <= most)


@dataclass(frozen=True, slots=True)
class Spot:
    """A value that stands in a text, with its place there."""

    value: Value
    start: int
    end: int


def phones(text: str) -> list[Spot]:
    """Every telephone number in a text: in E.164 where it can be one, as it stands where it cannot."""
    return [Spot(_phone(found[0].strip()), found.start(), found.end()) for found in _PHONE.finditer(text)]


def _phone(text: str) -> Value:
    try:
        number = parse_phone(text)
    except NotAPhone:
        return unsure(text)
    return sure(number) if _US_NUMBER.fullmatch(number) else unsure(text)


_MONTHS: Final = {
    month: number
    for number, names in enumerate(
        (
            "january jan enero ene",
            "february feb febrero",
            "march mar marzo",
            "april apr abril abr",
            "may mayo",
            "june jun junio",
            "july jul julio",
            "august aug agosto ago",
            "september sep sept septiembre setiembre",
            "october oct octubre",
            "november nov noviembre",
            "december dec diciembre dic",
        ),
        start=1,
    )
    for month in names.split()
}
_LONG: Final = 4
"""Letters of a name that could be a part of another word."""


def _any_month(*, long: bool) -> str:
    named = (name for name in _MONTHS if (len(name) > _LONG) is long)
    return "|".join(sorted(named, key=len, reverse=True))


# An engine may miss the space between words: the long names of months are known in between, too.
_MONTH: Final = rf"(?P<month>{_any_month(long=True)}|(?<![a-z])(?:{_any_month(long=False)}))(?![a-z])\.?"
_YEAR: Final = r"(?P<year>\d{4}|\d{2})(?!\d)"
_OF: Final = r"\s*(?:o\s*)?(?:del?|[-/,])?\s*"
_DATES: Final = (
    (re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?!\d)"), "iso"),
    (re.compile(rf"{_MONTH}\s*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s*[,.]?\s*{_YEAR}"), "words"),
    (re.compile(rf"(?<!\d)(?P<day>\d{{1,2}}){_OF}{_MONTH}{_OF}{_YEAR}"), "words"),
    (
        re.compile(
            rf"(?<![\d/.\-])(?P<first>\d{{1,2}})\s?[/.\-]\s?(?P<second>\d{{1,2}})\s?[/.\-]\s?{_YEAR}(?![/.\-]\d)"
        ),
        "numbers",
    ),
)


def days(text: str, *, is_spanish: bool) -> list[Spot]:
    """Every day in a text, as `YYYY-MM-DD` where it is one.

    4/5 is in April to one and in May to another: it is unsure on a paper in Spanish, and in April on one in English.
    """
    found = [
        Spot(_day(match.groupdict(), form, text[slice(*match.span())], is_spanish=is_spanish), *match.span())
        for pattern, form in _DATES
        for match in pattern.finditer(plain(text))
    ]
    found.sort(key=lambda one: (one.start, -one.end))
    kept: list[Spot] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _day(parts: dict[str, str], form: str, shown: str, *, is_spanish: bool) -> Value:
    year = int(parts["year"]) + (2000 if len(parts["year"]) == 2 else 0)  # noqa: PLR2004  Two digits of a year.
    is_sure = True
    if form == "numbers":
        first, second = int(parts["first"]), int(parts["second"])
        month, day = (second, first) if first > 12 else (first, second)  # noqa: PLR2004  Months.
        is_sure = first <= 12 and (not is_spanish or second > 12 or first == second)  # noqa: PLR2004  Months.
    else:
        month = _MONTHS[parts["month"]] if form == "words" else int(parts["month"])
        day = int(parts["day"])
    try:
        return Value(date(year, month, day).isoformat(), is_sure)
    except ValueError:
        return unsure(shown)


def between(day: Spot, first: date, last: date) -> Spot:
    """A day that is unsure unless it is one of these."""
    if not day.value.is_sure or first <= date.fromisoformat(day.value.text) <= last:
        return day
    return replace(day, value=unsure(day.value.text))


_SPANISH: Final = re.compile(
    r"\b(?:fecha|cantidad|tome|tomar|receta|medico|farmacia|titular|miembro|afiliado|asegurado|seguro|grupo|resurtidos?|"
    r"asunto|estimad[oa]s?|cita|clinica|telefono|por|para|los|las|una|del|con|de)\b"
)
_FEW = 3


def is_spanish(text: str) -> bool:
    """Whether a paper is in Spanish, in part at least."""
    return len(set(_SPANISH.findall(plain(text)))) >= _FEW
